package report

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// policyWords are the reasons of the network layers.
var policyWords = map[verdict.Reason]func(verdict.Step) string{
	network.NotIsolated: notIsolated,
	network.Allowed:     filled("admitted by {policies}"),
	network.NoRule:      noRule,
	network.Self:        fixed("a pod always reaches itself"),
	network.HostNetwork: hostNetwork,
	network.OwnNode:     filled("whatever {policies} says, a pod and the node it runs on ({node}) always reach each other"),
	network.Accepted:    ruledWords("accepts"),
	network.Denied:      ruledWords("denies"),
	network.Conflict: filled("policies of the {tier} tier with equal priority {priority} disagree, and the network plugin may apply any of them: {policies}; " +
		"give them different priorities"),
	network.NotEnforced: filled("the network plugin {cni} does not enforce NetworkPolicy, so {policies} is not in force"),
	network.Unmodelled:  filled("{object} may select this pod, and pgmoat does not decide that kind of policy yet"),
	network.Unreadable:  filled("a document that may matter could not be read: {error}"),
	network.Unsure:      unsure,
}

// aboutPlugin says what an answer rests on that is documented of the network plugin.
func aboutPlugin(s verdict.Step) string {
	text := ""
	if s.Facts["profile"] != "" {
		text += fill(" (as is documented of the network plugin {profile})", s.Facts)
	}
	if s.Facts["notEnforced"] != "" {
		text += fill(" (the network plugin does not enforce {notEnforced})", s.Facts)
	}
	return text
}

// ruledWords words what a rule of an ordered tier does.
func ruledWords(does string) func(verdict.Step) string {
	return func(s verdict.Step) string {
		rule := "a rule"
		if s.Facts["rule"] != "" {
			rule = "rule " + fmt.Sprintf("%q", s.Facts["rule"])
		}
		return fill(rule+" of {kind} {policy} ({tier} tier, priority {priority}) "+does+" it", s.Facts)
	}
}

func hostNetwork(s verdict.Step) string {
	whose := "the client has its node's address, and a node always reaches the pods that run on it"
	if s.Layer == verdict.Egress {
		whose = "the destination has its node's address, and a pod always reaches the node it runs on"
	}
	return whose + "; from other nodes: " + noRule(s)
}

func notIsolated(s verdict.Step) string {
	switch s.Facts["subject"] {
	case "outside":
		return "the client is outside the cluster; no egress policy of ours applies"
	case "hostNetwork":
		return "the pod is on its node's network, where policies do not select it"
	}
	direction, open := "egress", "it may connect everywhere"
	if s.Layer == verdict.Ingress {
		direction, open = "ingress", "everybody may connect"
	}
	if s.Facts["considered"] != "" {
		return fill("no rule of {considered} decides, and no NetworkPolicy isolates the pod for "+direction, s.Facts)
	}
	return "no policy selects the pod for " + direction + ": " + open
}

// noRule tells the nearest miss: what to look at first.
func noRule(s verdict.Step) string {
	if s.Facts["miss"] == string(network.MissNoRules) {
		return fill("isolated by {policies}, which has no rule for this direction at all", s.Facts)
	}
	miss := missWords(s.Facts, s.Layer == verdict.Egress || s.Layer == verdict.DNS)
	if miss == "" {
		return fill("isolated by {policies}, and no rule admits it", s.Facts)
	}
	return fill("isolated by {policies}, and no rule admits it; nearest is {policy}: ", s.Facts) + miss
}

// missWords says what a rule lacked: by the facts of a network.Miss.
func missWords(facts map[string]string, egress bool) string {
	if facts["action"] != "" && facts["action"] != netpol.Accept.String() {
		return strings.ReplaceAll(missingWords(facts, egress), "it admits ", "it is about ")
	}
	return missingWords(facts, egress)
}

func missingWords(facts map[string]string, egress bool) string {
	side := "the client"
	if egress {
		side = "the destination"
	}
	port := ""
	switch {
	case facts["missPort"] != "" && facts["wantPort"] != "":
		port = fill("; it admits {missPort}, and the pod's port is {wantPort}", facts)
	case facts["missPort"] != "": // told of several ports
		port = fill("; it admits {missPort}", facts)
	}
	switch network.MissKind(facts["miss"]) {
	case network.MissPort:
		if facts["wantPort"] == "" {
			return fill("it admits {missPort} and nothing else", facts)
		}
		return fill("it admits {missPort}, and the pod's port is {wantPort} (policies name pod ports, after the Service's translation)", facts)
	case network.MissPod:
		return missLabel(facts, side+"'s pod") + port
	case network.MissNamespace:
		return missLabel(facts, side+"'s namespace") + port
	case network.MissOwn:
		return fill("its podSelector alone means namespace {wanted}, and "+side+" is in {has}", facts) + port
	case network.MissAddress:
		return fill("its block of addresses is {wanted}", facts) + hasAddress(facts, side) + port
	case network.MissOutside:
		return side + " is no pod that a selector could match" + port
	case network.MissNode:
		return fill("it means nodes with {wanted}, and ", facts) + notThatNode(facts, side) + port
	case network.MissDomain:
		return fill("it means {wanted}, and ", facts) + side + " is at none of its addresses" + port
	case network.MissFailsClosed:
		return "it names a peer or a protocol of a form that is not known, so it matches nothing"
	}
	return ""
}

func notThatNode(facts map[string]string, side string) string {
	if facts["has"] == "" {
		return side + " is none"
	}
	return fill(side+" is on {has}", facts)
}

func missLabel(facts map[string]string, whose string) string {
	if facts["has"] == "" {
		return fill("it wants the label {wanted}, which "+whose+" does not have", facts)
	}
	return fill("it wants the label {wanted}, and "+whose+" has {key}={has}", facts)
}

func hasAddress(facts map[string]string, side string) string {
	if facts["has"] == "" {
		return ", and " + side + " is a pod whose address is not known"
	}
	return fill(", and "+side+" has {has}", facts)
}

func unsure(s verdict.Step) string {
	var why []string
	if strings.Contains(s.Facts["profile"], string(cni.BarePodsOpen)) {
		why = append(why, "whether the network plugin enforces policies on a pod that nothing owns")
	}
	if s.Facts["domains"] != "" {
		why = append(why, fill("the addresses of {domains} (the facts file can say)", s.Facts))
	}
	if keys := s.Facts["unknownLabels"]; keys != "" {
		why = append(why, "the value of "+keys+", which a controller sets")
	}
	if out := s.Facts["outside"]; out != "" {
		admitted := s.Facts["admitted"]
		if admitted == "" {
			admitted = "none"
		}
		why = append(why, fmt.Sprintf("which address of %s connects (admitted: %s)", out, admitted))
	}
	if s.Facts["families"] != "" {
		why = append(why, fill("the IP family ({families})", s.Facts))
	}
	if len(why) == 0 || s.Facts["address"] == "unknown" {
		why = append(why, "an address that nobody wrote down (the facts file can)")
	}
	return fill("whether {policies} admits it depends on ", s.Facts) + strings.Join(why, " and on ")
}
