package suite

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// compare holds the file against the engine. An error is one of the file, and begins
// with its line.
func (c *comparison) compare() error {
	c.refused()
	if err := c.missing(); err != nil {
		return err
	}
	if len(c.statements)+len(c.questions) == 0 {
		return nil
	}
	c.got = gridOf(c.pods, c.engine.Connections(), c.world.Locate)
	if err := c.ask(); err != nil {
		return err
	}
	if len(c.statements) == 0 {
		return nil
	}
	said, err := c.gridSaid()
	if err != nil {
		return err
	}
	c.compareBetween(said)
	for _, dir := range netpol.Directions {
		c.compareBeyond(said, dir)
	}
	return nil
}

// missing holds the pods against those that are said to be absent.
func (c *comparison) missing() error {
	for _, a := range c.absent {
		found, err := c.pods.find(a.party)
		switch {
		case errors.Is(err, errNoSuch):
		case err != nil:
			return fmt.Errorf("%d: %w", a.line, err)
		default:
			c.differences = append(c.differences, Difference{
				Line: a.line, Subject: a.text, Expected: "absent", Got: "there as " + c.pods.pod(found[0])})
		}
	}
	return nil
}

// sorted returns the differences in the order of what they are about.
func (c *comparison) sorted() []Difference {
	slices.SortFunc(c.differences, func(a, b Difference) int {
		return cmp.Or(strings.Compare(a.Subject, b.Subject), cmp.Compare(a.Line, b.Line), strings.Compare(a.Got, b.Got))
	})
	return c.differences
}

// byRank sorts statements from the most general to the most particular.
func byRank(statements []statement) []statement {
	return slices.SortedStableFunc(slices.Values(statements), func(a, b statement) int { return cmp.Compare(b.rank(), a.rank()) })
}

// endsOf finds the two sides of a statement.
func (c *comparison) endsOf(s statement) (e ends, err error) {
	for _, side := range []struct {
		party
		pods *[]int
		dir  netpol.Direction
	}{{s.from, &e.from, netpol.Ingress}, {s.to, &e.to, netpol.Egress}} {
		if side.outside {
			e.outside, e.dir = side.addresses, side.dir
			continue
		}
		if *side.pods, err = c.pods.find(side.party); err != nil {
			return e, fmt.Errorf("%d: %w", s.line, err)
		}
	}
	return e, nil
}

// settle cuts an answer to what the file compares. What is said to be unknown is taken
// out of what is said to be known.
func (c *comparison) settle(a answer) answer {
	a.unknown = c.compared(a.unknown)
	a.allow = c.compared(a.allow).Minus(a.unknown)
	return a
}

// differ reports whether two answers differ, and says how.
func (c *comparison) differ(want, got answer) (d Difference, ok bool) {
	want, got = c.settle(want), c.settle(got)
	if want.allow.Equal(got.allow) && want.unknown.Equal(got.unknown) {
		return d, false
	}
	d = Difference{Line: want.line, Expected: want.text(), Got: got.text()}
	if !got.unknown.IsEmpty() {
		d.Why = got.why
	}
	return d, true
}

// compareBetween compares every two pods, and tells workloads as a whole where all
// their pods differ alike.
func (c *comparison) compareBetween(said *grid) {
	for f, from := range c.pods.workloads {
		for t, to := range c.pods.workloads {
			if c.ignoreSelf && from == to {
				continue
			}
			groups := map[Difference][]pair{}
			total := 0
			for _, i := range c.pods.members[f] {
				for _, j := range c.pods.members[t] {
					want, ok := said.between[pair{i, j}]
					if !c.pods.meet(i, j) || c.partial && !ok {
						continue
					}
					total++
					got := c.got.between[pair{i, j}]
					if d, ok := c.differ(want, got); ok {
						groups[d] = append(groups[d], pair{i, j})
					}
					c.contradictions(end{pod: i}, end{pod: j}, want, got)
				}
			}
			c.tellBetween(from, to, groups, total)
		}
	}
}

func (c *comparison) tellBetween(from, to *snapshot.Workload, groups map[Difference][]pair, total int) {
	for d, pairs := range groups {
		if len(pairs) == total {
			d.Subject = c.pods.workload(from) + " -> " + c.pods.workload(to)
			c.differences = append(c.differences, d)
			continue
		}
		for _, p := range pairs {
			d.Subject = c.pods.pod(p.from) + " -> " + c.pods.pod(p.to)
			c.differences = append(c.differences, d)
		}
	}
}
