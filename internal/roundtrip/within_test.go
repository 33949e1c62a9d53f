package roundtrip

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// enters says what lets the session of an attempt in that arrived; empty where nothing may.
func (t *trip) enters(a attempt, p reach.Path) string {
	for _, f := range a.server.Vital {
		whole := f.Replication && a.database == reach.PhysicalReplication
		if f.Role == a.role && (whole || !f.Replication && (f.Database == a.database || f.Database == "")) && t.stands(a.from, f.From) {
			return "vital session"
		}
	}
	if q := poolerOf(a.server, a.from.Pod); q != nil && a.route.Pooler == "" {
		for _, x := range t.accesses(a.server) {
			if slices.ContainsFunc(x.Spec.To, func(e entry) bool {
				return e.Pooler == q.Ref().Name && e.Role == a.role && slices.Contains(e.Databases, a.database)
			}) {
				return "a pooler for those who go through it"
			}
		}
	}
	var step verdict.Step
	for _, s := range p.Steps {
		if s.Layer == verdict.HBA {
			step = s
		}
	}
	switch {
	case t.gap(a.server, "hba/part", "hba/no-way", "hba/unknown-file", "hba/mount"):
		return "the file stays as it is"
	case step.Layer == "":
		return "no file on the way"
	case !t.ours(step) && t.operators(step):
		_, line, _ := strings.Cut(step.Facts["record"], `"`)
		socket := strings.HasPrefix(line, "local ")
		if socket && t.gap(a.server, "hba/socket") {
			return "the operator's line for the socket"
		}
		if f := strings.Fields(line); !socket && len(f) > 2 && strings.Trim(f[2], `\"`) == a.role && a.role != "all" {
			// What the operator writes before anything of ours names its own roles.
			return "an operator's line for a role of its own: " + a.server.Operator + " " + a.role
		}
		return ""
	case a.route.Sees == "127.0.0.1" && t.gap(a.server, "hba/loopback"):
		return "seen as loopback"
	}
	return t.alike(a, step)
}

// poolerOf is the server's pooler that a pod is of; nil for none.
func poolerOf(s *snapshot.Server, p *snapshot.Pod) *snapshot.Pooler {
	for _, q := range s.Poolers {
		if p != nil && q.Workload == p.Workload {
			return q
		}
	}
	return nil
}

// operators reports whether a line is none of a person's.
func (t *trip) operators(s verdict.Step) bool {
	return s.Origin.Note != "" || s.Origin.File == "pg_hba.conf"
}

// alike explains a line of ours that lets in more than it was written for.
func (t *trip) alike(a attempt, step verdict.Step) string {
	asked := ""
	for _, x := range t.accesses(a.server) {
		for _, e := range x.Spec.To {
			if e.Role == a.role && slices.Contains(e.Databases, a.database) && t.way(e, a) {
				asked = "asked for by another"
			}
		}
	}
	for _, f := range a.server.Vital {
		if f.Role == a.role && !f.Optional {
			asked = "a role of the operator's"
		}
	}
	if asked == "" {
		return ""
	}
	switch {
	case a.route.Pooler != "" && t.gap(a.server, "hba/pooler", "hba/pooler-file"):
		return asked + ", through a pooler"
	case inside(a.server, a.route.Port) && t.gap(a.server, "hba/socket", "hba/loopback"):
		return asked + ", through the pooler in the pod"
	case a.route.Sees != "" && t.gap(a.server, "hba/loopback", "hba/node-source"):
		return asked + ", seen as another"
	case t.alikeGap(a):
		return asked + ", pods are alike"
	}
	return ""
}

// alikeGap finds the gap that says that whoever comes from where the client is gets in with
// the credentials of the role.
func (t *trip) alikeGap(a attempt) bool {
	return slices.ContainsFunc(t.output.Gaps, func(g artefact.Gap) bool {
		if g.Code == "hba/host-network" {
			return t.gap(a.server, g.Code)
		}
		rest, ok := strings.CutPrefix(g.Consequence, "whoever reaches it from ")
		from, role, _ := strings.Cut(rest, " with the credentials of role ")
		return g.Code == "hba/pods-alike" && ok && strings.HasPrefix(role, a.role+" is let in") && (from != "every pod of the cluster" || a.from.Outside.Minus(t.podAddresses()).IsEmpty()) &&
			strings.Contains(g.What, a.server.Ref().Name)
	})
}
