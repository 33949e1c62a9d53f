package reach

import (
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// groups are the classes of pods that every way of a server's treats alike, so that
// what follows is asked once for each group and not for each class.
type groups struct {
	of       []int32     // of each class
	arrivals [][]arrival // of each group
	// lists are those of pods that no file tells apart, by group and by what they are
	// alike in; nil where they were not yet asked for.
	lists [][likes][]Access
	asked [][likes]bool
}

// likes is how many kinds of pods there are that no file tells apart: without and with an
// address, each on the pod network and on the host's.
const likes = 4

func likeness(p *snapshot.Pod) uint8 {
	var like uint8
	if len(p.Addresses) > 0 {
		like += addressed
	}
	if p.HostNetwork {
		like++
	}
	return like
}

// addressed is the least likeness of a pod whose addresses are known.
const addressed = 2

// tellsApart reports whether a file may tell a pod from others of its likeness.
func (b *book) tellsApart(like uint8) bool {
	return b.asksForPods || like >= addressed && b.asksForAddresses
}

// A column is what a way comes to for every class: all ways of one have the same verdicts.
type column struct {
	at passage
	// leads is what the Service says, asks that its name has to be resolved.
	leads verdict.Verdict
	asks  bool
}

func columnOf(w way) column {
	c := column{at: passage{w.firstPod(), w.firstPort()}, leads: verdict.Allow, asks: w.service != nil}
	if w.step != nil {
		c.leads = w.step.Verdict
	}
	return c
}

// verdicts says what the column comes to for each class.
func (b *book) verdicts(c column) []verdict.Verdict {
	into := b.into(c.at)
	out := make([]verdict.Verdict, b.lookup().Classes())
	var resolves []verdict.Verdict
	if c.asks {
		resolves = b.resolves()
	}
	for class := range out {
		v := verdict.Unknown
		if into != nil {
			v = into[class]
		}
		if v != verdict.Deny && c.leads != verdict.Allow {
			v = verdict.All(v, c.leads)
		}
		if v != verdict.Deny && c.asks && resolves[class] != verdict.Allow {
			v = verdict.All(v, resolves[class])
		}
		out[class] = v
	}
	return out
}

// divide groups the classes by what the ways come to for them.
func (b *book) divide() *groups {
	g := &groups{of: make([]int32, b.lookup().Classes())}
	columns := map[column][]verdict.Verdict{}
	for _, w := range b.ways {
		c := columnOf(w)
		if columns[c] == nil {
			columns[c] = b.verdicts(c)
			g.refine(columns[c])
		}
	}
	g.arrivals = make([][]arrival, 0, len(g.of))
	for class, n := range g.of {
		if int(n) < len(g.arrivals) {
			continue
		}
		var list []arrival
		for _, w := range b.ways {
			if v := columns[columnOf(w)][class]; v != verdict.Deny && !w.refused {
				list = b.arrive(list, w, v, nil)
			}
		}
		g.arrivals = append(g.arrivals, list)
	}
	g.lists, g.asked = make([][likes][]Access, len(g.arrivals)), make([][likes]bool, len(g.arrivals))
	return g
}

// refine tells classes apart that a column tells apart. Groups are numbered in the order
// of their first classes.
func (g *groups) refine(by []verdict.Verdict) {
	const verdicts = 3
	var next int32
	numbers := []int32{}
	for class, n := range g.of {
		at := int(n)*verdicts + int(by[class])
		for at >= len(numbers) {
			numbers = append(numbers, 0)
		}
		if numbers[at] == 0 {
			next++
			numbers[at] = next
		}
		g.of[class] = numbers[at] - 1
	}
}

// into is what policies say of each class at a passage; nil where they do not decide.
func (b *book) into(at passage) []verdict.Verdict {
	if at.pod == nil || at.port == 0 {
		return nil
	}
	into, known := b.passes[at]
	if !known {
		into = b.lookup().Into(at.pod, flow.TCP, at.port)
		b.passes[at] = into
	}
	return into
}

// briefly answers for a pod of a class by the verdicts alone; not for one that is the
// server's own.
func (b *book) briefly(p *snapshot.Pod, kind podKind) []Access {
	if b.groups == nil {
		b.groups = b.divide()
	}
	g := b.groups
	n := g.of[kind.class]
	if b.tellsApart(kind.like) || len(b.World.Problems) > 0 {
		return b.client(network.PodEndpoint(p), g.arrivals[n])
	}
	if !g.asked[n][kind.like] {
		g.lists[n][kind.like], g.asked[n][kind.like] = b.client(network.PodEndpoint(p), g.arrivals[n]), true
	}
	return g.lists[n][kind.like]
}

// resolves is what dnsStep says of each class, once for all servers.
func (e *Engine) resolves() []verdict.Verdict {
	e.lazy.names.Do(func() {
		out := make([]verdict.Verdict, e.lookup().Classes())
		known := make([]bool, len(out))
		kinds := e.kinds()
		for i, p := range e.Pods() {
			if class := kinds[i].class; class >= 0 && !known[class] {
				out[class], known[class] = e.dnsStep(network.PodEndpoint(p)).Verdict, true
			}
		}
		e.lazy.resolves = out
	})
	return e.lazy.resolves
}
