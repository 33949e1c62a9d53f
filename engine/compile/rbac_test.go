package compile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func compiled(t *testing.T, world *snapshot.Snapshot, p *intent.Perimeter, accesses []*intent.Access, backends ...Backend) *Output {
	t.Helper()
	job, errs := Plan(intent.Intents{Perimeters: []*intent.Perimeter{p}, Accesses: accesses}, world, 0)
	if fatal(errs) {
		t.Fatalf("%+v", errs)
	}
	return Compile(job, backends)
}

func codes(gaps []artefact.Gap) string {
	var out []string
	for _, g := range gaps {
		out = append(out, g.Code)
	}
	return strings.Join(out, " ")
}

// The service accounts of clients in the access's own namespace get the one Secret; what
// everybody runs as, and clients elsewhere, get none.
func TestOneSecret(t *testing.T) {
	world := manifests.Servers(t, "", shop)
	for _, c := range []struct {
		from     intent.Peer
		accounts string
		gaps     string
	}{
		{from: labelled("shop", "app", "api"), accounts: "[api]"},
		{from: labelled("web", "app", "front"), gaps: "rbac/other-namespace"},
		{from: office},
		{from: intent.Peer{Namespaces: []string{"shop"}, ServiceAccounts: []string{"later"}}, accounts: "[later]"},
		{from: labelled("shop", "app", "nobody"), gaps: "rbac/no-account"},
	} {
		p, a := ask()
		a.From = []intent.Peer{c.from}
		a.To[0].Secret = "ledger-app"
		a.To = append(a.To, a.To[0])
		a.To[1].Role = "other"
		out := compiled(t, world, p, []*intent.Access{a}, RBAC)
		if got := codes(out.Gaps); got != c.gaps {
			t.Errorf("%+v: gaps %s", c.from, got)
		}
		if c.accounts == "" {
			if len(out.Artefacts) > 0 {
				t.Errorf("%+v: %v", c.from, out.Artefacts)
			}
			continue
		}
		if len(out.Artefacts) != 2 {
			t.Fatalf("%+v: %d artefacts", c.from, len(out.Artefacts))
		}
		role, binding := out.Artefacts[0], out.Artefacts[1]
		rules := role.Object.Get("rules").(artefact.List)
		want := "[{apiGroups [{ }] } {resources [{secrets }] } {resourceNames [{ledger-app }] } {verbs [{get }] }]"
		if len(rules) != 1 || fmt.Sprint(rules[0].Value) != want {
			t.Errorf("%v", rules)
		}
		var accounts []string
		for _, s := range binding.Object.Get("subjects").(artefact.List) {
			m := s.Value.(artefact.Map)
			accounts = append(accounts, m.Get("name").(string))
			if m.Get("namespace") != "shop" {
				t.Errorf("%v", m)
			}
		}
		if fmt.Sprint(accounts) != c.accounts || binding.Object.Get("roleRef").(artefact.Map).Get("name") != role.Ref.Name {
			t.Errorf("%+v: %v", c.from, accounts)
		}
	}
}

// The service account default is that of every pod which names none.
func TestDefaultAccountGetsNothing(t *testing.T) {
	world := manifests.Servers(t, "", strings.Replace(shop, "serviceAccountName: api, ", "", 1))
	p, a := ask()
	a.To[0].Secret = "ledger-app"
	out := compiled(t, world, p, []*intent.Access{a}, RBAC)
	if codes(out.Gaps) != "rbac/default-account" || len(out.Artefacts) > 0 {
		t.Errorf("%+v", out)
	}
}

// A namespace of its own is closed, and gets the level that the server's pods fit.
func TestOwnedNamespace(t *testing.T) {
	alone, _, _ := strings.Cut(shop, "---\napiVersion: apps/v1")
	alone = strings.Replace(alone, `, backup: {barmanObjectStore: {destinationPath: "s3://b/", endpointURL: "https://s3.example.com"}}`, "", 1)
	world := manifests.Servers(t, "", alone)
	for _, level := range []string{"restricted", "baseline", "privileged", ""} {
		p, _ := ask()
		p.Owned = &intent.OwnedNamespace{DefaultDeny: true, PodSecurity: level}
		out := compiled(t, world, p, nil, Namespace)
		labels := slices.ContainsFunc(out.Artefacts, func(a artefact.Artefact) bool {
			return a.Ref.Kind == "Namespace" && a.Fields[0].Value == level && a.Fields[0].Path[2] == enforceLabel
		})
		if labels != (level != "") || len(out.Gaps) > 0 {
			t.Errorf("%s: %+v", level, out)
		}
		if !slices.ContainsFunc(out.Artefacts, func(a artefact.Artefact) bool { return a.Ref.Kind == "NetworkPolicy" }) {
			t.Errorf("%s: no policy", level)
		}
	}
	world.Servers[0].Workload.Pods[0].Demands = []snapshot.Demand{{Kind: snapshot.Root}, {Kind: snapshot.HostPath, Maybe: true}}
	for level, want := range map[string]string{"restricted": "namespace/pods-refused", "baseline": "namespace/pods-refused", "privileged": ""} {
		p, _ := ask()
		p.Owned = &intent.OwnedNamespace{PodSecurity: level}
		out := compiled(t, world, p, nil, Namespace)
		if codes(out.Gaps) != want || len(out.Artefacts) > 0 != (want == "") {
			t.Errorf("%s: %+v", level, out)
		}
	}
}

// What the Admin tier cannot do is a gap: not enforced, or pods that no rule can name.
func TestAdminTierLimits(t *testing.T) {
	world := manifests.Servers(t, "", shop)
	p, a := ask()
	p.AdminTier = &intent.AdminTier{Priority: 3}
	out := compiled(t, world, p, []*intent.Access{a}, ClusterNetworkPolicy)
	if len(out.Artefacts) == 0 || len(out.Gaps) > 0 {
		t.Fatalf("%+v", out.Gaps)
	}
	var many []*intent.Access
	for i := range 700 { // more peers than 24 rules hold
		one := *a
		one.Name, one.From = fmt.Sprintf("a%d", i), []intent.Peer{{Namespaces: []string{fmt.Sprintf("n%d", i)}, Pods: &netpol.Selector{}}}
		many = append(many, &one)
	}
	if out := compiled(t, world, p, many, ClusterNetworkPolicy); codes(out.Gaps) != "clusternetworkpolicy/too-many-rules" {
		t.Errorf("%s", codes(out.Gaps))
	}
}
