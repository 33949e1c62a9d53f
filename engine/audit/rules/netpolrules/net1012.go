package netpolrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NET1012 finds policies for a server's members that by the way select poolers, jobs
// and repository hosts, and cut them from what they need.
var NET1012 = &audit.Rule{
	ID:       "NET1012",
	Title:    "the cluster's label also selects poolers and jobs",
	Severity: audit.Low,
	Why: `In every operator the label with the cluster's name is not on the members alone: poolers,
jobs, backups and repository hosts have it too. A policy that selects by it isolates
them all, and they lose what it does not admit: the pooler its way to the server, the
job that makes a replica its way to the primary. The members have a label of their own.`,
	Setting: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger}}
  policyTypes: [Egress]
  egress:
    - to: [{podSelector: {matchLabels: {cnpg.io/podRole: instance}}}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  policyTypes: [Egress]
  egress:
    - to: [{podSelector: {matchLabels: {cnpg.io/podRole: instance}}}]
`,
	Needs: []audit.Fact{audit.Policies, audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			bystanders(p, s)
		}
	},
}

// A bystander is a pod that a policy cuts from something without meaning it.
type bystander struct {
	pods    []*snapshot.Pod
	flows   []string
	because []verdict.Step
	assumed []string
}

// bystanders reports, for each policy that selects members of the server, what it cuts
// of the server's other pods.
func bystanders(p *audit.Pass, s *snapshot.Server) {
	members := s.Members()
	hit := map[*netpol.Policy]*bystander{}
	for _, d := range p.Vital(s) {
		for _, step := range d.Steps {
			if step.Verdict != verdict.Deny || step.Layer != verdict.Ingress && step.Layer != verdict.Egress {
				continue
			}
			for _, pod := range side(d, step) {
				if slices.Contains(members, pod) {
					continue
				}
				if policy := meantFor(p, members, pod, step); policy != nil {
					hit[policy] = hit[policy].with(pod, d.Flow.What)
					hit[policy].because = append(hit[policy].because, step)
					hit[policy].assumed = append(hit[policy].assumed, d.Assumptions...)
				}
			}
		}
	}
	for _, pooler := range s.Poolers {
		for _, pod := range pooler.Workload.Pods {
			if policy := closes(p, members, pod, pooler.Port); policy != nil {
				hit[policy] = hit[policy].with(pod, fmt.Sprintf("clients reach the pooler (TCP %d)", pooler.Port))
			}
		}
	}
	for _, policy := range p.PoliciesIn(s.Ref().Namespace) {
		if b := hit[policy]; b != nil {
			p.Report(b.finding(policy, s))
		}
	}
}

// side returns the pods of the flow that the step was decided for.
func side(d reach.VitalDecision, step verdict.Step) []*snapshot.Pod {
	if step.Layer == verdict.Egress {
		return d.Flow.From.Pods
	}
	return d.Flow.To.Pods
}

// meantFor returns the policy that refused, if it is one for the members that the pod
// is caught by; nil otherwise. One that selects every pod means every pod.
func meantFor(p *audit.Pass, members []*snapshot.Pod, pod *snapshot.Pod, step verdict.Step) *netpol.Policy {
	for _, policy := range p.PoliciesIn(pod.Namespace) {
		if policy.Origin.Object == step.Origin.Object && catches(policy, members, pod) {
			return policy
		}
	}
	return nil
}

// catches reports whether a policy for the members selects the pod, too.
func catches(policy *netpol.Policy, members []*snapshot.Pod, pod *snapshot.Pod) bool {
	return len(policy.Pods) > 0 && policy.Pods.Match(pod.Labels) == netpol.Yes &&
		slices.ContainsFunc(members, func(m *snapshot.Pod) bool { return policy.Pods.Match(m.Labels) == netpol.Yes })
}

// closes returns the policy for the members that isolates the pod where no rule of any
// admits anybody to the port; nil otherwise.
func closes(p *audit.Pass, members []*snapshot.Pod, pod *snapshot.Pod, port uint16) *netpol.Policy {
	var by *netpol.Policy
	for _, policy := range p.PoliciesIn(pod.Namespace) {
		if !policy.Isolates[netpol.Ingress] || policy.Pods.Match(pod.Labels) == netpol.No {
			continue
		}
		if slices.ContainsFunc(policy.Rules[netpol.Ingress], func(r netpol.Rule) bool { return admits(r, flow.TCP, port, pod) }) {
			return nil
		}
		if by == nil && catches(policy, members, pod) {
			by = policy
		}
	}
	return by
}

func (b *bystander) with(pod *snapshot.Pod, what string) *bystander {
	if b == nil {
		b = &bystander{}
	}
	b.pods, b.flows = append(b.pods, pod), append(b.flows, what)
	return b
}

func (b *bystander) finding(policy *netpol.Policy, s *snapshot.Server) audit.Finding {
	var names []string
	for _, pod := range b.pods {
		names = append(names, pod.Ref().String())
	}
	return audit.Finding{
		Subject: ref(policy), Origin: policy.Origin.At("spec.podSelector"), Certain: true, Because: b.because, Assumptions: b.assumed,
		Message: fmt.Sprintf("the policy selects beside the members of %s also %s, and isolates them from what they need: %s",
			s.Ref(), words.List(names), words.List(b.flows)),
		Fix: "select the members alone, and give the others a policy of their own:\npodSelector:\n  matchLabels:\n    " + strings.Join(memberLabels(s), "\n    "),
	}
}
