package starter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const accessComment = `Who may reach %s: one document an application. Nobody else gets in by it, and these get no other database and no other role.
Next: say in spec.to[].privileges what the role may do, in spec.to[].secret which Secret holds its password, and in spec.until when the access ends if it does. A client certificate in place of the password is authentication: Certificate.`

func (a Answers) accesses() []artefact.Map {
	var out []artefact.Map
	taken := map[string]bool{}
	for i, c := range a.Clients {
		comment := ""
		if i == 0 {
			comment = fmt.Sprintf(accessComment, a.Server)
		}
		name := snapshot.Ref{Namespace: a.Server.Namespace, Name: a.accessName(c, taken)}
		out = append(out, document("PostgresAccess", name, comment, artefact.Map{
			{Key: "server", Value: a.server()},
			{Key: "from", Value: artefact.List{{Value: c.peer(a.Server.Namespace)}}},
			{Key: "to", Value: c.entries()},
			{Key: "tests", Value: a.tests(c, i == 0), Comment: a.testsComment(c)},
		}))
	}
	return out
}

// accessName names the access of a client as no other is named.
func (a Answers) accessName(c Client, taken map[string]bool) string {
	name := c.Pods.Name
	switch {
	case c.Range != "":
		name = "outside-" + strings.Trim(strings.Map(nameRune, strings.ToLower(c.Range)), "-")
	case c.Pods.Namespace != a.Server.Namespace:
		name = c.Pods.Namespace + "-" + name
	}
	unique := name
	for n := 2; taken[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", name, n)
	}
	taken[unique] = true
	return unique
}

// nameRune makes of a character one that names of objects have.
func nameRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

func (c Client) entries() artefact.List {
	var out artefact.List
	for _, e := range c.To {
		entry := artefact.Map{
			{Key: "databases", Value: artefact.Strings(e.Database)},
			{Key: "role", Value: e.Role},
		}
		if e.Pooler != "" {
			entry = append(entry, artefact.Entry{Key: "pooler", Value: e.Pooler, Comment: "Through the pooler, and then only through it."})
		}
		out = append(out, artefact.Item{Value: entry})
	}
	return out
}

// from is who the tests say tries; empty where no command takes the name.
func (c Client) from() string {
	if c.Range != "" {
		return c.Range
	}
	return c.Pods.Ref
}

// tests are attempts of the client, and with the first access those of strangers.
func (a Answers) tests(c Client, first bool) artefact.Map {
	var accept, deny artefact.List
	for _, e := range c.To {
		accept = append(accept, attempt(c.from(), e, false, "what the access is for"))
		if !a.mayBePlain(e) {
			deny = append(deny, attempt(c.from(), e, true, "the same without TLS"))
		}
	}
	if s := a.superusers()[0]; len(c.To) > 0 && !a.mayBeSuperuser(c) && !slices.ContainsFunc(c.To, func(e Entry) bool { return e.Role == s }) {
		deny = append(deny, attempt(c.from(), Entry{Database: c.To[0].Database, Role: s}, false, "an application is no superuser"))
	}
	if first && len(c.To) > 0 {
		if a.Neighbour != "" {
			deny = append(deny, attempt(a.Neighbour, c.To[0], false, "nobody asked for this workload"))
		}
		if stranger := a.documentation(); stranger != "" {
			deny = append(deny, attempt(stranger, c.To[0], false, "nobody asked for this address outside"))
		}
	}
	out := artefact.Map{{Key: "accept", Value: accept}}
	if len(deny) > 0 {
		out = append(out, artefact.Entry{Key: "deny", Value: deny})
	}
	return out
}

// testsComment says of the tests of a client what they are, and which cannot hold.
func (a Answers) testsComment(c Client) string {
	text := "pgmoat prove makes these attempts, over all layers; add those that you care for."
	if a.mayBeSuperuser(c) {
		text += "\nNone says that it is no superuser: " + a.superuserLimit() + ". Keep the superuser's password from it."
	}
	if a.mayComePlain(c) {
		text += "\nNone says that it needs TLS: " + a.plainLimit() + "."
	}
	return text
}

func attempt(from string, e Entry, plain bool, why string) artefact.Item {
	out := artefact.Map{
		{Key: "from", Value: from},
		{Key: "database", Value: e.Database},
		{Key: "role", Value: e.Role},
	}
	if plain {
		out = append(out, artefact.Entry{Key: "plain", Value: true})
	}
	return artefact.Item{Value: append(out, artefact.Entry{Key: "why", Value: why})}
}

func (a Answers) superusers() []string {
	if len(a.Superusers) == 0 {
		return []string{"postgres"}
	}
	return a.Superusers
}
