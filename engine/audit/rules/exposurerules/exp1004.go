package exposurerules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1004 finds ports that control a database and that others reach than its
// members, its operator and who else is known to need them.
var EXP1004 = &audit.Rule{
	ID:       "EXP1004",
	Title:    "a control port is open to others",
	Severity: audit.High,
	Why: `Beside 5432 a member listens on ports of its operator: Patroni's REST API, the
instance manager's status port, a proxy's administration. Most ask for no
credential, and some can restart, fail over or reconfigure the database. Only the
members, the operator and a metrics collector need them.`,
	Setting: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  ingress:
    - from: [{namespaceSelector: {}}]
      ports: [{port: 8000}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  ingress:
    - from:
        - podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: cnpg-system}}
          podSelector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
      ports: [{port: 8000}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			for _, c := range s.Control {
				control(p, s, c)
			}
		}
	},
}

// severity: what merely tells is less than what obeys.
func severity(c snapshot.ControlPort) audit.Severity {
	if slices.Contains([]string{"exporter", "metrics", "cluster-controller"}, c.Name) {
		return audit.Low
	}
	return audit.High
}

func control(p *audit.Pass, s *snapshot.Server, c snapshot.ControlPort) {
	step := knock(p, stranger, s.Members(), []uint16{c.Port})
	f := audit.Finding{Subject: s.Ref(), Severity: severity(c), Certain: true, Because: []verdict.Step{step}}
	switch {
	case step.Verdict == verdict.Allow && step.Reason != network.NotEnforced:
		f.Origin = step.Origin
		if f.Origin.IsZero() {
			f.Origin = s.Origin
		}
		f.Message = fmt.Sprintf("every pod of every namespace reaches port %d (%s) of %s: %s", c.Port, c.Name, s.Ref(), c.Why)
		f.Fix = controlFix(c)
		p.Report(f)
	case step.Verdict == verdict.Deny:
		for _, e := range entries(p.World, s.Members(), []uint16{c.Port}) {
			if who := uninvited(p, s, c, e); len(who) > 0 {
				f.Origin, f.Because, f.Severity = e.origin(), nil, min(f.Severity, audit.Medium)
				f.Message = fmt.Sprintf("%s admits %s to port %d (%s) of %s, which needs none of them there: %s",
					e.ref(), list(who), c.Port, c.Name, s.Ref(), c.Why)
				f.Fix = controlFix(c)
				p.Report(f)
			}
		}
	case step.Verdict == verdict.Unknown:
		p.Skip(s.Ref(), fmt.Sprintf("who reaches port %d (%s) cannot be told", c.Port, c.Name))
	}
}

func controlFix(c snapshot.ControlPort) string {
	return fmt.Sprintf("admit port %d only from the members, the operator's pods and your metrics collector", c.Port)
}

// uninvited names the workloads that an entry admits and that no vital flow of the
// port brings. Whoever scrapes metrics is left alone on a port that only tells.
func uninvited(p *audit.Pass, s *snapshot.Server, c snapshot.ControlPort, e entry) []string {
	if e.peer == nil || e.peer.Block != nil || severity(c) == audit.Low {
		return nil
	}
	var out []string
	for _, w := range p.World.Workloads {
		for _, pod := range w.Pods {
			if meant(p.World, e, pod) && !invited(s, c, pod) {
				out = append(out, w.Ref.String())
			}
		}
	}
	return out
}

func meant(world *snapshot.Snapshot, e entry, pod *snapshot.Pod) bool {
	in := pod.Namespace == e.policy.Namespace
	if e.peer.Namespaces != nil {
		in = e.peer.Namespaces.Match(world.NamespaceOf(pod.Namespace).Labels) == netpol.Yes
	}
	return in && (e.peer.Pods == nil || e.peer.Pods.Match(pod.Labels) == netpol.Yes)
}

// invited: the server's own pods, and both ends of its vital flows to the port.
func invited(s *snapshot.Server, c snapshot.ControlPort, pod *snapshot.Pod) bool {
	if pod.Workload == s.Workload {
		return true
	}
	for _, f := range s.Vital {
		for _, r := range f.Ports {
			if r.From <= c.Port && c.Port <= r.To && slices.Contains(f.From.Pods, pod) {
				return true
			}
		}
	}
	return false
}
