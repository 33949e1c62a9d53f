package kube

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// convertBackends gives the Services without selector the pods that somebody wrote
// into their endpoints. Where a selector is, it decides and endpoints add nothing.
func (c *converter) convertBackends() {
	open := map[snapshot.Ref]*snapshot.Service{}
	for _, s := range c.world.Services {
		if s.Selector == nil && s.ExternalName == "" {
			open[s.Ref()] = s
		}
	}
	var pods *podIndex
	for _, o := range c.endpoints {
		s := open[snapshot.Ref{Kind: "Service", Namespace: o.Namespace, Name: serviceOf(o)}]
		if s == nil {
			continue
		}
		if pods == nil {
			pods = newPodIndex(c.world)
		}
		c.backends(s, o, pods)
	}
}

func (c *converter) backends(s *snapshot.Service, o object.Object, pods *podIndex) {
	ends, ports, err := endsOf(o)
	if err == nil {
		err = lead(s, ports)
	}
	if err != nil {
		c.fail(o, err)
		return
	}
	have := map[*snapshot.Pod]bool{}
	for _, p := range s.Backends {
		have[p] = true
	}
	var beyond []string
	for _, e := range ends {
		switch p := pods.find(o.Namespace, e); {
		case p == nil && pods.leadsOut(e):
			beyond = append(beyond, e.ip)
		case p != nil && !have[p]:
			have[p] = true
			s.Backends = append(s.Backends, p)
		}
	}
	s.Beyond = append(s.Beyond, beyond...)
	if len(beyond) > 0 && !isAPIServer(o) {
		c.warn("service-outside", o.Origin(), fmt.Sprintf("Service %s/%s leads to %s, which no pod has: nothing is decided there",
			s.Namespace, s.Name, few(beyond)))
	}
}

// few lists some of many.
func few(list []string) string {
	const most = 3
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// lead sends the Service's ports where the endpoints say: without a selector nobody
// looks at targetPort, and a port goes to the endpoints' port of its name. One
// without a number, as an EndpointSlice may have, leads nowhere by itself.
func lead(s *snapshot.Service, to []endPort) error {
	for _, p := range to {
		if p.number == 0 {
			continue
		}
		proto, err := protocol(p.field+".protocol", string(p.protocol))
		if err != nil {
			return err
		}
		number, err := portNumber(p.field+".port", p.number)
		if err != nil {
			return err
		}
		for i, sp := range s.Ports {
			if sp.Name == p.name && sp.Protocol == proto {
				s.Ports[i].Target, s.Ports[i].TargetName = number, ""
			}
		}
	}
	return nil
}

// An end is one address of a Service, and the pod it says it is. One that says it is
// something else, a node, is other.
type end struct {
	pod   string
	ip    string
	other bool
}

// An endPort is one port of a Service's endpoints, and the field it stands in.
type endPort struct {
	field, name string
	protocol    corev1.Protocol
	number      int32
}

func endsOf(o object.Object) (ends []end, ports []endPort, err error) {
	if o.Kind == "EndpointSlice" {
		var in discoveryv1.EndpointSlice
		if err := o.Decode(&in); err != nil {
			return nil, nil, err
		}
		for i, p := range in.Ports {
			ports = append(ports, endPort{fmt.Sprintf("ports[%d]", i), value(p.Name), value(p.Protocol), value(p.Port)})
		}
		for _, e := range in.Endpoints {
			for _, ip := range e.Addresses {
				ends = append(ends, endOf(e.TargetRef, ip))
			}
		}
		return ends, ports, nil
	}
	var in corev1.Endpoints //nolint:staticcheck // Patroni still writes Endpoints
	if err := o.Decode(&in); err != nil {
		return nil, nil, err
	}
	for n, subset := range in.Subsets {
		for i, p := range subset.Ports {
			ports = append(ports, endPort{fmt.Sprintf("subsets[%d].ports[%d]", n, i), p.Name, p.Protocol, p.Port})
		}
		for _, list := range [][]corev1.EndpointAddress{subset.Addresses, subset.NotReadyAddresses} { //nolint:staticcheck // as above
			for _, a := range list {
				ends = append(ends, endOf(a.TargetRef, a.IP))
			}
		}
	}
	return ends, ports, nil
}

// value is what a pointer points at, zero for none.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func endOf(ref *corev1.ObjectReference, ip string) end {
	e := end{ip: ip}
	switch {
	case ref == nil:
	case ref.Kind == "Pod":
		e.pod = ref.Name
	default:
		e.other = true
	}
	return e
}

// A podIndex finds pods by name and by address.
type podIndex struct {
	byName map[[2]string]*snapshot.Pod
	byIP   map[netip.Addr]*snapshot.Pod
	nodes  map[netip.Addr]bool
}

func newPodIndex(s *snapshot.Snapshot) *podIndex {
	x := &podIndex{map[[2]string]*snapshot.Pod{}, map[netip.Addr]*snapshot.Pod{}, map[netip.Addr]bool{}}
	for _, w := range s.Workloads {
		for _, p := range w.Pods {
			if p.Name != "" {
				x.byName[[2]string{p.Namespace, p.Name}] = p
			}
			for _, a := range p.Addresses {
				if p.HostNetwork {
					x.nodes[a] = true
				} else {
					x.byIP[a] = p
				}
			}
		}
	}
	for _, n := range s.Nodes {
		for _, a := range n.Addresses {
			x.nodes[a] = true
		}
	}
	return x
}

// leadsOut reports whether an end that is no pod's is an address, or a name, of nothing
// in the cluster. What names a pod that was not read is of the cluster.
func (x *podIndex) leadsOut(e end) bool {
	if e.pod != "" || e.other {
		return false
	}
	ip, err := netip.ParseAddr(e.ip)
	return err != nil || !x.nodes[ip.Unmap()]
}

// find takes the pod that the end names, else the one that has its address.
func (x *podIndex) find(namespace string, e end) *snapshot.Pod {
	if e.pod != "" {
		return x.byName[[2]string{namespace, e.pod}]
	}
	ip, err := netip.ParseAddr(e.ip)
	if err != nil {
		return nil
	}
	return x.byIP[ip.Unmap()]
}
