package reach

import (
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// dnsStep says whether a client can resolve a Service's name. Resolvers ask over
// UDP first; without it a name is not resolved, whatever TCP allows. The resolver's
// own ingress is not asked: a cluster whose DNS is closed has other troubles.
func (e *Engine) dnsStep(from network.Endpoint) verdict.Step {
	to, port, assumed := e.resolver()
	step := verdict.Step{Layer: verdict.DNS, Verdict: verdict.Deny}
	for _, endpoint := range to {
		asked := e.decide(netpol.Egress, network.Attempt{From: from, To: endpoint, Protocol: flow.UDP, Port: port})
		if better(asked.Verdict, step.Verdict) || step.Reason == "" {
			step = asked
			step.Layer = verdict.DNS
		}
	}
	if step.Verdict == verdict.Deny {
		step.Reason = "dns/cut"
	}
	if assumed {
		step = e.assume(step, snapshot.AssumeClusterDNS)
	}
	return step
}

func better(a, b verdict.Verdict) bool {
	return verdict.Any(a, b) != b
}

// resolver returns where names are resolved, and whether that is assumed.
func (e *Engine) resolver() (to []network.Endpoint, port uint16, assumed bool) {
	dns := e.World.Facts.DNS
	if dns == nil {
		dns = DefaultDNS
		assumed = true
	}
	if !dns.Addresses.IsEmpty() { // a cache on each node: pods ask nobody else
		return []network.Endpoint{network.OutsideEndpoint(dns.Addresses)}, dns.Port, assumed
	}
	for _, pod := range e.podsIn[dns.Namespace] {
		if describes(dns.Labels, pod.Labels) {
			to = append(to, network.PodEndpoint(pod))
		}
	}
	if len(to) > 0 {
		return to, dns.Port, assumed
	}
	return append(to, network.Endpoint{OutsideUnknown: true, Virtual: &network.Virtual{
		Name: "cluster DNS", Namespace: dns.Namespace, Labels: dns.Labels}}), dns.Port, assumed
}

// Resolvers are the pods that resolve names; all is false where others may, too, which
// are no pods of the snapshot.
func (e *Engine) Resolvers() (pods []*snapshot.Pod, all bool) {
	to, _, _ := e.resolver()
	for _, endpoint := range to {
		if endpoint.Pod == nil {
			return nil, false
		}
		pods = append(pods, endpoint.Pod)
	}
	return pods, true
}

// ResolverNamespace is where resolvers run, whether or not the snapshot has them.
func (e *Engine) ResolverNamespace() string {
	if e.World.Facts.DNS != nil {
		return e.World.Facts.DNS.Namespace
	}
	return DefaultDNS.Namespace
}

// DefaultDNS is CoreDNS or kube-dns as nearly every cluster runs it.
var DefaultDNS = &snapshot.DNS{
	Namespace: "kube-system",
	Labels:    netpol.Labels{Set: map[string]string{"k8s-app": "kube-dns"}},
	Port:      53,
}

// describes reports whether a pod has all the labels that a description names.
func describes(want, has netpol.Labels) bool {
	for k, v := range want.Set {
		if has.Set[k] != v {
			return false
		}
	}
	return true
}

// assume records that a step rests on an assumption; a strict reader does not
// accept one, so there the step is Unknown.
func (e *Engine) assume(step verdict.Step, code string) verdict.Step {
	step.Assumptions = snapshot.Merge(step.Assumptions, []string{code})
	if e.World.Facts.Strict {
		step.Verdict, step.Reason = verdict.Unknown, "assumption"
		step.Facts = map[string]string{"assumption": code}
	}
	return step
}
