package change

import (
	"cmp"
	"slices"
	"sync"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An age tells the two estates apart.
type age int

const (
	before age = iota
	after
)

// A comparer holds two estates against each other.
type comparer struct {
	engines [2]*reach.Engine
	network *network.Comparison
	pods    [2][]*snapshot.Pod
	clients []client
	edits   *edits
	trials  int // how often attempts were made again
	out     *Difference
}

// A client is one that the rows tell apart: the members of a workload in one part.
type client struct {
	ref  snapshot.Ref
	pods [2][]int32 // their places among the pods of each estate
}

// Compare finds what two estates answer differently.
func Compare(old, next *reach.Engine) *Difference {
	c := newComparer(old, next)
	calm := c.calmness()
	pairs := serverPairs(old.World.Servers, next.World.Servers)
	lists := c.lists(slices.DeleteFunc(slices.Clone(pairs), calm.isSame))
	t, more := <-lists
	for _, pair := range pairs {
		if more && t.pair == pair {
			c.server(t)
			t, more = <-lists
		}
		c.flows(pair)
	}
	return c.out
}

func newComparer(old, next *reach.Engine) *comparer {
	c := &comparer{engines: [2]*reach.Engine{old, next}, network: network.Compare(old.Network, next.Network), out: &Difference{}}
	for v, e := range c.engines {
		c.pods[v] = e.Pods()
	}
	c.clients = c.matchClients()
	c.edits = c.findEdits()
	c.out.Causes = c.edits.list
	return c
}

// matchClients pairs the clients of both estates by workload and part.
func (c *comparer) matchClients() []client {
	type key struct {
		ref  snapshot.Ref
		part string
	}
	at := map[key]int{}
	var out []client
	for v, pods := range c.pods {
		for i, p := range pods {
			k := key{p.Workload.Ref, p.Part}
			n, known := at[k]
			if !known {
				n = len(out)
				at[k], out = n, append(out, client{ref: p.Ref()})
			}
			out[n].pods[v] = append(out[n].pods[v], int32(i)) //nolint:gosec // far below 2^31
		}
	}
	slices.SortStableFunc(out, func(a, b client) int { return a.ref.Compare(b.ref) })
	return out
}

// A serverPair is a server in both estates; nil where it is not.
type serverPair [2]*snapshot.Server

func (p serverPair) ref() snapshot.Ref { return cmp.Or(p[after], p[before]).Ref() }

func (p serverPair) both() bool { return p[before] != nil && p[after] != nil }

func serverPairs(old, next []*snapshot.Server) []serverPair {
	at := map[snapshot.Ref]int{}
	var out []serverPair
	for v, list := range [][]*snapshot.Server{old, next} {
		for _, s := range list {
			n, known := at[s.Ref()]
			if !known {
				n = len(out)
				at[s.Ref()], out = n, append(out, serverPair{})
			}
			out[n][v] = s
		}
	}
	slices.SortStableFunc(out, func(a, b serverPair) int { return a.ref().Compare(b.ref()) })
	return out
}

// server compares all answers about one server.
func (c *comparer) server(t *table) {
	switch {
	case t.pair[before] == nil:
		c.out.Added = append(c.out.Added, t.pair[after])
	case t.pair[after] == nil:
		c.out.Removed = append(c.out.Removed, t.pair[before])
	}
	t.rows()
	c.controls(t.pair)
}

// lists makes the tables of servers, the next while the one before is explained.
func (c *comparer) lists(pairs []serverPair) <-chan *table {
	out := make(chan *table, 1)
	go func() {
		defer close(out)
		for _, pair := range pairs {
			t := &table{comparer: c, pair: pair, contents: reach.NewContents(unseen)}
			t.outcomes()
			out <- t
		}
	}()
	return out
}

// A table is the closed list of one server in both estates. Lists have one number
// wherever they say the same.
type table struct {
	*comparer
	pair     serverPair
	sides    [2]*reach.Outcomes
	contents *reach.Contents
	of       [2][]int32 // the number of each list of a side
}

// outcomes makes the lists of both sides, told the same names and addresses apart.
func (t *table) outcomes() {
	var servers []*snapshot.Server
	var cuts []flow.Addresses
	for v, s := range t.pair {
		if s != nil {
			servers = append(servers, s)
			cuts = append(cuts, t.engines[v].Cuts(s)...)
		}
	}
	names := reach.NamesOf(servers...)
	var wait sync.WaitGroup
	for v, s := range t.pair {
		if s != nil {
			wait.Go(func() { t.sides[v] = t.engines[v].Outcomes(s, names, cuts) })
		}
	}
	wait.Wait()
	for v, side := range t.sides {
		if side == nil {
			continue
		}
		for _, list := range side.Lists {
			t.of[v] = append(t.of[v], t.contents.Number(list))
		}
	}
}

// A change is the lists of a client before and after.
type change [2]int32

// rows finds the clients whose lists differ, those of one change together.
func (t *table) rows() {
	groups := map[change][]subject{}
	var order []change
	add := func(x change, s subject) {
		if x[before] == x[after] {
			return
		}
		if groups[x] == nil {
			order = append(order, x)
		}
		groups[x] = append(groups[x], s)
	}
	for i := range t.clients {
		add(t.client(&t.clients[i]))
	}
	for _, s := range t.outsiders() {
		add(s.lists, s.subject)
	}
	for _, x := range order {
		for _, d := range cellDiffs(t.contents.Lists[x[before]], t.contents.Lists[x[after]]) {
			for _, part := range t.parts(d, groups[x][0]) {
				t.explain(part, groups[x])
			}
		}
	}
}

// A subject is whom a row is about, with one of him in each estate.
type subject struct {
	ref snapshot.Ref
	// pods are nil where the estate does not have him, and of the outside.
	pods   [2]*snapshot.Pod
	from   network.Endpoint // where he is no pod
	inside reach.Inside
	podly  bool
}

// client says what became of the lists of a client. Members of one part that have
// different lists have all of them.
func (t *table) client(c *client) (change, subject) {
	var x change
	s := subject{ref: c.ref, podly: true}
	for v, side := range t.sides {
		if side == nil {
			s.pods[v] = t.some(c, v)
			continue
		}
		x[v] = t.of[v][0]
		for n, i := range c.pods[v] {
			list := t.of[v][side.Pods[i]]
			if n == 0 || list != 0 && (x[v] == 0 || x[v] != list) {
				x[v], s.pods[v] = t.joined(x[v], list), t.comparer.pods[v][i]
			}
		}
	}
	return x, s
}

func (t *table) some(c *client, v int) *snapshot.Pod {
	if len(c.pods[v]) == 0 {
		return nil
	}
	return t.comparer.pods[v][c.pods[v][0]]
}

// joined is the list of clients of which some have the one and some the other.
func (t *table) joined(a, b int32) int32 {
	if a == 0 || a == b {
		return b
	}
	if b == 0 {
		return a
	}
	return t.contents.Number(joinLists(t.contents.Lists[a], t.contents.Lists[b]))
}

type outsider struct {
	subject
	lists change
}

// outsiders are the parts of the outside that answers tell apart, those of one change
// together, and who comes in by the kubelet.
func (t *table) outsiders() []outsider {
	parts := map[change]flow.Addresses{}
	var order []change
	some := t.sides[after]
	if some == nil {
		some = t.sides[before]
	}
	for i, atom := range some.Atoms {
		x := t.at(func(o *reach.Outcomes) int32 { return o.Outside[i] })
		if _, known := parts[x]; !known {
			order = append(order, x)
		}
		parts[x] = parts[x].Union(atom)
	}
	var out []outsider
	for _, x := range order {
		ref := t.engines[after].OutsideRef(parts[x])
		out = append(out, outsider{subject{ref: ref, from: network.OutsideEndpoint(parts[x])}, x})
	}
	for i, in := range reach.Insiders() {
		x := t.at(func(o *reach.Outcomes) int32 { return o.Inside[i] })
		out = append(out, outsider{subject{ref: in.Ref, inside: in.Inside}, x})
	}
	return out
}

func (t *table) at(place func(*reach.Outcomes) int32) change {
	var x change
	for v, side := range t.sides {
		if side != nil {
			x[v] = t.of[v][place(side)]
		}
	}
	return x
}
