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
		w, ok = policyWords[s.Reason]
	}
	if !ok {
		return string(s.Reason)
	}
	text := w(s) + aboutPlugin(s)
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
	"service/beyond":             filled("Service {service} has no selector, and its endpoints are {addresses}, which no pod that was read has"),
	"service/circle":             filled("Service {service} is an alias of {name}, which leads back to it: the name never resolves"),
	"service/not-read":           filled("Service {service} was not read, and the estate is said to be complete"),
	"service/no-selector":        filled("Service {service} has no selector, and nothing that was read says who its endpoints are"),
	"service/no-endpoints":       filled("Service {service} selects {selector}, and no pod has these labels: it leads nowhere"),
	"service/not-exposed":        filled("Service {service} is of type {type}: it has no address outside the cluster"),
	"service/source-ranges-part": filled("Service {service} takes some of the client's addresses from outside, those of its loadBalancerSourceRanges, and not the others"),
	"service/source-ranges":      filled("Service {service} takes outside clients only from its loadBalancerSourceRanges"),
	"service/exposed":            filled("Service {service} is of type {type}: it has an address outside the cluster"),
	"service/node-port-closed":   filled("Service {service} is of type {type} and has a node port too, which is taken to be closed to the outside"),
	"service/internal":           filled("the load balancer of Service {service} is internal: only private addresses and those that the facts file names reach it"),
	"service/internal-part":      filled("the load balancer of Service {service} is internal: some of the client's addresses reach it, the others do not"),

	"host/port":    filled("port {port} of the pod's node leads to the pod"),
	"host/network": filled("the pod is on its node's network: it answers at port {port} of the node"),

	"route/leads-to":      filled("{route} passes connections from outside on to Service {service}"),
	"route/sources":       filled("{route} takes clients only from the ranges that its annotation names"),
	"route/sources-part":  filled("{route} takes some of the client's addresses, those of the ranges that its annotation names, and not the others"),
	"route/tls-only":      filled("{route} takes only connections that begin with TLS, and the client connects without"),
	"route/proxy-unknown": filled("the pods that {route} comes from are not known, and policies may admit them or not"),

	"inside/port-forward": filled("kubectl port-forward connects inside the pod {pod}, past every policy; who may create pods/portforward in {namespace} is not decided here"),
	"inside/exec":         filled("kubectl exec starts a process in the pod {pod}, past every policy; who may create pods/exec in {namespace} is not decided here"),

	"pooler/tls-unsure": filled("whether the pooler's connection uses TLS (server_tls_sslmode {mode}) cannot be told, and the server takes only one of the two"),

	"dns/cut": dnsCut,

	"reach/unreadable": filled("a document that may open another way could not be read: {error}"),

	"mesh/unmodelled": filled("{object} may decide about this connection, and pgmoat does not decide the mesh yet"),

	"pooler/no-member":     filled("{pooler} passes clients on to Service {target}, and the server has no {part} behind it"),
	"server/not-listening": filled("nothing on {pod} speaks PostgreSQL at port {port}"),
	"tls/refused":          fixed("the listener does not offer TLS (ssl is off), so that a client which insists on it gives up"),
	"tls/unknown":          fixed("no manifest tells whether the listener offers TLS"),
	"hba/matched":          hbaMatched,
	"hba/either":           filled("{record} or a line after it matches {who}, and asks for {method}"),
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
	text := world.Locate(p.Origin).String() + ": " + p.Fault()
	if p.Namespace == "" {
		return text + " (every answer is in doubt until it is mended or left out with --skip)"
	}
	return text + fmt.Sprintf(" (answers about namespace %s are in doubt until it is mended or left out with --skip)", p.Namespace)
}
