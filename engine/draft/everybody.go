package draft

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// nowhere is a namespace that nobody has: a pod of it stands for those of namespaces that do
// not exist yet.
const nowhere = "pgmoat-nowhere"

// stranger is a pod that does not exist yet, without labels.
func stranger(namespace string) network.Endpoint {
	return network.Endpoint{Virtual: &network.Virtual{Name: "a pod that does not exist yet", Namespace: namespace, Labels: netpol.Labels{Set: map[string]string{}}}}
}

// everybody finds what each pod gets by being a pod, of the cluster or of a namespace: what
// one that does not exist yet would get, and no policy before the server keeps from any.
func (d *drafter) everybody() {
	all := grants{}
	in := map[string]grants{}
	for _, c := range d.clients {
		if c.isOutside() || c.ref.Kind == reach.KubectlKind {
			continue
		}
		for g := range c.grants {
			all[g] = true
			for _, p := range c.pods {
				if in[p.Namespace] == nil {
					in[p.Namespace] = grants{}
				}
				in[p.Namespace][g] = true
			}
		}
	}
	d.common[""] = d.commonOf(all, nowhere, d.Pods())
	for namespace, got := range in {
		if left := got.without(d.common[""]); len(left) > 0 && d.severalIn(namespace) {
			d.common[namespace] = d.commonOf(left, namespace, d.podsIn[namespace])
		}
	}
}

// severalIn reports whether a namespace has more than one workload: of one its labels are
// the better description.
func (d *drafter) severalIn(namespace string) bool {
	pods := d.podsIn[namespace]
	return slices.ContainsFunc(pods, func(p *snapshot.Pod) bool { return p.Workload != pods[0].Workload })
}

// commonOf are the grants that a stranger of a namespace gets, and from which no pod is kept
// on the server's side.
func (d *drafter) commonOf(of grants, namespace string, pods []*snapshot.Pod) grants {
	out, passes := grants{}, map[string]bool{}
	for _, g := range of.sorted() {
		open, known := passes[g.pooler]
		if !known {
			open = !slices.ContainsFunc(pods, func(p *snapshot.Pod) bool { return !p.HostNetwork && !d.passes(network.PodEndpoint(p), g.pooler) })
			passes[g.pooler] = open
		}
		if open && d.gets(stranger(namespace), g) {
			out[g] = true
		}
	}
	return out
}

// passes reports whether policies before the server let somebody in at the pods of a door.
func (d *drafter) passes(from network.Endpoint, pooler string) bool {
	for _, t := range d.doorstep(pooler) {
		step := d.Network.Decide(netpol.Ingress, network.Attempt{From: from, To: network.PodEndpoint(t.pod), Protocol: flow.TCP, Port: t.port})
		if step.Verdict == verdict.Allow {
			return true
		}
	}
	return false
}

type doorstep struct {
	pod  *snapshot.Pod
	port uint16
}

// doorstep are the pods and ports where sessions of a door arrive.
func (d *drafter) doorstep(pooler string) []doorstep {
	var out []doorstep
	if p := d.Server.PoolerNamed(pooler); p != nil {
		for _, pod := range p.Workload.Pods {
			out = append(out, doorstep{pod, p.Port})
		}
		return out
	}
	for _, m := range d.Server.Members() {
		for _, p := range d.Server.Ports {
			if (p.Pooler != nil) == (pooler != "") {
				out = append(out, doorstep{m, p.Port})
			}
		}
	}
	return out
}

// gets reports whether somebody surely gets a grant.
func (d *drafter) gets(from network.Endpoint, g grant) bool {
	_, ok := d.wayOf(from, g)
	return ok
}

// wayOf is a path by which somebody gets a grant; false for none.
func (d *drafter) wayOf(from network.Endpoint, g grant) (reach.Path, bool) {
	q := reach.Question{From: from, To: reach.Target{Server: d.Server, Pooler: d.Server.PoolerNamed(g.pooler)},
		Session: reach.Session{Database: g.database, Role: g.role, TLS: true}}
	if g.authentication != intent.SCRAM {
		q.Session.Cert = g.role
	}
	for _, tls := range []bool{true, false} {
		if !tls && !g.plain {
			continue
		}
		q.Session.TLS = tls
		for _, p := range d.Decide(q).Paths {
			if p.Verdict == verdict.Allow && d.throughDoor(p, g.pooler) {
				return p, true
			}
		}
	}
	return reach.Path{}, false
}

// throughDoor reports whether a path leads through the door that an entry names.
func (d *drafter) throughDoor(p reach.Path, pooler string) bool {
	r := reach.Route{Port: p.Port}
	if p.Pooler != nil {
		r.Pooler = p.Pooler.Ref().Namespace + "/" + p.Pooler.Ref().Name
	}
	return r.PoolerName(d.Server) == pooler
}
