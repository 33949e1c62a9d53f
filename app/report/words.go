// Package report turns decisions and findings into text, JSON, CSV and Markdown.
// It is the one place where reason codes become words.
package report

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Words says in a sentence why a step decided as it did. A reason nobody worded is
// shown as its code, never left out.
func Words(s verdict.Step) string {
	w, ok := words[s.Reason]
	if !ok {
		return string(s.Reason)
	}
	text := w(s)
	for _, whose := range []string{"session", "from"} {
		if s.Facts[whose] != "" {
			text = s.Facts[whose] + ": " + text
		}
	}
	return text
}

// fixed words a reason that needs no facts.
func fixed(text string) func(verdict.Step) string {
	return func(verdict.Step) string { return text }
}

// filled words a reason with facts: {key} stands for the fact's value.
func filled(text string) func(verdict.Step) string {
	return func(s verdict.Step) string { return fill(text, s.Facts) }
}

func fill(text string, facts map[string]string) string {
	var pairs []string
	for k, v := range facts {
		pairs = append(pairs, "{"+k+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

var words = map[verdict.Reason]func(verdict.Step) string{
	"assumption": assumption,

	"service/leads-to":           leadsTo,
	"service/no-such-port-name":  filled("Service {service} sends port {port} to a container port named {name}, which {pod} does not have"),
	"service/selector-unsure":    filled("whether Service {service} selects {pod} depends on a label whose value no manifest tells ({selector})"),
	"service/no-such-port":       noSuchPort,
	"service/external-name":      filled("Service {service} is an alias of {name}, which is outside of what was read"),
	"service/no-selector":        filled("Service {service} has no selector, and nothing that was read says who its endpoints are"),
	"service/no-endpoints":       filled("Service {service} selects {selector}, and no pod has these labels: it leads nowhere"),
	"service/not-exposed":        filled("Service {service} is of type {type}: it has no address outside the cluster"),
	"service/source-ranges-part": filled("Service {service} takes some of the client's addresses from outside, those of its loadBalancerSourceRanges, and not the others"),
	"service/source-ranges":      filled("Service {service} takes outside clients only from its loadBalancerSourceRanges"),
	"service/exposed":            filled("Service {service} is of type {type}: it has an address outside the cluster"),

	"dns/cut": dnsCut,

	"netpol/not-isolated": notIsolated,
	"netpol/allowed":      filled("admitted by {policies}"),
	"netpol/no-rule":      noRule,
	"netpol/self":         fixed("a pod always reaches itself"),
	"netpol/host-network": func(s verdict.Step) string {
		return "the client has its node's address, and a node always reaches the pods that run on it; from other nodes: " + noRule(s)
	},
	"netpol/not-enforced": filled("the network plugin {cni} does not enforce NetworkPolicy, so {policies} is not in force"),
	"netpol/unmodelled":   filled("{object} may select this pod, and pgmoat does not decide that kind of policy yet"),
	"reach/unreadable":    filled("a document that may open another way could not be read: {error}"),
	"netpol/unreadable":   filled("a document that may matter could not be read: {error}"),
	"netpol/unsure":       unsure,

	"mesh/unmodelled": filled("{object} may decide about this connection, and pgmoat does not decide the mesh yet"),

	"server/not-listening": filled("nothing on {pod} speaks PostgreSQL at port {port}"),
	"tls/refused":          fixed("the listener does not offer TLS (ssl is off), so that a client which insists on it gives up"),
	"tls/unknown":          fixed("no manifest tells whether the listener offers TLS"),
	"hba/matched":          hbaMatched,
	"hba/rejected":         hbaRejected,
	"hba/no-record":        filled("no record of {file} matches {who}: the server refuses"),
	"hba/unsure":           hbaUnsure,
	"hba/unreadable":       filled("{file} is not known for sure: {error}"),
	"hba/cert-required":    filled("{record} asks for a client certificate, and the client presents none"),
	"hba/cert-no-ca":       filled("{record} asks for a client certificate, and the server has no CA to check one"),
	"ident/mapped":         filled("the identity {system} may log in as {role}{map}"),
	"ident/not-mapped":     filled("the identity {system} may not log in as {role}{map}"),
	"ident/unsure":         filled("whether the identity {system} may log in as {role} depends on {depends}"),
	"role/no-login":        filled("the role {role} may not log in"),
	"role/no-replication":  filled("the role {role} has no REPLICATION attribute"),
}

func assumption(s verdict.Step) string {
	codes := s.Facts["assumptions"]
	if codes == "" {
		codes = s.Facts["assumption"]
	}
	return "known only under an assumption that --strict does not accept: " + codes
}

func leadsTo(s verdict.Step) string {
	if s.Facts["port"] == s.Facts["podPort"] {
		return fill("Service {service} leads to port {port} of {pod}", s.Facts)
	}
	return fill("Service {service} port {port} leads to port {podPort} of {pod}", s.Facts)
}

func noSuchPort(s verdict.Step) string {
	if s.Facts["port"] == "0" {
		return fill("Service {service} has no port that leads to PostgreSQL", s.Facts)
	}
	return fill("Service {service} has no port {port}", s.Facts)
}

func dnsCut(s verdict.Step) string {
	return "the client may not ask cluster DNS (UDP 53), so that it cannot resolve the Service's name: " + noRule(s)
}

func notIsolated(s verdict.Step) string {
	switch s.Facts["subject"] {
	case "outside":
		return "the client is outside the cluster; no egress policy of ours applies"
	case "hostNetwork":
		return "the pod is on its node's network, where policies do not select it"
	}
	if s.Layer == verdict.Ingress {
		return "no policy selects the pod for ingress: everybody may connect"
	}
	return "no policy selects the pod for egress: it may connect everywhere"
}

// noRule tells the nearest miss: what to look at first.
func noRule(s verdict.Step) string {
	side := "the client"
	if s.Layer == verdict.Egress || s.Layer == verdict.DNS {
		side = "the destination"
	}
	text := fill("isolated by {policies}, and no rule admits it; ", s.Facts)
	port := ""
	if s.Facts["missPort"] != "" {
		port = fill("; it admits {missPort}, and the pod's port is {wantPort}", s.Facts)
	}
	near := fill("nearest is {policy}: ", s.Facts)
	switch s.Facts["miss"] {
	case "no-rules":
		return fill("isolated by {policies}, which has no rule for this direction at all", s.Facts)
	case "port":
		return text + near + fill("it admits {missPort}, and the pod's port is {wantPort} (policies name pod ports, after the Service's translation)", s.Facts)
	case "pod-label":
		return text + near + missLabel(s, side+"'s pod") + port
	case "namespace-label":
		return text + near + missLabel(s, side+"'s namespace") + port
	case "peer-namespace":
		return text + near + fill("its podSelector alone means namespace {wanted}, and "+side+" is in {has}", s.Facts) + port
	case "address":
		return text + near + fill("its ipBlock is {wanted}", s.Facts) + hasAddress(s, side) + port
	case "not-a-pod":
		return text + near + side + " is no pod that a selector could match" + port
	}
	return fill("isolated by {policies}, and no rule admits it", s.Facts)
}

func missLabel(s verdict.Step, whose string) string {
	if s.Facts["has"] == "" {
		return fill("it wants the label {wanted}, which "+whose+" does not have", s.Facts)
	}
	return fill("it wants the label {wanted}, and "+whose+" has {key}={has}", s.Facts)
}

func hasAddress(s verdict.Step, side string) string {
	if s.Facts["has"] == "" {
		return ", and " + side + " is a pod whose address is not known"
	}
	return fill(", and "+side+" has {has}", s.Facts)
}

func unsure(s verdict.Step) string {
	var why []string
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
	if len(why) == 0 || s.Facts["address"] == "unknown" {
		why = append(why, "an address that nobody wrote down (the facts file can)")
	}
	return fill("whether {policies} admits it depends on ", s.Facts) + strings.Join(why, " and on ")
}

func hbaMatched(s verdict.Step) string {
	text := fill("{record} matches {who} and asks for {method}", s.Facts)
	if s.Facts["method"] == "trust" {
		text = fill("{record} matches {who} and trusts it: no credential is asked for", s.Facts)
	}
	if c := s.Facts["clientcert"]; c != "" && s.Facts["method"] != "cert" {
		text += " and a client certificate (clientcert=" + c + ")"
	}
	return text
}

func hbaRejected(s verdict.Step) string {
	return fill("{record} matches {who} and rejects it", s.Facts)
}

func hbaUnsure(s verdict.Step) string {
	return fill("whether {record} matches {who} cannot be told: {depends}", s.Facts)
}

// Problem words a document that could not be read.
func Problem(world *snapshot.Snapshot, p snapshot.Problem) string {
	text := world.Locate(p.Origin).String() + ": " + strings.TrimPrefix(p.Err, p.Origin.Field+": ")
	if p.Namespace == "" {
		return text + " (every answer is in doubt until it is mended or left out with --skip)"
	}
	return text + fmt.Sprintf(" (answers about namespace %s are in doubt until it is mended or left out with --skip)", p.Namespace)
}
