package change

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

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
		key := textOf(row.Causes)
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
	if pivot == nil || s.pods[before] == nil || s.pods[after] == nil {
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
	w := Witness{From: s.ref, Session: reach.Session{Database: d.databases[0], Role: d.roles[0], Replication: d.databases[0] == reach.PhysicalReplication}}
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
	for v := range t.pair {
		if dec, ok := t.decide(v, s, w.Session); ok {
			paths[v] = dec.Paths
			*[]*verdict.Verdict{&w.Was, &w.Now}[v] = dec.Verdict
		} else {
			*[]*verdict.Verdict{&w.Was, &w.Now}[v] = verdict.Deny
		}
	}
	var two [2]reach.Path
	two[side] = pathBy(paths[side], login)
	two[1-side] = pathLike(paths[1-side], two[side])
	w.Old, w.New = two[before], two[after]
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

// pathBy is the path of a login, the one with its verdict before others.
func pathBy(paths []reach.Path, l reach.Login) reach.Path {
	for _, sure := range []bool{true, false} {
		for _, p := range paths {
			if sure && p.Verdict != l.Verdict {
				continue
			}
			for _, r := range l.Routes {
				r.Sees = ""
				if r == routeOf(p) {
					return p
				}
			}
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
		return []Cause{presence(s)}, network.ProofEach
	}
	if len(w.Old.Steps) == 0 || len(w.New.Steps) == 0 {
		return t.structural(w)
	}
	var out []Cause
	proof := network.ProofEach
	for _, step := range differing(w.Old.Steps, w.New.Steps) {
		found, p := t.ofStep(step, s, w)
		out = append(out, found...)
		if p != network.ProofEach {
			proof = p
		}
	}
	if len(out) == 0 {
		return t.structural(w)
	}
	return unique(out), proof
}

// presence is the cause that a client is only in one estate.
func presence(s subject) Cause {
	x := Cause{Kind: "workload", Change: changeOf(s.pods[before] != nil, s.pods[after] != nil), Object: s.ref.String()}
	for v, at := range []*verdict.Origin{&x.Old, &x.New} {
		if s.pods[v] != nil {
			*at = s.pods[v].Workload.Origin
		}
	}
	return x
}

// A stepPair is what one layer says in each estate; zero where it says nothing.
type stepPair struct {
	layer    verdict.Layer
	old, new verdict.Step
}

// differing are the layers that do not say the same, in their order.
func differing(old, next []verdict.Step) []stepPair {
	var out []stepPair
	seen := map[string]int{}
	type place struct{ pair stepPair }
	pairs := []place{}
	for v, steps := range [][]verdict.Step{old, next} {
		count := map[string]int{}
		for _, s := range steps {
			// A pooler's own way repeats layers.
			key := string(s.Layer) + "|" + s.Facts["from"] + s.Facts["session"]
			n := count[key]
			count[key]++
			key += strconv.Itoa(n)
			i, known := seen[key]
			if !known {
				i = len(pairs)
				seen[key], pairs = i, append(pairs, place{stepPair{layer: s.Layer}})
			}
			*[]*verdict.Step{&pairs[i].pair.old, &pairs[i].pair.new}[v] = s
		}
	}
	for _, p := range pairs {
		a, b := p.pair.old, p.pair.new
		if a.Verdict != b.Verdict || a.Layer == "" || b.Layer == "" || a.Facts["method"] != b.Facts["method"] || a.Facts["record"] != b.Facts["record"] && a.Reason != b.Reason {
			out = append(out, p.pair)
		}
	}
	return out
}

// ofStep finds what changed the answer of one layer.
func (t *table) ofStep(x stepPair, s subject, w Witness) ([]Cause, network.Proof) {
	switch x.layer {
	case verdict.Egress, verdict.Ingress:
		return t.ofNetwork(x, s, w)
	case verdict.DNS:
		return t.ofAttempt(network.Attempt{From: t.sender(s, w), To: network.Endpoint{OutsideUnknown: true}, Protocol: flow.UDP, Port: 53})
	case verdict.Service:
		return t.structural(w)
	case verdict.Ident:
		return t.edits.maps[t.pair.ref()], network.ProofAmong
	case verdict.Pooler:
		ref := t.pair.ref()
		if w.New.Pooler != nil {
			ref = w.New.Pooler.Ref()
		}
		return lines(t.edits.files[ref], "pooler", x)
	case verdict.HBA:
		return t.ofHBA(x)
	}
	return nil, network.ProofEach
}

func (t *table) ofHBA(x stepPair) ([]Cause, network.Proof) {
	var tls []Cause
	for _, c := range t.edits.servers[t.pair.ref()] {
		if c.Kind == "tls" {
			tls = append(tls, c)
		}
	}
	if len(tls) > 0 && (isTLS(x.old) || isTLS(x.new)) {
		return tls, network.ProofEach
	}
	return lines(t.edits.files[t.pair.ref()], "pg_hba", x)
}

func isTLS(s verdict.Step) bool { return s.Reason == "tls/refused" || s.Reason == "tls/unknown" }

// lines are the edits of a file that decide: the line that decides now, where it was
// added, and the one that did before, where it was removed; or else, as of an order that
// was changed, all of them.
func lines(all []Cause, kind string, x stepPair) ([]Cause, network.Proof) {
	var decide, rest []Cause
	for _, c := range all {
		switch {
		case c.Kind != kind && c.Kind != "tls":
		case !c.New.IsZero() && c.New == x.new.Origin || !c.Old.IsZero() && c.Old == x.old.Origin:
			decide = append(decide, c)
		default:
			rest = append(rest, c)
		}
	}
	if len(decide) > 0 {
		return decide, network.ProofEach
	}
	return rest, network.ProofAmong
}

// sender is who policies see of the subject in the new estate.
func (t *table) sender(s subject, w Witness) network.Endpoint {
	if s.podly {
		return network.PodEndpoint(s.pods[after])
	}
	if w.New.Pooler == nil && !w.New.Sender.Outside.IsEmpty() {
		return w.New.Sender
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
	if p.Pooler != nil && x.old.Facts["from"]+x.new.Facts["from"] != "" {
		a.From, a.To, a.Port = network.PodEndpoint(first), network.PodEndpoint(p.Member), t.pair[after].Ports[0].Port
	}
	return t.ofAttempt(a)
}

func (t *table) ofAttempt(a network.Attempt) ([]Cause, network.Proof) {
	edits, proof := t.network.Causes(a)
	var out []Cause
	for _, e := range edits {
		out = append(out, ofNetwork(e))
	}
	return out, proof
}

// structural are the edits of what leads to the server: its Services, ports and poolers,
// and the labels of its pods.
func (t *table) structural(w Witness) ([]Cause, network.Proof) {
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
		out = append(out, t.relabelled(w)...)
	}
	out = unique(out)
	if len(out) > 1 {
		return out, network.ProofAmong
	}
	return out, network.ProofEach
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
		if old == nil || next == nil || labelsText(old.Labels) == labelsText(next.Labels) {
			continue
		}
		out = append(out, Cause{Kind: "pod", Change: network.ChangeMoved, Object: next.Ref().String(), Field: "metadata.labels",
			Was: labelsText(old.Labels), Is: labelsText(next.Labels), Old: old.Origin, New: next.Origin})
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
