package kube

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/facts"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const servers = `{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"kubernetes","namespace":"default"},
"subsets":[{"addresses":[{"ip":"192.0.2.1"}],"ports":[{"name":"https","port":6443}]}]}`

const resolver = `{"apiVersion":"v1","kind":"Service","metadata":{"name":"kube-dns","namespace":"kube-system"},
"spec":{"selector":{"k8s-app":"kube-dns"},"ports":[{"port":53,"protocol":"UDP"}]}}`

const cached = `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"nodelocaldns","namespace":"kube-system"},
"spec":{"template":{"spec":{"hostNetwork":true,"containers":[{"name":"a","args":["-localip","169.254.25.10"]}]}}}}`

// What is stated counts, and a warning tells where the objects show something else. What
// is stated in part is filled in.
func TestStatedFactsCount(t *testing.T) {
	for _, c := range []struct {
		name, facts, object, warning string
		holds                        func(snapshot.Facts) bool
	}{
		{"nothing stated", "", servers, "", func(f snapshot.Facts) bool {
			return f.APIServer.Text() == "192.0.2.1/32" && f.APIServerPorts[0] == 6443 && f.APIServerOrigin.Object == "Endpoints default/kubernetes"
		}},
		{"the same", "apiServer: {addresses: [192.0.2.0/24], ports: [6443, 443]}", servers, "", func(f snapshot.Facts) bool {
			return f.APIServer.Text() == "192.0.2.0/24" && len(f.APIServerPorts) == 2 && f.APIServerOrigin.IsZero()
		}},
		{"another address", "apiServer: {addresses: [192.0.2.2]}", servers, "have 192.0.2.1/32, which is not what is stated", func(f snapshot.Facts) bool {
			return f.APIServer.Text() == "192.0.2.2/32" && f.APIServerPorts[0] == 6443 && f.APIServerOrigin.IsZero()
		}},
		{"another port", "apiServer: {ports: [443]}", servers, "have port 6443, which is not what is stated", func(f snapshot.Facts) bool {
			return f.APIServer.Text() == "192.0.2.1/32" && f.APIServerPorts[0] == 443
		}},
		{"the same resolver", "dns: {}", resolver, "", func(f snapshot.Facts) bool { return f.DNS.Origin.IsZero() }},
		{"another port of it", "dns: {port: 5353}", resolver, "has port 53, which", func(f snapshot.Facts) bool { return f.DNS.Port == 5353 }},
		{"another namespace", "dns: {namespace: dns}", resolver, "has its pods in namespace kube-system", func(f snapshot.Facts) bool { return f.DNS.Namespace == "dns" }},
		{"another label", "dns: {labels: {k8s-app: coredns}}", resolver, "has the label k8s-app=kube-dns", nil},
		{"a label more", "dns: {labels: {app: coredns}}", resolver, "", nil},
		{"a cache stated", "dns: {addresses: [169.254.20.10]}", resolver, "", func(f snapshot.Facts) bool { return !f.DNS.Addresses.IsEmpty() }},
		{"a cache seen", "dns: {}", cached, "has a cache at 169.254.25.10/32", func(f snapshot.Facts) bool { return f.DNS.Addresses.IsEmpty() }},
		{"another cache", "dns: {addresses: [169.254.20.10]}", cached, "has 169.254.25.10/32", nil},
	} {
		f, err := facts.Parse("f", []byte(c.facts))
		if err != nil {
			t.Fatal(err)
		}
		s := &snapshot.Snapshot{Facts: f}
		Convert(objects(t, c.object), s)
		if c.holds != nil && !c.holds(s.Facts) {
			t.Errorf("%s: %+v %+v", c.name, s.Facts, s.Facts.DNS)
		}
		switch {
		case c.warning == "" && len(s.Warnings) > 0:
			t.Errorf("%s: %v", c.name, s.Warnings)
		case c.warning != "" && (len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0].Text, c.warning) || s.Warnings[0].Origin.IsZero()):
			t.Errorf("%s: %v, want %s", c.name, s.Warnings, c.warning)
		}
	}
}

// objects reads objects in JSON.
func objects(t *testing.T, texts ...string) []object.Object {
	t.Helper()
	var out []object.Object
	for _, text := range texts {
		o, err := object.New([]byte(text), object.Source{}, "default")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}
