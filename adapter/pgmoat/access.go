package pgmoat

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/pgmoat/pgmoat/api/v1alpha1"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (c *converter) access(in *v1alpha1.PostgresAccess) {
	spec := &in.Spec
	out := &intent.Access{
		Namespace: c.o.Namespace, Name: c.o.Name,
		Server: c.server(spec.Server),
		From:   c.peers("spec.from", spec.From),
		Until:  moment(spec.Until),
		Client: intent.ClientEgress{
			Isolation: isolations[spec.ClientEgress.Isolation],
			Needs:     c.destinations("spec.clientEgress.needs", spec.ClientEgress.Needs),
			Origin:    c.origin("spec.clientEgress"),
		},
		Accept: c.attempts("spec.tests.accept", spec.Tests.Accept),
		Deny:   c.attempts("spec.tests.deny", spec.Tests.Deny),
		Origin: c.origin(""),
	}
	for i, e := range spec.To {
		out.To = append(out.To, c.entry(fmt.Sprintf("spec.to[%d]", i), e))
	}
	c.keep = func() { c.out.Accesses = append(c.out.Accesses, out) }
}

// moment reads the end of an access. The zero Moment is no end, so a time that is no later
// than it becomes the first one that is: it has passed all the same.
func moment(until *metav1.Time) snapshot.Moment {
	if until == nil {
		return 0
	}
	return snapshot.Moment(max(1, until.Unix()))
}

var isolations = map[string]intent.Isolation{
	"Never": intent.NeverIsolate, "WhereIsolated": intent.WhereIsolated, "Isolate": intent.Isolate,
}

var endpoints = map[string]intent.Endpoint{
	"ReadWrite": intent.ReadWrite, "ReadOnly": intent.ReadOnly, "Any": intent.AnyEndpoint,
}

var authentications = map[string]intent.Authentication{
	"SCRAM": intent.SCRAM, "Certificate": intent.Certificate, "SCRAMAndCertificate": intent.SCRAMAndCertificate,
}

func (c *converter) entry(field string, in v1alpha1.Entry) intent.Entry {
	out := intent.Entry{
		Databases:      texts(in.Databases),
		Role:           string(in.Role),
		Endpoint:       endpoints[in.Endpoint],
		Pooler:         string(in.Pooler),
		Authentication: authentications[in.Authentication],
		PlainText:      in.TLS == "Optional",
		Secret:         string(in.Secret),
		Origin:         c.origin(field),
	}
	for i, p := range in.Privileges {
		out.Privileges = append(out.Privileges, intent.Privilege{
			Schema: string(p.Schema), Tables: texts(p.Tables), Columns: texts(p.Columns), Verbs: p.Verbs,
			Origin: c.origin(fmt.Sprintf("%s.privileges[%d]", field, i)),
		})
	}
	return out
}

func (c *converter) attempts(field string, in []v1alpha1.Attempt) []intent.Attempt {
	var out []intent.Attempt
	for i, a := range in {
		out = append(out, intent.Attempt{
			From: a.From, Database: string(a.Database), Role: string(a.Role), Plain: a.Plain,
			Why: oneLine(a.Why), Origin: c.origin(fmt.Sprintf("%s[%d]", field, i)),
		})
	}
	return out
}

// oneLine joins the lines of a text for people: it stands in reports of a line each, and on
// terminals, to which control characters are commands.
func oneLine(text string) string {
	apart := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	return strings.Join(strings.FieldsFunc(text, apart), " ")
}
