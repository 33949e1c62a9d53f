package suite

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An end is one side of a question: a pod, or an address.
type end struct {
	pod     int
	address flow.Addresses // empty for a pod
}

// ask asks the questions, each pod for itself.
func (c *comparison) ask() error {
	for _, q := range c.questions {
		from, err := c.endsNamed(q.line, q.from)
		if err != nil {
			return err
		}
		to, err := c.endsNamed(q.line, q.to)
		if err != nil {
			return err
		}
		for _, f := range from {
			for _, t := range to {
				if !c.isIdle(f, t, len(from)*len(to) > 1) {
					c.answer(q, f, t)
				}
			}
		}
	}
	return nil
}

func (c *comparison) endsNamed(line int, p party) (out []end, err error) {
	if p.outside {
		return []end{{address: p.addresses}}, nil
	}
	pods, err := c.pods.find(p)
	if err != nil {
		return nil, fmt.Errorf("%d: %w", line, err)
	}
	for _, i := range pods {
		out = append(out, end{pod: i})
	}
	return out, nil
}

// isIdle leaves out a pod and itself where others are asked too: of a workload and
// itself nobody means that.
func (c *comparison) isIdle(f, t end, others bool) bool {
	return others && f.isPod() && t.isPod() && !c.pods.meet(f.pod, t.pod)
}

func (e end) isPod() bool { return e.address.IsEmpty() }

// answer asks the engine for one attempt, and holds its answer against the expected
// one and against the engine's own list.
func (c *comparison) answer(q question, f, t end) {
	got, step := c.decide(f, t, q.port)
	if got != q.want {
		c.differences = append(c.differences, Difference{Line: q.line, Subject: c.attempt(f, t, q.port),
			Expected: q.want.String(), Got: got.String(), Why: c.reason(step)})
	}
	listed, ok := c.listed(f, t)
	if d, differs := c.contradiction(f, t, q.port, listed); ok && differs {
		d.Line = q.line
		c.differences = append(c.differences, d)
	}
}

func (c *comparison) reason(s verdict.Step) string {
	text := string(s.Reason)
	if !s.Origin.IsZero() {
		text += " " + c.world.Locate(s.Origin).String()
	}
	return text
}

func (c *comparison) endpoint(e end) network.Endpoint {
	if e.isPod() {
		return network.PodEndpoint(c.pods.pods[e.pod])
	}
	return network.OutsideEndpoint(e.address)
}

func (c *comparison) name(e end) string {
	if e.isPod() {
		return c.pods.pod(e.pod)
	}
	return e.address.First().String()
}

// listed is what the list of connections says of two ends; nothing of a pod and itself.
func (c *comparison) listed(f, t end) (answer, bool) {
	switch {
	case !f.isPod():
		return at(c.got.beyond[netpol.Ingress][t.pod], f.address), true
	case !t.isPod():
		return at(c.got.beyond[netpol.Egress][f.pod], t.address), true
	}
	return c.got.between[pair{f.pod, t.pod}], c.pods.meet(f.pod, t.pod)
}

func at(s spans, a flow.Addresses) answer {
	for _, span := range s {
		if span.addresses.Has(a.First()) {
			return span.answer
		}
	}
	return answer{}
}
