package netpolrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NET1018 finds toFQDNs of pods whose DNS answers the agent never sees.
var NET1018 = &audit.Rule{
	ID:       "NET1018",
	Title:    "toFQDNs without a rule for DNS",
	Severity: audit.High,
	Why: `Cilium learns the addresses behind a name of toFQDNs from the answers that the very
pods get: their questions have to go through the agent's DNS proxy, and only a rule
with rules.dns on the way to the resolver sends them there. Without one the list of
addresses stays empty and the connection is refused, though the name resolves.`,
	Setting: ciliumDatabase,
	Bad: ciliumPolicy(`  endpointSelector: {matchLabels: {app: ledger}}
  egress:
    - toFQDNs: [{matchName: store.example.com}]
    - toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system, k8s-app: kube-dns}}]
      toPorts: [{ports: [{port: "53"}]}]
`),
	Good: ciliumPolicy(`  endpointSelector: {matchLabels: {app: ledger}}
  egress:
    - toFQDNs: [{matchName: store.example.com}]
    - toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system, k8s-app: kube-dns}}]
      toPorts: [{ports: [{port: "53"}], rules: {dns: [{matchPattern: "*"}]}}]
`),
	Needs: []audit.Fact{audit.CiliumPolicies},
	Run: func(p *audit.Pass) {
		taught := lessonsOf(p.World)
		eachCiliumEntry(p, func(r snapshot.CiliumRule, d netpol.Direction, e snapshot.CiliumEntry) {
			if d == netpol.Egress && slices.Contains(e.Kinds, "toFQDNs") && !taught.learns(r) {
				p.Report(neverLearns(p, r, e))
			}
		})
	},
}

// lessons say which rules send questions for names through the agent, by their place, and
// which pods of databases none of them may touch.
type lessons struct {
	teachers map[verdict.Origin]bool
	without  []*snapshot.Pod
}

func lessonsOf(world *snapshot.Snapshot) lessons {
	out := lessons{teachers: map[verdict.Origin]bool{}}
	var rules []snapshot.CiliumRule
	for _, r := range world.CiliumRules {
		if slices.ContainsFunc(r.Sides[netpol.Egress].Entries, func(e snapshot.CiliumEntry) bool { return e.DNS }) {
			rules = append(rules, r)
			out.teachers[r.Origin] = true
		}
	}
	for _, pod := range databasePods(world) {
		if !slices.ContainsFunc(rules, func(r snapshot.CiliumRule) bool { return r.MayTouch(pod) }) {
			out.without = append(out.without, pod)
		}
	}
	return out
}

// learns reports whether the DNS answers of all pods of a rule may pass the agent.
func (l lessons) learns(r snapshot.CiliumRule) bool {
	return len(l.teachers) > 0 && (l.teachers[r.Origin] || !slices.ContainsFunc(l.without, r.MayTouch))
}

func neverLearns(p *audit.Pass, r snapshot.CiliumRule, e snapshot.CiliumEntry) audit.Finding {
	f := audit.Finding{Subject: r.Ref, Origin: e.Origin.At("%s.toFQDNs", e.Origin.Field),
		Message: "no rule for these pods has rules.dns, so that the agent never learns the addresses behind the names, and toFQDNs admits nothing",
		Fix: "add to egress the way to the resolver with a rule for DNS:\n- toEndpoints:\n    - matchLabels:\n        k8s:io.kubernetes.pod.namespace: kube-system\n        k8s-app: kube-dns\n" +
			fmt.Sprintf("  toPorts:\n    - ports:\n        - {port: %q, protocol: ANY}\n      rules:\n        dns:\n          - matchPattern: \"*\"", "53")}
	f.Certain, f.Assumptions = p.Complete(r.Ref.Namespace)
	f.Also = []verdict.Origin{r.Origin}
	return f
}
