package kube

import (
	"maps"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/facts"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func parsed(data string) object.Object {
	o, err := object.New([]byte(data), object.Source{}, "kube-system")
	if err != nil {
		panic(err)
	}
	return o
}

func daemonSet(name, container string) object.Object {
	return parsed(`{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"` + name + `"},"spec":{"template":{"spec":{"containers":[` + container + `]}}}}`)
}

func pluginMap(name, data string) object.Object {
	return parsed(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"` + name + `"},"data":{` + data + `}}`)
}

func definition(name string) object.Object {
	return parsed(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"` + name + `"}}`)
}

func TestCNI(t *testing.T) {
	for _, c := range []struct {
		what     string
		objects  []object.Object
		cni      string
		enforces verdict.Verdict
	}{
		{"no network plugin", []object.Object{daemonSet("node-exporter", `{}`)}, "", verdict.Unknown},
		{"flannel does not enforce", []object.Object{daemonSet("kube-flannel-ds", `{}`)}, "flannel", verdict.Deny},
		{"flannel for one architecture", []object.Object{daemonSet("kube-flannel-ds-amd64", `{}`)}, "flannel", verdict.Deny},
		{"calico beside flannel", []object.Object{daemonSet("calico-node", `{}`), daemonSet("kube-flannel-ds", `{}`)}, "calico", verdict.Allow},
		{"the same the other way round", []object.Object{daemonSet("kube-flannel-ds", `{}`), daemonSet("calico-node", `{}`)}, "calico", verdict.Allow},
		{"flannel with an enforcer in its pods", []object.Object{daemonSet("kube-flannel-ds",
			`{"image":"ghcr.io/flannel-io/flannel:v0.26.1"},{"image":"registry.k8s.io/networking/kube-network-policies:v0.7.0"}`)}, "kube-network-policies", verdict.Allow},
		{"by image", []object.Object{daemonSet("networking", `{"image":"registry.example:5000/mirror/cilium/cilium:v1.15.3"}`)}, "cilium", verdict.Allow},
		{"an image of another's", []object.Object{daemonSet("networking", `{"image":"registry.example/node"},{"image":"cilium"}`)}, "", verdict.Unknown},
		{"Microsoft's cilium", []object.Object{daemonSet("cilium", `{"image":"mcr.microsoft.com/oss/cilium/cilium:1.14.10"}`)}, "azure-cni-cilium", verdict.Allow},
		{"aws by default", []object.Object{daemonSet("aws-node", `{"args":["--enable-ipv6=false"]}`)}, "aws-vpc-cni", verdict.Deny},
		{"aws told not to", []object.Object{daemonSet("aws-node", `{"args":["--enable-network-policy=false"]}`)}, "aws-vpc-cni", verdict.Deny},
		{"aws told to", []object.Object{daemonSet("aws-node", `{},{"args":["--enable-network-policy=true"]}`)}, "aws-vpc-cni", verdict.Allow},
		{"aws with the controller off", []object.Object{daemonSet("aws-node", `{"args":["--enable-network-policy=true"]}`),
			pluginMap("amazon-vpc-cni", `"enable-network-policy-controller":"false"`)}, "aws-vpc-cni", verdict.Deny},
		{"aws with no agent but the controller", []object.Object{pluginMap("amazon-vpc-cni", `"enable-network-policy-controller":"true"`)}, "aws-vpc-cni", verdict.Allow},
		{"an agent told not to, and the controller", []object.Object{daemonSet("aws-node", `{}`),
			pluginMap("amazon-vpc-cni", `"enable-network-policy-controller":"true"`)}, "aws-vpc-cni", verdict.Deny},
		{"an old kindnet", []object.Object{daemonSet("kindnet", `{"image":"docker.io/kindest/kindnetd:v20240513-cbe1b8f"}`)}, "kindnet", verdict.Deny},
		{"a new kindnet", []object.Object{daemonSet("kindnet", `{"image":"docker.io/kindest/kindnetd:v20240813-c6f155d6"}`)}, "kindnet", verdict.Allow},
		{"a kindnet of no date", []object.Object{daemonSet("kindnet", `{"image":"kindnetd"}`)}, "kindnet", verdict.Unknown},
		{"a kindnet by itself", []object.Object{daemonSet("kindnet", `{"image":"ghcr.io/aojea/kindnetd:v1.8.0"}`)}, "kindnet", verdict.Allow},
		{"an old one", []object.Object{daemonSet("kindnet", `{"image":"ghcr.io/aojea/kindnetd:v1.2.0"}`)}, "kindnet", verdict.Deny},
		{"cilium that never enforces", []object.Object{daemonSet("cilium", `{}`), pluginMap("cilium-config", `"enable-policy":"never"`)}, "cilium", verdict.Deny},
		{"cilium without NetworkPolicy", []object.Object{daemonSet("cilium", `{}`), pluginMap("cilium-config", `"enable-k8s-networkpolicy":"false"`)}, "cilium", verdict.Deny},
		{"cilium with its defaults", []object.Object{daemonSet("cilium", `{}`), pluginMap("cilium-config", `"enable-policy":"default"`)}, "cilium", verdict.Allow},
		{"a setting without a plugin", []object.Object{pluginMap("cilium-config", `"enable-policy":"never"`)}, "", verdict.Unknown},
		{"OpenShift", []object.Object{parsed(`{"apiVersion":"config.openshift.io/v1","kind":"Network","metadata":{"name":"cluster"},"spec":{"networkType":"OVNKubernetes"}}`)}, "ovn-kubernetes", verdict.Allow},
		{"OpenShift's operator", []object.Object{parsed(`{"apiVersion":"operator.openshift.io/v1","kind":"Network","metadata":{"name":"cluster"},"spec":{"defaultNetwork":{"type":"OVNKubernetes"}}}`)}, "ovn-kubernetes", verdict.Allow},
		{"OpenShift with what nobody here knows", []object.Object{parsed(`{"apiVersion":"config.openshift.io/v1","kind":"Network","metadata":{"name":"cluster"},"status":{"networkType":"OpenShiftSDN"},"spec":{"networkType":"OVNKubernetes"}}`)}, "", verdict.Unknown},
		{"Calico's operator", []object.Object{parsed(`{"apiVersion":"operator.tigera.io/v1","kind":"Installation","metadata":{"name":"default"},"spec":{"cni":{"type":"AmazonVPC"}}}`)}, "calico", verdict.Allow},
		{"kinds of one plugin", []object.Object{definition("ciliumnetworkpolicies.cilium.io")}, "cilium", verdict.Unknown},
		{"kinds of two", []object.Object{definition("ciliumnetworkpolicies.cilium.io"), definition("ippools.crd.projectcalico.org")}, "", verdict.Unknown},
		{"kinds beside what runs", []object.Object{definition("ciliumnetworkpolicies.cilium.io"), daemonSet("kube-flannel-ds", `{}`)}, "flannel", verdict.Deny},
		{"kinds of others", []object.Object{definition("clusters.postgresql.cnpg.io")}, "", verdict.Unknown},
	} {
		t.Run(c.what, func(t *testing.T) {
			var s snapshot.Snapshot
			Convert(c.objects, &s)
			if s.Facts.CNI != c.cni || s.Facts.Enforces != c.enforces {
				t.Errorf("%s %s, want %s %s", s.Facts.CNI, s.Facts.Enforces, c.cni, c.enforces)
			}
			if s.Facts.Profile.Name != c.cni || (s.Facts.CNIOrigin.Object == "") != (c.cni == "") {
				t.Errorf("profile %q, origin %q", s.Facts.Profile.Name, s.Facts.CNIOrigin)
			}
			if len(s.Warnings) > 0 || len(s.Problems) > 0 {
				t.Errorf("%v %v", s.Warnings, s.Problems)
			}
		})
	}
}

// Version and settings come from the objects, and decide what holds.
func TestProfile(t *testing.T) {
	const cilium120 = `{"image":"quay.io/cilium/cilium:v1.20.1@sha256:0123"}`
	for _, c := range []struct {
		what    string
		objects []object.Object
		version string
		has     cni.Trait
		hasNot  cni.Trait
	}{
		{"cilium of no version", []object.Object{daemonSet("cilium", `{}`)}, "", cni.BlockSkipsPods, cni.NoClusterPolicies},
		{"an old cilium", []object.Object{daemonSet("cilium", `{"image":"quay.io/cilium/cilium:v1.15.3"}`)}, "v1.15.3", cni.NoEndPort, cni.ClusterPolicies},
		{"a new one", []object.Object{daemonSet("cilium", cilium120)}, "v1.20.1", cni.BlockSkipsNodes, cni.NoClusterPolicies},
		{"with defaults", []object.Object{daemonSet("cilium", cilium120), pluginMap("cilium-config", ``)}, "v1.20.1", cni.NoClusterPolicies, cni.ClusterPolicies},
		{"told to", []object.Object{daemonSet("cilium", cilium120), pluginMap("cilium-config", `"enable-k8s-cluster-network-policy":"true","policy-cidr-match-mode":"nodes"`)},
			"v1.20.1", cni.ClusterPolicies, cni.BlockSkipsNodes},
		{"the map of another namespace", []object.Object{daemonSet("cilium", cilium120),
			parsed(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cilium-config","namespace":"shop"},"data":{"policy-cidr-match-mode":"nodes"}}`)}, "v1.20.1", cni.BlockSkipsNodes, cni.NoClusterPolicies},
		{"antrea", []object.Object{daemonSet("antrea-agent", `{"image":"antrea/antrea-agent-ubuntu:v2.7.0"}`),
			pluginMap("antrea-config", `"antrea-controller.conf":"featureGates:\n  ClusterNetworkPolicy: true\n"`)}, "v2.7.0", cni.ClusterPolicies, cni.AdminPolicies},
		{"antrea with a broken file", []object.Object{daemonSet("antrea-agent", `{"image":"antrea/antrea-agent-ubuntu:v2.7.0"}`),
			pluginMap("antrea-config", `"antrea-controller.conf":"featureGates: ["`)}, "v2.7.0", cni.NodeIngressOpen, cni.NoClusterPolicies},
		{"calico's operator", []object.Object{parsed(`{"apiVersion":"operator.tigera.io/v1","kind":"Installation","metadata":{"name":"default"},"status":{"variant":"Calico","calicoVersion":"v3.28.1"}}`)},
			"v3.28.1", cni.NoAdminPolicies, cni.ClusterPolicies},
		{"its enterprise variant", []object.Object{parsed(`{"apiVersion":"operator.tigera.io/v1","kind":"Installation","metadata":{"name":"default"},"status":{"variant":"TigeraSecureEnterprise","calicoVersion":"v3.20.0"}}`)},
			"", cni.NodeIngressOpen, cni.NoAdminPolicies},
		{"policies alone", []object.Object{daemonSet("kube-network-policies", `{"image":"registry.k8s.io/networking/kube-network-policies:v1.0.0"}`)}, "v1.0.0", cni.NoClusterPolicies, cni.ClusterPolicies},
		{"policies of clusters", []object.Object{daemonSet("kube-network-policies", `{"image":"registry.k8s.io/networking/kube-network-policies:v1.0.0-npa-v1alpha2"}`)}, "v1.0.0", cni.ClusterPolicies, cni.AdminPolicies},
		{"older ones by flags", []object.Object{daemonSet("kube-network-policies", `{"image":"registry.k8s.io/networking/kube-network-policies:v0.2.0","args":["-admin-network-policy=true","-baseline-admin-network-policy=true"]}`)},
			"v0.2.0", cni.AdminPolicies, cni.NoAdminPolicies},
		{"one flag of two", []object.Object{daemonSet("kube-network-policies", `{"image":"registry.k8s.io/networking/kube-network-policies:v0.2.0","args":["-admin-network-policy=true"]}`)},
			"v0.2.0", cni.BaselineByPod, cni.NoAdminPolicies},
		{"a digest is no version", []object.Object{daemonSet("calico-node", `{"image":"quay.io/calico/node@sha256:0123"}`)}, "", cni.NodeIngressOpen, cni.NoClusterPolicies},
	} {
		t.Run(c.what, func(t *testing.T) {
			var s snapshot.Snapshot
			Convert(c.objects, &s)
			if p := s.Facts.Profile; p.Version != c.version || !p.Has(c.has) || p.Has(c.hasNot) {
				t.Errorf("version %q, %s %v, %s %v", p.Version, c.has, p.Has(c.has), c.hasNot, p.Has(c.hasNot))
			}
		})
	}
}

// What somebody stated counts before what the objects show; where they contradict
// each other a warning tells of it.
func TestStated(t *testing.T) {
	flannel, calico := daemonSet("kube-flannel-ds", `{}`), daemonSet("calico-node", `{"image":"quay.io/calico/node:v3.28.1"}`)
	for _, c := range []struct {
		facts, flag string
		object      object.Object
		cni         string
		enforces    verdict.Verdict
		version     string
		warning     string
	}{
		{"cni: {name: cilium}", "", parsed(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`), "cilium", verdict.Allow, "", ""},
		{"cni: {name: none}", "", daemonSet("a", `{}`), "none", verdict.Deny, "", ""},
		{"cni: {name: none}", "", flannel, "none", verdict.Deny, "", ""},
		{"cni: {name: none}", "", calico, "none", verdict.Deny, "", "shows the network plugin calico"},
		{"cni: {name: calico}", "", calico, "calico", verdict.Allow, "v3.28.1", ""},
		{"cni: {name: calico, version: v3.30.0}", "", calico, "calico", verdict.Allow, "v3.30.0", ""},
		{"cni: {name: calico, enforces: false}", "", calico, "calico", verdict.Deny, "v3.28.1", "calico (does not enforce NetworkPolicy) is stated, and DaemonSet"},
		{"cni: {name: cilium}", "", calico, "cilium", verdict.Allow, "", "the network plugin cilium is stated, and DaemonSet kube-system/calico-node shows"},
		{"cni: {enforces: true}", "", flannel, "", verdict.Allow, "", "shows the network plugin flannel"},
		{"cni: {enforces: false}", "", calico, "", verdict.Deny, "", "shows the network plugin calico"},
		{"cni: {enforces: true}", "", calico, "calico", verdict.Allow, "v3.28.1", ""},
		{"cni: {name: house, enforces: true}", "", daemonSet("a", `{}`), "house", verdict.Allow, "", ""},
		{"", "cilium", calico, "cilium", verdict.Allow, "", "shows the network plugin calico"},
		{"", "calico", calico, "calico", verdict.Allow, "v3.28.1", ""},
		{"", "aws-vpc-cni", daemonSet("aws-node", `{}`), "aws-vpc-cni", verdict.Deny, "", ""},
		{"", "aws-vpc-cni", daemonSet("a", `{}`), "aws-vpc-cni", verdict.Unknown, "", ""},
		{"cni: {name: cilium, enforces: true}", "flannel", daemonSet("a", `{}`), "flannel", verdict.Deny, "", "--cni that it is flannel"},
		{"cni: {enforces: true}", "none", daemonSet("a", `{}`), "none", verdict.Deny, "", "not so of none"},
		{"cni: {name: aws-vpc-cni, enforces: true}", "aws-vpc-cni", daemonSet("a", `{}`), "aws-vpc-cni", verdict.Allow, "", ""},
		{"cni: {enforces: true}", "aws-vpc-cni", daemonSet("a", `{}`), "aws-vpc-cni", verdict.Allow, "", ""},
		{"cni: {name: calico, version: v3.30.0}", "calico", calico, "calico", verdict.Allow, "v3.30.0", ""},
	} {
		t.Run(c.facts+" "+c.flag, func(t *testing.T) {
			var s snapshot.Snapshot
			var err error
			if s.Facts, err = facts.Parse("facts.yaml", []byte(c.facts)); err != nil {
				t.Fatal(err)
			}
			if c.flag != "" {
				w, err := facts.NamePlugin(&s.Facts, c.flag)
				if err != nil {
					t.Fatal(err)
				}
				if w != nil {
					s.Warnings = append(s.Warnings, *w)
				}
			}
			Convert([]object.Object{c.object}, &s)
			f := s.Facts
			if f.CNI != c.cni || f.Enforces != c.enforces || f.Profile.Version != c.version || f.Profile.Name != c.cni {
				t.Errorf("%s %s, profile %s %q, want %s %s %q", f.CNI, f.Enforces, f.Profile.Name, f.Profile.Version, c.cni, c.enforces, c.version)
			}
			if f.CNIOrigin.IsZero() {
				t.Error("no origin")
			}
			if got := told(s.Warnings); (got == "") != (c.warning == "") || !strings.Contains(got, c.warning) {
				t.Errorf("warned %q, want %q", got, c.warning)
			}
		})
	}
}

func told(ws []snapshot.Warning) string {
	var out []string
	for _, w := range ws {
		out = append(out, w.Code+": "+w.Text)
	}
	return strings.Join(out, "\n")
}

// The origin is what a person would edit to have the plugin enforce.
func TestOrigin(t *testing.T) {
	off := pluginMap("cilium-config", `"enable-policy":"never"`)
	for stated, want := range map[string]string{
		"":                                    "ConfigMap kube-system/cilium-config",
		"cni: {name: cilium}":                 "ConfigMap kube-system/cilium-config",
		"cni: {clusterPolicies: true}":        "ConfigMap kube-system/cilium-config",
		"cni: {enforces: false}":              "facts.yaml line 1 cni",
		"cni: {name: cilium, enforces: true}": "facts.yaml line 1 cni",
	} {
		var s snapshot.Snapshot
		s.Facts, _ = facts.Parse("facts.yaml", []byte(stated))
		Convert([]object.Object{daemonSet("cilium", `{}`), off}, &s)
		if got := s.Facts.CNIOrigin.String(); got != want {
			t.Errorf("%q: %s, want %s", stated, got, want)
		}
	}
}

// What is stated of this cluster's own policies survives what is seen.
func TestStatedClusterPolicies(t *testing.T) {
	var s snapshot.Snapshot
	s.Facts, _ = facts.Parse("facts.yaml", []byte("cni: {clusterPolicies: true}"))
	Convert([]object.Object{daemonSet("calico-node", `{"image":"quay.io/calico/node:v3.28.1"}`)}, &s)
	p := s.Facts.Profile
	if s.Facts.CNI != "calico" || !p.Has(cni.ClusterPolicies) || p.Has(cni.NoClusterPolicies) || !p.Has(cni.AdminPolicies) || p.Has(cni.NoAdminPolicies) || !p.Has(cni.NodeIngressOpen) {
		t.Errorf("%s: %+v", s.Facts.CNI, p)
	}
}

// Of the many ConfigMaps and definitions of a cluster only those are read that may
// tell of the plugin.
func TestTellsCNI(t *testing.T) {
	crd := object.Type{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
	for _, c := range []struct {
		t    object.Type
		text string
		want bool
	}{
		{object.Type{Kind: "ConfigMap"}, "name: cilium-config", true},
		{object.Type{Kind: "ConfigMap"}, "name: settings", false},
		{crd, "name: ippools.crd.projectcalico.org", true},
		{crd, "name: clusters.postgresql.cnpg.io", false},
		{object.Type{Group: "operator.tigera.io", Kind: "Installation"}, "", true},
		{object.Type{Group: "apps", Kind: "Deployment"}, "cilium-config", false},
	} {
		if got := TellsCNI(c.t, []byte(c.text)); got != c.want {
			t.Errorf("%s %q: %v", c.t, c.text, got)
		}
	}
	for name := range maps.Keys(crdHints) {
		if _, ok := cni.For(crdHints[name], "", nil); !ok {
			t.Errorf("%s tells of %s, which has no profile", name, crdHints[name])
		}
	}
	for _, names := range []map[string]string{daemonNames, imageNames, openShiftTypes} {
		for k, name := range names {
			if _, ok := cni.For(name, "", nil); !ok {
				t.Errorf("%s tells of %s, which has no profile", k, name)
			}
		}
	}
}

// What cannot be read is a problem, and nothing panics.
func TestUnreadable(t *testing.T) {
	var s snapshot.Snapshot
	Convert([]object.Object{
		parsed(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cilium-config"},"data":[1]}`),
		parsed(`{"apiVersion":"config.openshift.io/v1","kind":"Network","metadata":{"name":"cluster"},"spec":"a"}`),
		parsed(`{"apiVersion":"operator.tigera.io/v1","kind":"Installation","metadata":{"name":"default"},"status":4}`),
	}, &s)
	if len(s.Problems) != 3 || s.Facts.CNI != "" {
		t.Errorf("%d problems, plugin %q", len(s.Problems), s.Facts.CNI)
	}
}
