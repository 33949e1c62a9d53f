package change

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// parts divides what was gained from what was lost, where those have causes of their own.
func (t *table) parts(d cellDiff, s subject) []cellDiff {
	if d.was != d.now || len(d.gained) == 0 || len(d.lost) == 0 {
		return []cellDiff{d}
	}
	gained, lost := d, d
	gained.lost, lost.gained = nil, nil
	why, _ := t.causes(s, t.witness(gained, s))
	if other, _ := t.causes(s, t.witness(lost, s)); slices.Equal(why, other) {
		return []cellDiff{d}
	}
	return []cellDiff{gained, lost}
}

// explain adds the rows of one change of cells: subjects with the same causes together.
func (t *table) explain(d cellDiff, subjects []subject) {
	known := map[network.Kin]int{}
	rows := map[string]int{}
	var pivot *snapshot.Pod
	for _, s := range subjects {
		kin, shared := t.kin(s, pivot)
		if i, ok := known[kin]; shared && ok {
			t.out.Rows[i].From = append(t.out.Rows[i].From, s.ref)
			continue
		}
		row := Row{Kind: d.kind, Server: t.pair.ref(), From: []snapshot.Ref{s.ref}, Databases: d.databases, Roles: d.roles,
			Was: d.was, Now: d.now, Gained: d.gained, Lost: d.lost}
		row.Witness = t.witness(d, s)
		row.Causes, row.Proof = t.causes(s, row.Witness)
		key := string(row.Proof) + textOf(row.Causes)
		i, same := rows[key]
		if same {
			t.out.Rows[i].From = append(t.out.Rows[i].From, s.ref)
		} else {
			i = len(t.out.Rows)
			rows[key], t.out.Rows = i, append(t.out.Rows, row)
		}
		if pivot == nil {
			pivot = firstPod(row.Witness.New)
			kin, shared = t.kin(s, pivot)
		}
		if shared {
			known[kin] = i
		}
	}
}

// kin tells whose causes are those of another subject.
func (t *table) kin(s subject, pivot *snapshot.Pod) (network.Kin, bool) {
	if pivot == nil || s.pods[before] == nil || s.pods[after] == nil || !sameClient(s.pods[before], s.pods[after]) {
		return network.Kin{}, false
	}
	k := t.network.Kin(s.pods[after], pivot)
	return k, k != network.Kin{}
}

// firstPod is where the client's packets end.
func firstPod(p reach.Path) *snapshot.Pod {
	if p.Pooler != nil && len(p.Pooler.Workload.Pods) > 0 {
		return p.Pooler.Workload.Pods[0]
	}
	return p.Member
}

// witness is the attempt that shows the difference: by a way that only one estate has.
func (t *table) witness(d cellDiff, s subject) Witness {
	w := Witness{From: s.ref, Outside: s.from.Outside, Session: reach.Session{Database: d.databases[0], Role: d.roles[0], Replication: d.databases[0] == reach.PhysicalReplication}}
	login, side := reach.Login{}, after
	switch {
	case len(d.gained) > 0:
		login = d.gained[0]
	case len(d.lost) > 0:
		login, side = d.lost[0], before
	}
	w.Session.TLS = login.TLS || login.Cert
	if login.Cert {
		w.Session.Cert = w.Session.Role
	}
	var paths [2][]reach.Path
	answers := [2]verdict.Verdict{verdict.Deny, verdict.Deny}
	for v := range t.pair {
		if dec, ok := t.decide(v, s, w.Session); ok {
			paths[v] = dec.Paths
			answers[v] = dec.Verdict
		}
	}
	w.Was, w.Now = answers[before], answers[after]
	var two [2]reach.Path
	two[side] = pathBy(paths[side], login)
	two[1-side] = pathLike(paths[1-side], two[side])
	w.Old, w.New, w.shown = two[before], two[after], side
	return w
}

// decide asks one estate; ok is false where it lacks the server or the client.
func (t *table) decide(v int, s subject, session reach.Session) (reach.Decision, bool) {
	if t.pair[v] == nil || s.podly && s.pods[v] == nil {
		return reach.Decision{}, false
	}
	q := reach.Question{From: s.from, Inside: s.inside, To: reach.Target{Server: t.pair[v]}, Session: session}
	if s.podly {
		q.From = network.PodEndpoint(s.pods[v])
	}
	return t.engines[v].Decide(q), true
}

// routeOf is a path as Login.Routes has it, but for whose address the server sees.
func routeOf(p reach.Path) reach.Route {
	r := reach.Route{Port: p.Port, Through: p.Through}
	if p.Service != nil {
		r.Service = p.Service.Namespace + "/" + p.Service.Name
	}
	if p.Pooler != nil {
		r.Pooler = p.Pooler.Ref().Namespace + "/" + p.Pooler.Ref().Name
	}
	if p.Member != nil {
		r.Member = p.Member.Ref().Name
	}
	return r
}

// pathBy is the path of a login, the one with its verdict and method before others.
func pathBy(paths []reach.Path, l reach.Login) reach.Path {
	is := func(p reach.Path) bool {
		return slices.ContainsFunc(l.Routes, func(r reach.Route) bool { return unseen(r) == routeOf(p) })
	}
	for _, like := range []func(reach.Path) bool{
		func(p reach.Path) bool { return is(p) && p.Verdict == l.Verdict && p.Method == l.Method },
		func(p reach.Path) bool { return is(p) && p.Verdict == l.Verdict },
		is,
	} {
		if i := slices.IndexFunc(paths, like); i >= 0 {
			return paths[i]
		}
	}
	if len(paths) > 0 {
		return paths[0]
	}
	return reach.Path{}
}

// pathLike is the path by the same route; or else the one that is the most alike.
func pathLike(paths []reach.Path, like reach.Path) reach.Path {
	want := routeOf(like)
	for _, same := range []func(reach.Route) bool{
		func(r reach.Route) bool { return r == want },
		func(r reach.Route) bool {
			return r.Service == want.Service && r.Pooler == want.Pooler && r.Through == want.Through
		},
	} {
		if i := slices.IndexFunc(paths, func(p reach.Path) bool { return same(routeOf(p)) }); i >= 0 {
			return paths[i]
		}
	}
	return reach.Path{}
}

// causes finds what was edited that the witness is answered differently.
func (t *table) causes(s subject, w Witness) ([]Cause, network.Proof) {
	if own := t.edits.servers[t.pair.ref()]; !t.pair.both() {
		return own, network.ProofEach
	}
	if s.podly && (s.pods[before] == nil || s.pods[after] == nil) {
		return t.presence(s)
	}
	return t.newTrial(s, w).causes()
}

// presence is the cause that a client is only in one estate: its workload is, or this
// part of it. Pods of a server that come and go are the work of what made them.
func (c *comparer) presence(s subject) ([]Cause, network.Proof) {
	pod := cmp.Or(s.pods[after], s.pods[before])
	x := Cause{Kind: "workload", Change: changeOf(s.pods[before] != nil, s.pods[after] != nil), Object: pod.Workload.Ref.String()}
	for v, at := range []*verdict.Origin{&x.Old, &x.New} {
		if s.pods[v] != nil {
			*at = pod.Workload.Origin
			continue
		}
		all := c.engines[v].World.Workloads
		if i := slices.IndexFunc(all, func(w *snapshot.Workload) bool { return w.Ref == pod.Workload.Ref }); i >= 0 {
			x.Change, x.Field, *at = network.ChangeMoved, "members", all[i].Origin
		}
	}
	if makers := c.edits.makers[pod.Workload.Ref]; x.Change == network.ChangeMoved && len(makers) > 0 {
		return makers, network.ProofAmong
	}
	return []Cause{x}, network.ProofEach
}

// sender is who policies see of the subject in the new estate.
func (t *table) sender(s subject, w Witness) network.Endpoint {
	if s.podly {
		return network.PodEndpoint(s.pods[after])
	}
	if by := w.New.Sender; w.New.Pooler == nil && (by.Pod != nil || by.Virtual != nil || by.OutsideUnknown || !by.Outside.IsEmpty()) {
		return by
	}
	return s.from
}

// ofNetwork finds the edits of what policies see: of the client's way, or of the
// pooler's own.
func (t *table) ofNetwork(x stepPair, s subject, w Witness) ([]Cause, network.Proof) {
	p := w.New
	first := firstPod(p)
	if first == nil {
		return nil, network.ProofEach
	}
	a := network.Attempt{From: t.sender(s, w), To: network.PodEndpoint(first), Protocol: flow.TCP, Port: p.Port}
	switch {
	case x.layer == verdict.DNS:
		a = network.Attempt{From: t.sender(s, w), To: network.Endpoint{OutsideUnknown: true}, Protocol: flow.UDP, Port: 53}
	case p.Pooler != nil && x.old.Facts["from"]+x.new.Facts["from"] != "":
		a.From, a.To, a.Port = network.PodEndpoint(first), network.PodEndpoint(p.Member), t.pair[after].Ports[0].Port
	}
	edits, proof := t.network.Causes(a)
	return causesOf(edits), proof
}

func causesOf(edits []*network.Edit) []Cause {
	var out []Cause
	for _, e := range edits {
		out = append(out, ofNetwork(e))
	}
	return out
}

// structural are the edits of what leads to the server: its Services, ports and poolers,
// and the labels of its pods.
func (t *table) structural(w Witness) []Cause {
	var out []Cause
	for _, p := range []reach.Path{w.Old, w.New} {
		if p.Service != nil {
			out = append(out, t.edits.services[p.Service.Ref()]...)
			if p.Service.ExternalName != "" {
				out = append(out, t.aliased(p.Service)...)
			}
		}
	}
	if len(out) == 0 {
		out = append(out, t.edits.servers[t.pair.ref()]...)
	}
	return unique(append(out, t.relabelled(w)...))
}

func (t *table) aliased(s *snapshot.Service) []Cause {
	var out []Cause
	for _, server := range t.pair {
		for _, other := range server.Services {
			if other != s {
				out = append(out, t.edits.services[other.Ref()]...)
			}
		}
	}
	return out
}

// relabelled are the server's pods whose labels were changed, whether or not a policy
// sees them: a Service does.
func (t *table) relabelled(w Witness) []Cause {
	var out []Cause
	for _, p := range []reach.Path{w.Old, w.New} {
		pod := firstPod(p)
		if pod == nil {
			continue
		}
		old, next := t.network.Before(pod), pod
		if old == nil {
			old, next = pod, t.network.After(pod)
		}
		if old != nil && next != nil {
			out = append(out, relabelling(old, next)...)
		}
	}
	return out
}

// relabelling is the edit of a pod's labels; none where they are the same.
func relabelling(old, next *snapshot.Pod) []Cause {
	if labelsText(old.Labels) == labelsText(next.Labels) {
		return nil
	}
	return []Cause{{Kind: "pod", Change: network.ChangeMoved, Object: next.Workload.Ref.String(), Field: "metadata.labels",
		Was: labelsText(beside(old.Labels, next.Labels)), Is: labelsText(beside(next.Labels, old.Labels)), Old: old.Origin, New: next.Origin}}
}

// beside are the labels that another set has not, or not with that value.
func beside(l, other netpol.Labels) netpol.Labels {
	out := netpol.Labels{Set: maps.Clone(l.Set)}
	maps.DeleteFunc(out.Set, func(k, v string) bool {
		o, has := other.Set[k]
		return has && o == v
	})
	for _, k := range l.Unknown {
		if !slices.Contains(other.Unknown, k) {
			out.Unknown = append(out.Unknown, k)
		}
	}
	return out
}

func labelsText(l netpol.Labels) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(l.Set)) {
		out = append(out, k+"="+l.Set[k])
	}
	for _, k := range l.Unknown {
		out = append(out, k+"=?")
	}
	return strings.Join(out, ",")
}

func unique(list []Cause) []Cause {
	var out []Cause
	for _, c := range list {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}
