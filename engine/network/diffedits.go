package network

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An EditKind says what sort of thing was changed.
type EditKind string

// The kinds of edit; they are stable.
const (
	EditPolicy     EditKind = "policy"
	EditPod        EditKind = "pod"        // Field says which part of it
	EditNamespace  EditKind = "namespace"  // its labels, or whether it was declared
	EditNode       EditKind = "node"       // its labels or addresses
	EditFacts      EditKind = "facts"      // Field says which
	EditUnmodelled EditKind = "unmodelled" // an object that no engine decides
	EditProblems   EditKind = "problems"   // what could not be read
)

// An Edit is one thing that is not the same in both sources.
type Edit struct {
	Kind EditKind
	// Change is ChangeAdded, ChangeRemoved or ChangeMoved.
	Change ChangeKind
	// Object names it as people do: "NetworkPolicy payments/db".
	Object string
	// Tier is that of a policy.
	Tier netpol.Tier
	// Field is the part that was changed; empty where all of it may have been.
	Field string
	// Was and Is are the part as text, where it is short: "app=web".
	Was, Is string
	// Old and New are where it stands; zero where it is not.
	Old, New verdict.Origin
	number   int32
}

// An editSet names a set of edits; equal sets have equal names, and the empty one is 0.
type editSet int32

// A ledger holds the edits between two snapshots and knows what each could touch.
type ledger struct {
	engines [2]*Engine
	list    []*Edit
	// policies of each namespace, and under "" those of the cluster, in both versions.
	policies map[string][]twoPolicies
	// edited are those of them that are not the same, by the number of the edit.
	edited map[int32]twoPolicies
	spaces map[string]int32
	// pods are edits by workload and field.
	pods        map[podField]int32
	nodes       []twoNodes
	facts       map[string]int32
	unmodelled  []twoUnmodelled
	problems    int32
	baseline    bool // some policy is of the Baseline tier
	sets        [][]int32
	ids         map[string]editSet
	unions      map[[2]editSet]editSet
	factsSet    []int32
	nodesEdited []int32
}

// none stands for what was not edited.
const none int32 = -1

type twoPolicies struct {
	versions [2]*netpol.Policy
	edit     int32
}

type twoNodes struct {
	versions [2]*snapshot.Node
	edit     int32
}

type twoUnmodelled struct {
	versions [2]*snapshot.Unmodelled
	edit     int32
}

func newLedger(old, next *Engine) *ledger {
	l := &ledger{
		engines: [2]*Engine{old, next}, policies: map[string][]twoPolicies{}, edited: map[int32]twoPolicies{}, spaces: map[string]int32{},
		pods: map[podField]int32{}, facts: map[string]int32{}, problems: none,
		ids: map[string]editSet{}, unions: map[[2]editSet]editSet{},
	}
	l.set(nil)
	l.editedPolicies()
	l.editedSpaces()
	l.editedNodes()
	l.editedFacts()
	l.editedDoubts()
	return l
}

func (l *ledger) add(e Edit) int32 {
	e.number = int32(len(l.list)) //nolint:gosec // far below 2^31
	l.list = append(l.list, &e)
	return e.number
}

func (l *ledger) world(v age) *snapshot.Snapshot { return l.engines[v].world }

// changeOf says what happened to something of which there are these versions.
func changeOf(had, has bool) ChangeKind {
	switch {
	case !had:
		return ChangeAdded
	case !has:
		return ChangeRemoved
	}
	return ChangeMoved
}

type policyKey struct{ kind, namespace, name string }

func keyOfPolicy(p *netpol.Policy) policyKey { return policyKey{p.Kind, p.Namespace, p.Name} }

func allPolicies(s *snapshot.Snapshot) []*netpol.Policy {
	return slices.Concat(s.ClusterPolicies, s.Policies)
}

// editedPolicies compares policies by kind, namespace and name, and then by content.
func (l *ledger) editedPolicies() {
	for _, pair := range matched(allPolicies(l.world(before)), allPolicies(l.world(after)), keyOfPolicy) {
		some := cmp.Or(pair[after], pair[before])
		two := twoPolicies{versions: pair, edit: none}
		l.baseline = l.baseline || some.Tier == netpol.Baseline
		if pair[before] == nil || pair[after] == nil || !samePolicy(pair[before], pair[after]) {
			e := Edit{Kind: EditPolicy, Change: changeOf(pair[before] != nil, pair[after] != nil),
				Object: cmp.Or(some.Kind, "NetworkPolicy") + " " + some.FullName(), Tier: some.Tier}
			e.Field, e.Old, e.New = policyPart(pair)
			two.edit = l.add(e)
			l.edited[two.edit] = two
		}
		l.policies[some.Namespace] = append(l.policies[some.Namespace], two)
	}
}

// matched pairs what has one key in both lists, in the order of the new list; what only
// the old one has follows. Where a key repeats the first is paired with the first.
func matched[T any, K comparable](old, next []*T, key func(*T) K) [][2]*T {
	out := make([][2]*T, 0, max(len(old), len(next)))
	for len(old) > 0 && len(next) > 0 && key(old[0]) == key(next[0]) {
		out = append(out, [2]*T{old[0], next[0]})
		old, next = old[1:], next[1:]
	}
	byKey := make(map[K][]int, len(old))
	for i, o := range old {
		byKey[key(o)] = append(byKey[key(o)], i)
	}
	paired := make([]bool, len(old))
	for _, n := range next {
		pair := [2]*T{nil, n}
		if list := byKey[key(n)]; len(list) > 0 {
			pair[before], paired[list[0]] = old[list[0]], true
			byKey[key(n)] = list[1:]
		}
		out = append(out, pair)
	}
	for i, o := range old {
		if !paired[i] {
			out = append(out, [2]*T{o, nil})
		}
	}
	return out
}

func (l *ledger) editedSpaces() {
	names := map[string]bool{}
	for _, v := range ages {
		for name := range l.world(v).Namespaces {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, b := l.world(before).NamespaceOf(name), l.world(after).NamespaceOf(name)
		if a.Declared == b.Declared && sameLabels(a.Labels, b.Labels) {
			continue
		}
		l.spaces[name] = l.add(Edit{Kind: EditNamespace, Change: changeOf(a.Declared, b.Declared), Object: "Namespace " + name,
			Field: "metadata.labels", Was: labelsBeside(a.Labels, b.Labels), Is: labelsBeside(b.Labels, a.Labels), Old: a.Origin, New: b.Origin})
	}
}

func sameLabels(a, b netpol.Labels) bool {
	return maps.Equal(a.Set, b.Set) && slices.Equal(a.Unknown, b.Unknown)
}

func (l *ledger) editedNodes() {
	name := func(n *snapshot.Node) string { return n.Name }
	for _, pair := range matched(l.world(before).Nodes, l.world(after).Nodes, name) {
		two := twoNodes{versions: pair, edit: none}
		a, b := pair[before], pair[after]
		if a == nil || b == nil || !sameLabels(a.Labels, b.Labels) || !slices.Equal(a.Addresses, b.Addresses) {
			e := Edit{Kind: EditNode, Change: changeOf(a != nil, b != nil), Object: "Node " + cmp.Or(a, b).Name}
			if a != nil {
				e.Old = a.Origin
			}
			if b != nil {
				e.New = b.Origin
			}
			two.edit = l.add(e)
			l.nodesEdited = append(l.nodesEdited, two.edit)
		}
		l.nodes = append(l.nodes, two)
	}
}

// editedDoubts compares what could not be decided or read. What could not be read is
// one edit: nobody knows what it says.
func (l *ledger) editedDoubts() {
	key := func(u *snapshot.Unmodelled) snapshot.Ref { return u.Ref }
	for _, pair := range matched(pointers(l.world(before).Unmodelled), pointers(l.world(after).Unmodelled), key) {
		two := twoUnmodelled{versions: pair, edit: none}
		a, b := pair[before], pair[after]
		if a == nil || b == nil || !sameUnmodelled(a, b) {
			e := Edit{Kind: EditUnmodelled, Change: changeOf(a != nil, b != nil), Object: cmp.Or(a, b).Ref.String()}
			if a != nil {
				e.Old = a.Origin
			}
			if b != nil {
				e.New = b.Origin
			}
			two.edit = l.add(e)
		}
		l.unmodelled = append(l.unmodelled, two)
	}
	a, b := l.world(before).Problems, l.world(after).Problems
	if !slices.EqualFunc(a, b, func(p, q snapshot.Problem) bool { return p.Err == q.Err && p.Namespace == q.Namespace }) {
		e := Edit{Kind: EditProblems, Change: changeOf(len(a) > 0, len(b) > 0), Object: "a document that cannot be read"}
		if len(a) > 0 {
			e.Old = a[0].Origin
		}
		if len(b) > 0 {
			e.New = b[0].Origin
		}
		l.problems = l.add(e)
	}
}

func pointers[T any](list []T) []*T {
	out := make([]*T, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

// set names a set of edits.
func (l *ledger) set(edits []int32) editSet {
	edits = slices.Clone(edits)
	slices.Sort(edits)
	edits = slices.Compact(edits)
	key := make([]byte, 0, 4*len(edits))
	for _, e := range edits {
		key = binary.LittleEndian.AppendUint32(key, uint32(e)) //nolint:gosec // never negative
	}
	id, ok := l.ids[string(key)]
	if !ok {
		id = editSet(len(l.sets)) //nolint:gosec // far below 2^31
		l.sets, l.ids[string(key)] = append(l.sets, edits), id
	}
	return id
}

func (l *ledger) union(a, b editSet) editSet {
	if a == b || b == 0 {
		return a
	}
	if a == 0 {
		return b
	}
	key := [2]editSet{min(a, b), max(a, b)}
	id, ok := l.unions[key]
	if !ok {
		id = l.set(slices.Concat(l.sets[a], l.sets[b]))
		l.unions[key] = id
	}
	return id
}

// edits returns the members of a set.
func (l *ledger) edits(s editSet) []*Edit {
	out := make([]*Edit, len(l.sets[s]))
	for i, n := range l.sets[s] {
		out[i] = l.list[n]
	}
	return out
}
