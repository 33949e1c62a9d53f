package roundtrip

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// places are addresses that stand for the outside.
var places = []string{"203.0.113.7", "203.0.113.70", "198.51.100.7", "198.51.100.17", "192.0.2.10", "198.18.0.1", "8.8.8.8", "10.244.9.9", "2001:db8:40::1", "2001:db8:1::1", "2001:db8:a::1", "2001:4860::1", "fd00:10:244::99"}

// A passage is what passes between two ends: surely, and perhaps.
type passage [2]flow.Ports

// passages are all connections of an estate but those of servers with a perimeter, pod by
// pod and place by place.
func (t *trip) passages(e *reach.Engine) map[string]passage {
	ends := t.strangers(e)
	out := map[string]passage{}
	add := func(c network.Connection, which int) {
		ports := flow.PortsOf(c.Ports...)
		if c.All {
			ports = flow.AllPorts()
		}
		for _, from := range ends(c.From) {
			for _, to := range ends(c.To) {
				if from.isolated {
					continue // an access closes its way out
				}
				p := out[from.name+" → "+to.name]
				p[which] = p[which].Union(ports)
				out[from.name+" → "+to.name] = p
			}
		}
	}
	for c := range e.Network.Connections().All() {
		add(c, 0)
	}
	for c := range e.Network.Connections().Unknown() {
		add(c.Connection, 1)
	}
	return out
}

type stranger struct {
	name     string
	isolated bool
}

// strangers tells who stands behind a side of a connection, and is nothing of a server with
// a perimeter.
func (t *trip) strangers(e *reach.Engine) func(network.Party) []stranger {
	sites := map[*snapshot.Workload]bool{}
	for _, s := range e.World.Servers {
		if t.wall(s) != nil {
			sites[s.Workload] = true
			for _, p := range s.Poolers {
				sites[p.Workload] = true
			}
		}
	}
	known := map[*snapshot.Pod]stranger{}
	of := map[snapshot.Ref][]*snapshot.Pod{}
	for _, w := range e.World.Workloads {
		of[w.Ref] = w.Pods
		for i, p := range w.Pods {
			if !sites[w] {
				known[p] = stranger{fmt.Sprintf("%s member %d", w.Ref, i), t.isolated(p)}
			}
		}
	}
	return func(p network.Party) (out []stranger) {
		pods := p.Pods
		if pods == nil {
			pods = of[p.Ref]
		}
		for _, pod := range pods {
			if s, ok := known[pod]; ok {
				out = append(out, s)
			}
		}
		for _, place := range places {
			if slices.ContainsFunc(p.CIDR, func(c netip.Prefix) bool { return c.Contains(netip.MustParseAddr(place)) }) {
				out = append(out, stranger{name: place})
			}
		}
		return out
	}
}

// same finds connections that are none of the compiler's business and differ.
func (t *trip) same(func(string)) (faults []fault) {
	was, is := t.passages(t.before), t.passages(t.after)
	for key, p := range was {
		if q := is[key]; !p[0].Equal(q[0]) || !p[1].Equal(q[1]) {
			faults = append(faults, fault{class: "unchanged", text: fmt.Sprintf("%s: was %v, is %v", key, p, q)})
		}
		delete(is, key)
	}
	for key, q := range is {
		faults = append(faults, fault{class: "unchanged", text: fmt.Sprintf("%s: was nothing, is %v", key, q)})
	}
	return faults
}

// isolated reports whether an access closes the way out of a pod.
func (t *trip) isolated(pod *snapshot.Pod) bool {
	return slices.ContainsFunc(t.asked, func(a access) bool {
		return a.Spec.ClientEgress.Isolation == "Isolate" && t.client(&a, network.PodEndpoint(pod))
	})
}

// alive finds vital flows that passed before and do not afterwards.
func (t *trip) alive(note func(string)) (faults []fault) {
	key := func(f snapshot.VitalFlow) string {
		return fmt.Sprint(f.ID, "|", f.What, "|", f.Phase, "|", f.From.Name, "|", f.To.Name, "|", f.Ports)
	}
	for i, s := range t.before.World.Servers {
		if t.wall(s) == nil {
			continue
		}
		now := map[string]reach.VitalDecision{}
		for _, d := range t.after.Vital(t.after.World.Servers[i]) {
			now[key(d.Flow)] = d
		}
		for _, d := range t.before.Vital(s) {
			is := now[key(d.Flow)]
			if d.Verdict != verdict.Allow || d.Flow.Optional || is.Verdict == verdict.Allow {
				continue
			}
			if code := t.cuts(d.Flow); code != "" {
				note("vital: " + d.Flow.ID + " gap " + code)
				continue
			}
			text := fmt.Sprintf("%s (%s, %s) of %s: %s → %s passed and is %s now\n", d.Flow.ID, d.Flow.What, d.Flow.Phase, s.Ref(), d.Flow.From.Name, d.Flow.To.Name, is.Verdict)
			faults = append(faults, fault{class: "vital", server: s, text: text + t.steps(reach.Path{Steps: is.Steps})})
		}
	}
	return faults
}

// cuts finds a gap that says that a vital flow is cut.
func (t *trip) cuts(f snapshot.VitalFlow) string {
	for _, g := range t.output.Gaps {
		if strings.Contains(g.What+g.Consequence, f.What) || g.Code == "networkpolicy/apiserver-unknown" && f.To.Name == snapshot.KubeAPIServer {
			return g.Code
		}
	}
	return ""
}

// again compiles the estate afterwards: nothing is left to do.
func (t *trip) again(func(string)) (faults []fault) {
	wrong := func(ref snapshot.Ref, format string, args ...any) {
		faults = append(faults, fault{class: "again", ref: ref, text: fmt.Sprintf(format, args...)})
	}
	if n := len(t.after.World.Problems); n > 0 {
		wrong(snapshot.Ref{}, "%d new problems: %v", n, t.after.World.Problems)
	}
	job, errs := compile.Plan(t.intents, t.after.World, t.after.World.Facts.Now)
	for _, e := range errs {
		if !e.Warning {
			wrong(snapshot.Ref{}, "refused: %s %s", e.Origin, e.Text)
			return faults
		}
	}
	out := compile.Compile(job, backends)
	objects, err := overlay.Apply(t.objects, out.Artefacts)
	if err != nil {
		wrong(snapshot.Ref{}, "%v", err)
		return faults
	}
	was := map[artefact.Key]string{}
	for _, o := range t.objects {
		was[artefact.Key{Group: o.Group(), Ref: o.Ref()}] = string(o.JSON)
	}
	for _, o := range objects {
		key := artefact.Key{Group: o.Group(), Ref: o.Ref()}
		if was[key] != string(o.JSON) {
			wrong(o.Ref(), "%s is not what it was\n    %s\n    %s", key.Ref, was[key], o.JSON)
		}
	}
	made := map[artefact.Key]bool{}
	for _, a := range out.Artefacts {
		made[a.Key()] = true
	}
	for _, a := range t.output.Artefacts {
		if !made[a.Key()] {
			wrong(a.Ref, "%s is not made any more", a.Ref)
		}
	}
	return faults
}
