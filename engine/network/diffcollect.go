package network

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A collector puts differences of spots together to effects between workloads.
type collector struct {
	*joint
	explainer *explainer
	outside   *outsideChanges
	rows      map[int32][]contrast // by joint class
	effects   map[part]*Effect
	order     []part
	// toAside and fromAside are the spots to and from which nothing is asked.
	toAside, fromAside []bool
}

// spotsOf says of each spot whether all of its pods in the new estate are some.
func (j *joint) spotsOf(some func(*snapshot.Pod) bool) []bool {
	out := make([]bool, len(j.spots))
	for i := range j.spots {
		out[i] = some != nil && !slices.ContainsFunc(j.spots[i].pods[after], func(p *snapshot.Pod) bool { return !some(p) })
	}
	return out
}

func newCollector(j *joint) *collector {
	x := newExplainer(j)
	return &collector{joint: j, explainer: x, outside: newOutsideChanges(x), rows: map[int32][]contrast{}, effects: map[part]*Effect{}}
}

func (j *joint) spotsIn(w int32) []int32 {
	out := make([]int32, 0, j.workloads[w].end-j.workloads[w].first)
	for at := j.workloads[w].first; at < j.workloads[w].end; at++ {
		out = append(out, at)
	}
	return out
}

// workload collects what differs from a workload to all others, and to and from the
// outside.
func (c *collector) workload(w int32) {
	rows := make([][]contrast, c.workloads[w].end-c.workloads[w].first)
	for i := range rows {
		if at := c.workloads[w].first + int32(i); !c.fromAside[at] { //nolint:gosec // far below 2^31
			rows[i] = c.row(c.spots[at].class)
		}
	}
	for {
		to, found := c.nearest(rows)
		if !found {
			break
		}
		c.pair(w, to, c.table(w, to, rows))
	}
	for _, dir := range []netpol.Direction{netpol.Egress, netpol.Ingress} {
		c.beyond(w, dir)
	}
}

func (c *collector) row(class int32) []contrast {
	row, ok := c.rows[class]
	if !ok {
		row = slices.DeleteFunc(c.contrasts(class), func(x contrast) bool { return c.toAside[x.to] })
		c.rows[class] = row
	}
	return row
}

// nearest returns the first workload that the heads of the rows lead to.
func (c *collector) nearest(rows [][]contrast) (w int32, found bool) {
	for _, row := range rows {
		if len(row) == 0 {
			continue
		}
		if v := c.spots[row[0].to].workload; !found || v < w {
			w, found = v, true
		}
	}
	return w, found
}

// table takes what differs towards one workload off the rows: by spot of the source,
// then by spot of the destination.
func (c *collector) table(from, to int32, rows [][]contrast) [][]outcomeID {
	first := c.workloads[to].first
	out := make([][]outcomeID, len(rows))
	for i := range rows {
		out[i] = make([]outcomeID, c.workloads[to].end-first)
		at := c.workloads[from].first + int32(i) //nolint:gosec // far below 2^31
		for len(rows[i]) > 0 && c.spots[rows[i][0].to].workload == to {
			next := rows[i][0]
			rows[i] = rows[i][1:]
			if _, ok := c.meetingAt(at, next.to); ok {
				out[i][next.to-first] = c.explainer.explain(at, next.to, next.shape)
			}
		}
		if from != to {
			continue
		}
		for k := range out[i] {
			if _, ok := c.meetingAt(at, first+int32(k)); !ok { //nolint:gosec // far below 2^31
				out[i][k] = cannotMeet
			}
		}
	}
	return out
}

// stand is the pod of this index on each side.
func (s *spot) stand(old, next int) stand {
	return stand{pods: [2]*snapshot.Pod{s.pods[before][old], s.pods[after][next]}}
}

// meetingAt returns two pods of the spots that are two pods in both estates.
func (j *joint) meetingAt(from, to int32) (pair [2]stand, ok bool) {
	a, b := &j.spots[from], &j.spots[to]
	for i := range a.pods[before] {
		for k := range b.pods[before] {
			pair = [2]stand{a.stand(i, i), b.stand(k, k)}
			if a.workload != b.workload || apart(pair) {
				return pair, true
			}
		}
	}
	return pair, false
}

func apart(pair [2]stand) bool {
	for _, v := range ages {
		if samePod(pair[0].at(v), pair[1].at(v)) {
			return false
		}
	}
	return true
}

// pair adds what differs between two workloads, members with equal answers together.
func (c *collector) pair(from, to int32, t [][]outcomeID) {
	rows := alike(t)
	cols := alike(transposed(merged(t, rows)))
	small := transposed(merged(transposed(merged(t, rows)), cols))
	for i, row := range rows {
		for k, col := range cols {
			if small[i][k] <= 0 {
				continue
			}
			between := Between{c.party(from, row), c.party(to, col)}
			ends := c.exampleOf(from, to, row, col, t)
			for _, p := range c.explainer.outcomes[small[i][k]] {
				c.add(p, between, ends)
			}
		}
	}
}

func (c *collector) exampleOf(from, to int32, row, col []int, t [][]outcomeID) (ends [2]stand) {
	for _, i := range row {
		for _, k := range col {
			if t[i][k] > 0 {
				ends, _ = c.meetingAt(c.workloads[from].first+int32(i), c.workloads[to].first+int32(k)) //nolint:gosec // far below 2^31
				return ends
			}
		}
	}
	return ends
}

// party names some spots of a workload as the new estate would.
func (j *joint) party(w int32, group []int) Party {
	jw := j.workloads[w]
	if jw.whole && len(group) == int(jw.end-jw.first) {
		return j.sides[after].whole[jw.numbers[after]]
	}
	var pods []*snapshot.Pod
	for _, i := range group {
		pods = append(pods, j.spots[int(jw.first)+i].pods[after]...)
	}
	wl := j.sides[after].workloads[jw.numbers[after]]
	return Party{Ref: GroupRef(wl, pods), Pods: pods}
}

// beyond adds what differs between a workload and the outside.
func (c *collector) beyond(w int32, dir netpol.Direction) {
	var groups [][]int
	keys := map[string]int{}
	for i, at := range c.spotsIn(w) {
		if c.isAside(dir, at) {
			continue
		}
		list := c.outside.of(dir, at)
		if len(list) == 0 {
			continue
		}
		key := ""
		for _, p := range list {
			key += fmt.Sprint(p.part, p.addresses.Text())
		}
		g, ok := keys[key]
		if !ok {
			g = len(groups)
			keys[key] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	for _, group := range groups {
		c.addBeyond(w, dir, group)
	}
}

// isAside reports whether what a spot has with the outside in a direction is left out.
func (c *collector) isAside(dir netpol.Direction, at int32) bool {
	if dir == netpol.Ingress {
		return c.toAside[at]
	}
	return c.fromAside[at]
}

func (c *collector) addBeyond(w int32, dir netpol.Direction, group []int) {
	at := c.workloads[w].first + int32(group[0]) //nolint:gosec // far below 2^31
	inside := c.party(w, group)
	for _, p := range c.outside.of(dir, at) {
		between := Between{inside, Party{CIDR: p.addresses.Prefixes()}}
		if dir == netpol.Ingress {
			between.From, between.To = between.To, between.From
		}
		c.add(p.part, between, c.outside.trial(dir, at, p.addresses.First()).ends)
	}
}

func (c *collector) add(p part, between Between, ends [2]stand) {
	e, ok := c.effects[p]
	if !ok {
		ports := c.ports.sets
		e = &Effect{Kind: p.kind, Was: p.was, Now: p.now, Ports: ports[p.ports], Before: ports[p.passed[before]], After: ports[p.passed[after]],
			Causes: c.edits.edits(p.causes), Proof: p.proof}
		e.Witness = c.witness(e, ends)
		c.effects[p] = e
		c.order = append(c.order, p)
	}
	e.Between = append(e.Between, between)
}

func (c *collector) witness(e *Effect, ends [2]stand) Witness {
	lowest := e.Ports.Ranges()[0]
	t := trial{ledger: c.edits, ends: ends, protocol: lowest.Protocol, port: lowest.From}
	w := Witness{Old: t.at(before), New: t.at(after)}
	// what passes does in one family; what does not is shown in the same
	if e.Was == verdict.Allow {
		w.OldSteps, w.Old.Family = c.steps(before, w.Old, AnyFamily)
		w.NewSteps, w.New.Family = c.steps(after, w.New, w.Old.Family)
		return w
	}
	w.NewSteps, w.New.Family = c.steps(after, w.New, AnyFamily)
	w.OldSteps, w.Old.Family = c.steps(before, w.Old, w.New.Family)
	return w
}

// steps answers in a family that gives the verdict of the attempt, the liked one if it can.
func (c *collector) steps(v age, a Attempt, liked Family) (out [2]verdict.Step, f Family) {
	e := c.sides[v].engine
	want, found := e.Pass(a), false
	for _, a.Family = range e.Families(a) {
		steps := [2]verdict.Step{e.Decide(netpol.Egress, a), e.Decide(netpol.Ingress, a)}
		if verdict.All(steps[0].Verdict, steps[1].Verdict) != want || found && a.Family != liked {
			continue
		}
		out, f, found = steps, a.Family, true
	}
	return out, f
}

// finished returns the effects, those of one cause after the other.
func (c *collector) finished() []Effect {
	slices.SortStableFunc(c.order, func(p, q part) int {
		return cmp.Or(slices.Compare(c.edits.sets[p.causes], c.edits.sets[q.causes]), rankOf(p)-rankOf(q))
	})
	out := make([]Effect, len(c.order))
	for i, p := range c.order {
		out[i] = *c.effects[p]
		slices.SortStableFunc(out[i].Between, func(a, b Between) int {
			return cmp.Or(compareParties(a.From, b.From), compareParties(a.To, b.To))
		})
	}
	return out
}

// compareParties puts the outside last.
func compareParties(a, b Party) int {
	if (a.CIDR == nil) != (b.CIDR == nil) {
		return cmp.Compare(len(a.CIDR), len(b.CIDR))
	}
	return a.Compare(b.Ref)
}

// rankOf puts what opens first.
func rankOf(p part) int {
	return slices.Index(moves, [2]verdict.Verdict{p.was, p.now})
}
