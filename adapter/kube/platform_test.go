package kube

import (
	"fmt"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The plugins by their DaemonSets, as installers call them, and whether they enforce.
func TestPlugins(t *testing.T) {
	for name, want := range map[string]struct {
		cni      string
		enforces verdict.Verdict
	}{
		"anetd":                 {"gke-dataplane-v2", verdict.Allow},
		"antrea-agent":          {"antrea", verdict.Allow},
		"aws-node":              {"aws-vpc-cni", verdict.Deny},
		"azure-npm":             {"azure-npm", verdict.Allow},
		"calico-node":           {"calico", verdict.Allow},
		"canal":                 {"canal", verdict.Allow},
		"rke2-canal":            {"canal", verdict.Allow},
		"cilium":                {"cilium", verdict.Allow},
		"kindnet":               {"kindnet", verdict.Unknown},
		"kube-flannel":          {"flannel", verdict.Deny},
		"kube-flannel-ds":       {"flannel", verdict.Deny},
		"kube-network-policies": {"kube-network-policies", verdict.Allow},
		"kube-ovn-cni":          {"kube-ovn", verdict.Allow},
		"kube-router":           {"kube-router", verdict.Allow},
		"ovnkube-node":          {"ovn-kubernetes", verdict.Allow},
		"weave-net":             {"weave", verdict.Allow},
	} {
		var s snapshot.Snapshot
		Convert([]object.Object{daemonSet(name, `{}`)}, &s)
		if s.Facts.CNI != want.cni || s.Facts.Enforces != want.enforces {
			t.Errorf("%s: %s %s, want %s %s", name, s.Facts.CNI, s.Facts.Enforces, want.cni, want.enforces)
		}
	}
}

// The plugins by the kinds that they bring, which tell nothing of what enforces.
func TestKindsOfPlugins(t *testing.T) {
	for name, want := range map[string]string{
		"felixconfigurations.crd.projectcalico.org": "calico", "ippools.crd.projectcalico.org": "calico", "ciliumnetworkpolicies.cilium.io": "cilium",
		"clusternetworkpolicies.crd.antrea.io": "antrea", "egressfirewalls.k8s.ovn.org": "ovn-kubernetes", "subnets.kubeovn.io": "kube-ovn",
		"eniconfigs.crd.k8s.amazonaws.com": "aws-vpc-cni",
	} {
		var s snapshot.Snapshot
		Convert([]object.Object{definition(name)}, &s)
		if s.Facts.CNI != want || s.Facts.Enforces != verdict.Unknown {
			t.Errorf("%s: %q %s, want %s", name, s.Facts.CNI, s.Facts.Enforces, want)
		}
	}
}

func resolverService(namespace, name, app, selector, target string) object.Object {
	return parsed(fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"namespace":%q,"name":%q,"labels":{"k8s-app":%q}},
"spec":{"selector":{%s},"ports":[{"name":"dns","port":53,"protocol":"UDP","targetPort":%s},{"name":"dns-tcp","port":53,"protocol":"TCP","targetPort":%s}]}}`,
		namespace, name, app, selector, target, target))
}

func nodeCache(name, spec string) object.Object {
	return parsed(`{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"` + name + `"},"spec":{"template":{"metadata":{"labels":{"k8s-app":"node-local-dns"}},"spec":{` + spec + `}}}}`)
}

// Who resolves names, and at which port of its pods.
func TestResolver(t *testing.T) {
	coreDNS := resolverService("kube-system", "kube-dns", "kube-dns", `"k8s-app":"kube-dns"`, "53")
	openShift := resolverService("openshift-dns", "dns-default", "", `"dns.operator.openshift.io/daemonset-dns":"default"`, `"dns"`)
	for what, c := range map[string]struct {
		objects []object.Object
		want    string
	}{
		"nothing":   {[]object.Object{daemonSet("x", `{}`)}, ""},
		"CoreDNS":   {[]object.Object{coreDNS}, "kube-system map[k8s-app:kube-dns] 53"},
		"kubespray": {[]object.Object{resolverService("kube-system", "coredns", "kube-dns", `"k8s-app":"kube-dns"`, "53")}, "kube-system map[k8s-app:kube-dns] 53"},
		"RKE2": {[]object.Object{resolverService("kube-system", "rke2-coredns-rke2-coredns", "kube-dns", `"app.kubernetes.io/name":"rke2-coredns"`, "53")},
			"kube-system map[app.kubernetes.io/name:rke2-coredns] 53"},
		"another name": {[]object.Object{resolverService("kube-system", "resolver", "kube-dns", `"a":"b"`, "5300")}, "kube-system map[a:b] 5300"},
		"no resolver":  {[]object.Object{resolverService("kube-system", "resolver", "other", `"a":"b"`, "53")}, ""},
		"elsewhere":    {[]object.Object{resolverService("shop", "kube-dns", "kube-dns", `"a":"b"`, "53")}, ""},
		"OpenShift":    {[]object.Object{openShift}, "openshift-dns map[dns.operator.openshift.io/daemonset-dns:default] 5353"},
		"both":         {[]object.Object{coreDNS, openShift}, "openshift-dns map[dns.operator.openshift.io/daemonset-dns:default] 5353"},
		"a port by name": {[]object.Object{resolverService("kube-system", "kube-dns", "kube-dns", `"k8s-app":"kube-dns"`, `"dns"`),
			parsed(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"d","labels":{"k8s-app":"kube-dns"}},"spec":{"containers":[{"name":"c","image":"i","ports":[{"name":"dns","containerPort":1053,"protocol":"UDP"},{"name":"dns","containerPort":1053,"protocol":"TCP"}]}]}}`)},
			"kube-system map[k8s-app:kube-dns] 1053"},
		"a cache on each node": {[]object.Object{coreDNS, nodeCache("node-local-dns", `"hostNetwork":true,"containers":[{"name":"c","args":["-localip","169.254.20.10,10.96.0.10"]}]`)},
			"kube-system map[k8s-app:kube-dns] 53 10.96.0.10/32, 169.254.20.10/32"},
		"the same of kubespray": {[]object.Object{nodeCache("nodelocaldns", `"hostNetwork":true,"containers":[{"name":"c","args":["--localip=169.254.25.10"]}]`)},
			"kube-system map[k8s-app:kube-dns] 53 169.254.25.10/32"},
		"a cache that is asked by redirection": {[]object.Object{coreDNS, nodeCache("node-local-dns", `"hostNetwork":true,"containers":[{"name":"c","args":["-localip","169.254.20.10","-setupinterface=false"]}]`)},
			"kube-system map[k8s-app:node-local-dns] 53"},
		"a cache off the host's network": {[]object.Object{coreDNS, nodeCache("node-local-dns", `"containers":[{"name":"c","args":["-localip","169.254.20.10"]}]`)},
			"kube-system map[k8s-app:node-local-dns] 53"},
		"a DaemonSet that is no cache": {[]object.Object{coreDNS, daemonSet("node-exporter", `{"name":"c","args":["-localip","169.254.20.10"]}`)}, "kube-system map[k8s-app:kube-dns] 53"},
	} {
		t.Run(what, func(t *testing.T) {
			var s snapshot.Snapshot
			Convert(c.objects, &s)
			got := ""
			if d := s.Facts.DNS; d != nil {
				got = fmt.Sprint(d.Namespace, " ", d.Labels.Set, " ", d.Port)
				if !d.Addresses.IsEmpty() {
					got += " " + d.Addresses.Text()
				}
			}
			if got != c.want || len(s.Problems) > 0 || len(s.Warnings) > 0 {
				t.Errorf("%q, want %q; %v %v", got, c.want, s.Problems, s.Warnings)
			}
		})
	}
}

// Addresses that nobody can read make no resolver of another's.
func TestUnreadableCache(t *testing.T) {
	var s snapshot.Snapshot
	Convert([]object.Object{nodeCache("node-local-dns", `"hostNetwork":true,"containers":[{"name":"c","args":["-localip","$(IP)"]}]`)}, &s)
	if s.Facts.DNS != nil || len(s.Warnings) != 1 || s.Warnings[0].Code != "dns-localip" {
		t.Errorf("%+v %v", s.Facts.DNS, s.Warnings)
	}
}

// The kube-apiserver answers where its own endpoints say.
func TestAPIServer(t *testing.T) {
	slice := func(namespace, service, addresses string) object.Object {
		return parsed(`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"namespace":"` + namespace + `","name":"s","labels":{"kubernetes.io/service-name":"` +
			service + `"}},"addressType":"IPv4","endpoints":[` + addresses + `],"ports":[{"name":"https","port":6443,"protocol":"TCP"}]}`)
	}
	for what, c := range map[string]struct {
		objects []object.Object
		want    string
	}{
		"its slice": {[]object.Object{slice("default", "kubernetes", `{"addresses":["192.0.2.1"]},{"addresses":["192.0.2.2"]}`)}, "192.0.2.1/32, 192.0.2.2/32 [6443]"},
		"its Endpoints": {[]object.Object{parsed(`{"apiVersion":"v1","kind":"Endpoints","metadata":{"namespace":"default","name":"kubernetes"},
"subsets":[{"addresses":[{"ip":"192.0.2.3"}],"ports":[{"port":443,"protocol":"TCP"}]}]}`)}, "192.0.2.3/32 [443]"},
		"of another Service":   {[]object.Object{slice("default", "api", `{"addresses":["192.0.2.1"]}`)}, " []"},
		"of another namespace": {[]object.Object{slice("shop", "kubernetes", `{"addresses":["192.0.2.1"]}`)}, " []"},
	} {
		var s snapshot.Snapshot
		Convert(c.objects, &s)
		text := s.Facts.APIServer.Text()
		if s.Facts.APIServer.IsEmpty() {
			text = ""
		}
		if got := fmt.Sprint(text, " ", s.Facts.APIServerPorts); got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}
