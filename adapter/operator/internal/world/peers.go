package world

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TCP is one TCP port.
func TCP(port uint16) []flow.PortRange {
	return []flow.PortRange{{Protocol: flow.TCP, From: port, To: port}}
}

// Pods is a peer of known pods.
func Pods(name string, pods ...*snapshot.Pod) snapshot.VitalPeer {
	return snapshot.VitalPeer{Name: name, Pods: pods}
}

// Described is a peer in a namespace: the pods of the Snapshot that have the
// labels, or where it holds none, whoever has them.
func Described(w *operator.World, name, namespace string, labels map[string]string) snapshot.VitalPeer {
	return snapshot.VitalPeer{Name: name, Namespace: namespace, Labels: netpol.Labels{Set: labels},
		Pods: Labelled(w, labels, namespace)}
}

// An Operator is how an operator's pods are found.
type Operator struct {
	Key       string // in Facts.Operators
	Namespace string // the usual one
	Labels    map[string]string
	Name      string // for people
}

// Peer finds the operator: where the facts say it is, else where pods with its
// labels are, else in its usual namespace.
func (op Operator) Peer(w *operator.World) snapshot.VitalPeer {
	namespace, told := w.Snapshot.Facts.Operators[op.Key]
	if !told {
		namespace = op.Namespace
		if pods := Labelled(w, op.Labels); len(pods) > 0 && len(Labelled(w, op.Labels, namespace)) == 0 {
			namespace = pods[0].Namespace
		}
	}
	return Described(w, op.Name, namespace, op.Labels)
}

// Everyone returns the flows that all pods need: names and the API server.
func Everyone(w *operator.World, who string, pods []*snapshot.Pod, source string) []snapshot.VitalFlow {
	return []snapshot.VitalFlow{DNS(w, who, pods, source), APIServer(w, who, pods, source)}
}

// DNS is the flow to the cluster's resolver, over UDP and TCP both: an answer that
// does not fit a datagram is asked for again over TCP.
func DNS(w *operator.World, who string, pods []*snapshot.Pod, source string) snapshot.VitalFlow {
	peer, port := resolver(w)
	return snapshot.VitalFlow{
		ID: "dns", What: who + " resolve names", From: Pods(who, pods...), To: peer, Source: source, Phase: snapshot.Steady,
		Ports: []flow.PortRange{{Protocol: flow.UDP, From: port, To: port}, {Protocol: flow.TCP, From: port, To: port}},
	}
}

func resolver(w *operator.World) (snapshot.VitalPeer, uint16) {
	const name = "cluster DNS"
	facts := w.Snapshot.Facts.DNS
	switch {
	case facts == nil:
		return Described(w, name, "kube-system", map[string]string{"k8s-app": "kube-dns"}), 53
	case !facts.Addresses.IsEmpty():
		return snapshot.VitalPeer{Name: name, Outside: facts.Addresses}, cmp.Or(facts.Port, 53)
	}
	peer := Described(w, name, facts.Namespace, facts.Labels.Set)
	peer.Labels = facts.Labels
	return peer, cmp.Or(facts.Port, 53)
}

// APIServer is the flow to the kube-apiserver. Without facts its port is 443 (the
// Service) or 6443 (after DNAT), and its address is not known.
func APIServer(w *operator.World, who string, pods []*snapshot.Pod, source string) snapshot.VitalFlow {
	facts := w.Snapshot.Facts
	f := snapshot.VitalFlow{
		ID: "kube-apiserver", What: who + " talk to the kube-apiserver", From: Pods(who, pods...), Source: source, Phase: snapshot.Steady,
		To: snapshot.VitalPeer{Name: snapshot.KubeAPIServer, Outside: facts.APIServer, OutsideUnknown: facts.APIServer.IsEmpty()},
	}
	ports := facts.APIServerPorts
	if len(ports) == 0 {
		ports, f.AnyOf = []uint16{443, 6443}, true
	}
	for _, p := range ports {
		f.Ports = append(f.Ports, TCP(p)...)
	}
	return f
}

// Endpoint finds who a URL is about, with the port of his pods. Without a URL, or
// with one that is none, it is somebody outside at 443.
func Endpoint(w *operator.World, namespace, name, text string) (snapshot.VitalPeer, []flow.PortRange) {
	u, err := url.Parse(text)
	if text == "" || err != nil || u.Hostname() == "" {
		return snapshot.VitalPeer{Name: name, OutsideUnknown: true}, TCP(443)
	}
	port := uint16(443)
	if u.Scheme == "http" {
		port = 80
	}
	return Host(w, namespace, name, u.Hostname(), Port(u.Port(), port))
}

// Port reads a port, or takes the usual one.
func Port(text string, otherwise uint16) uint16 {
	if n, err := strconv.ParseUint(text, 10, 16); err == nil {
		return uint16(n)
	}
	return otherwise
}

// Host finds who a host name is about, seen from a namespace: the pods behind a
// Service, an address, or somebody outside whose address nobody wrote down.
func Host(w *operator.World, namespace, name, host string, port uint16) (snapshot.VitalPeer, []flow.PortRange) {
	name += " (" + host + ")"
	followed := map[*snapshot.Service]bool{}
	for {
		if addr, err := netip.ParseAddr(host); err == nil {
			addr = addr.Unmap().WithZone("")
			return snapshot.VitalPeer{Name: name, Outside: flow.AddressesOf(netip.PrefixFrom(addr, addr.BitLen()))}, TCP(port)
		}
		service, ns, inside := clusterName(w, namespace, host)
		if !inside {
			return snapshot.VitalPeer{Name: name, OutsideUnknown: true}, TCP(port)
		}
		s := w.Service(ns, service)
		switch {
		case s == nil:
			peer := somebody(name, ns)
			peer.Unread = snapshot.Ref{Kind: "Service", Namespace: ns, Name: service}
			return peer, TCP(port)
		case s.ExternalName == "":
			return behind(w, s, name, port)
		case followed[s]:
			peer := somebody(name, ns)
			peer.Lost = lost(s, "service/circle", "spec.externalName", map[string]string{"name": s.ExternalName})
			return peer, TCP(port)
		}
		followed[s] = true
		namespace, host, name = ns, s.ExternalName, name+" ("+s.ExternalName+")"
	}
}

// somebody is a pod of a namespace of which nothing but the Service's name is known.
func somebody(name, namespace string) snapshot.VitalPeer {
	return snapshot.VitalPeer{Name: name, Namespace: namespace, Labels: netpol.Labels{Unknown: usualLabels}}
}

// lost says that a Service leads nowhere.
func lost(s *snapshot.Service, reason verdict.Reason, field string, facts map[string]string) *verdict.Step {
	facts["service"] = s.Namespace + "/" + s.Name
	return &verdict.Step{Layer: verdict.Service, Verdict: verdict.Deny, Reason: reason, Origin: s.At(field), Facts: facts}
}

// usualLabels are those that a pod of which only the Service's name is known
// probably has, with values nobody wrote down.
var usualLabels = []string{
	"app", "name", "app.kubernetes.io/component", "app.kubernetes.io/instance", "app.kubernetes.io/name",
	"app.kubernetes.io/part-of", "v1.min.io/tenant",
}

// clusterName takes "db-rw", "db-rw.shop", "db-rw.shop.svc" or the same with the
// cluster's domain apart. Two labels are a Service only where the second is a
// namespace of the estate.
func clusterName(w *operator.World, namespace, host string) (service, ns string, ok bool) {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	switch {
	case len(labels) == 1:
		return labels[0], namespace, true
	case len(labels) == 2:
		_, known := w.Snapshot.Namespaces[labels[1]]
		return labels[0], labels[1], known
	}
	return labels[0], labels[1], labels[2] == "svc"
}

// NoEndpoints says that no pod has the labels that a Service selects.
func NoEndpoints(s *snapshot.Service) *verdict.Step {
	return lost(s, "service/no-endpoints", "spec.selector", map[string]string{"selector": s.Selector.String()})
}

// behind returns the pods that a Service leads to, and their port. Packets to a port
// that the Service does not have go nowhere; the name of a headless one is its pods'.
func behind(w *operator.World, s *snapshot.Service, name string, port uint16) (snapshot.VitalPeer, []flow.PortRange) {
	peer := somebody(name, s.Namespace)
	if pods := selected(w, s); len(pods) > 0 {
		peer = Pods(name, pods...)
	}
	if s.Headless || len(s.Ports) == 0 {
		return peer, TCP(port)
	}
	i := slices.IndexFunc(s.Ports, func(sp snapshot.ServicePort) bool { return sp.Port == port && sp.Protocol == flow.TCP })
	if i < 0 {
		peer.Lost = lost(s, "service/no-such-port", "spec.ports", map[string]string{"port": strconv.Itoa(int(port))})
		return peer, TCP(port)
	}
	target := s.Ports[i].Target
	if len(peer.Pods) > 0 {
		target = s.Ports[i].PodPort(peer.Pods[0])
	}
	return peer, TCP(cmp.Or(target, port))
}

func selected(w *operator.World, s *snapshot.Service) []*snapshot.Pod {
	pods := slices.Clone(s.Backends)
	for _, wl := range w.Snapshot.Workloads {
		for _, p := range wl.Pods {
			if p.Namespace == s.Namespace && len(s.Selector) > 0 && s.Selector.Match(p.Labels) == netpol.Yes {
				pods = append(pods, p)
			}
		}
	}
	return pods
}
