package network

import (
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// IsSame reports whether both estates surely say the same of all that is sent to a pod
// of the new one: by every pod that both have, at every port, and from outside. It is
// false of a pod that only one estate has.
func (c *Comparison) IsSame(to *snapshot.Pod) bool {
	n, both := c.spots[to]
	if !both {
		return false
	}
	return !c.changed()[n] && c.explainer.touch(netpol.Ingress, n) == 0
}

// changed marks the spots that some class of pods reaches differently, or may.
func (c *Comparison) changed() []bool {
	if c.reached == nil {
		j := c.explainer.joint
		c.reached = make([]bool, len(j.spots))
		for class := range j.classes {
			for _, x := range j.contrasts(int32(class)) { //nolint:gosec // far below 2^31
				c.reached[x.to] = true
			}
		}
	}
	return c.reached
}

// SendsAlike reports whether nothing was edited that may matter to what a pod of the new
// estate sends; false of one that only the new estate has.
func (c *Comparison) SendsAlike(from *snapshot.Pod) bool {
	n, both := c.spots[from]
	return both && c.explainer.touch(netpol.Egress, n) == 0
}
