package change

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func textOf(causes []Cause) string { return fmt.Sprint(causes) }

// flows compares what the server needs to live, by what a flow is for.
func (c *comparer) flows(pair serverPair) {
	if pair[after] == nil {
		return
	}
	var decided [2][]reach.VitalDecision
	for v, s := range pair {
		if s != nil {
			decided[v] = c.engines[v].Vital(s)
		}
	}
	old := map[string]reach.VitalDecision{}
	for _, d := range decided[before] {
		old[flowKey(d.Flow)] = d
	}
	for _, d := range decided[after] {
		was, known := old[flowKey(d.Flow)]
		f := Flow{Server: pair.ref(), Flow: d.Flow, Now: d.Verdict, New: d.Steps, Needed: !known}
		f.Was, f.Old = verdict.Allow, nil
		if known {
			f.Was, f.Old = was.Verdict, was.Steps
		}
		if f.Kind = kindOf(f.Was, f.Now); f.Kind == Unchanged || f.Kind == Changed || f.Kind == InDoubt {
			continue
		}
		f.Causes = c.flowCauses(pair, f)
		c.out.Flows = append(c.out.Flows, f)
	}
}

func flowKey(f snapshot.VitalFlow) string {
	return fmt.Sprint(f.ID, "|", f.Phase, "|", f.What, "|", f.From.Name, "|", f.To.Name)
}

// flowCauses finds what cut or restored a flow, between the first two of its peers that
// both estates have.
func (c *comparer) flowCauses(pair serverPair, f Flow) []Cause {
	if f.Needed {
		return []Cause{{Kind: "server", Change: network.ChangeMoved, Object: pair.ref().String(), Field: f.Flow.Origin.Field, New: f.Flow.Origin}}
	}
	var out []Cause
	for _, x := range differing(f.Old, f.New) {
		if x.layer == verdict.HBA {
			found, _ := lines(c.edits.files[pair.ref()], "pg_hba", x)
			out = append(out, found...)
		}
	}
	for _, r := range f.Flow.Ports {
		for _, from := range reach.Endpoints(f.Flow.From) {
			for _, to := range reach.Endpoints(f.Flow.To) {
				a := network.Attempt{From: from, To: to, Protocol: r.Protocol, Port: r.From}
				edits, _ := c.network.Causes(a)
				for _, e := range edits {
					out = append(out, ofNetwork(e))
				}
				if len(out) > 0 {
					return unique(out)
				}
			}
		}
	}
	return unique(out)
}

// controls compares who reaches the ports that give control without SQL.
func (c *comparer) controls(pair serverPair) {
	type key struct {
		from    snapshot.Ref
		name    string
		port    uint16
		through string
	}
	var sides [2]map[key]reach.ControlAccess
	var order []key
	for v, s := range pair {
		sides[v] = map[key]reach.ControlAccess{}
		if s == nil {
			continue
		}
		for _, a := range c.engines[v].Control(s) {
			k := key{a.From, a.Port.Name, a.Port.Port, a.Through}
			if _, known := sides[before][k]; !known && sides[v][k].Server == nil {
				order = append(order, k)
			}
			if known, has := sides[v][k]; !has || verdict.Any(known.Verdict, a.Verdict) != known.Verdict {
				sides[v][k] = a
			}
		}
	}
	at := map[string]int{}
	for _, k := range order {
		x := Control{Server: pair.ref(), From: []snapshot.Ref{k.from}, Was: verdict.Deny, Now: verdict.Deny}
		if a, has := sides[before][k]; has {
			x.Port, x.Was, x.Old = a.Port, a.Verdict, a.Step
		}
		if a, has := sides[after][k]; has {
			x.Port, x.Now, x.New = a.Port, a.Verdict, a.Step
		}
		if x.Kind = kindOf(x.Was, x.Now); x.Kind == Unchanged || x.Kind == Changed || x.Kind == InDoubt {
			continue
		}
		x.Causes = c.controlCauses(pair, x)
		same := fmt.Sprint(x.Port.Port, x.Kind, textOf(x.Causes))
		if i, known := at[same]; known {
			c.out.Controls[i].From = append(c.out.Controls[i].From, k.from)
			continue
		}
		at[same], c.out.Controls = len(c.out.Controls), append(c.out.Controls, x)
	}
}

// controlCauses finds the edits behind the first pods that it is about.
func (c *comparer) controlCauses(pair serverPair, x Control) []Cause {
	if !pair.both() {
		return c.edits.servers[pair.ref()]
	}
	for _, p := range c.pods[after] {
		if p.Workload.Ref != x.From[0] && p.Ref() != x.From[0] {
			continue
		}
		for _, m := range pair[after].Members() {
			edits, _ := c.network.Causes(network.Attempt{From: network.PodEndpoint(p), To: network.PodEndpoint(m), Protocol: flow.TCP, Port: x.Port.Port})
			var out []Cause
			for _, e := range edits {
				out = append(out, ofNetwork(e))
			}
			if len(out) > 0 {
				return out
			}
		}
	}
	return nil
}
