package netpolrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const failoverSetting = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}}
`

// NET1011 finds selectors that another pod matches after a failover.
var NET1011 = &audit.Rule{
	ID:       "NET1011",
	Title:    "a selector rests on a label that changes at a failover",
	Severity: audit.Low,
	Why: `The operator, or Patroni, moves the label of the role (cnpg.io/instanceRole, role,
spilo-role, postgres-operator.crunchydata.com/role) from pod to pod. A policy that
selects by it closes and admits for whoever has the role at the moment: the other
instances are left to other policies, or to none; between the change of the role and
that of the label it is the wrong pod; and a new replica, or one that Patroni has just
stopped, has no role at all. Patroni calls a primary master or primary, by its release.`,
	Setting: failoverSetting,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/instanceRole: primary}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {}}]}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {}}]}]
`,
	Needs: []audit.Fact{audit.Policies, audit.Servers},
	Run: func(p *audit.Pass) {
		all := turns(p.World)
		keys := roleKeys(all)
		for _, policy := range p.World.Policies {
			for _, t := range all[policy.Namespace] {
				if r, ok := t.hinge(policy.Pods); ok {
					p.Report(movingSubject(p, policy, t, r))
				}
			}
			eachPeer(policy, func(d netpol.Direction, peer netpol.Peer) {
				if peer.Pods != nil && slices.ContainsFunc(*peer.Pods, func(r netpol.Requirement) bool { return keys[r.Key] }) {
					movingPeer(p, all, policy, d, peer)
				}
			})
		}
	},
}

const unknownLeader = "; Patroni calls a primary master or primary by its release, which nothing read here tells"

// movingSubject tells of a policy that follows a role. It is worse where nothing else
// closes the pods that do not have the role.
func movingSubject(p *audit.Pass, policy *netpol.Policy, t turn, r netpol.Requirement) audit.Finding {
	part, certain := t.picked(r)
	other := t.replica
	if part == snapshot.Replica {
		other = t.primary
	}
	f := audit.Finding{Subject: ref(policy), Origin: policy.Origin.At("spec.podSelector"), Certain: certain, Fix: selectMembers(t.server)}
	f.Message = fmt.Sprintf("%s selects of %s the %s only, and another pod after a failover", r, t.server.Ref(), part)
	for _, d := range netpol.Directions {
		if !policy.Isolates[d] || isolatedBy(p, policy, other, d) {
			continue
		}
		f.Severity = audit.Medium
		if d == netpol.Ingress {
			f.Severity = audit.High
		}
		f.Message += fmt.Sprintf("; no policy isolates a %s for %s, which is open to all", other.Part, d)
		break
	}
	if !certain {
		f.Severity = max(f.Severity, audit.Medium)
		f.Message += unknownLeader
		f.Fix += fmt.Sprintf("\nor, where only a primary is meant:\nmatchExpressions:\n  - {key: %s, operator: In, values: [master, primary]}", r.Key)
	}
	return f
}

// isolatedBy reports whether another policy isolates the pod in the direction.
func isolatedBy(p *audit.Pass, besides *netpol.Policy, pod *snapshot.Pod, d netpol.Direction) bool {
	for _, policy := range p.PoliciesIn(pod.Namespace) {
		if policy != besides && policy.Isolates[d] && policy.Pods.Match(pod.Labels) != netpol.No {
			return true
		}
	}
	return false
}

// movingPeer tells of a peer that follows a role. Between members of one server that
// is worse: a member needs the others before it has a role.
func movingPeer(p *audit.Pass, all map[string][]turn, policy *netpol.Policy, d netpol.Direction, peer netpol.Peer) {
	for _, ns := range withTurns(p, all, policy.Namespace, peer) {
		for _, t := range all[ns] {
			r, ok := t.hinge(*peer.Pods)
			if !ok {
				continue
			}
			part, certain := t.picked(r)
			f := audit.Finding{Subject: ref(policy), Origin: peer.Origin, Certain: certain, Fix: selectMembers(t.server)}
			f.Message = fmt.Sprintf("%s admits in %s of %s the %s only, and another pod after a failover", r, peerField(d), t.server.Ref(), part)
			if policy.Pods.Match(t.replica.Labels) != netpol.No && policy.Namespace == ns {
				f.Severity = audit.Medium
				f.Message += "; a member that has just been made or stopped has no role yet, and is cut off from the others"
			}
			if !certain {
				f.Severity = audit.Medium
				f.Message += unknownLeader
			}
			p.Report(f)
			return
		}
	}
}

// withTurns are the namespaces of a peer that have servers with a failover.
func withTurns(p *audit.Pass, all map[string][]turn, own string, peer netpol.Peer) []string {
	if peer.Namespaces == nil {
		return []string{own}
	}
	var out []string
	for _, ns := range sorted(all) {
		if peer.Namespaces.Match(p.World.NamespaceOf(ns).Labels) != netpol.No {
			out = append(out, ns)
		}
	}
	return out
}

// selectMembers writes a selector of all members.
func selectMembers(s *snapshot.Server) string {
	return "select the members by labels that stay:\npodSelector:\n  matchLabels:\n    " + strings.Join(memberLabels(s), "\n    ")
}
