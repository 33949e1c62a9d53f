package draft

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// perimeter drafts the baseline: what is closed today stays closed, what is open stays open.
func (d *drafter) perimeter() {
	ref := d.Server.Ref()
	p := &Perimeter{Perimeter: intent.Perimeter{Namespace: ref.Namespace, Name: slug(ref.Name), Server: d.serverRef(), MinProtocol: "TLSv1.2"}}
	d.Perimeter = p
	if d.Server.TLS.MinProtocol == "TLSv1.3" {
		p.MinProtocol = "TLSv1.3"
	}
	for _, c := range d.clients {
		for g := range c.grants {
			p.PlainText = p.PlainText || g.plain
			p.RemoteSuperuser = p.RemoteSuperuser || d.superuser(g.role)
		}
	}
	if p.PlainText {
		p.Why = append(p.Why, "Today sessions without TLS get in: once nobody needs them, take tls.required away.")
	}
	if p.RemoteSuperuser {
		p.Why = append(p.Why, "Today superusers get in over the network: give their clients other roles, and take superuser away.")
	}
	d.egress(p)
	d.monitoring(p)
	for _, policy := range slices.Concat(d.Drawn, d.Shared) {
		p.From = append(p.From, policy.Origin)
	}
}

// egress takes over what lets the server's pods out, where their way out is closed.
func (d *drafter) egress(p *Perimeter) {
	members := d.Server.Members()
	closing := slices.DeleteFunc(slices.Concat(d.Drawn, d.Shared), func(q *netpol.Policy) bool {
		return !q.Isolates[netpol.Egress] || !slices.ContainsFunc(members, func(m *snapshot.Pod) bool { return q.Pods.Match(m.Labels) != netpol.No })
	})
	closed := func(m *snapshot.Pod) bool {
		return slices.ContainsFunc(closing, func(q *netpol.Policy) bool { return q.Pods.Match(m.Labels) == netpol.Yes })
	}
	if len(members) == 0 || slices.ContainsFunc(members, func(m *snapshot.Pod) bool { return !closed(m) }) {
		return
	}
	p.EgressIsolated = true
	for _, q := range closing {
		for _, r := range q.Rules[netpol.Egress] {
			d.destination(p, q, r)
		}
	}
}

// destination takes over one rule, unless it is about what the perimeter opens anyway.
func (d *drafter) destination(p *Perimeter, q *netpol.Policy, r netpol.Rule) {
	ports := d.egressPorts(q, r)
	if len(ports) == 0 {
		return
	}
	peers := r.Peers
	if r.AnyPeer {
		everywhere := netpol.Selector{}
		peers = []netpol.Peer{{Namespaces: &everywhere}, {Block: &netpol.Block{Addresses: flow.AllAddresses()}}}
	}
	if d.isAboutAPIServer(peers, ports) {
		return
	}
	for _, peer := range peers {
		if d.isVital(peer, q.Namespace, ports) {
			continue
		}
		dest := intent.Destination{Name: q.Name, To: peerOf(peer, q.Namespace), Ports: ports}
		list := &p.Egress
		if peer.Block != nil && d.backsUp(ports) {
			list = &p.Backup
		}
		if slices.ContainsFunc(*list, func(o intent.Destination) bool { return sameDestination(o, dest) }) {
			continue
		}
		for n := 2; slices.ContainsFunc(*list, func(o intent.Destination) bool { return o.Name == dest.Name }); n++ {
			dest.Name = fmt.Sprintf("%s (%d)", q.Name, n)
		}
		*list = append(*list, dest)
	}
}

func sameDestination(a, b intent.Destination) bool {
	return slices.Equal(a.Ports, b.Ports) && selectorText(a.To.Pods) == selectorText(b.To.Pods) && slices.Equal(a.To.Namespaces, b.To.Namespaces) &&
		selectorText(a.To.NamespaceSelector) == selectorText(b.To.NamespaceSelector) && a.To.Addresses.Equal(b.To.Addresses)
}

func selectorText(s *netpol.Selector) string {
	if s == nil {
		return ""
	}
	return s.String()
}

// egressPorts are those of a rule by number; a name means another one on each pod.
func (d *drafter) egressPorts(q *netpol.Policy, r netpol.Rule) []intent.Port {
	if r.AnyPort {
		return []intent.Port{{Protocol: flow.TCP, From: 1, To: netpolMaxPort}, {Protocol: flow.UDP, From: 1, To: netpolMaxPort}}
	}
	var out []intent.Port
	for _, p := range r.Ports {
		if p.Name != "" {
			d.add(lossEgress, "NetworkPolicy "+q.FullName()+" by the name of a port, "+p.Name+",", p.Origin)
			continue
		}
		out = append(out, intent.Port{Protocol: p.Protocol, From: p.From, To: p.To})
	}
	return out
}

const netpolMaxPort = 65535

// isVital reports whether a destination is one that a perimeter opens by itself: names, and
// the server's own pods.
func (d *drafter) isVital(peer netpol.Peer, own string, ports []intent.Port) bool {
	if !slices.ContainsFunc(ports, func(p intent.Port) bool { return p.From != 53 || p.To != 53 }) {
		return true
	}
	if peer.Block != nil {
		return false
	}
	to := peerOf(peer, own)
	selected := func(p *snapshot.Pod) bool {
		return to.Pods.Match(p.Labels) != netpol.No && (to.NamespaceSelector == nil && slices.Contains(to.Namespaces, p.Namespace) ||
			to.NamespaceSelector != nil && to.NamespaceSelector.Match(d.World.NamespaceOf(p.Namespace).Labels) != netpol.No)
	}
	pods := slices.DeleteFunc(slices.Clone(d.Pods()), func(p *snapshot.Pod) bool { return !selected(p) })
	return len(pods) > 0 && !slices.ContainsFunc(pods, func(p *snapshot.Pod) bool { return !d.own[p] })
}

// isAboutAPIServer reports whether a rule names the kube-apiserver's own address, with the
// other by which it is known inside the cluster: the perimeter opens both by itself.
func (d *drafter) isAboutAPIServer(peers []netpol.Peer, ports []intent.Port) bool {
	api := d.World.Facts.APIServer
	of := func(p netpol.Peer) bool { return p.Block != nil && p.Block.Addresses.Minus(api).IsEmpty() }
	single := func(p netpol.Peer) bool {
		return p.Block != nil && len(p.Block.Addresses.Prefixes()) == 1 && p.Block.Addresses.Prefixes()[0].IsSingleIP()
	}
	https := func(p intent.Port) bool {
		return p.From == p.To && (p.From == 443 || slices.Contains(d.World.Facts.APIServerPorts, p.From))
	}
	return slices.ContainsFunc(peers, of) && !slices.ContainsFunc(peers, func(p netpol.Peer) bool { return !single(p) }) &&
		!slices.ContainsFunc(ports, func(p intent.Port) bool { return !https(p) })
}

// backsUp reports whether the server may keep backups at an address by one of the ports.
func (d *drafter) backsUp(ports []intent.Port) bool {
	return slices.ContainsFunc(d.Server.Vital, func(f snapshot.VitalFlow) bool {
		to := f.To.OutsideUnknown || !f.To.Outside.IsEmpty()
		return to && (f.Phase == snapshot.Backup || f.Phase == snapshot.Restore) && f.To.Name != snapshot.KubeAPIServer &&
			slices.ContainsFunc(f.Ports, func(r flow.PortRange) bool {
				return slices.ContainsFunc(ports, func(p intent.Port) bool { return p.Protocol == r.Protocol && p.From <= r.To && r.From <= p.To })
			})
	})
}

// peerOf is a peer of a policy as one of an intent.
func peerOf(p netpol.Peer, own string) intent.Peer {
	if p.Block != nil {
		out := intent.Peer{Addresses: p.Block.Addresses}
		for _, prefix := range p.Block.Addresses.Prefixes() {
			out.Names = append(out.Names, prefix.String())
		}
		return out
	}
	out := intent.Peer{Pods: p.Pods}
	if out.Pods == nil {
		out.Pods = &netpol.Selector{}
	}
	switch {
	case p.Namespaces == nil:
		out.Namespaces = []string{own}
	case len(*p.Namespaces) == 1 && (*p.Namespaces)[0].Key == snapshot.MetadataName && (*p.Namespaces)[0].Op == netpol.In:
		out.Namespaces = slices.Clone((*p.Namespaces)[0].Values)
	default:
		out.NamespaceSelector = p.Namespaces
	}
	return out
}

// isMetrics reports whether a port only tells metrics.
func isMetrics(c snapshot.ControlPort) bool {
	return strings.Contains(c.Name, "exporter") || strings.Contains(c.Name, "metrics")
}

// monitoring are the pods that reach the ports which tell metrics.
func (d *drafter) monitoring(p *Perimeter) {
	words := describer{spokenKeys(slices.Concat(d.Drawn, d.Shared))}
	for _, port := range d.Server.Control {
		if !isMetrics(port) {
			continue
		}
		if d.metricsForAll(port.Port) {
			p.Monitoring = []intent.Peer{wholeNamespace("")}
			p.Why = append(p.Why, "Today every pod of the cluster reaches the metrics: name in monitoring whoever scrapes them.")
			return
		}
		d.scrapers(p, words, port)
	}
	d.collectors(p)
}

// collectors adds those who read metrics today by what their operator is known to need, and
// of whom no pod was read.
func (d *drafter) collectors(p *Perimeter) {
	for _, v := range d.Vital(d.Server) {
		from := v.Flow.From
		if v.Flow.ID != "metrics" || v.Verdict != verdict.Allow || len(from.Pods) > 0 || from.Namespace == "" || len(from.Labels.Set) == 0 {
			continue
		}
		s := netpol.Selector{}
		for _, k := range slices.Sorted(maps.Keys(from.Labels.Set)) {
			s = append(s, netpol.Requirement{Key: k, Op: netpol.In, Values: []string{from.Labels.Set[k]}})
		}
		p.Monitoring = append(p.Monitoring, intent.Peer{Namespaces: []string{from.Namespace}, Pods: &s})
	}
}

// metricsForAll reports whether a pod that does not exist yet reaches a port of the members.
func (d *drafter) metricsForAll(port uint16) bool {
	return slices.ContainsFunc(d.Server.Members(), func(m *snapshot.Pod) bool {
		a := network.Attempt{From: stranger(nowhere), To: network.PodEndpoint(m), Protocol: flow.TCP, Port: port}
		return d.Network.Decide(netpol.Ingress, a).Verdict == verdict.Allow
	})
}

// scrapers adds the workloads that reach a port.
func (d *drafter) scrapers(p *Perimeter, words describer, port snapshot.ControlPort) {
	verdicts, reaches := d.ControlPods(d.Server, port), map[*snapshot.Pod]bool{}
	for i, pod := range d.Pods() {
		reaches[pod] = verdicts[i] == verdict.Allow
	}
	for _, w := range d.World.Workloads {
		pods := slices.DeleteFunc(slices.Clone(w.Pods), func(q *snapshot.Pod) bool { return !reaches[q] || q.HostNetwork || d.own[q] || d.vital[q] })
		if len(pods) == 0 {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(d.podsIn[w.Namespace]), func(q *snapshot.Pod) bool { return reaches[q] && !d.own[q] })
		s := words.describe(pods, others)
		if s == nil {
			d.lose(lossLabels, "", cell{baseOf(w.Ref), "", port.Name}, w.Ref, w.Origin)
			continue
		}
		peer := intent.Peer{Namespaces: []string{w.Namespace}, Pods: &s}
		if !slices.ContainsFunc(p.Monitoring, func(o intent.Peer) bool {
			return slices.Equal(o.Namespaces, peer.Namespaces) && selectorText(o.Pods) == selectorText(peer.Pods)
		}) {
			p.Monitoring = append(p.Monitoring, peer)
		}
	}
}

// controls are the ports that give more than SQL: none of an intent's words opens them.
func (d *drafter) controls() {
	for _, c := range d.Control(d.Server) {
		d.lose(lossControl, c.Port.Name, cell{baseOf(c.From), "", c.Port.Name}, c.From, c.Step.Origin)
	}
}

// hasPerimeter reports which perimeter a server has already; nil for none.
func hasPerimeter(s *snapshot.Server, in intent.Intents) *intent.Perimeter {
	for _, p := range in.Perimeters {
		if p.Server.Matches(s.Ref()) {
			return p
		}
	}
	return nil
}

// Beside drafts for the servers that have no perimeter yet; of the others it only says so.
func Beside(e *reach.Engine, servers []*snapshot.Server, have intent.Intents) *Result {
	var free []*snapshot.Server
	taken := map[*snapshot.Server]*intent.Perimeter{}
	for _, s := range servers {
		if p := hasPerimeter(s, have); p != nil {
			taken[s] = p
			continue
		}
		free = append(free, s)
	}
	r := Draft(e, free)
	for _, s := range servers {
		if p := taken[s]; p != nil {
			site := &Site{Server: s, engine: e}
			site.add(lossTaken, "it has a perimeter, "+p.Namespace+"/"+p.Name, p.Origin)
			r.Sites = append(r.Sites, site)
		}
	}
	return r
}
