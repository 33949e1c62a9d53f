package network_test

import "testing"

// "IPBlock describes a particular CIDR … that is allowed to the pods matched by a
// NetworkPolicySpec's podSelector."
func TestSentenceBlock(t *testing.T) {
	in(t, from("{ipBlock: {cidr: 192.168.1.0/24}}, {ipBlock: {cidr: '2001:db8::/64'}}")).reaches(t, "a/db",
		"a/near: all", "192.168.0.1/32, 192.168.1.0/24, 2001:db8::/64: all")
	in(t, to("{ipBlock: {cidr: 192.168.1.0/24}}, {ipBlock: {cidr: '2001:db8::/64'}}")).says(t,
		"egress a/db -> 192.168.1.255 TCP 1: allow allowed at a/p spec.egress[0].to[0]",
		"egress a/db -> 2001:db8::ffff TCP 1: allow allowed at a/p spec.egress[0].to[1]",
		"egress a/db -> 192.168.2.0 TCP 1: deny no-rule",
		"egress a/db -> 2001:db8:0:1::1 TCP 1: deny no-rule",
	)
}

// Host bits of a cidr mean nothing: it is its range.
func TestSentenceBlockHostBits(t *testing.T) {
	in(t, from("{ipBlock: {cidr: 198.51.100.77/24, except: [198.51.100.200/25]}}")).reaches(t, "a/db",
		"a/near: all", "192.168.0.1/32, 198.51.100.0/25: all")
}

// "The except entry describes CIDRs that should not be included within this rule." Ranges
// that touch, that nest, that leave nothing, and that other peers, rules and policies
// admit again: each as the whole set of addresses.
func TestSentenceExceptRanges(t *testing.T) {
	const cidr = "10.0.0.0/24"
	for peers, outside := range map[string]string{
		block(cidr):                                                                     "10.0.0.0/24, 192.168.0.1/32",
		block(cidr, "10.0.0.0/25"):                                                      "10.0.0.128/25, 192.168.0.1/32",
		block(cidr, "10.0.0.128/25"):                                                    "10.0.0.0/25, 192.168.0.1/32",
		block(cidr, "10.0.0.0/25", "10.0.0.128/25"):                                     "192.168.0.1/32",
		block(cidr, "10.0.0.128/25", "10.0.0.0/25"):                                     "192.168.0.1/32",
		block(cidr, "10.0.0.0/26", "10.0.0.64/26"):                                      "10.0.0.128/25, 192.168.0.1/32",
		block(cidr, "10.0.0.64/26", "10.0.0.128/26"):                                    "10.0.0.0/26, 10.0.0.192/26, 192.168.0.1/32",
		block(cidr, "10.0.0.0/25", "10.0.0.0/26"):                                       "10.0.0.128/25, 192.168.0.1/32",
		block(cidr, "10.0.0.64/27", "10.0.0.0/25"):                                      "10.0.0.128/25, 192.168.0.1/32",
		block(cidr, "10.0.0.0/32", "10.0.0.255/32", "10.0.0.128/25"):                    "10.0.0.1/32, 10.0.0.2/31, 10.0.0.4/30, 10.0.0.8/29, 10.0.0.16/28, 10.0.0.32/27, 10.0.0.64/26, 192.168.0.1/32",
		block(cidr, "10.0.0.0/25") + ", " + block("10.0.0.64/26"):                       "10.0.0.64/26, 10.0.0.128/25, 192.168.0.1/32",
		block(cidr, "10.0.0.0/25") + ", " + block(cidr, "10.0.0.128/25"):                "10.0.0.0/24, 192.168.0.1/32",
		block(cidr, "10.0.0.0/25") + ", " + block("10.0.0.0/23", cidr):                  "10.0.0.128/25, 10.0.1.0/24, 192.168.0.1/32",
		block("10.0.0.0/23", cidr) + ", " + block("10.0.0.7/32"):                        "10.0.0.7/32, 10.0.1.0/24, 192.168.0.1/32",
		block("0.0.0.0/0", "0.0.0.0/1"):                                                 "128.0.0.0/1",
		block("::/0", "8000::/1"):                                                       "192.168.0.1/32, ::/1",
		block("2001:db8::/126", "2001:db8::/128", "2001:db8::1/128", "2001:db8::3/128"): "192.168.0.1/32, 2001:db8::2/128",
	} {
		t.Run(peers, func(t *testing.T) {
			in(t, from(peers)).reaches(t, "a/db", hosts(outside, outside+": all")...)
			in(t, to(peers)).reaches(t, "->a/db", hosts(outside, outside+": all")...)
		})
	}
}

// hosts adds the pods that a set of addresses means to a line about it: a/near, which is
// on the node of a/db, and a/far, where its address is in the set.
func hosts(outside, line string) []string {
	if outside == "128.0.0.0/1" {
		return []string{"a/far: all", "a/near: all", line}
	}
	return []string{"a/near: all", line}
}

func block(cidr string, except ...string) string {
	text := "{ipBlock: {cidr: '" + cidr + "', except: ["
	for _, e := range except {
		text += "'" + e + "', "
	}
	return text + "]}}"
}

// "should not be included within this rule": a range that one rule leaves out another
// rule, or policy, may admit, at its own ports.
func TestSentenceExceptIsOfItsRule(t *testing.T) {
	const halves = "{from: [{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.0/25]}}], ports: [{port: 1}]}, {from: [{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.128/25]}}], ports: [{port: 2}]}"
	w := in(t, networkPolicy("a/p", "podSelector: {matchLabels: {app: db}}, ingress: ["+halves+"]"))
	w.reaches(t, "a/db", "a/near: all", "10.0.0.0/25: TCP 2", "10.0.0.128/25: TCP 1", "192.168.0.1/32: all")
	w.says(t,
		"ingress 10.0.0.127 -> a/db TCP 1: deny no-rule",
		"ingress 10.0.0.128 -> a/db TCP 1: allow allowed at a/p spec.ingress[0].from[0]",
		"ingress 10.0.0.0/24 -> a/db TCP 1: unknown unsure",
	)
	const overlap = "{from: [{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.0/25]}}], ports: [{port: 1}]}, {from: [{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.64/26]}}], ports: [{port: 5}]}"
	in(t, networkPolicy("a/p", "podSelector: {matchLabels: {app: db}}, ingress: ["+overlap+"]")).reaches(t, "a/db",
		"a/near: all", "10.0.0.0/26: TCP 5", "10.0.0.128/25: TCP 1, TCP 5", "192.168.0.1/32: all")
	in(t, from(block("10.0.0.0/24", "10.0.0.0/25", "10.0.0.128/25")),
		networkPolicy("a/again", "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.128/26]}}], ports: [{port: 3}]}]"),
	).reaches(t, "a/db", "a/near: all", "10.0.0.0/25, 10.0.0.192/26: TCP 3", "192.168.0.1/32: all")
}

// "Except values will be rejected if they are outside the cidr range" and "… cidr … except"
// of one family: such a policy is not taken for a smaller one.
func TestSentenceExceptOutsideIsRefused(t *testing.T) {
	for _, peer := range []string{block("10.0.0.0/24", "10.0.1.0/25"), block("10.0.0.0/24", "10.0.0.0/23"), block("10.0.0.0/24", "10.0.0.0/24"), block("10.0.0.0/8", "2001:db8::/32")} {
		s := read(t, from(peer))
		if len(s.Problems) != 1 || len(s.Policies) != 0 {
			t.Errorf("%s: %+v", peer, s.Problems)
		}
	}
}

// "ipBlock … These should be cluster-external IPs, since Pod IPs are ephemeral and
// unpredictable." (concept page) "Should" refuses nothing: a pod whose address is known is
// meant by it, in both directions, and its except ranges leave pods out.
func TestSentenceBlockOfPods(t *testing.T) {
	const peer = "{ipBlock: {cidr: 10.244.0.0/16, except: [10.244.2.12/32]}}"
	in(t, from(peer)).says(t,
		"ingress b/app -> a/db TCP 1: allow allowed at a/p spec.ingress[0].from[0]",
		"ingress b/web -> a/db TCP 1: deny no-rule",
	)
	in(t, to(peer)).says(t,
		"egress a/db -> b/app TCP 1: allow allowed at a/p spec.egress[0].to[0]",
		"egress a/db -> b/web TCP 1: deny no-rule",
	)
}

// "Pod IPs are ephemeral and unpredictable": of a pod whose address is not known the
// answer rests on an assumption, or on where pods have their addresses.
func TestSentenceBlockOfUnknownPods(t *testing.T) {
	waiting := runningPod("a/waiting", "labels: {}", "{name: c, image: i}", "phase: Pending")
	in(t, from(block("10.0.0.0/8")), waiting).says(t,
		"ingress a/waiting -> a/db TCP 1: deny no-rule under ipblock-outside")
	knowing(t, everything+"podCIDRs: [10.244.0.0/16]\n", from(block("10.0.0.0/8")), waiting).says(t,
		"ingress a/waiting -> a/db TCP 1: allow allowed at a/p spec.ingress[0].from[0]")
	knowing(t, everything+"podCIDRs: [10.244.0.0/16]\n", from(block("10.245.0.0/16")), waiting).says(t,
		"ingress a/waiting -> a/db TCP 1: deny no-rule")
	knowing(t, everything+"podCIDRs: [10.244.0.0/16]\n", from(block("10.244.0.0/16", "10.244.1.0/24")), waiting).says(t,
		"ingress a/waiting -> a/db TCP 1: unknown unsure")
}

// Pods with addresses of both families: an ipBlock of one family says nothing of the
// other, and one open way is enough to get through.
func TestSentenceDualStack(t *testing.T) {
	both := runningPod("b/both", "labels: {}", "{name: c, image: i}", "podIPs: [{ip: 10.244.3.1}, {ip: 'fd00::1'}]")
	server := runningPod("a/server", "labels: {app: db}", "{name: c, image: i}", "podIPs: [{ip: 10.244.3.2}, {ip: 'fd00::2'}]")
	in(t, from(block("10.244.3.0/24")), both, server).says(t,
		"ingress b/both -> a/server TCP 1 over IPv4: allow allowed at a/p spec.ingress[0].from[0]",
		"ingress b/both -> a/server TCP 1 over IPv6: deny no-rule",
		"b/both -> a/server TCP 1: allow",
		"ingress fd00::1 -> a/server TCP 1: deny no-rule",
	)
	in(t, from(block("fd00::/16")), both, server).says(t,
		"b/both -> a/server TCP 1 over IPv4: deny",
		"b/both -> a/server TCP 1 over IPv6: allow",
		"b/both -> a/db TCP 1: deny",
	)
	in(t, from(block("10.244.0.0/16", "10.244.3.1/32")+", "+block("fd00::/16", "fd00::1/128")), both, server).says(t,
		"b/both -> a/server TCP 1: deny",
		"b/app -> a/server TCP 1: allow",
	)
	in(t, from("{namespaceSelector: {matchLabels: {team: blue}}}"), both, server).says(t,
		"b/both -> a/server TCP 1 over IPv4: allow",
		"b/both -> a/server TCP 1 over IPv6: allow",
	)
}
