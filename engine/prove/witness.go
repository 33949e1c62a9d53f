package prove

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
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

// maxApart is how many clients are looked at one by one for what admits each of them.
const maxApart = 200

// byAdmission divides the clients of a subject by the rule that admits them and by what would
// close it: what is said of one is then true of all.
func (s *site) byAdmission(sub *subject, r reach.Route) []*subject {
	if len(sub.all) < 2 || len(sub.all) > maxApart {
		return []*subject{sub}
	}
	to := s.endOf(r)
	if to == nil {
		return []*subject{sub}
	}
	var out []*subject
	at := map[string]*subject{}
	for _, a := range sub.all {
		attempt := network.Attempt{From: a.endpoint(), To: network.PodEndpoint(to), Protocol: flow.TCP, Port: r.Port}
		key := s.After.Network.Decide(netpol.Ingress, attempt).Origin.String()
		for _, f := range s.After.Network.Flip(attempt) {
			key += "\x00" + string(f.Kind) + f.Edit.String() + textOf(f.Labels)
		}
		if at[key] == nil {
			at[key] = &subject{rights: sub.rights, list: sub.list, first: a}
			out = append(out, at[key])
		}
		at[key].all = append(at[key].all, a)
		if a.future == nil {
			at[key].from = appendNew(at[key].from, a.ref)
		}
	}
	return out
}

// endOf is the pod that a route comes to first; nil where that is not one alone.
func (s *site) endOf(r reach.Route) *snapshot.Pod {
	for _, p := range s.server.Poolers {
		if ref := p.Ref(); r.Pooler == ref.Namespace+"/"+ref.Name {
			return p.Workload.Pods[0]
		}
	}
	for _, p := range s.server.Members() {
		if p.Ref().Name == r.Member && r.Pooler == "" {
			return p
		}
	}
	return nil
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

// leaveOpen tells a way in that is not known to be refused, with the step that leaves it
// open.
func (s *site) leaveOpen(into *Statement, sub *subject, x *excess) {
	w := s.witness(sub.first, x.session(), func(p reach.Path) bool { return p.Verdict == verdict.Unknown && !s.isByNode(p) })
	if len(w.Path.Steps) == 0 {
		into.Assumptions = snapshot.Merge(into.Assumptions, []string{snapshot.AssumeNodes})
		return
	}
	step := firstStep(w.Path, verdict.Unknown)
	into.Doubts = append(into.Doubts, Doubt{Reason: step.Reason, From: sub.from, Future: sub.first.future, Databases: x.databases, Roles: x.roles,
		Step: step, Origin: step.Origin})
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
	out = snapshot.Merge(out, s.After.World.Standing())
	if s.server.Stopped != (verdict.Origin{}) {
		out = snapshot.Merge(out, []string{snapshot.AssumeRuns})
	}
	if len(s.passers()) > 0 {
		out = snapshot.Merge(out, []string{snapshot.AssumePoolersKeep})
	}
	return out
}

// passers are the workloads that get in and pass sessions of others on, which nobody
// understands: whom they let in is not among the clients.
func (s *site) passers() []snapshot.Ref {
	var out []snapshot.Ref
	for i, p := range s.After.Pods() {
		if p.Workload.Passes != "" && s.list().Pods[i] != 0 {
			out = appendNew(out, p.Ref())
		}
	}
	return out
}
