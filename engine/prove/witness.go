package prove

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// session is what is asked for on a way in.
func (w wayIn) session() reach.Session {
	out := reach.Session{Database: w.cell.Database, Role: w.cell.Role, TLS: w.login.TLS}
	if out.Database == reach.PhysicalReplication {
		out.Replication = true
	}
	if w.login.Cert {
		out.Cert = w.cell.Role
	}
	return out
}

// counterexample tells an excess with one attempt, and with the object that lets it in.
func (s *site) counterexample(sub *subject, x *excess) Counterexample {
	c := Counterexample{From: sub.from, Future: sub.first.future, Server: s.server.Ref(), Databases: x.databases, Roles: x.roles,
		Login: *x.login, Route: x.route}
	c.Witness = s.witness(sub.first, x.session(), func(p reach.Path) bool { return p.Verdict == verdict.Allow && isRoute(p, x.route) })
	c.Decides, c.Ours = s.admits(c.Witness.Path)
	c.Close = s.flip(sub.first, c.Witness.Path)
	return c
}

// witness asks an attempt in both estates; its path is the first that is wanted.
func (s *site) witness(a asker, session reach.Session, wanted func(reach.Path) bool) Witness {
	w := Witness{From: a.ref, Outside: a.outside, Session: session, Was: s.wasVerdict(a, session)}
	d := s.After.Decide(reach.Question{From: a.endpoint(), Inside: a.inside, To: reach.Target{Server: s.server}, Session: session})
	w.Now = d.Verdict
	if i := slices.IndexFunc(d.Paths, wanted); i >= 0 {
		w.Path = d.Paths[i]
	}
	return w
}

// wasVerdict is the answer in the estate without artefacts; Unknown for a client that it
// does not have.
func (s *site) wasVerdict(a asker, session reach.Session) verdict.Verdict {
	if s.was == nil {
		return verdict.Unknown
	}
	from := a.endpoint()
	if a.pod != nil {
		if from.Pod = s.before[a.pod]; from.Pod == nil {
			return verdict.Unknown
		}
	}
	return s.Before.Decide(reach.Question{From: from, Inside: a.inside, To: reach.Target{Server: s.was}, Session: session}).Verdict
}

func isRoute(p reach.Path, r reach.Route) bool {
	service, pooler := "", ""
	if p.Service != nil {
		service = p.Service.Namespace + "/" + p.Service.Name
	}
	if p.Pooler != nil {
		pooler = p.Pooler.Ref().Namespace + "/" + p.Pooler.Ref().Name
	}
	return p.Port == r.Port && service == r.Service && pooler == r.Pooler && p.Through == r.Through
}

// admits is the step of the object that lets a path in: of those that were there before
// anything was compiled, one that decides about packets and then one about sessions, before
// an artefact. Where no policy isolates, that decides.
func (s *site) admits(p reach.Path) (step verdict.Step, ours bool) {
	layers := []verdict.Layer{verdict.Ingress, verdict.Pooler, verdict.HBA, verdict.Ident}
	for _, foreign := range []bool{true, false} {
		for _, layer := range layers {
			for _, st := range p.Steps {
				if st.Layer == layer && st.Verdict == verdict.Allow && s.isForeign(st) == foreign {
					return st, !foreign
				}
			}
		}
	}
	return verdict.Step{}, false
}

// isForeign reports whether a step is decided by something that no artefact makes.
func (p *prover) isForeign(s verdict.Step) bool {
	return p.After.World.Locate(s.Origin).File != artefact.Compiled
}

// flip are the edits of policies that would close a path; of one that does not begin with
// packets there are none.
func (s *site) flip(a asker, p reach.Path) []network.Fix {
	to := p.Member
	if p.Pooler != nil {
		to = firstHop(p)
	}
	if to == nil || a.inside != reach.OverNetwork || p.Through != "" || p.Port == 0 {
		return nil
	}
	return s.After.Network.Flip(network.Attempt{From: a.endpoint(), To: network.PodEndpoint(to), Protocol: flow.TCP, Port: p.Port})
}

// firstHop is a pod of the pooler of a path.
func firstHop(p reach.Path) *snapshot.Pod { return p.Pooler.Workload.Pods[0] }

// doubt tells a way in that is not known to be refused, with the step that leaves it open.
func (s *site) doubt(sub *subject, x *excess) Doubt {
	d := Doubt{From: sub.from, Future: sub.first.future, Databases: x.databases, Roles: x.roles}
	w := s.witness(sub.first, x.session(), func(p reach.Path) bool { return p.Verdict == verdict.Unknown })
	d.Step = firstStep(w.Path, verdict.Unknown)
	d.Reason, d.Origin = d.Step.Reason, d.Step.Origin
	return d
}

// firstStep is the first step of a path with a verdict; zero for none.
func firstStep(p reach.Path, v verdict.Verdict) verdict.Step {
	for _, s := range p.Steps {
		if s.Verdict == v {
			return s
		}
	}
	return verdict.Step{}
}

// restsOn are the assumptions of a sample of answers: of what is refused to somebody from
// everywhere.
func (s *site) restsOn() []string {
	if s.assumed == nil {
		s.assumed = s.sampled()
	}
	return s.assumed
}

func (s *site) sampled() []string {
	out := []string{}
	session := reach.Session{Database: reach.AnyOther, Role: reach.AnyOther, TLS: true}
	ask := func(from network.Endpoint) {
		d := s.After.Decide(reach.Question{From: from, To: reach.Target{Server: s.server}, Session: session})
		out = snapshot.Merge(out, slices.Sorted(slices.Values(d.Assumptions)))
	}
	for i := range min(len(s.future), 3) {
		ask(network.Endpoint{Virtual: &s.future[i]})
	}
	for _, atom := range s.list().Atoms[:min(len(s.list().Atoms), 2)] {
		ask(network.OutsideEndpoint(atom))
	}
	if !s.After.World.Facts.Complete {
		out = snapshot.Merge(out, []string{snapshot.AssumeComplete})
	}
	return out
}
