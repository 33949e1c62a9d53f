package roundtrip

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// find is whom a name in a test means: KIND/NAMESPACE/NAME, as the generator writes it.
func (t *trip) find(name string) (prove.Client, error) {
	for _, w := range t.after.World.Workloads {
		if w.Kind+"/"+w.Namespace+"/"+w.Name == name {
			c := prove.Client{Ref: w.Ref}
			for _, p := range w.Pods {
				c.Endpoints = append(c.Endpoints, network.PodEndpoint(p))
			}
			return c, nil
		}
	}
	return prove.Client{}, fmt.Errorf("nobody is %s", name)
}

// proved holds what prove says against the answers of this package.
func (t *trip) proved(note func(string)) (faults []fault) {
	proof := prove.Prove(prove.Question{Intents: t.intents, Job: t.job, Before: t.before, After: t.after, Find: t.find})
	for i := range proof.Statements {
		s := &proof.Statements[i]
		note(fmt.Sprintf("prove: %s %s", s.Kind, s.Result))
		wrong := func(format string, args ...any) {
			faults = append(faults, fault{class: "prove " + string(s.Kind), server: t.serverNamed(s.Server), text: s.Of.String() + ": " + fmt.Sprintf(format, args...)})
		}
		t.owned(s, wrong)
		doubtful := t.agrees(s, wrong)
		for j := range faults {
			faults[j].doubtful = faults[j].doubtful || doubtful
		}
	}
	return faults
}

func (t *trip) serverNamed(ref snapshot.Ref) *snapshot.Server {
	for _, s := range t.after.World.Servers {
		if s.Ref() == ref {
			return s
		}
	}
	return nil
}

// owned: what an artefact of ours decides is never against what is closed, alive or left
// as it was.
func (t *trip) owned(s *prove.Statement, wrong func(string, ...any)) {
	if s.Kind != prove.Closed && s.Kind != prove.Vital && s.Kind != prove.Unchanged {
		return
	}
	for i := range s.Against {
		if c := &s.Against[i]; c.Ours && (c.Flow == nil || t.cuts(*c.Flow) == "") {
			wrong("an artefact is against it: %s", t.counterexample(c))
			return
		}
	}
}

func (t *trip) counterexample(c *prove.Counterexample) string {
	text := fmt.Sprintf("%v to %v", c.From, c.To)
	if c.Future != nil {
		text += fmt.Sprintf(" a pod that might come, %v in %s", c.Future.Labels.Set, c.Future.Namespace)
	}
	if c.Flow != nil {
		text += " " + c.Flow.ID + " " + c.Flow.What
	}
	return fmt.Sprintf("%s was %s, is %s, databases %q roles %q %+v %+v ports %s %s decided by %s %s %s\n%s", text, c.Witness.Was, c.Witness.Now, c.Databases, c.Roles, c.Login, c.Route, c.Ports, c.Change,
		c.Decides.Layer, c.Decides.Reason, t.after.World.Locate(c.Decides.Origin), t.steps(c.Witness.Path))
}

// agrees asks the same question in the way of this package. Pods that do not exist yet are
// asked for by prove alone.
func (t *trip) agrees(s *prove.Statement, wrong func(string, ...any)) (doubtful bool) {
	existing := slices.IndexFunc(s.Against, func(c prove.Counterexample) bool { return c.Future == nil || len(c.From) > 0 })
	text := ""
	if existing >= 0 {
		text = t.counterexample(&s.Against[existing])
	}
	if i := slices.IndexFunc(s.Against, func(c prove.Counterexample) bool { return c.Future != nil && len(c.From) > 0 }); i >= 0 {
		wrong("pods that are there and one that might come in one counterexample: %s", t.counterexample(&s.Against[i]))
	}
	mine, known := "", true
	switch s.Kind {
	case prove.Closed:
		mine = t.nobodyElse(t.serverNamed(s.Server))
	case prove.Open:
		mine, doubtful = t.refusedTo(t.serverNamed(s.Server), s.Of)
	case prove.Vital:
		mine = t.dead(t.serverNamed(s.Server))
	case prove.Unchanged:
		for _, f := range t.same(nil) {
			mine = f.text
		}
		known = mine != "" // prove looks at what the server's own pods reach, too
	default:
		known = false
	}
	if known && (mine != "") != (existing >= 0) {
		wrong("it is %s, and here: %q; against it: %s", s.Result, mine, text)
	}
	return doubtful
}

// nobodyElse finds somebody whom nothing was declared for, and who gets in.
func (t *trip) nobodyElse(s *snapshot.Server) string {
	for _, cell := range t.after.WhoCan(s) {
		for _, a := range t.attempts(cell) {
			if a.from.Pod != nil && (a.from.Pod.Workload == s.Workload || poolerOf(s, a.from.Pod) != nil) {
				continue // the server's own pods have its data
			}
			declared := slices.ContainsFunc(t.accesses(s), func(x *access) bool { return t.client(x, a.from) })
			vital := slices.ContainsFunc(s.Vital, func(f snapshot.VitalFlow) bool {
				return t.stands(a.from, f.From) && slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool { return hasPort(f.Ports, p.Port) }) &&
					slices.ContainsFunc(f.To.Pods, func(p *snapshot.Pod) bool { return p.Workload == s.Workload })
			})
			if !declared && !vital {
				return a.String()
			}
		}
	}
	return ""
}

// refusedTo finds a client of an access that surely does not get an entry, and tells
// whether of one it is not known.
func (t *trip) refusedTo(s *snapshot.Server, of snapshot.Ref) (refused string, doubtful bool) {
	for _, a := range t.accesses(s) {
		if a.Metadata.Namespace != of.Namespace || a.Metadata.Name != of.Name {
			continue
		}
		for _, from := range t.ends(a) {
			if from.Pod != nil && (from.Pod.Workload == s.Workload || poolerOf(s, from.Pod) != nil) {
				continue // no client of itself
			}
			for _, e := range a.Spec.To {
				for _, database := range e.Databases {
					switch t.gets(s, from, e, database) {
					case verdict.Unknown:
						doubtful = true
					case verdict.Deny:
						refused = fmt.Sprintf("%s does not get %q as %q", endText(from, snapshot.Ref{Name: from.Outside.Text()}), database, e.Role)
					}
				}
			}
		}
	}
	return refused, doubtful
}

// gets is the answer to a client of an entry, with TLS, or without where that will do.
func (t *trip) gets(s *snapshot.Server, from network.Endpoint, e entry, database string) verdict.Verdict {
	var all []verdict.Verdict
	for _, tls := range []bool{true, false} {
		if !tls && e.TLS != "Optional" {
			continue
		}
		q := session(e, database)
		q.TLS = tls
		for _, p := range t.after.Decide(reach.Question{From: from, To: reach.Target{Server: s}, Session: q}).Paths {
			r := reach.Route{Port: p.Port}
			if p.Pooler != nil {
				r.Pooler = p.Pooler.Ref().Namespace + "/" + p.Pooler.Ref().Name
			}
			if from.Pod != nil && p.Service == nil && t.hasService(s, e) {
				continue // people go by the Service
			}
			if door(e, s, r) && t.endpoint(s, e, p) && p.Member.Workload == s.Workload && asksForIt(e, p) {
				all = append(all, p.Verdict)
			}
		}
	}
	return verdict.Any(all...)
}

// hasService reports whether a Service leads to what an entry names.
func (t *trip) hasService(s *snapshot.Server, e entry) bool {
	services := s.Services
	for _, p := range s.Poolers {
		if p.Workload.Name == e.Pooler && e.Pooler != "" {
			services = p.Services
		}
	}
	return slices.ContainsFunc(services, func(svc *snapshot.Service) bool { return !svc.Headless && len(t.after.Backends(svc)) > 0 })
}

// endpoint reports whether a path ends where an entry is to lead.
func (t *trip) endpoint(s *snapshot.Server, e entry, p reach.Path) bool {
	replicas := slices.ContainsFunc(s.Members(), func(m *snapshot.Pod) bool { return m.Part == snapshot.Replica })
	switch e.Endpoint {
	case "Any":
		return true
	case "ReadOnly":
		return p.Member.Part == snapshot.Replica || !replicas
	}
	return p.Member.Part == snapshot.Primary
}

// asksForIt reports whether a path asks for what the entry's role shows.
func asksForIt(e entry, p reach.Path) bool {
	if p.Verdict != verdict.Allow {
		return true
	}
	if e.Authentication == "Certificate" {
		return p.Method == "cert"
	}
	return strings.Contains(p.Method, "scram-sha-256") || strings.Contains(p.Method, "md5") || p.Pooler != nil
}

// dead finds a vital flow that does not pass.
func (t *trip) dead(s *snapshot.Server) string {
	for _, d := range t.after.Vital(s) {
		if d.Verdict == verdict.Deny && !d.Flow.Optional {
			return d.Flow.ID + " " + d.Flow.What
		}
	}
	return ""
}
