package network

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A PortView explains the ports of one pair that policies treat alike.
type PortView struct {
	Ports       flow.Ports
	Explanation Explanation
}

// ExplainPorts explains every port of every protocol from one end to another: ports that
// get the same steps together, those that are allowed first.
func (e *Engine) ExplainPorts(from, to Endpoint) []PortView {
	var out []PortView
	at := map[string]int{}
	for _, r := range e.portRanges(from, to) {
		a := Attempt{From: from, To: to, Protocol: r.Protocol, Port: r.From}
		key := e.Outline(a).key()
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, PortView{Explanation: e.Explain(a)})
		}
		out[i].Ports = out[i].Ports.Union(flow.PortsOf(r))
	}
	for i := range out {
		out[i].forAll()
	}
	rank := map[verdict.Verdict]int{verdict.Allow: 0, verdict.Unknown: 1, verdict.Deny: 2}
	slices.SortStableFunc(out, func(a, b PortView) int {
		return cmp.Compare(rank[a.Explanation.Verdict], rank[b.Explanation.Verdict])
	})
	return out
}

// forAll takes out of an explanation what holds only for the one port that was asked, where
// it stands for several.
func (v *PortView) forAll() {
	x := &v.Explanation
	if rs := v.Ports.Ranges(); len(rs) == 1 && rs[0].From == rs[0].To {
		return
	}
	if slices.ContainsFunc(x.Flip, func(f Fix) bool { return f.Port != nil }) {
		x.Flip = nil
	}
	for _, s := range x.Sides {
		delete(s.Step.Facts, "wantPort")
		for _, t := range s.Tiers {
			for _, p := range slices.Concat(t.Policies, t.Others) {
				for _, r := range p.Rules {
					for i := range r.Misses {
						r.Misses[i].Port = 0
					}
				}
			}
		}
	}
}

// Same reports whether two explanations say the same, apart from who asks and at which
// port.
func (x Explanation) Same(y Explanation) bool { return x.key() == y.key() }

// key is equal for explanations that differ in nothing but the port.
func (x Explanation) key() string {
	key := x.Verdict.String() + x.Attempt.Family.String()
	for _, s := range x.Sides {
		key += "|" + s.Step.Verdict.String() + string(s.Step.Reason)
		if s.Step.Reason == NoRule || s.Step.Reason == HostNetwork { // the nearest miss decides nothing
			key += s.Step.Facts["policies"]
			continue
		}
		key += s.Step.Origin.String() + s.Step.Facts["policy"]
		for _, o := range s.Step.Also {
			key += ";" + o.String()
		}
	}
	return key
}

// portRanges cuts all ports where a rule over either end begins or ends.
func (e *Engine) portRanges(from, to Endpoint) []flow.PortRange {
	cuts := map[flow.Protocol][]int{}
	for _, p := range flow.Protocols {
		cuts[p] = []int{1, flow.MaxPort + 1}
	}
	for _, dir := range netpol.Directions {
		q := e.ask(dir, Attempt{From: from, To: to})
		if q.subject.isOutside() {
			continue
		}
		q.eachRule(func(r netpol.Rule) {
			for _, p := range r.Ports {
				first, last := int(p.From), int(e.last(p))
				if p.Name != "" && to.Pod != nil {
					first = int(to.Pod.NamedPort(p.Name, p.Protocol))
					last = first
				}
				if first > 0 {
					cuts[p.Protocol] = append(cuts[p.Protocol], first, last+1)
				}
			}
		})
	}
	var out []flow.PortRange
	for _, proto := range flow.Protocols {
		list := cuts[proto]
		slices.Sort(list)
		list = slices.Compact(list)
		for i := range list[1:] {
			out = append(out, flow.PortRange{Protocol: proto, From: uint16(list[i]), To: uint16(list[i+1] - 1)}) //nolint:gosec // 1 to 65535
		}
	}
	return out
}
