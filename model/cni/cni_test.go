package cni

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/verdict"
)

var update = flag.Bool("update", false, "write docs/cni.md anew")

const page = "../../docs/cni.md"

func TestPageIsFresh(t *testing.T) {
	want := Page()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/cni.md is stale: go test ./model/cni -update")
	}
}

// A fact without a source is hearsay, and a trait without an effect says nothing.
func TestEveryFactHasASource(t *testing.T) {
	for _, p := range Catalogue() {
		for _, d := range p.Differences {
			if d.Text == "" || !strings.HasPrefix(d.Source, "https://") || strings.ContainsAny(d.Source, " <>|") {
				t.Errorf("%s %s: %q, source %q", p.Name, d.Trait, d.Text, d.Source)
			}
			if !slices.ContainsFunc(Effects, func(e Effect) bool { return e.Trait == d.Trait }) {
				t.Errorf("%s: nobody says what %s changes", p.Name, d.Trait)
			}
			if d.Since != "" && !IsVersion(d.Since) || d.Until != "" && !IsVersion(d.Until) {
				t.Errorf("%s %s: from %q to %q", p.Name, d.Trait, d.Since, d.Until)
			}
		}
	}
	if !slices.IsSorted(Names()) || len(slices.Compact(Names())) != len(Catalogue()) {
		t.Errorf("a name is there twice: %q", Names())
	}
}

func TestFor(t *testing.T) {
	off, on := Settings{}, Settings{
		"enable-k8s-cluster-network-policy": "true", "policy-cidr-match-mode": "nodes,pods", "enable-sctp": "true",
		"allow-localhost": "policy", "ClusterNetworkPolicy": "true", "AdminNetworkPolicy": "true",
	}
	for _, c := range []struct {
		name, version string
		settings      Settings
		want, absent  []Trait
	}{
		{"cilium", "", nil, []Trait{BlockSkipsPods, BlockSkipsNodes, NodeIngressOpen, NodeEgressPoliced},
			[]Trait{NoClusterPolicies, ClusterPolicies, NoAdminPolicies, NoEndPort, NoSCTP, NodeIngressPoliced}},
		{"cilium", "v1.15.3", nil, []Trait{NoEndPort, NoClusterPolicies, NoAdminPolicies}, []Trait{ClusterPolicies}},
		{"cilium", "v1.16.0-rc.1", nil, []Trait{NoClusterPolicies}, []Trait{NoEndPort}},
		{"cilium", "1.9", nil, []Trait{NoEndPort, NoClusterPolicies}, nil},
		{"cilium", "v1.20.0", nil, nil, []Trait{NoClusterPolicies, ClusterPolicies, NoAdminPolicies}},
		{"cilium", "v1.20.0", off, []Trait{NoClusterPolicies, NoSCTP, BlockSkipsPods}, []Trait{ClusterPolicies}},
		{"cilium", "v1.20.0", on, []Trait{ClusterPolicies, NodeIngressPoliced},
			[]Trait{NoClusterPolicies, NoSCTP, BlockSkipsPods, BlockSkipsNodes, NodeIngressOpen}},
		{"cilium", "v1.20.0", Settings{"policy-cidr-match-mode": "nodes"}, []Trait{BlockSkipsPods}, []Trait{BlockSkipsNodes}},
		{"cilium", "main", nil, nil, []Trait{NoClusterPolicies, ClusterPolicies}},
		{"calico", "", nil, []Trait{NodeIngressOpen}, []Trait{NoClusterPolicies, ClusterPolicies, NoAdminPolicies, AdminPolicies}},
		{"calico", "v3.28.1", nil, []Trait{NoClusterPolicies, NoAdminPolicies}, []Trait{AdminPolicies}},
		{"calico", "v3.29.2", nil, []Trait{NoClusterPolicies}, []Trait{AdminPolicies, NoAdminPolicies}},
		{"calico", "v3.31.7", nil, []Trait{NoClusterPolicies, AdminPolicies}, nil},
		{"canal", "v3.32.0", nil, []Trait{ClusterPolicies, NoAdminPolicies, NoNodePeers}, []Trait{AdminPolicies, NoClusterPolicies}},
		{"antrea", "v2.6.1", nil, []Trait{NoClusterPolicies}, []Trait{NoAdminPolicies, AdminPolicies}},
		{"antrea", "v2.7.0", off, []Trait{NoClusterPolicies, NoAdminPolicies}, nil},
		{"antrea", "v2.7.0", on, []Trait{ClusterPolicies, AdminPolicies}, nil},
		{"kube-network-policies", "v1.0.0", Settings{Variant: VariantCluster}, []Trait{ClusterPolicies, NoAdminPolicies, BaselineByPod, BlockMatchesPods}, nil},
		{"kube-network-policies", "v1.0.0", Settings{Variant: VariantStandard}, []Trait{NoClusterPolicies, NoAdminPolicies}, nil},
		{"kube-network-policies", "", nil, []Trait{BaselineByPod}, []Trait{NoClusterPolicies, ClusterPolicies}},
	} {
		p, ok := For(c.name, c.version, c.settings)
		if !ok || p.Version != c.version {
			t.Errorf("%s %s: %v, version %q", c.name, c.version, ok, p.Version)
		}
		for _, trait := range c.want {
			if !p.Has(trait) {
				t.Errorf("%s %s %v lacks %s", c.name, c.version, c.settings, trait)
			}
		}
		for _, trait := range c.absent {
			if p.Has(trait) {
				t.Errorf("%s %s %v has %s", c.name, c.version, c.settings, trait)
			}
		}
	}
}

// Nobody knows anything of a plugin that is not in the catalogue.
func TestForUnknown(t *testing.T) {
	if p, ok := For("cillium", "v1.15", Settings{}); ok || p.Name != "" || len(p.Differences) > 0 || p.Enforces != verdict.Unknown {
		t.Errorf("%+v, %v", p, ok)
	}
	if p, ok := For(None, "", nil); !ok || p.Enforces != verdict.Deny {
		t.Errorf("%+v, %v", p, ok)
	}
}

func TestImplements(t *testing.T) {
	for _, c := range []struct {
		version, kind string
		want          verdict.Verdict
	}{
		{"v3.28.0", "NetworkPolicy", verdict.Allow}, {"v3.28.0", "ClusterNetworkPolicy", verdict.Deny}, {"v3.28.0", "AdminNetworkPolicy", verdict.Deny},
		{"v3.31.0", "BaselineAdminNetworkPolicy", verdict.Allow}, {"v3.32.0", "ClusterNetworkPolicy", verdict.Allow},
		{"v3.32.0", "BaselineAdminNetworkPolicy", verdict.Deny}, {"", "ClusterNetworkPolicy", verdict.Unknown}, {"", "AdminNetworkPolicy", verdict.Unknown},
	} {
		p, _ := For("calico", c.version, nil)
		if got, d := p.Implements(c.kind); got != c.want || c.kind != "NetworkPolicy" && (d.Source == "") != (got == verdict.Unknown) {
			t.Errorf("%q %s: %s by %+v", c.version, c.kind, got, d)
		}
	}
	if got, _ := (Profile{}).Implements("NetworkPolicy"); got != verdict.Unknown {
		t.Errorf("a plugin nobody named: %s", got)
	}
}

// Traits that exclude each other never hold together, whatever version and settings.
func TestNoContradiction(t *testing.T) {
	pairs := [][2]Trait{
		{BlockSkipsPods, BlockMatchesPods}, {BaselineByPod, BaselineByDirection}, {NodeIngressOpen, NodeIngressPoliced},
		{ClusterPolicies, NoClusterPolicies}, {AdminPolicies, NoAdminPolicies},
	}
	for _, p := range Catalogue() {
		for _, version := range versions(p) {
			for _, s := range settings(p) {
				got, _ := For(p.Name, version, s)
				for _, pair := range pairs {
					if got.Has(pair[0]) && got.Has(pair[1]) {
						t.Errorf("%s %q %v has both %s and %s", p.Name, version, s, pair[0], pair[1])
					}
				}
			}
		}
	}
}

// versions are those at which something changes, one just before, and none.
func versions(p Profile) []string {
	out := []string{"", "0.1", "99.0"}
	for _, d := range p.Differences {
		for _, v := range []string{d.Since, d.Until} {
			if n := numbers(v); n != nil {
				out = append(out, v)
				if n[1] > 0 {
					out = append(out, fmt.Sprintf("%d.%d.9", n[0], n[1]-1))
				}
			}
		}
	}
	return out
}

// settings are all combinations of the values that something depends on.
func settings(p Profile) []Settings {
	out := []Settings{nil, {}}
	for _, d := range p.Differences {
		for _, s := range []Setting{d.When, d.Unless} {
			if s.Key == "" {
				continue
			}
			for _, have := range slices.Clone(out) {
				next := Settings{s.Key: s.Value}
				for k, v := range have {
					if k != s.Key {
						next[k] = v
					}
				}
				out = append(out, next)
			}
		}
		if len(out) > 500 {
			return out
		}
	}
	return out
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"v1.9.10", "1.10", true}, {"1.10", "1.9", false}, {"v1.20", "1.20.0", false}, {"1.20.0", "1.20", false},
		{"1.19.99", "1.20", true}, {"v3.28.1-0.dev", "3.29", true}, {"", "1.0", false}, {"latest", "1.0", false},
		{"sha256", "1.0", false}, {"20240813", "1.0", false}, {"v1.-2", "1.0", false}, {"1.", "1.5", false}, {"v1.2+cloud", "1.3", true},
	} {
		if got := Before(c.a, c.b); got != c.want {
			t.Errorf("Before(%q, %q) = %v", c.a, c.b, got)
		}
	}
}
