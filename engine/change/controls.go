package change

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// controls compares who reaches the ports that give control without SQL.
func (c *comparer) controls(pair serverPair) {
	for _, port := range controlPorts(pair) {
		c.controlOfPods(pair, port)
		c.controlOfOutside(pair, port)
	}
}

// A portPair is a control port in both estates; nil where it is not.
type portPair [2]*snapshot.ControlPort

// controlPorts pairs the control ports of a server by name and number.
func controlPorts(pair serverPair) []portPair {
	var out []portPair
	for v, s := range pair {
		if s == nil {
			continue
		}
		for i := range s.Control {
			p := &s.Control[i]
			at := slices.IndexFunc(out, func(o portPair) bool {
				return o[before] != nil && o[before].Name == p.Name && o[before].Port == p.Port
			})
			if at < 0 {
				at, out = len(out), append(out, portPair{})
			}
			out[at][v] = p
		}
	}
	return out
}

// controlOfPods compares the answers of the pods, those with the same causes together.
func (c *comparer) controlOfPods(pair serverPair, port portPair) {
	var sides [2][]verdict.Verdict
	for v, p := range port {
		if p != nil {
			sides[v] = c.engines[v].ControlPods(pair[v], *p)
		}
	}
	rows := controlRows{comparer: c, pair: pair, port: port, rows: map[string]int{}, known: map[network.Kin]int{}}
	for i := range c.clients {
		x, pods := c.clients[i].controlled(c, sides)
		if isMoved(x) {
			rows.add(Control{Kind: kindOf(x[before], x[after]), Was: x[before], Now: x[after], From: []snapshot.Ref{c.clients[i].ref}}, pods)
		}
	}
}

// isMoved reports whether a change of verdicts is one that rows of this kind are about.
func isMoved(x [2]verdict.Verdict) bool {
	return !slices.Contains([]Kind{Unchanged, Changed, InDoubt}, kindOf(x[before], x[after]))
}

// controlled is the best that a client's pods get in each estate, and one that gets it.
func (c *client) controlled(all *comparer, sides [2][]verdict.Verdict) (best [2]verdict.Verdict, pods [2]*snapshot.Pod) {
	for v := range sides {
		best[v] = verdict.Deny
		for n, i := range c.pods[v] {
			got := verdict.Deny
			if sides[v] != nil {
				got = sides[v][i]
			}
			if n == 0 || verdict.Any(best[v], got) != best[v] {
				best[v], pods[v] = got, all.pods[v][i]
			}
		}
	}
	return best, pods
}

// controlRows gathers the changes at one control port.
type controlRows struct {
	*comparer
	pair  serverPair
	port  portPair
	rows  map[string]int
	known map[network.Kin]int
}

// add adds a change of one client, to the row of those with the same causes.
func (r *controlRows) add(x Control, pods [2]*snapshot.Pod) {
	var kin network.Kin
	if pods[before] != nil && pods[after] != nil && r.pair.both() {
		kin = r.network.Kin(pods[after], r.pair[after].Members()[0])
	}
	if i, known := r.known[kin]; known && kin != (network.Kin{}) && r.out.Controls[i].Kind == x.Kind {
		r.out.Controls[i].From = append(r.out.Controls[i].From, x.From...)
		return
	}
	x.Server = r.pair.ref()
	for v, step := range []*verdict.Step{&x.Old, &x.New} {
		if p := r.port[v]; p != nil {
			x.Port = *p
			if pods[v] != nil {
				*step = r.engines[v].ControlStep(r.pair[v], *p, pods[v])
			}
		}
	}
	x.Causes, x.Proof = r.causes(x, pods)
	key := string(x.Kind) + textOf(x.Causes)
	i, same := r.rows[key]
	if same {
		r.out.Controls[i].From = append(r.out.Controls[i].From, x.From...)
	} else {
		i = len(r.out.Controls)
		r.rows[key], r.out.Controls = i, append(r.out.Controls, x)
	}
	if kin != (network.Kin{}) {
		r.known[kin] = i
	}
}

// causes finds what was edited that a client reaches the port, or no longer.
func (r *controlRows) causes(x Control, pods [2]*snapshot.Pod) ([]Cause, network.Proof) {
	switch {
	case !r.pair.both():
		return r.edits.servers[r.pair.ref()], network.ProofEach
	case r.port[before] == nil || r.port[after] == nil:
		return r.edits.ofServer(r.pair.ref())
	case pods[before] == nil || pods[after] == nil:
		return r.presence(subject{ref: x.From[0], pods: pods})
	}
	return r.arriving(network.PodEndpoint(pods[after]))
}

// arriving are the edits that changed whether packets arrive at the port of any member.
func (r *controlRows) arriving(from network.Endpoint) ([]Cause, network.Proof) {
	for _, m := range r.pair[after].Members() {
		edits, proof := r.network.Causes(network.Attempt{From: from, To: network.PodEndpoint(m), Protocol: flow.TCP, Port: r.port[after].Port})
		var out []Cause
		for _, e := range edits {
			out = append(out, ofNetwork(e))
		}
		if len(out) > 0 {
			return out, proof
		}
	}
	return nil, network.ProofAmong
}

// controlOfOutside compares the parts of the outside.
func (c *comparer) controlOfOutside(pair serverPair, port portPair) {
	r := controlRows{comparer: c, pair: pair, port: port}
	old, next := r.areas(before), r.areas(after)
	for _, a := range old {
		for _, b := range next {
			part := a.addresses.Intersect(b.addresses)
			if part.IsEmpty() || !isMoved([2]verdict.Verdict{a.verdict, b.verdict}) {
				continue
			}
			x := Control{Kind: kindOf(a.verdict, b.verdict), Server: pair.ref(), Was: a.verdict, Now: b.verdict, Old: a.step, New: b.step,
				From: []snapshot.Ref{c.engines[after].OutsideRef(part)}}
			for _, p := range port {
				if p != nil {
					x.Port = *p
				}
			}
			x.Causes, x.Proof = r.outsideCauses(part)
			c.out.Controls = append(c.out.Controls, x)
		}
	}
}

// An area is addresses outside that get the same at a control port.
type area struct {
	addresses flow.Addresses
	verdict   verdict.Verdict
	step      verdict.Step
}

// areas are those of one estate; the last is the rest, which is refused.
func (r *controlRows) areas(v age) []area {
	rest := area{addresses: flow.AllAddresses(), verdict: verdict.Deny}
	if r.port[v] == nil {
		return []area{rest}
	}
	var out []area
	for _, a := range r.engines[v].ControlOutside(r.pair[v], *r.port[v]) {
		out = append(out, area{a.Outside, a.Verdict, a.Step})
		rest.addresses = rest.addresses.Minus(a.Outside)
	}
	return append(out, rest)
}

// outsideCauses are the edits of policies that changed who arrives; or else those of what
// leads in: the server's Services, and itself.
func (r *controlRows) outsideCauses(from flow.Addresses) ([]Cause, network.Proof) {
	switch {
	case !r.pair.both():
		return r.edits.servers[r.pair.ref()], network.ProofEach
	case r.port[before] == nil || r.port[after] == nil:
		return r.edits.ofServer(r.pair.ref())
	}
	if out, proof := r.arriving(network.OutsideEndpoint(from)); len(out) > 0 {
		return out, proof
	}
	var out []Cause
	for v, s := range r.pair {
		for _, svc := range r.engines[v].ServicesBefore(s) {
			out = append(out, r.edits.services[svc.Ref()]...)
		}
	}
	if out = unique(out); len(out) == 0 {
		out = r.edits.servers[r.pair.ref()]
	}
	return out, network.ProofAmong
}
