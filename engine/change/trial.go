package change

import (
	"maps"
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A stepPair is what one layer says in each estate; zero where it says nothing.
type stepPair struct {
	layer    verdict.Layer
	old, new verdict.Step
}

// stepKeys name the steps of a path, alike in both estates.
func stepKeys(steps []verdict.Step) []string {
	count := map[string]int{}
	out := make([]string, len(steps))
	for i, s := range steps {
		key := string(s.Layer) + "|" + s.Facts["from"] + s.Facts["session"] // a pooler's own way repeats layers
		out[i] = key + strconv.Itoa(count[key])
		count[key]++
	}
	return out
}

// isPackets reports whether a layer is one that policies decide.
func isPackets(l verdict.Layer) bool {
	return l == verdict.Egress || l == verdict.Ingress || l == verdict.DNS
}

// An outcome is what an attempt comes to by one route. The zero value is not known.
type outcome struct {
	verdict verdict.Verdict
	method  string // of one that is not refused
}

func outcomeOf(v verdict.Verdict, method string) outcome {
	if v == verdict.Deny {
		return outcome{verdict: v}
	}
	return outcome{v, method}
}

// A suspect is an edit, or what policies make of some, that can be undone by itself.
type suspect struct {
	causes []Cause
	proof  network.Proof
	// packets is the step that the policies' edits change; empty for a revert.
	packets string
	was     verdict.Verdict
	undo    func(*mixture)
}

// A trial makes an attempt again with edits undone.
type trial struct {
	*comparer
	pair serverPair
	// target is what it came to in the old estate, steps what layers say in each.
	target outcome
	steps  [2][]verdict.Step
	// again makes the attempt in a mixture, packets finds the edits behind a step that
	// policies decide.
	again    func(*mixture) []tried
	packets  func(stepPair) ([]Cause, network.Proof)
	client   [2]*snapshot.Pod // nil where the client is no pod
	leading  []Cause          // edits of what leads there, which cannot be undone
	suspects []suspect
}

// A tried path is what an attempt comes to on one way.
type tried struct {
	steps  []verdict.Step
	method string
}

// mostTrials bounds how often attempts are made again for one comparison. What is left
// after them has all edits that may matter for a cause.
const mostTrials = 5_000

// newTrial prepares one for the witness of a row: by the route that one side has at
// least.
func (t *table) newTrial(s subject, w Witness) *trial {
	x := &trial{comparer: t.comparer, pair: t.pair, target: outcome{verdict: verdict.Deny}, client: s.pods, leading: t.structural(w)}
	paths := [2]reach.Path{w.Old, w.New}
	route := routeOf(paths[w.shown])
	for v, p := range paths {
		if routeOf(p) == route {
			x.steps[v] = p.Steps
		}
	}
	if len(x.steps[before]) > 0 {
		x.target = outcomeOf(w.Old.Verdict, w.Old.Method)
	}
	x.packets = func(p stepPair) ([]Cause, network.Proof) {
		causes, proof := t.ofNetwork(p, s, w)
		if len(causes) == 0 && w.Old.Sees != w.New.Sees {
			return x.translating(), network.ProofEach
		}
		return causes, proof
	}
	q := reach.Question{From: s.from, Inside: s.inside, Session: w.Session}
	x.again = func(m *mixture) []tried { return x.byRoute(m, q, route) }
	x.suspectAll()
	return x
}

// translating are the edits that change whose address policies see.
func (x *trial) translating() []Cause {
	return slices.DeleteFunc(slices.Clone(x.leading), func(c Cause) bool { return c.Field != "spec.externalTrafficPolicy" && c.Field != "spec.type" })
}

// byRoute asks again and keeps what goes by the route.
func (x *trial) byRoute(m *mixture, q reach.Question, route reach.Route) []tried {
	engine := *x.engines[after]
	engine.World, q.To = &m.world, m.target(route)
	if m.client != nil {
		q.From = network.PodEndpoint(m.client)
	}
	var out []tried
	for _, p := range engine.Decide(q).Paths {
		if routeOf(p) == route {
			out = append(out, tried{p.Steps, p.Method})
		}
	}
	return out
}

// target narrows the question to a route, so that no other ways are walked.
func (m *mixture) target(route reach.Route) reach.Target {
	t := reach.Target{Server: &m.server}
	if route.Service != "" || route.Pooler != "" {
		services := m.server.Services
		for _, p := range m.server.Poolers {
			services = append(slices.Clone(services), p.Services...)
		}
		if i := slices.IndexFunc(services, func(s *snapshot.Service) bool { return s.Namespace+"/"+s.Name == route.Service }); i >= 0 {
			t.Service = services[i]
		}
		return t
	}
	for _, p := range m.server.Members() {
		if p.Ref().Name == route.Member {
			t.Members = append(t.Members, p)
		}
	}
	return t
}

// suspectAll gathers what may have changed the answer.
func (x *trial) suspectAll() {
	x.suspectPackets()
	if x.onlyPackets() {
		return
	}
	for _, r := range append(slices.Clone(x.edits.reverts[x.pair.ref()]), x.edits.world...) {
		proof := network.ProofEach
		if len(r.causes) > 1 {
			proof = network.ProofAmong
		}
		x.suspects = append(x.suspects, suspect{causes: r.causes, proof: proof, undo: r.undo})
	}
	x.suspectClient()
}

// onlyPackets reports whether nothing but what policies say is different.
func (x *trial) onlyPackets() bool {
	if len(x.steps[before]) == 0 || len(x.steps[before]) != len(x.steps[after]) {
		return false
	}
	return !slices.ContainsFunc(stepPairs(x.steps), func(p stepPair) bool {
		return !isPackets(p.old.Layer) && (p.old.Layer != p.new.Layer || p.old.Verdict != p.new.Verdict || p.old.Facts["method"] != p.new.Facts["method"])
	})
}

// stepPairs are as many steps, one after the other.
func stepPairs(steps [2][]verdict.Step) []stepPair {
	var out []stepPair
	for i, old := range steps[before] {
		out = append(out, stepPair{old.Layer, old, steps[after][i]})
	}
	return out
}

// suspectPackets adds the steps of policies that are not the same.
func (x *trial) suspectPackets() {
	old := map[string]verdict.Step{}
	for i, key := range stepKeys(x.steps[before]) {
		old[key] = x.steps[before][i]
	}
	for i, key := range stepKeys(x.steps[after]) {
		next := x.steps[after][i]
		was, known := old[key]
		if !known || !isPackets(next.Layer) || was.Verdict == next.Verdict {
			continue
		}
		causes, proof := x.packets(stepPair{next.Layer, was, next})
		x.suspects = append(x.suspects, suspect{causes: causes, proof: proof, packets: key, was: was.Verdict})
	}
}

// suspectClient adds what was changed of the client's pod itself: a file can ask for it.
func (x *trial) suspectClient() {
	old, next := x.client[before], x.client[after]
	if old == nil || next == nil || sameClient(old, next) {
		return
	}
	causes := relabelling(old, next)
	if len(causes) == 0 {
		causes = []Cause{{Kind: "pod", Change: network.ChangeMoved, Object: next.Workload.Ref.String(), Field: "spec", Old: old.Origin, New: next.Origin}}
	}
	x.suspects = append(x.suspects, suspect{causes: causes, proof: network.ProofEach, undo: func(m *mixture) {
		pod := *m.client
		pod.Labels, pod.Addresses, pod.HostNetwork, pod.Leaving = old.Labels, old.Addresses, old.HostNetwork, old.Leaving
		m.client = &pod
	}})
}

// outcome makes the attempt with edits undone.
func (x *trial) outcome(undone []suspect) outcome {
	m := x.mixture()
	packets := map[string]verdict.Verdict{}
	for _, s := range undone {
		if s.undo != nil {
			s.undo(m)
		} else {
			packets[s.packets] = s.was
		}
	}
	for _, rebuild := range m.rebuild {
		rebuild()
	}
	best := outcome{verdict: verdict.Deny}
	for _, p := range x.again(m) {
		got := outcomeOf(settled(p.steps, x.asIs(packets)), p.method)
		if got == x.target {
			return got
		}
		if verdict.Any(best.verdict, got.verdict) != best.verdict {
			best = got
		}
	}
	return best
}

// asIs adds what policies say of the witness: the mixture's pods are not all theirs.
func (x *trial) asIs(packets map[string]verdict.Verdict) map[string]verdict.Verdict {
	out := map[string]verdict.Verdict{}
	for i, key := range stepKeys(x.steps[after]) {
		if s := x.steps[after][i]; isPackets(s.Layer) {
			out[key] = s.Verdict
		}
	}
	for key, v := range packets {
		out[key] = v
	}
	return out
}

// settled is what steps come to where some are known to be otherwise.
func settled(steps []verdict.Step, known map[string]verdict.Verdict) verdict.Verdict {
	var out []verdict.Verdict
	for i, key := range stepKeys(steps) {
		v, otherwise := known[key]
		if !otherwise {
			v = steps[i].Verdict
		}
		out = append(out, v)
	}
	return verdict.All(out...)
}

// mixture is the new estate, ready to be changed.
func (x *trial) mixture() *mixture {
	m := &mixture{server: *x.pair[after], world: *x.engines[after].World, client: x.client[after], undone: map[any]map[int]bool{}}
	m.server.Ports = slices.Clone(m.server.Ports)
	return m
}

// causes finds what has to be undone for the attempt to come to what it did: each edit
// that is enough alone; or else a set of which none can be spared.
func (x *trial) causes() ([]Cause, network.Proof) {
	if x.trials += len(x.suspects); x.trials > mostTrials {
		return x.allSuspects()
	}
	var alone []suspect
	for _, s := range x.suspects {
		if x.outcome([]suspect{s}) == x.target {
			alone = append(alone, s)
		}
	}
	if len(alone) > 0 {
		return named(alone)
	}
	if x.outcome(x.suspects) != x.target {
		return x.allSuspects()
	}
	return x.together(x.spared(x.suspects))
}

// named are the edits each of which is enough: those that are known to be come before
// sets of which only some are.
func named(alone []suspect) ([]Cause, network.Proof) {
	for _, proof := range []network.Proof{network.ProofEach, network.ProofTogether, network.ProofAmong} {
		var out []Cause
		for _, s := range alone {
			if s.proof == proof && (proof != network.ProofTogether || len(out) == 0) {
				out = append(out, s.causes...)
			}
		}
		if len(out) > 0 {
			return unique(out), proof
		}
	}
	return nil, network.ProofAmong
}

// spared leaves out of a set what can be.
func (x *trial) spared(undone []suspect) []suspect {
	for i := 0; i < len(undone); {
		without := slices.Delete(slices.Clone(undone), i, i+1)
		if x.outcome(without) == x.target {
			undone = without
			continue
		}
		i++
	}
	return undone
}

// together are edits that have to be undone all; of those of a layer each of which is
// enough, the first.
func (x *trial) together(needed []suspect) ([]Cause, network.Proof) {
	var out []Cause
	proof := network.ProofTogether
	for _, s := range needed {
		switch {
		case len(s.causes) == 0:
			proof = network.ProofAmong
		case s.proof == network.ProofEach:
			out = append(out, s.causes[0])
		default:
			out = append(out, s.causes...)
			if s.proof == network.ProofAmong {
				proof = s.proof
			}
		}
	}
	return unique(out), proof
}

// allSuspects are all edits that may matter, where it was not found which of them do:
// of what leads there, where a route is missing, and of what is asked, where none is.
func (x *trial) allSuspects() ([]Cause, network.Proof) {
	out := x.leading
	if len(x.steps[before]) > 0 && len(x.steps[after]) > 0 || len(out) == 0 {
		for _, s := range x.suspects {
			out = append(out, s.causes...)
		}
	}
	if out = unique(out); len(out) > 1 {
		return out, network.ProofAmong
	}
	return out, network.ProofEach
}

// combined is what steps come to.
func combined(steps []verdict.Step) verdict.Verdict { return settled(steps, nil) }

// sameClient reports whether a pod is to files what it was.
func sameClient(a, b *snapshot.Pod) bool {
	return maps.Equal(a.Labels.Set, b.Labels.Set) && slices.Equal(a.Labels.Unknown, b.Labels.Unknown) && slices.Equal(a.Addresses, b.Addresses) &&
		a.HostNetwork == b.HostNetwork && a.Leaving == b.Leaving
}
