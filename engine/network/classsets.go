package network

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// portName is a container port's name as a policy uses it.
type portName struct {
	protocol flow.Protocol
	name     string
}

func (p portName) compare(q portName) int {
	if p.protocol != q.protocol {
		return int(p.protocol) - int(q.protocol)
	}
	return strings.Compare(p.name, q.name)
}

// A classSetID names a set of classes; equal sets have equal names.
type classSetID int32

// between bounds a set of classes: those that surely match, and those that may,
// which hold the sure ones.
type between struct{ sure, maybe set }

func (b between) or(c between) between { return between{b.sure.or(c.sure), b.maybe.or(c.maybe)} }

// matcher answers selectors with sets of classes, each question once. Under
// Facts.Strict what rests on an assumption is no more than possible.
type matcher struct {
	*census
	engine *Engine
	// family is that of the packets asked about; all are the classes that can use it.
	family Family
	all    set
	peers  map[string]between
	named  map[portName]map[uint16]set
	spaces map[string]map[string]netpol.Match
	// spaceNames are the namespaces with pods; looseSpaces those whose labels are
	// not all known, the others are posted under their labels.
	spaceNames    []string
	spacesByLabel map[label][]string
	looseSpaces   []string
	// addressed are the classes with known addresses; homeless those without, by
	// whether they are on the host network: a block answers all of them alike.
	addressed []int32
	homeless  [2][]int32
	// sets interned, with the units they stand for.
	sets  []set
	ids   map[string]classSetID
	asked codes // assumptions that some selector needed
	// Evaluations counts selector evaluations, for tests of growth.
	evaluations int
}

func newMatcher(e *Engine, c *census, f Family) *matcher {
	m := &matcher{
		census: c, engine: e, family: f, all: full(len(c.classes)),
		peers: map[string]between{}, named: map[portName]map[uint16]set{},
		spaces: map[string]map[string]netpol.Match{}, ids: map[string]classSetID{},
	}
	m.postNamespaces()
	var absent []int32
	for c := range c.classes {
		id := int32(c)
		switch pod := m.classes[c].pod; {
		case !e.canUse(f, pod):
			absent = append(absent, id)
		case len(pod.Addresses) > 0:
			m.addressed = append(m.addressed, id)
		case pod.HostNetwork:
			m.homeless[1] = append(m.homeless[1], id)
		default:
			m.homeless[0] = append(m.homeless[0], id)
		}
	}
	m.all = m.all.minus(listSet(absent))
	return m
}

// intern names a set of classes.
func (m *matcher) intern(s set) classSetID {
	s = s.packed(len(m.classes))
	var key []byte
	for _, i := range s.list {
		key = binary.LittleEndian.AppendUint32(key, uint32(i)) //nolint:gosec // never negative
	}
	for _, w := range s.words {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	if s.words != nil {
		key = append(key, 'w')
	}
	if id, ok := m.ids[string(key)]; ok {
		return id
	}
	id := classSetID(len(m.sets)) //nolint:gosec // far below 2^31
	m.sets = append(m.sets, s)
	m.ids[string(key)] = id
	return id
}

func (m *matcher) selected(own string, p netpol.Peer) between {
	spaces := map[string]netpol.Match{own: netpol.Yes}
	if p.Namespaces != nil {
		spaces = m.namespaces(*p.Namespaces)
	}
	var pods netpol.Selector
	if p.Pods != nil {
		pods = *p.Pods
	}
	var sure, maybe []int32
	for _, c := range m.candidates(spaces, pods) {
		pod := m.classes[c].pod
		space, ok := spaces[pod.Namespace]
		if !ok || pod.HostNetwork || !m.engine.canUse(m.family, pod) {
			continue
		}
		m.evaluations++
		switch both(space, pods.Match(pod.Labels)) {
		case netpol.Yes:
			sure, maybe = append(sure, c), append(maybe, c)
		case netpol.Unsure:
			maybe = append(maybe, c)
		}
	}
	return m.bounds(sure, maybe)
}

// namespaces returns the namespaces with pods that the selector may match.
func (m *matcher) namespaces(s netpol.Selector) map[string]netpol.Match {
	key := s.String()
	if out, ok := m.spaces[key]; ok {
		return out
	}
	out := map[string]netpol.Match{}
	for _, name := range m.namespaceCandidates(s) {
		m.evaluations++
		match, assumed := namespaceMatch(m.engine.world.NamespaceOf(name), s)
		if assumed {
			match = m.assume(snapshot.AssumeNamespaceLabels, match)
		}
		if match != netpol.No {
			out[name] = match
		}
	}
	m.spaces[key] = out
	return out
}

// namespaceCandidates returns namespaces among which are all that can match: those
// with a label asked for, and those whose labels are not all known.
func (m *matcher) namespaceCandidates(s netpol.Selector) []string {
	best, found := m.spaceNames, false
	for _, r := range s {
		if r.Op != netpol.In {
			continue
		}
		var names []string
		for _, v := range r.Values {
			names = append(names, m.spacesByLabel[label{r.Key, v}]...)
		}
		if !found || len(names) < len(best) {
			best, found = names, true
		}
	}
	if found {
		return slices.Concat(best, m.looseSpaces)
	}
	return best
}

// postNamespaces makes the index for namespaceCandidates.
func (m *matcher) postNamespaces() {
	m.spacesByLabel = map[label][]string{}
	for name := range m.byNamespace {
		m.spaceNames = append(m.spaceNames, name)
		ns := m.engine.world.NamespaceOf(name)
		if !ns.Declared || len(ns.Labels.Unknown) > 0 {
			m.looseSpaces = append(m.looseSpaces, name)
			continue
		}
		for k, v := range ns.Labels.Set {
			m.spacesByLabel[label{k, v}] = append(m.spacesByLabel[label{k, v}], name)
		}
	}
}

func (m *matcher) assume(code string, match netpol.Match) netpol.Match {
	m.asked |= codeOf(code)
	if m.engine.world.Facts.Strict {
		return netpol.Unsure
	}
	return match
}

// candidates returns classes, ascending, among which are all that can match: those
// of the namespaces, or those posted under the rarest label asked for.
func (m *matcher) candidates(spaces map[string]netpol.Match, pods netpol.Selector) []int32 {
	inSpaces := 0
	for name := range spaces {
		inSpaces += len(m.byNamespace[name])
	}
	best, found := []int32(nil), false
	for _, r := range pods {
		if r.Op != netpol.In {
			continue
		}
		lists := [][]int32{m.byUnknown[r.Key]}
		size := len(lists[0])
		for _, v := range r.Values {
			lists = append(lists, m.byLabel[label{r.Key, v}])
			size += len(lists[len(lists)-1])
		}
		if size < inSpaces && (!found || size < len(best)) {
			best, found = slices.Concat(lists...), true
		}
	}
	if !found {
		for name := range spaces {
			best = append(best, m.byNamespace[name]...)
		}
	}
	slices.Sort(best)
	return slices.Compact(best)
}

// block returns the classes whose addresses a block holds.
func (m *matcher) block(b netpol.Block) between {
	var sure, maybe []int32
	ask := func(classes []int32) {
		m.evaluations++
		a := m.engine.blockMatch(m.classes[classes[0]].pod, b, m.family)
		if a.assumption != "" {
			a.match = m.assume(a.assumption, a.match)
		}
		if a.match == netpol.Yes {
			sure = append(sure, classes...)
		}
		if a.match != netpol.No {
			maybe = append(maybe, classes...)
		}
	}
	for i := range m.addressed {
		ask(m.addressed[i : i+1])
	}
	for _, classes := range m.homeless {
		if len(classes) > 0 {
			ask(classes)
		}
	}
	return m.bounds(sure, maybe)
}

// resolve returns the classes that have a port of this name, by its number.
func (m *matcher) resolve(name portName) map[uint16]set {
	if out, ok := m.named[name]; ok {
		return out
	}
	lists := map[uint16][]int32{}
	for c := range m.classes {
		if n := m.classes[c].pod.NamedPort(name.name, name.protocol); n != 0 {
			lists[n] = append(lists[n], int32(c))
		}
	}
	out := map[uint16]set{}
	for n, list := range lists {
		out[n] = set{list: list}.packed(len(m.classes))
	}
	m.named[name] = out
	return out
}
