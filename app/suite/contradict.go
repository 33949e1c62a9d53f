package suite

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// mostAsked is how many pods a world may have for every two of them to be asked about:
// it is the square of them that takes the time.
const mostAsked = 200

// contradictions ask the engine about single attempts between ends that were compared as
// whole sets, where its answers could change: it answers the two in different ways.
func (c *comparison) contradictions(f, t end, want, got answer) {
	if len(c.pods.pods) > mostAsked {
		return
	}
	for _, port := range edges(want.allow, want.unknown, got.allow, got.unknown) {
		if c.compared(flow.PortsOf(port)).IsEmpty() {
			continue
		}
		if d, ok := c.contradiction(f, t, port, got); ok {
			c.differences = append(c.differences, d)
			return // one of them tells enough
		}
	}
}

// contradiction compares one answer with what the list of connections has.
func (c *comparison) contradiction(f, t end, port flow.PortRange, listed answer) (d Difference, ok bool) {
	alone, step := c.decide(f, t, port)
	if alone == listed.of(port) {
		return d, false
	}
	return Difference{Subject: c.attempt(f, t, port), Expected: listed.of(port).String() + " as in the list of connections",
		Got: alone.String(), Why: "the engine contradicts itself; " + c.reason(step)}, true
}

// decide asks about one attempt. Step is the first that decided.
func (c *comparison) decide(f, t end, port flow.PortRange) (v verdict.Verdict, step verdict.Step) {
	x := c.engine.Outline(network.Attempt{From: c.endpoint(f), To: c.endpoint(t), Protocol: port.Protocol, Port: port.From})
	for _, side := range x.Sides {
		if side.Step.Verdict == x.Verdict {
			return x.Verdict, side.Step
		}
	}
	return x.Verdict, step
}

// attempt names an attempt as a question does.
func (c *comparison) attempt(f, t end, port flow.PortRange) string {
	return fmt.Sprintf("can %s -> %s %s", c.name(f), c.name(t), flow.PortsOf(port))
}

// edges are the ends of all ranges and what stands beside them, and of each protocol
// the first and last port.
func edges(sets ...flow.Ports) (out []flow.PortRange) {
	add := func(p flow.Protocol, port int) {
		if port < 1 || port > flow.MaxPort {
			return
		}
		r := flow.PortRange{Protocol: p, From: uint16(port), To: uint16(port)} //nolint:gosec // it is a port here
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	for _, p := range flow.Protocols {
		add(p, 1)
		add(p, flow.MaxPort)
	}
	for _, s := range sets {
		for _, r := range s.Ranges() {
			for _, port := range []int{int(r.From) - 1, int(r.From), int(r.To), int(r.To) + 1} {
				add(r.Protocol, port)
			}
		}
	}
	return out
}
