package nettwin

import (
	"fmt"
	"net/netip"
)

func (m *maker) namespace(name string) {
	o := fields{}
	switch labels := m.labels(); {
	case m.chance(6):
		m.absence(o, "labels", fields{})
	case m.chance(6): // the API server writes over it
		labels["kubernetes.io/metadata.name"] = m.of("alpha", "beta")
		o["labels"] = labels
	default:
		o["labels"] = labels
	}
	m.add("v1", "Namespace", "", name, o)
}

// labelKeys and labelValues are so few that selectors often nearly match. An empty
// value is not an absent label.
var (
	labelKeys   = []string{"app", "tier", "example.com/role"}
	labelValues = []string{"a", "b", ""}
)

func (m *maker) labels() fields {
	out := fields{}
	for _, k := range labelKeys {
		if !m.chance(3) {
			out[k] = labelValues[m.IntN(len(labelValues))]
		}
	}
	return out
}

// nodes makes two nodes. Now and then nobody wrote the second down: only the pods on it
// tell of its name and addresses.
func (m *maker) nodes() {
	for i := range 2 {
		ips := []netip.Addr{netip.AddrFrom4([4]byte{10, 9, 0, byte(i + 1)})}
		if m.chance(2) {
			ips = append(ips, netip.MustParseAddr(fmt.Sprintf("fd09::%d", i+1)))
		}
		m.nodeIPs = append(m.nodeIPs, ips)
		if i > 0 && m.chance(6) {
			m.addresses[ips[0]], m.addresses[ips[len(ips)-1]] = true, true
			continue
		}
		addresses := list{fields{"type": "Hostname", "address": fmt.Sprintf("node-%d", i)}}
		for _, ip := range ips {
			addresses = append(addresses, fields{"type": m.of("InternalIP", "ExternalIP"), "address": ip.String()})
			m.edge(netip.PrefixFrom(ip, ip.BitLen()))
		}
		m.add("v1", "Node", "", fmt.Sprintf("node-%d", i), fields{
			"labels": m.labels(), "status": fields{"addresses": addresses},
		})
	}
}

// podIPs are addresses at which blocks begin and end.
var podIPs = map[bool][]string{
	false: {"10.0.0.0", "10.0.0.1", "10.0.0.63", "10.0.0.64", "10.0.0.127", "10.0.0.128", "10.0.0.255", "10.0.1.0", "10.1.0.1"},
	true:  {"fd00::", "fd00::1", "fd00::7f", "fd00::80", "fd00::ff", "fd00::100", "fd00:1::1"},
}

// freeIP returns an address that no other pod has; the last resort is counted up.
func (m *maker) freeIP(six bool) netip.Addr {
	a := netip.MustParseAddr(m.of(podIPs[six]...))
	for m.addresses[a] {
		a = a.Next()
	}
	m.addresses[a] = true
	m.edge(netip.PrefixFrom(a, a.BitLen()))
	return a
}

func (m *maker) pod(i int) {
	node := m.IntN(len(m.nodeIPs))
	spec := fields{"containers": list{m.container("main", "db", "web"), m.container("more", "dns")}}
	status := fields{"phase": m.of("Running", "Running", "Pending")}
	if !m.chance(4) {
		spec["nodeName"] = fmt.Sprintf("node-%d", node)
	}
	if m.chance(5) {
		spec["initContainers"] = list{m.initContainer()}
	}
	var ips []netip.Addr
	if m.chance(5) {
		spec["hostNetwork"] = true
		ips = m.nodeIPs[node]
		status["hostIP"] = ips[0].String()
	} else {
		ips = m.podAddresses()
		if spec["nodeName"] != nil {
			status["hostIP"] = m.nodeIPs[node][0].String()
		}
	}
	status["podIP"] = ips[0].String()
	if len(ips) > 1 || m.chance(2) {
		status["podIPs"] = podIPsOf(ips)
	}
	if m.chance(10) {
		status["phase"] = m.of("Succeeded", "Failed")
	}
	rest := fields{"spec": spec, "status": status, "labels": m.labels()}
	m.add("v1", "Pod", m.of(m.namespaces...), fmt.Sprintf("pod-%d", i), rest)
}

func (m *maker) podAddresses() []netip.Addr {
	switch m.IntN(4) {
	case 0:
		return []netip.Addr{m.freeIP(true)}
	case 1:
		return []netip.Addr{m.freeIP(false), m.freeIP(true)}
	case 2:
		return []netip.Addr{m.freeIP(true), m.freeIP(false)}
	}
	return []netip.Addr{m.freeIP(false)}
}

func podIPsOf(ips []netip.Addr) (out list) {
	for _, ip := range ips {
		out = append(out, fields{"ip": ip.String()})
	}
	return out
}

// container declares each port or does not; "Each named port in a pod must have a
// unique name", which the API server asks of one container only.
func (m *maker) container(name string, names ...string) fields {
	var ports list
	for _, n := range names {
		if m.chance(3) {
			continue
		}
		ports = append(ports, m.containerPort(n))
	}
	if m.chance(3) {
		ports = append(ports, m.containerPort(""))
	}
	c := fields{"name": name, "image": "registry.example/" + name}
	if len(ports) == 0 {
		m.absence(c, "ports", list{})
		return c
	}
	c["ports"] = ports
	return c
}

func (m *maker) containerPort(name string) fields {
	p := fields{"containerPort": m.port()}
	if name != "" {
		p["name"] = name
	}
	if !m.chance(2) {
		p["protocol"] = m.protocol()
	}
	return p
}

func (m *maker) protocol() string { return m.of("TCP", "TCP", "UDP", "SCTP") }

// initContainer is a sidecar, whose ports are the pod's, or ends before the pod runs.
func (m *maker) initContainer() fields {
	c := m.container("before", "extra")
	if m.chance(2) {
		c["restartPolicy"] = "Always"
	}
	return c
}
