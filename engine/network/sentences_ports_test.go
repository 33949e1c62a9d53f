package network_test

import "testing"

// at writes a policy of namespace a that admits the ports in one direction.
func at(direction, ports string) string {
	types := map[string]string{"ingress": "Ingress", "egress": "Egress"}[direction]
	return networkPolicy("a/p", "podSelector: {}, policyTypes: ["+types+"], "+direction+": [{ports: "+ports+"}]")
}

// "Each item in this list is combined using a logical OR." "If this field is present and
// contains at least one item, then this rule allows traffic only if the traffic matches at
// least one port in the list."
func TestSentencePortsOr(t *testing.T) {
	in(t, at("ingress", "[{port: 1}, {port: 3}]")).reaches(t, "a/db", "a/app: TCP 1, TCP 3", "a/far: TCP 1, TCP 3",
		"a/near: all", "b/app: TCP 1, TCP 3", "b/web: TCP 1, TCP 3", "all but 192.168.0.1/32: TCP 1, TCP 3", "192.168.0.1/32: all")
	in(t, at("egress", "[{port: 1}, {port: 3}]")).reaches(t, "->a/db", "a/app: TCP 1, TCP 3", "a/far: TCP 1, TCP 3",
		"a/near: all", "b/app: TCP 1, TCP 3", "b/web: TCP 1, TCP 3", "all but 192.168.0.1/32: TCP 1, TCP 3", "192.168.0.1/32: all")
}

// "If this field is empty or missing, this rule matches all ports (traffic not restricted
// by port)."
func TestSentencePortsAbsent(t *testing.T) {
	for _, rule := range []string{"{from: [{podSelector: {}}]}", "{from: [{podSelector: {}}], ports: []}", "{from: [{podSelector: {}}], ports: null}"} {
		in(t, networkPolicy("a/p", "podSelector: {}, ingress: ["+rule+"]")).reaches(t, "a/db", "a/app: all", "a/near: all", "192.168.0.1/32: all")
	}
	for _, rule := range []string{"{to: [{podSelector: {}}]}", "{to: [{podSelector: {}}], ports: []}", "{to: [{podSelector: {}}], ports: null}"} {
		in(t, networkPolicy("a/p", "podSelector: {}, policyTypes: [Egress], egress: ["+rule+"]")).reaches(t, "->a/db", "a/app: all", "a/near: all", "192.168.0.1/32: all")
	}
}

// "protocol represents the protocol (TCP, UDP, or SCTP) which traffic must match. If not
// specified, this field defaults to TCP." "If present, only traffic on the specified
// protocol AND port will be matched."
func TestSentenceProtocol(t *testing.T) {
	for ports, want := range map[string]string{
		"[{port: 53}]":                                        "TCP 53",
		"[{port: 53, protocol: null}]":                        "TCP 53",
		"[{port: 53, protocol: TCP}]":                         "TCP 53",
		"[{port: 53, protocol: UDP}]":                         "UDP 53",
		"[{port: 53, protocol: SCTP}]":                        "SCTP 53",
		"[{port: 53, protocol: UDP}, {port: 54}]":             "TCP 54, UDP 53",
		"[{port: 9, protocol: SCTP}, {port: 9, endPort: 10}]": "TCP 9-10, SCTP 9",
	} {
		in(t, at("ingress", ports)).reaches(t, "a/app",
			"a/db: "+want, "a/far: "+want, "a/near: all", "b/app: "+want, "b/web: "+want, "all but 192.168.0.1/32: "+want, "192.168.0.1/32: all")
	}
}

// "If this field is not provided, this matches all port names and numbers.", of the
// protocol.
func TestSentencePortAbsent(t *testing.T) {
	for ports, want := range map[string]string{
		"[{}]":                               "TCP",
		"[{protocol: UDP}]":                  "UDP",
		"[{protocol: SCTP}, {port: 1}]":      "TCP 1, SCTP",
		"[{protocol: UDP}, {protocol: TCP}]": "TCP, UDP",
	} {
		in(t, at("egress", ports)).reaches(t, "->a/app", "a/db: "+want, "a/far: "+want, "a/near: all",
			"b/app: "+want, "b/web: "+want, "all but 192.168.0.1/32: "+want, "192.168.0.1/32: all")
	}
	in(t, at("egress", "[{}, {protocol: UDP}, {protocol: SCTP}]")).says(t,
		"egress a/db -> b/app SCTP 65535: allow allowed at a/p spec.egress[0]")
}

// "endPort indicates that the range of ports from port to endPort if set, inclusive,
// should be allowed by the policy. … The endPort must be equal or greater than port."
func TestSentenceEndPort(t *testing.T) {
	for ports, want := range map[string]string{
		"[{port: 32000, endPort: 32768}]":                                       "TCP 32000-32768",
		"[{port: 7, endPort: 7}]":                                               "TCP 7",
		"[{port: 1, endPort: 65535}]":                                           "TCP",
		"[{port: 5, endPort: 6, protocol: UDP}, {port: 7, protocol: UDP}]":      "UDP 5-7",
		"[{port: 5, endPort: 9}, {port: 8, endPort: 12}, {port: 65535}]":        "TCP 5-12, TCP 65535",
		"[{port: 5, endPort: null}, {port: 65534, endPort: 65535}, {port: pg}]": "TCP 5, TCP 65534-65535",
	} {
		in(t, at("ingress", ports)).reaches(t, "a/app", "a/db: "+want, "a/far: "+want, "a/near: all",
			"b/app: "+want, "b/web: "+want, "all but 192.168.0.1/32: "+want, "192.168.0.1/32: all")
	}
}

// "if … your network plugin does not support the endPort field and you specify a
// NetworkPolicy with that, the policy will be applied only for the single port field."
// (concept page)
func TestSentenceEndPortUnsupported(t *testing.T) {
	knowing(t, "estate: complete\ncni: {name: cilium, version: 1.15.0, enforces: true}\n", at("ingress", "[{port: 5, endPort: 6}]")).says(t,
		"ingress b/app -> a/db TCP 5: allow allowed at a/p spec.ingress[0]",
		"ingress b/app -> a/db TCP 6: deny no-rule",
	)
}

// "port represents the port on the given protocol. This can either be a numerical or named
// port on a pod." A name is that of the destination's container: of the selected pod for
// ingress, of the peer for egress. Where there is none of the name there is no such port.
func TestSentenceNamedPort(t *testing.T) {
	in(t, at("ingress", "[{port: pg}]")).says(t,
		"ingress b/app -> a/db TCP 5432: allow allowed at a/p spec.ingress[0]",
		"ingress b/app -> a/db TCP 6432: deny no-rule",
		"ingress b/app -> a/app TCP 5432: deny no-rule",
		"ingress 203.0.113.7 -> a/db TCP 5432: allow allowed at a/p spec.ingress[0]",
	)
	in(t, at("egress", "[{port: pg}]")).says(t,
		"egress a/app -> a/db TCP 5432: allow allowed at a/p spec.egress[0]",
		"egress a/app -> b/app TCP 6432: allow allowed at a/p spec.egress[0]",
		"egress a/app -> b/app TCP 5432: deny no-rule",
		"egress a/app -> b/web TCP 5432: deny no-rule",
		"egress a/app -> 203.0.113.7 TCP 5432: deny no-rule",
	)
}

// "only traffic on the specified protocol AND port will be matched": a name is one of the
// protocol. Sidecars have ports as other containers have, init containers that end do not.
// ("NetworkPolicies apply equally to init containers, sidecar containers, and regular
// containers", concept page, is about who sends.)
func TestSentenceNamedPortProtocol(t *testing.T) {
	dns := runningPod("a/dns", "labels: {}",
		"{name: c, image: i, ports: [{name: dns, containerPort: 53, protocol: UDP}]}, {name: d, image: i, ports: [{name: dns, containerPort: 5353}]}], "+
			"initContainers: [{name: e, image: i, ports: [{name: early, containerPort: 1}]}, {name: s, image: i, restartPolicy: Always, ports: [{name: side, containerPort: 2}]}", "podIP: 10.244.1.40")
	for ports, want := range map[string]string{
		"[{port: dns}]":                             "TCP 5353",
		"[{port: dns, protocol: UDP}]":              "UDP 53",
		"[{port: dns, protocol: SCTP}]":             "",
		"[{port: dns}, {port: dns, protocol: UDP}]": "TCP 5353, UDP 53",
		"[{port: side}]":                            "TCP 2",
		"[{port: early}]":                           "",
		"[{port: side}, {port: 53, protocol: UDP}]": "TCP 2, UDP 53",
	} {
		sets := []string{"a/near: all", "192.168.0.1/32: all"}
		if want != "" {
			sets = []string{"a/near: all", "b/app: " + want, "192.168.0.1/32: all"}
		}
		spec := "podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: app}}}], ports: " + ports + "}]"
		t.Run(ports, func(t *testing.T) { in(t, networkPolicy("a/p", spec), dns).reaches(t, "a/dns", sets...) })
	}
}

// "When a deny all network policy is defined, it is only guaranteed to deny TCP, UDP and
// SCTP connections." (concept page)
func TestSentenceDenyAllProtocols(t *testing.T) {
	in(t, networkPolicy("a/p", "podSelector: {}, policyTypes: [Ingress, Egress]")).says(t,
		"b/app -> a/db TCP 1: deny",
		"b/app -> a/db UDP 1: deny",
		"b/app -> a/db SCTP 1: deny",
		"a/db -> 203.0.113.7 SCTP 65535: deny",
	)
}

// "You must be using a CNI plugin that supports SCTP protocol NetworkPolicies." (concept
// page)
func TestSentenceSCTPUnsupported(t *testing.T) {
	const off = "{apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config, namespace: kube-system}, data: {enable-sctp: 'false'}}"
	const agent = "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: cilium, namespace: kube-system}, spec: {selector: {matchLabels: {k: c}}, " +
		"template: {metadata: {labels: {k: c}}, spec: {hostNetwork: true, containers: [{name: c, image: 'quay.io/cilium/cilium:v1.19.0'}]}}}}"
	in(t, at("ingress", "[{port: 5, protocol: SCTP}, {port: 5}]"), agent).says(t, "ingress b/app -> a/db SCTP 5: allow allowed at a/p spec.ingress[0]")
	knowing(t, "estate: complete", at("ingress", "[{port: 5, protocol: SCTP}, {port: 5}]"), agent, off).says(t,
		"ingress b/app -> a/db SCTP 5: deny no-rule",
		"ingress b/app -> a/db TCP 5: allow allowed at a/p spec.ingress[0]",
	)
}
