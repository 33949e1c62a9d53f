package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// addresses are what pg_hba.conf can say of a peer. Pods of the server's own namespace may
// be selected where the operator knows how; others are told apart from the world at best.
func (h *hbaSite) addresses(p *intent.Peer, who, role, ref string) []hba.Address {
	if p.IsOutside() {
		return h.outside(p)
	}
	var out []hba.Address
	own, others := h.ownPods(p)
	if own {
		out = h.selected(p, ref)
	}
	if others {
		out = append(out, h.anyPod(h.site.Server.Ref(), peerPods(h.job.World, h.hostPods, *p, h.site.Server.Ref().Namespace), who, role, p.Origin)...)
	}
	return out
}

// ownPods says of a peer whether some of its pods can be selected, and whether some cannot.
func (h *hbaSite) ownPods(p *intent.Peer) (own, others bool) {
	if !h.selects() {
		return false, true
	}
	if p.NamespaceSelector != nil {
		return false, true
	}
	own = len(p.Namespaces) == 0 || slices.Contains(p.Namespaces, h.site.Server.Ref().Namespace)
	return own, !own || len(p.Namespaces) > 1
}

// selects reports whether the operator puts the addresses of pods into lines, which came
// with 1.29 [cnpg docs/src/release_notes/v1.29.md@1.29.0].
func (h *hbaSite) selects() bool {
	s := h.site.Server
	return s.Operator == "cloudnative-pg" && (releaseIs(s, release{1, 29}) || s.HBA.AsksForPods())
}

// outside are ranges. Where a Service puts a node's address in the client's place no line
// knows the client.
func (h *hbaSite) outside(p *intent.Peer) []hba.Address {
	var out []hba.Address
	for _, prefix := range p.Addresses.Prefixes() {
		out = append(out, netAddress(prefix))
	}
	for _, svc := range h.site.Server.Services {
		if (svc.Type == "LoadBalancer" || svc.Type == "NodePort") && !svc.KeepsClient {
			h.gap("hba/node-source", fmt.Sprintf("through %s pods see a node's address in the place of an outside client's", svc.Ref()),
				"who comes that way from "+hbaPeerText(p)+" is refused; externalTrafficPolicy: Local keeps the client's address", "", p.Origin)
		}
	}
	return out
}

// anyPod is every pod of the cluster, or every client where nobody knows which addresses
// pods have. Those of the host network have their nodes'.
func (h *hbaSite) anyPod(of snapshot.Ref, pods []*snapshot.Pod, who, role string, at verdict.Origin) []hba.Address {
	ranges := h.job.World.Facts.PodCIDRs
	from := "every pod of the cluster"
	hostNetwork := slices.ContainsFunc(pods, func(p *snapshot.Pod) bool { return p.HostNetwork })
	if len(ranges) == 0 || hostNetwork {
		ranges, from = nil, "everywhere"
	}
	h.alike(of, who, role, from, at)
	if ranges == nil {
		return []hba.Address{anyAddress}
	}
	var out []hba.Address
	for _, p := range ranges {
		out = append(out, netAddress(p))
	}
	return out
}

// alike says that a file cannot tell clients from others that come from the same place.
func (h *hbaSite) alike(of snapshot.Ref, who, role, from string, at verdict.Origin) {
	h.gap("hba/pods-alike", "pg_hba.conf of "+of.String()+" cannot tell "+who+" from others",
		"whoever reaches it from "+from+" with the credentials of role "+role+" is let in, a client that was declared another role among them", networkBackend, at)
}

// podRefs are the selectors of pods that lines refer to.
type podRefs struct{ list []podRef }

type podRef struct {
	name     string
	selector netpol.Selector
}

// use returns the name of a selector, wanted where it has none yet.
func (r *podRefs) use(wanted string, s netpol.Selector) string {
	s = sortedSelector(slices.Clone(s))
	for _, have := range r.list {
		if have.selector.String() == s.String() {
			return have.name
		}
	}
	unique := refName(wanted)
	for n := 2; slices.ContainsFunc(r.list, func(have podRef) bool { return have.name == unique }); n++ {
		unique = refName(wanted, fmt.Sprint(n))
	}
	r.list = append(r.list, podRef{unique, s})
	return unique
}

// refName is a name as references want it: a letter first, no dots.
func refName(parts ...string) string {
	out := strings.ReplaceAll(name(parts...), ".", "-")
	if out == "" || out[0] < 'a' || out[0] > 'z' {
		out = "p-" + out
	}
	return out[:min(len(out), maxName)]
}

// value is the field spec.podSelectorRefs.
func (r *podRefs) value() artefact.List {
	var out artefact.List
	for _, ref := range r.list {
		out = append(out, artefact.Item{Value: artefact.Map{
			{Key: "name", Value: ref.name}, {Key: "selector", Value: selectorTree(ref.selector)}}})
	}
	return out
}

// selected are the pods of a peer in the server's namespace.
func (h *hbaSite) selected(p *intent.Peer, ref string) []hba.Address {
	var out []hba.Address
	here := h.site.Server.Ref().Namespace
	for _, pod := range peerPods(h.job.World, map[string][]*snapshot.Pod{here: h.hostPods[here]}, *p, here) {
		h.gap("hba/host-network", pod.Ref().String()+" has the addresses of its nodes",
			"whoever comes from these nodes with the same credentials is let in too", networkBackend, p.Origin)
	}
	for _, s := range h.selectors(p) {
		out = append(out, h.reference(ref, s))
	}
	return out
}

// reference is an address that the operator replaces.
func (h *hbaSite) reference(wanted string, s netpol.Selector) hba.Address {
	ref := h.refs.use(wanted, s)
	return hba.Address{Kind: hba.Pods, Name: "podselector:" + ref, Namespace: h.site.Server.Ref().Namespace, Pods: s}
}

// selectors are the labels of a peer's pods. Service accounts are no labels: the pods that
// are known to run as them are selected by theirs.
func (h *hbaSite) selectors(p *intent.Peer) []netpol.Selector {
	if p.ServiceAccounts == nil {
		return []netpol.Selector{podSelector(*p)}
	}
	here := h.site.Server.Ref().Namespace
	var pods, strangers []*snapshot.Pod
	for _, pod := range h.pods[here] {
		switch isOf := podSelector(*p).Match(pod.Labels) != netpol.No && slices.Contains(p.ServiceAccounts, pod.RunsAs()); {
		case isOf:
			pods = append(pods, pod)
		default:
			strangers = append(strangers, pod)
		}
	}
	accounts := strings.Join(p.ServiceAccounts, ", ")
	if len(pods) == 0 {
		h.gap("hba/service-account", "no pod of namespace "+here+" is known to run as service account "+accounts,
			"pods that will are refused until the access is compiled again", "", p.Origin)
	}
	var out []netpol.Selector
	for len(pods) > 0 {
		wl := pods[0].Workload
		s, left := describedByAll(ofWorkload(pods, wl), strangers)
		if s == nil || len(left) > 0 {
			h.gap("hba/service-account", "no labels tell the pods of "+wl.String()+" from pods that run as another account than "+accounts,
				"they are refused", "", p.Origin)
		} else {
			out = append(out, s)
		}
		pods = slices.DeleteFunc(pods, func(pod *snapshot.Pod) bool { return pod.Workload == wl })
	}
	return out
}

func ofWorkload(pods []*snapshot.Pod, wl *snapshot.Workload) []*snapshot.Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(p *snapshot.Pod) bool { return p.Workload != wl })
}
