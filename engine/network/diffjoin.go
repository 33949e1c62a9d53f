package network

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A joint lays two estates over each other: the workloads that both have, and of
// these the pods that both have.
type joint struct {
	sides     [2]*side
	edits     *ledger
	ports     *portSets // of both
	workloads []jointWorkload
	spots     []spot
	classes   []jointClass
	classIDs  map[jointClass]int32
	// only are the pods of one side, by the number of their workload there.
	only [2]map[int32][]*snapshot.Pod
	wide map[[2]*entry][]int32 // spots where wide entries differ
}

// A jointWorkload is in both estates.
type jointWorkload struct {
	numbers [2]int32
	first   int32 // of its spots
	end     int32
	whole   bool // both have the same members
}

// A spot holds pods of one workload that are alike on each side; pods of one index
// are the same pod.
type spot struct {
	workload, class int32
	units           [2]int32
	pods            [2][]*snapshot.Pod
}

// A jointClass is a class of each side, and what was changed of the pods themselves.
type jointClass struct {
	classes [2]int32
	edits   editSet
}

// A side is one estate as a joint sees it.
type side struct {
	*estate
	// spots of a unit u are list[start[u]:start[u+1]].
	start, list []int32
	ports       []portID // of the joint, by number here; -1 where not asked yet
	possible    map[int32]row
	words       map[*uint64][]uint64 // wide sets as spots
	straight    bool                 // units and spots have the same numbers
}

func join(old, next *estate) *joint {
	j := &joint{
		ports: newPortSets(), classIDs: map[jointClass]int32{}, wide: map[[2]*entry][]int32{},
		only: [2]map[int32][]*snapshot.Pod{{}, {}},
	}
	for v, e := range []*estate{old, next} {
		j.sides[v] = &side{estate: e, possible: map[int32]row{}, words: map[*uint64][]uint64{}}
	}
	j.edits = newLedger(old.engine, next.engine)
	j.matchWorkloads()
	for _, v := range ages {
		j.sides[v].index(j.spots, v)
	}
	return j
}

// matchWorkloads walks both sorted lists.
func (j *joint) matchWorkloads() {
	old, next := j.sides[before], j.sides[after]
	for a, b := int32(0), int32(0); int(a) < len(old.workloads) || int(b) < len(next.workloads); {
		switch order := compareAt(old.workloads, next.workloads, a, b); {
		case order < 0:
			j.only[before][a] = old.workloads[a].Pods
			a++
		case order > 0:
			j.only[after][b] = next.workloads[b].Pods
			b++
		default:
			j.matchMembers(a, b)
			a, b = a+1, b+1
		}
	}
}

func compareAt(old, next []*snapshot.Workload, a, b int32) int {
	switch {
	case int(a) == len(old):
		return 1
	case int(b) == len(next):
		return -1
	}
	return old[a].Compare(next[b].Ref)
}

func (j *joint) matchMembers(a, b int32) {
	old, next := j.sides[before], j.sides[after]
	w := jointWorkload{numbers: [2]int32{a, b}, first: int32(len(j.spots))} //nolint:gosec // far below 2^31
	pairs, only := samePods(old.workloads[a].Pods, next.workloads[b].Pods)
	for v, pods := range only {
		if len(pods) > 0 {
			j.only[v][w.numbers[v]] = pods
		}
	}
	w.whole = len(only[before]) == 0 && len(only[after]) == 0
	unitOf := [2]func(*snapshot.Pod) int32{old.unitFinder(a), next.unitFinder(b)}
	for _, pair := range pairs {
		units := [2]int32{unitOf[before](pair[before]), unitOf[after](pair[after])}
		j.place(w, units, pair)
	}
	w.end = int32(len(j.spots)) //nolint:gosec // far below 2^31
	j.workloads = append(j.workloads, w)
}

// unitFinder returns the unit of each pod of a workload.
func (s *side) unitFinder(w int32) func(*snapshot.Pod) int32 {
	if s.first[w+1] == s.first[w]+1 {
		return func(*snapshot.Pod) int32 { return s.first[w] }
	}
	units := map[*snapshot.Pod]int32{}
	for u := s.first[w]; u < s.first[w+1]; u++ {
		for _, p := range s.units[u].pods {
			units[p] = u
		}
	}
	return func(p *snapshot.Pod) int32 { return units[p] }
}

// place puts a pod into its spot.
func (j *joint) place(w jointWorkload, units [2]int32, pair [2]*snapshot.Pod) {
	class := j.class(jointClass{
		classes: [2]int32{j.sides[before].units[units[before]].class, j.sides[after].units[units[after]].class},
		edits:   j.edits.ofPod(pair),
	})
	for i := int(w.first); i < len(j.spots); i++ {
		if s := &j.spots[i]; s.units == units && s.class == class {
			for _, v := range ages {
				s.pods[v] = append(s.pods[v], pair[v])
			}
			return
		}
	}
	s := spot{workload: int32(len(j.workloads)), class: class, units: units} //nolint:gosec // far below 2^31
	for _, v := range ages {
		s.pods[v] = []*snapshot.Pod{pair[v]}
	}
	j.spots = append(j.spots, s)
}

func (j *joint) class(c jointClass) int32 {
	id, ok := j.classIDs[c]
	if !ok {
		id = int32(len(j.classes)) //nolint:gosec // far below 2^31
		j.classes, j.classIDs[c] = append(j.classes, c), id
	}
	return id
}

// index turns spots around: which spots has a unit.
func (s *side) index(spots []spot, v age) {
	s.start = make([]int32, len(s.units)+1)
	for i := range spots {
		s.start[spots[i].units[v]+1]++
	}
	for u := range s.units {
		s.start[u+1] += s.start[u]
	}
	s.list = make([]int32, len(spots))
	next := slices.Clone(s.start)
	s.straight = len(spots) == len(s.units)
	for i := range spots {
		u := spots[i].units[v]
		s.list[next[u]] = int32(i) //nolint:gosec // far below 2^31
		next[u]++
		s.straight = s.straight && int(u) == i
	}
}

func (s *side) spotsOf(u int32) []int32 { return s.list[s.start[u]:s.start[u+1]] }

// joined returns the joint's number of a set of ports of this side.
func (j *joint) joined(s *side, id portID) portID {
	if id <= allPorts {
		return id
	}
	for len(s.ports) <= int(id) {
		s.ports = append(s.ports, -1)
	}
	if s.ports[id] < 0 {
		s.ports[id] = j.ports.id(s.estate.ports.set(id))
	}
	return s.ports[id]
}

// samePods matches the members of a workload: by all their names, and those that are
// left in order of their part, unless their names are theirs for good. A member
// that stands for many is matched with all that are left of the other side.
func samePods(old, next []*snapshot.Pod) (pairs [][2]*snapshot.Pod, only [2][]*snapshot.Pod) {
	if len(old) == 1 && len(next) == 1 && identity(old[0]) == identity(next[0]) {
		return [][2]*snapshot.Pod{{old[0], next[0]}}, only
	}
	byName := map[podIdentity][]*snapshot.Pod{}
	for _, p := range old {
		byName[identity(p)] = append(byName[identity(p)], p)
	}
	var left [2][]*snapshot.Pod
	for _, q := range next {
		id := identity(q)
		if len(byName[id]) == 0 {
			left[after] = append(left[after], q)
			continue
		}
		pairs = append(pairs, [2]*snapshot.Pod{byName[id][0], q})
		byName[id] = byName[id][1:]
	}
	for _, p := range old {
		if slices.Contains(byName[identity(p)], p) {
			left[before] = append(left[before], p)
		}
	}
	more, only := replaced(left)
	return append(pairs, more...), only
}

type podIdentity struct{ name, part, instance string }

func identity(p *snapshot.Pod) podIdentity { return podIdentity{p.Name, p.Part, p.Instance} }

// hasOwnName reports whether another name means another pod: those of a Deployment
// get a new one whenever they are made.
func hasOwnName(p *snapshot.Pod) bool {
	return p.Instance != "" || p.Workload != nil && slices.Contains([]string{"StatefulSet", "Pod"}, p.Workload.Kind)
}

// replaced matches pods of one part whose names say nothing.
func replaced(left [2][]*snapshot.Pod) (pairs [][2]*snapshot.Pod, only [2][]*snapshot.Pod) {
	parts := map[string]*[2][]*snapshot.Pod{}
	var order []string
	for v, pods := range left {
		for _, p := range pods {
			if hasOwnName(p) {
				only[v] = append(only[v], p)
				continue
			}
			if parts[p.Part] == nil {
				parts[p.Part] = &[2][]*snapshot.Pod{}
				order = append(order, p.Part)
			}
			parts[p.Part][v] = append(parts[p.Part][v], p)
		}
	}
	for _, part := range order {
		more, rest := inOrder(*parts[part])
		pairs = append(pairs, more...)
		for v := range rest {
			only[v] = append(only[v], rest[v]...)
		}
	}
	return pairs, only
}

func inOrder(left [2][]*snapshot.Pod) (pairs [][2]*snapshot.Pod, only [2][]*snapshot.Pod) {
	old, next := left[before], left[after]
	n := min(len(old), len(next))
	for i := range n {
		pairs = append(pairs, [2]*snapshot.Pod{old[i], next[i]})
	}
	for _, p := range old[n:] {
		if n > 0 && (next[n-1].Many || p.Name != "") {
			pairs = append(pairs, [2]*snapshot.Pod{p, next[n-1]})
		} else {
			only[before] = append(only[before], p)
		}
	}
	for _, q := range next[n:] {
		if n > 0 && (old[n-1].Many || q.Name != "") {
			pairs = append(pairs, [2]*snapshot.Pod{old[n-1], q})
		} else {
			only[after] = append(only[after], q)
		}
	}
	return pairs, only
}
