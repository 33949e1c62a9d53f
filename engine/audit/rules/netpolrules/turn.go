package netpolrules

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A turn is one instance of a server in both of its roles: at a failover its pod goes
// from one to the other, and its labels with it.
type turn struct {
	server           *snapshot.Server
	primary, replica *snapshot.Pod
}

// turns lists one instance of each server that can change its role, by namespace.
func turns(world *snapshot.Snapshot) map[string][]turn {
	out := map[string][]turn{}
	for _, s := range world.Servers {
		primaries := map[string]*snapshot.Pod{}
		for _, pod := range s.Members() {
			if pod.Part == snapshot.Primary && pod.Instance != "" {
				primaries[pod.Instance] = pod
			}
		}
		for _, pod := range s.Members() {
			if primary := primaries[pod.Instance]; primary != nil && pod.Part == snapshot.Replica {
				out[pod.Namespace] = append(out[pod.Namespace], turn{s, primary, pod})
				break // the others have the same labels, but for their name
			}
		}
	}
	return out
}

// roleKeys are the labels that change with the role of some instance.
func roleKeys(all map[string][]turn) map[string]bool {
	out := map[string]bool{}
	for _, ts := range all {
		for _, t := range ts {
			for key, value := range t.replica.Labels.Set {
				if t.primary.Labels.Set[key] != value {
					out[key] = true
				}
			}
		}
	}
	return out
}

// hinge returns the requirement of a selector that holds in one role of the instance
// and not in the other, where all others may hold.
func (t turn) hinge(s netpol.Selector) (r netpol.Requirement, ok bool) {
	for _, one := range s {
		a, b := one.Match(t.primary.Labels), one.Match(t.replica.Labels)
		switch {
		case a == netpol.No && b == netpol.No:
			return r, false
		case a != b && !namesEveryLeader(one):
			r, ok = one, true
		}
	}
	return r, ok
}

// leaders are what Patroni calls a primary in its label, by its release.
var leaders = []string{"master", "primary"}

// namesEveryLeader reports whether a requirement holds of a primary whatever it is
// called, though its label is not known.
func namesEveryLeader(r netpol.Requirement) bool {
	all := append([]string{"replica"}, leaders...)
	return r.Op == netpol.In && !slices.ContainsFunc(all, func(v string) bool { return !slices.Contains(r.Values, v) })
}

// picked says which role the requirement asks for, and whether that is certain: of a
// primary whose label nobody knows it may not be.
func (t turn) picked(r netpol.Requirement) (part string, certain bool) {
	named := 0
	for _, v := range leaders {
		if slices.Contains(r.Values, v) {
			named++
		}
	}
	unknown := r.Match(t.primary.Labels) == netpol.Unsure
	switch {
	case r.Match(t.replica.Labels) == netpol.Yes:
		return snapshot.Replica, !unknown || r.Op == netpol.In && named == 0
	case r.Op == netpol.NotIn:
		return snapshot.Primary, !unknown || named == 0
	}
	return snapshot.Primary, !unknown || named == len(leaders)
}

// memberLabels are the lines of a selector of all members of a server.
func memberLabels(s *snapshot.Server) []string { return words.MatchLabels(words.Labels(s.Members())) }
