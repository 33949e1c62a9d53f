package network_test

import "testing"

const closed = "podSelector: {}, policyTypes: [Ingress, Egress]"

// "a pod cannot block access to itself" (concept page), and no tier can for it.
func TestSentenceSelf(t *testing.T) {
	in(t, networkPolicy("a/p", closed),
		clusterPolicy("c", "Admin", 0, "ingress: [{action: Deny, from: [{namespaces: {}}]}], egress: [{action: Deny, to: [{networks: [0.0.0.0/0]}]}]"),
	).says(t,
		"ingress a/db -> a/db TCP 5432: allow self",
		"egress a/db -> a/db TCP 5432: allow self",
		"ingress a/app -> a/db TCP 5432: deny denied at c spec.ingress[0].from[0]",
	)
}

// "a pod cannot block access to itself": another pod of the same workload is not itself.
func TestSentenceSelfIsOnePod(t *testing.T) {
	const set = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s, namespace: a}, spec: {replicas: 2, serviceName: s, selector: {matchLabels: {k: s}}, " +
		"template: {metadata: {labels: {k: s}}, spec: {containers: [{name: c, image: i}]}}}}"
	in(t, networkPolicy("a/p", closed), set).says(t,
		"ingress a/s-0 -> a/s-0 TCP 1: allow self",
		"ingress a/s-0 -> a/s-1 TCP 1: deny no-rule",
		"egress a/s-1 -> a/s-0 TCP 1: deny no-rule",
	)
}

// "traffic to and from the node where a Pod is running is always allowed, regardless of
// the IP address of the Pod or the node" (concept page), whoever on that node sends it; a
// block that leaves its address out changes nothing.
func TestSentenceOwnNode(t *testing.T) {
	for _, p := range []string{networkPolicy("a/p", closed), networkPolicy("a/p", "podSelector: {}, policyTypes: [Ingress, Egress], "+
		"ingress: [{from: ["+block("192.168.0.0/16", "192.168.0.0/24")+"]}], egress: [{to: ["+block("192.168.0.0/16", "192.168.0.0/24")+"]}]")} {
		in(t, p).says(t,
			"ingress a/near -> a/db TCP 1: allow own-node",
			"egress a/db -> a/near TCP 1: allow own-node",
			"ingress 192.168.0.1 -> a/db UDP 1: allow own-node",
			"egress a/db -> 192.168.0.1 SCTP 1: allow own-node",
			"ingress a/far -> a/db TCP 1: deny no-rule",
			"egress a/db -> a/far TCP 1: deny no-rule",
			"ingress 192.168.0.2 -> a/db TCP 1: deny no-rule",
			"egress a/db -> 192.168.0.2 TCP 1: deny no-rule",
			"ingress 192.168.0.0/30 -> a/db TCP 1: unknown unsure",
		)
	}
}

// The same sentence where the plugin is known to put what a pod sends to its node under
// policy.
func TestSentenceOwnNodePoliced(t *testing.T) {
	knowing(t, "estate: complete\ncni: {name: cilium, enforces: true}\n", networkPolicy("a/p", closed)).says(t,
		"ingress a/near -> a/db TCP 1: allow own-node",
		"egress a/db -> a/near TCP 1: deny no-rule",
		"egress a/db -> 192.168.0.1 TCP 1: deny no-rule",
	)
}

// The node where a pod that is not yet placed will run is any: whether a host-network pod
// is on it nobody knows.
func TestSentenceOwnNodeUnknown(t *testing.T) {
	const waiting = "{apiVersion: v1, kind: Pod, metadata: {name: waiting, namespace: a}, spec: {containers: [{name: c, image: i}]}}"
	in(t, networkPolicy("a/p", closed), waiting).says(t,
		"ingress a/near -> a/waiting TCP 1: unknown host-network",
		"egress a/waiting -> a/far TCP 1: unknown host-network",
		"ingress a/db -> a/waiting TCP 1: deny no-rule",
	)
}

// "it ignores hostNetwork pods when matching podSelector and namespaceSelector. Traffic
// to/from hostNetwork pods is treated the same as all other traffic to/from the node IP.
// (This is the most common implementation.)" (concept page) "This applies when a
// hostNetwork pod is selected by spec.podSelector":
func TestSentenceHostNetworkSubject(t *testing.T) {
	in(t, networkPolicy("a/p", closed)).says(t,
		"ingress b/app -> a/far TCP 1: allow not-isolated",
		"egress a/far -> 203.0.113.7 TCP 1: allow not-isolated",
		"ingress 203.0.113.7 -> a/near TCP 1: allow not-isolated",
	)
}

// "a hostNetwork pod is selected by a podSelector or namespaceSelector in an ingress or
// egress rule": it is an address, that an ipBlock can admit.
func TestSentenceHostNetworkPeer(t *testing.T) {
	for _, peer := range []string{"{podSelector: {matchLabels: {app: agent}}}", "{podSelector: {}}", "{namespaceSelector: {}}", "{namespaceSelector: {}, podSelector: {}}"} {
		in(t, from(peer)).says(t, "ingress a/far -> a/db TCP 1: deny no-rule")
		in(t, to(peer)).says(t, "egress a/db -> a/far TCP 1: deny no-rule")
	}
	in(t, from(block("192.168.0.2/32"))).says(t, "ingress a/far -> a/db TCP 1: allow allowed at a/p spec.ingress[0].from[0]")
	in(t, to(block("192.168.0.2/32"))).says(t, "egress a/db -> a/far TCP 1: allow allowed at a/p spec.egress[0].to[0]")
	in(t, from(block("192.168.0.0/24", "192.168.0.2/32"))).says(t, "ingress a/far -> a/db TCP 1: deny no-rule")
}

// Two pods of one node's network talk past all policies.
func TestSentenceHostNetworkBoth(t *testing.T) {
	in(t, networkPolicy("a/p", closed), clusterPolicy("c", "Admin", 0, "ingress: [{action: Deny, from: [{namespaces: {}}]}], egress: [{action: Deny, to: [{networks: [0.0.0.0/0]}]}]")).says(t,
		"a/near -> a/far TCP 1: allow",
		"a/far -> a/near TCP 1: allow",
	)
}

// A pod whose phase is Succeeded or Failed has no network: it is nobody's peer, and its
// address is one outside that another may have by now ("Pod IPs are ephemeral and
// unpredictable", concept page).
func TestSentenceCompletedPods(t *testing.T) {
	for _, phase := range []string{"Succeeded", "Failed"} {
		w := in(t, from("{podSelector: {}}, "+block("10.244.1.50/32")), runningPod("a/done", "labels: {app: app}", "{name: c, image: i}", "phase: "+phase+", podIP: 10.244.1.50"))
		if w.pods["a/done"] != nil {
			t.Errorf("%s: is still a pod", phase)
		}
		w.reaches(t, "a/db", "a/app: all", "a/near: all", "10.244.1.50/32, 192.168.0.1/32: all")
	}
	for _, phase := range []string{"Running", "Pending", "Unknown"} {
		in(t, from("{podSelector: {}}"), runningPod("a/done", "labels: {app: app}", "{name: c, image: i}", "phase: "+phase+", podIP: 10.244.1.50")).reaches(t, "a/db",
			"a/app: all", "a/done: all", "a/near: all", "192.168.0.1/32: all")
	}
}

// A completed pod of a controller leaves its place to the next one.
func TestSentenceCompletedPodsOfController(t *testing.T) {
	const job = "{apiVersion: batch/v1, kind: Job, metadata: {name: j, namespace: a}, spec: {template: {metadata: {labels: {app: app}}, spec: {containers: [{name: c, image: i}], restartPolicy: Never}}}}"
	done := runningPod("a/j-x", "labels: {app: app}, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: j, uid: u, controller: true}]", "{name: c, image: i}", "phase: Failed, podIP: 10.244.1.51")
	w := in(t, from("{podSelector: {matchLabels: {app: app}}}"), job, done)
	if w.pods["a/j-x"] != nil {
		t.Error("is still a pod")
	}
	w.reaches(t, "a/db", "a/j: all", "a/app: all", "a/near: all", "192.168.0.1/32: all")
}
