package compile

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// vital drafts what the server needs to stay alive, a policy a phase.
func (s *siteNetwork) vital() {
	for _, f := range s.Server.Vital {
		if f.Optional && !s.within(f) {
			s.leftOut(f)
			continue
		}
		s.vitalIn(f)
		s.vitalOut(f)
	}
	for _, sub := range s.subjects {
		if sub.closed && !s.hasFlow("dns", sub) {
			s.resolve(sub)
		}
	}
}

// others tells of servers that need to get to one that is closed here. They are clients
// like others: an access lets them in.
func (n *networks) others() {
	for _, other := range n.job.World.Servers {
		for _, f := range other.Vital {
			for _, to := range f.To.Pods {
				if sub := n.subjectOf[to]; sub != nil && sub.site.Server != other && !f.Optional {
					n.other(other, f, sub)
				}
			}
		}
	}
}

func (n *networks) other(client *snapshot.Server, f snapshot.VitalFlow, sub *subject) {
	for _, p := range f.From.Pods {
		if n.subjectOf[p] != sub && !n.lets(sub, p, flow.PortsOf(f.Ports...)) {
			n.gap("other-server", f.Origin, fmt.Sprintf("%s needs to get to %s (%s), and nothing asks for it", client.Ref(), sub.site.Server.Ref(), f.What),
				"it is closed to it; write a PostgresAccess for its pods if it is to go on")
			return
		}
	}
}

// lets reports whether a policy made here lets a pod in at all of the ports.
func (n *networks) lets(sub *subject, p *snapshot.Pod, ports flow.Ports) bool {
	left := ports
	for _, d := range sub.drafts {
		for _, o := range d.openings[netpol.Ingress] {
			if slices.ContainsFunc(o.peers, func(q netpol.Peer) bool { return n.isPeer(q, p) }) {
				left = left.Minus(o.ports)
			}
		}
	}
	return left.IsEmpty()
}

// isPeer reports whether a pod surely is a peer, by its labels.
func (n *networks) isPeer(q netpol.Peer, p *snapshot.Pod) bool {
	return q.Block == nil && q.Namespaces.Match(n.job.World.NamespaceOf(p.Namespace).Labels) == netpol.Yes && q.Pods.Match(p.Labels) == netpol.Yes
}

// touches reports whether a side of a flow has pods of the subject.
func (s *siteNetwork) touches(p snapshot.VitalPeer, sub *subject) bool {
	return slices.ContainsFunc(p.Pods, func(q *snapshot.Pod) bool { return s.subjectOf[q] == sub })
}

// within reports whether both sides of a flow are pods of the site.
func (s *siteNetwork) within(f snapshot.VitalFlow) bool {
	outside := func(p *snapshot.Pod) bool { return !slices.Contains(s.subjects, s.subjectOf[p]) }
	return len(f.From.Pods) > 0 && len(f.To.Pods) > 0 && !slices.ContainsFunc(f.From.Pods, outside) && !slices.ContainsFunc(f.To.Pods, outside)
}

// leftOut tells of a flow that is of use and that nobody asked for.
func (s *siteNetwork) leftOut(f snapshot.VitalFlow) {
	in := slices.ContainsFunc(s.subjects, func(sub *subject) bool { return s.touches(f.To, sub) })
	out := slices.ContainsFunc(s.subjects, func(sub *subject) bool { return sub.closed && s.touches(f.From, sub) })
	switch {
	case f.ID == "metrics" && len(s.Perimeter.Monitoring) > 0:
	case in:
		s.note("left-out", f.Origin, "%s (%s) is not let in: nothing dies without it, and the perimeter does not ask for it; "+
			"name who does it under spec.monitoring if it reads metrics, else in a policy of your own", f.What, flow.PortsOf(f.Ports...))
	case out && s.covering(f) != "":
	case out:
		s.note("left-out", f.Origin, "%s (%s) is not let out: nothing dies without it; name it under spec.egress if it is wanted", f.What, flow.PortsOf(f.Ports...))
	}
}

func flowWhy(f snapshot.VitalFlow) string {
	why := fmt.Sprintf("Needed (%s): %s.", f.Phase, f.What)
	if f.Releases != "" {
		why = fmt.Sprintf("Needed (%s, releases %s): %s.", f.Phase, f.Releases, f.What)
	}
	return why
}

// phased is the policy for a phase of a subject.
func (s *siteNetwork) phased(sub *subject, f snapshot.VitalFlow) *draft {
	phase := cmp.Or(f.Phase, snapshot.Steady)
	d := s.on(sub, s.perimeter(), string(phase), s.Perimeter.Origin)
	d.why = "What " + sub.what + " need in the phase " + string(phase) + "."
	return d
}

// vitalIn opens the way in.
func (s *siteNetwork) vitalIn(f snapshot.VitalFlow) {
	peers, missing := s.vitalPeers(f.From)
	for _, sub := range s.subjects {
		if !s.touches(f.To, sub) {
			continue
		}
		for _, m := range missing {
			s.gap("vital-peer", f.Origin, f.What+": "+m, sub.what+" are closed to them, and the flow is cut")
		}
		s.phased(sub, f).open(netpol.Ingress, opening{peers: peers, ports: flow.PortsOf(f.Ports...), why: flowWhy(f)})
	}
}

// vitalOut opens the way out where it is closed. Where the perimeter closes it, an API
// server whose address nobody told is not cut off: its ports are opened to every address,
// and the gap says so. Where others close it, what cannot be named is theirs to open.
func (s *siteNetwork) vitalOut(f snapshot.VitalFlow) {
	peers, missing := s.vitalPeers(f.To)
	for _, sub := range s.subjects {
		if !sub.closed || !s.touches(f.From, sub) {
			continue
		}
		to, lost := peers, missing
		if !s.closesOutwards() {
			lost = nil
		} else if f.To.Name == snapshot.KubeAPIServer && f.To.OutsideUnknown {
			to, lost = append(slices.Clone(peers), everywhere()), nil
			s.gap("apiserver-unknown", s.Perimeter.Origin, "the address of the kube-apiserver is not known",
				fmt.Sprintf("the pods of %s reach every address at %s; state apiServer in the facts file to narrow it", s.Server.Ref(), flow.PortsOf(f.Ports...)))
		}
		for _, m := range lost {
			if covering := s.covering(f); covering != "" {
				s.note("covered", f.Origin, "%s: %s; destination %s of the perimeter is taken for it", f.What, m, covering)
				continue
			}
			s.gap("vital-peer", f.Origin, f.What+": "+m, "the way out of "+sub.what+" is closed to it, and the flow is cut; name it under the perimeter's backup or egress")
		}
		s.unheeded(f)
		s.phased(sub, f).open(netpol.Egress, opening{peers: to, ports: flow.PortsOf(f.Ports...), why: flowWhy(f)})
	}
}

// unheeded tells of addresses of nodes that a flow leads to, which blocks of some network
// plugins never match.
func (s *siteNetwork) unheeded(f snapshot.VitalFlow) {
	d, skips := s.job.World.Facts.Profile.Lookup(cni.BlockSkipsNodes)
	if !skips || !s.closesOutwards() {
		return
	}
	for _, node := range s.job.World.Nodes {
		for _, a := range node.Addresses {
			if !f.To.Outside.Intersect(flow.AddressesOf(netip.PrefixFrom(a, a.BitLen()))).IsEmpty() {
				s.gap("node-block", s.Perimeter.Origin, fmt.Sprintf("%s is at %s, an address of node %s, and to %s no ipBlock is about nodes (%s)",
					f.To.Name, a, node.Name, s.job.World.Facts.CNI, d.Source),
					"cut: "+f.What+"; write a policy in the plugin's own dialect that lets it out, or leave spec.network.egress Open")
				return
			}
		}
	}
}

// covering names a destination of the perimeter that a flow to an address that nobody
// wrote down may be about; empty for none.
func (s *siteNetwork) covering(f snapshot.VitalFlow) string {
	for _, d := range slices.Concat(s.Perimeter.Backup, s.Perimeter.Egress) {
		if !portsOf(d.Ports).Intersect(flow.PortsOf(f.Ports...)).IsEmpty() {
			return d.Name
		}
	}
	return ""
}

func everywhere() netpol.Peer {
	return netpol.Peer{Block: &netpol.Block{Addresses: flow.AllAddresses()}}
}

func (s *siteNetwork) hasFlow(id string, sub *subject) bool {
	return slices.ContainsFunc(s.Server.Vital, func(f snapshot.VitalFlow) bool { return f.ID == id && s.touches(f.From, sub) })
}

// resolve opens the way to the resolver for pods of which no flow says that they need it.
func (s *siteNetwork) resolve(sub *subject) {
	d := s.on(sub, s.perimeter(), string(snapshot.Steady), s.Perimeter.Origin)
	d.why = "What " + sub.what + " need in the phase " + string(snapshot.Steady) + "."
	d.open(netpol.Egress, s.dns())
}

// dns is the way to the cluster's resolver, over UDP and over TCP: an answer that does not
// fit a datagram is asked for again.
func (n *networks) dns() opening {
	namespaces, pods := namespaceNamed("kube-system"), netpol.SelectorOf(map[string]string{"k8s-app": "kube-dns"})
	peer := netpol.Peer{Namespaces: &namespaces, Pods: &pods}
	port := uint16(53)
	if facts := n.job.World.Facts.DNS; facts != nil {
		port = cmp.Or(facts.Port, 53)
		namespaces, pods = namespaceNamed(facts.Namespace), netpol.SelectorOf(facts.Labels.Set)
		if !facts.Addresses.IsEmpty() {
			peer = netpol.Peer{Block: &netpol.Block{Addresses: facts.Addresses}}
		}
	}
	ports := onePort(port).Union(flow.PortsOf(flow.PortRange{Protocol: flow.UDP, From: port, To: port}))
	return opening{peers: []netpol.Peer{peer}, ports: ports, why: "DNS, over UDP and TCP."}
}

// vitalPeers are who stands on a side of a vital flow, and what could not be named.
func (n *networks) vitalPeers(v snapshot.VitalPeer) (peers []netpol.Peer, missing []string) {
	byLabels := v.Namespace != "" && len(v.Labels.Set) > 0
	if byLabels {
		namespaces, pods := namespaceNamed(v.Namespace), netpol.SelectorOf(v.Labels.Set)
		peers = append(peers, netpol.Peer{Namespaces: &namespaces, Pods: &pods})
	}
	var workloads []*snapshot.Workload
	for _, p := range v.Pods {
		switch sub := n.subjectOf[p]; {
		case sub != nil:
			peers = append(peers, sub.peer())
		case p.HostNetwork:
			peer, ok := n.node(p)
			if !ok {
				missing = append(missing, fmt.Sprintf("%s share the network of their nodes, whose addresses are not known", p.Ref()))
				continue
			}
			peers = append(peers, peer)
		case byLabels && netpol.SelectorOf(v.Labels.Set).Match(p.Labels) == netpol.Yes:
		case !slices.Contains(workloads, p.Workload):
			workloads = append(workloads, p.Workload)
		}
	}
	for _, w := range workloads {
		peer, ok := n.workload(w, v.Pods)
		if !ok {
			missing = append(missing, "no labels tell the pods of "+w.Ref.String()+" from others")
			continue
		}
		peers = append(peers, peer)
	}
	if !v.Outside.IsEmpty() {
		peers = append(peers, netpol.Peer{Block: &netpol.Block{Addresses: v.Outside}})
	}
	switch {
	case v.OutsideUnknown:
		missing = append(missing, "the address of "+v.Name+" is not known")
	case v.Namespace != "" && !byLabels && len(v.Pods) == 0:
		missing = append(missing, "the labels of "+v.Name+" in namespace "+v.Namespace+" are not known")
	}
	return peers, missing
}

// workload describes the pods of one workload that are among some.
func (n *networks) workload(w *snapshot.Workload, among []*snapshot.Pod) (netpol.Peer, bool) {
	var pods, strangers []*snapshot.Pod
	for _, p := range n.podsIn[w.Namespace] {
		switch {
		case p.Workload == w && slices.Contains(among, p):
			pods = append(pods, p)
		case p.Workload != w:
			strangers = append(strangers, p)
		}
	}
	sel, left := described(pods, strangers)
	if sel == nil || len(left) > 0 {
		return netpol.Peer{}, false
	}
	namespaces := namespaceNamed(w.Namespace)
	return netpol.Peer{Namespaces: &namespaces, Pods: &sel}, true
}

// node is the addresses that a pod shares with its node.
func (n *networks) node(p *snapshot.Pod) (netpol.Peer, bool) {
	addresses := slices.Clone(p.Addresses)
	for _, node := range n.job.World.Nodes {
		if p.Node != "" && node.Name == p.Node {
			addresses = append(addresses, node.Addresses...)
		}
	}
	var prefixes []netip.Prefix
	for _, a := range addresses {
		prefixes = append(prefixes, netip.PrefixFrom(a, a.BitLen()))
	}
	block := netpol.Block{Addresses: flow.AddressesOf(prefixes...)}
	return netpol.Peer{Block: &block}, len(prefixes) > 0
}
