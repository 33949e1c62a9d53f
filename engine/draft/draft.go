// Package draft goes the other way than package compile: from what an estate lets in today
// to intents that ask for it. A draft never asks for more than there is; what intents have
// no words for is a Loss, with who loses what.
package draft

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Result is the draft for some servers of one estate.
type Result struct {
	World *snapshot.Snapshot
	// Sites are the servers in the order in which they were asked for.
	Sites []*Site
}

// A Site is what was drafted for one server.
type Site struct {
	Server *snapshot.Server
	// Perimeter is nil where nothing can be drafted; a Loss then says why.
	Perimeter *Perimeter
	Accesses  []*Access
	Lost      []*Loss
	// Drawn are the NetworkPolicies that select nothing but the server's pods and its
	// poolers': the draft says what they say, so that they can go. Shared select others too.
	Drawn, Shared []*netpol.Policy
	engine        *reach.Engine
}

// A Perimeter is a drafted one with why it is as it is.
type Perimeter struct {
	intent.Perimeter
	// Why are remarks for whoever reads the draft; From is what it was drawn from.
	Why  []string
	From []verdict.Origin
}

// An Access is a drafted one with why it is as it is.
type Access struct {
	intent.Access
	Why  []string
	From []verdict.Origin
	// Clients are whom it was drawn for, without those that do not exist yet.
	Clients []snapshot.Ref
	// breadth says how far its clients are from being told apart: 0 for pods of the server's
	// namespace, 1 for pods of others, 2 for addresses, 3 for everybody.
	breadth int
	// witnesses stand for its clients: one of each.
	witnesses []network.Endpoint
}

// Draft drafts intents for servers of the engine's estate: a perimeter for each, and an
// access for each group of clients that gets the same.
func Draft(e *reach.Engine, servers []*snapshot.Server) *Result {
	r := &Result{World: e.World}
	for _, s := range servers {
		r.Sites = append(r.Sites, draftSite(e, s))
	}
	r.distinguish()
	r.settle()
	r.explain()
	return r
}

func draftSite(e *reach.Engine, s *snapshot.Server) *Site {
	site := &Site{Server: s, engine: e}
	d := &drafter{Engine: e, Site: site, byKey: map[string]*Loss{}}
	d.begin()
	d.policies()
	d.read(e.WhoCan(s))
	d.perimeter()
	d.accesses()
	d.controls()
	return site
}

// A drafter makes one Site.
type drafter struct {
	*reach.Engine
	*Site
	// own are the pods of the server and of its poolers; vital those of others that the
	// server needs to connect to it.
	own, vital map[*snapshot.Pod]bool
	podsIn     map[string][]*snapshot.Pod
	parts      map[string]string
	clients    []*client
	byKey      map[string]*Loss
	// common is what everybody gets, in each namespace alone or, under "", in all.
	common map[string]grants
}

// begin sorts the estate's pods.
func (d *drafter) begin() {
	d.own, d.vital = map[*snapshot.Pod]bool{}, map[*snapshot.Pod]bool{}
	d.podsIn, d.parts, d.common = map[string][]*snapshot.Pod{}, map[string]string{}, map[string]grants{}
	for _, w := range d.World.Workloads {
		for _, p := range w.Pods {
			d.podsIn[p.Namespace] = append(d.podsIn[p.Namespace], p)
			d.own[p] = d.Server.Owns(w)
		}
	}
	for _, m := range d.Server.Members() {
		d.parts[m.Ref().Name] = m.Part
	}
	for _, f := range d.Server.Vital {
		if !f.Optional && slices.ContainsFunc(f.To.Pods, func(p *snapshot.Pod) bool { return d.own[p] }) {
			for _, p := range f.From.Pods {
				d.vital[p] = !d.own[p]
			}
		}
	}
}

// policies finds those that stand before the server's pods.
func (d *drafter) policies() {
	namespace := d.Server.Ref().Namespace
	for _, p := range d.World.Policies {
		if p.Namespace != namespace {
			continue
		}
		own, others := 0, 0
		for _, pod := range d.podsIn[namespace] {
			switch {
			case p.Pods.Match(pod.Labels) == netpol.No:
			case d.own[pod]:
				own++
			default:
				others++
			}
		}
		if d.selectsJobs(p) {
			others++
		}
		switch {
		case own > 0 && others == 0 && len(p.Pods) > 0:
			d.Drawn = append(d.Drawn, p)
		case own > 0:
			d.Shared = append(d.Shared, p)
		}
	}
}

// selectsJobs reports whether a policy may be about pods that no manifest holds and that the
// server needs, such as those of a backup.
func (d *drafter) selectsJobs(p *netpol.Policy) bool {
	return slices.ContainsFunc(d.Server.Vital, func(f snapshot.VitalFlow) bool {
		return slices.ContainsFunc([]snapshot.VitalPeer{f.From, f.To}, func(v snapshot.VitalPeer) bool {
			return len(v.Pods) == 0 && v.Namespace == p.Namespace && p.Pods.Match(v.Labels) != netpol.No
		})
	})
}

// distinguish gives the accesses of one namespace names of their own, and all parts of the
// draft the origins by which errors find them.
func (r *Result) distinguish() {
	taken := map[string]bool{}
	for _, s := range r.Sites {
		if s.Perimeter == nil {
			continue
		}
		s.Perimeter.Name = unique(taken, "perimeter/"+s.Perimeter.Namespace+"/", s.Perimeter.Name, strings.ToLower(s.Server.Ref().Kind))
		for _, a := range s.Accesses {
			a.Name = unique(taken, "access/"+a.Namespace+"/", a.Name, s.Server.Ref().Name)
		}
		s.locate()
	}
}

// locate gives each part its origin.
func (s *Site) locate() {
	p := s.Perimeter
	p.Origin = verdict.Origin{Object: "PostgresPerimeter " + p.Namespace + "/" + p.Name}
	p.Server.Origin = p.Origin.At("spec.server.name")
	locatePeers(p.Monitoring, p.Origin, "spec.monitoring")
	for _, a := range s.Accesses {
		a.Origin = verdict.Origin{Object: "PostgresAccess " + a.Namespace + "/" + a.Name}
		a.Access.Server.Origin = a.Origin.At("spec.server.name")
		a.Client.Origin = a.Origin.At("spec.clientEgress")
		locatePeers(a.Access.From, a.Origin, "spec.from")
		for i := range a.To {
			a.To[i].Origin = a.Origin.At("spec.to[%d]", i)
		}
	}
}

func locatePeers(peers []intent.Peer, at verdict.Origin, field string) {
	for i := range peers {
		peers[i].Origin = at.At("%s[%d]", field, i)
	}
}

// Intents are the drafted ones as package compile takes them.
func (r *Result) Intents() intent.Intents {
	var out intent.Intents
	for _, s := range r.Sites {
		if s.Perimeter == nil {
			continue
		}
		out.Perimeters = append(out.Perimeters, &s.Perimeter.Perimeter)
		for _, a := range s.Accesses {
			out.Accesses = append(out.Accesses, &a.Access)
		}
	}
	return out
}
