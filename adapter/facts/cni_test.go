package facts

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func TestPlugin(t *testing.T) {
	f, err := Parse("f", []byte("cni:\n  name: cilium\n  version: 1.20\n  clusterPolicies: true"))
	if err != nil {
		t.Fatal(err)
	}
	p := f.Profile
	if f.CNI != "cilium" || p.Name != "cilium" || p.Version != "1.20" || f.Enforces != verdict.Unknown {
		t.Errorf("%+v", f)
	}
	if !p.Has(cni.BlockSkipsPods) || !p.Has(cni.ClusterPolicies) || !p.Has(cni.AdminPolicies) || p.Has(cni.NoEndPort) {
		t.Errorf("%+v", p.Differences)
	}
	if f, _ = Parse("f", []byte("cni: {name: calico, version: v3.32.1, clusterPolicies: false}")); f.Profile.Has(cni.ClusterPolicies) || !f.Profile.Has(cni.NoClusterPolicies) {
		t.Errorf("what is stated does not count before what is documented: %+v", f.Profile)
	}
}

// A plugin that nobody here knows may be named by whoever says whether it enforces.
func TestPluginUnknown(t *testing.T) {
	f, err := Parse("f", []byte("cni: {name: house, enforces: true}"))
	if err != nil || f.CNI != "house" || f.Enforces != verdict.Allow || f.Profile.Name != "house" || len(f.Profile.Differences) > 0 {
		t.Errorf("%+v, %v", f, err)
	}
	for text, want := range map[string]string{
		"\ncni: {name: cillium}":               `line 2: cni.name: nothing is known of "cillium": want one of antrea, aws-vpc-cni,`,
		"cni: {version: 1.2.3}":                "line 1: cni.version: needs cni.name",
		"cni: {name: cilium, version: latest}": `line 1: cni.version: "latest" is not a version`,
		"cni: {name: cilium, version: [1]}":    "is expected",
		"cni:\n  clusterpolicies: true":        "line 2: field clusterpolicies not found in cni",
	} {
		if _, err := Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestNamePlugin(t *testing.T) {
	var f snapshot.Facts
	if _, err := NamePlugin(&f, "cillium"); err == nil || !strings.HasPrefix(err.Error(), "--cni cillium: want one of antrea, ") || f.CNI != "" {
		t.Errorf("%v, %+v", err, f)
	}
	if w, err := NamePlugin(&f, "cilium"); w != nil || err != nil || f.CNI != "cilium" || !f.Profile.Has(cni.BlockSkipsPods) || f.CNIOrigin.Field != "--cni" {
		t.Errorf("%v, %v, %+v", w, err, f)
	}
	f, _ = Parse("f", []byte("cni: {name: calico, version: v3.31.0, enforces: false, clusterPolicies: true}"))
	if w, err := NamePlugin(&f, "cilium"); err != nil || w == nil || w.Code != Contradiction || w.Origin.Line != 1 ||
		f.Enforces != verdict.Unknown || f.Profile.Name != "cilium" || f.Profile.Has(cni.ClusterPolicies) {
		t.Errorf("something of another plugin is left: %v, %v, %+v", w, err, f)
	}
	f, _ = Parse("f", []byte("cni: {name: calico, version: v3.31.0, enforces: false}"))
	if w, err := NamePlugin(&f, "calico"); w != nil || err != nil || f.Enforces != verdict.Deny || f.Profile.Version != "v3.31.0" {
		t.Errorf("what is stated of the same plugin is lost: %v, %v, %+v", w, err, f)
	}
	f, _ = Parse("f", []byte("cni: {clusterPolicies: false}"))
	if w, err := NamePlugin(&f, "calico"); w != nil || err != nil || !f.Profile.Has(cni.NoClusterPolicies) || !f.Profile.Has(cni.NodeIngressOpen) {
		t.Errorf("%v, %v, %+v", w, err, f)
	}
}
