package starter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const invariantsComment = `What must never become true of %s, whatever anybody else writes: keep these with who is responsible for security. pgmoat prove holds every change against them, and a change that breaks one is refused with its message.`

// invariants are statements about the whole cluster, so that their names have the server's
// namespace in them.
func (a Answers) invariants() []artefact.Map {
	out := []artefact.Map{a.invariant("clients", fmt.Sprintf(invariantsComment, a.Server),
		"only", artefact.Map{
			{Key: "from", Value: a.admitted(), Comment: "A new namespace of applications, or a range outside, has to be added here as well as in an access."},
			{Key: "to", Value: a.selected()},
		},
		fmt.Sprintf("%s is reached from %s alone", a.Server, strings.Join(a.admittedWords(), " and "))),
		a.invariant("superuser", "",
			"never", artefact.Map{
				{Key: "from", Value: a.strangers(), Comment: a.strangersComment()},
				{Key: "to", Value: a.selected()},
				{Key: "as", Value: artefact.Strings(a.superusers()...)},
			},
			fmt.Sprintf("nobody logs in to %s as superuser over the network", a.Server)),
		a.invariant("tls", "",
			"never", artefact.Map{
				{Key: "from", Value: a.everybody(), Comment: a.everybodyComment()},
				{Key: "to", Value: a.selected()},
				{Key: "unencrypted", Value: true},
			},
			fmt.Sprintf("no session at %s without TLS", a.Server)),
	}
	if !a.isOutside() {
		out = append(out, a.invariant("outside", "",
			"never", artefact.Map{
				{Key: "from", Value: artefact.List{{Value: outside()}}, Comment: `"*" is all addresses that are not pods'.`},
				{Key: "to", Value: a.selected()},
			},
			fmt.Sprintf("nobody reaches %s from outside the cluster", a.Server)))
	}
	return out
}

func (a Answers) invariant(about, comment, word string, sessions artefact.Map, message string) artefact.Map {
	name := snapshot.Ref{Name: a.Server.Namespace + "-" + a.Server.Name + "-" + about}
	return document("AccessInvariant", name, comment, artefact.Map{{Key: word, Value: sessions}, {Key: "message", Value: message}})
}

func (a Answers) selected() artefact.Map {
	return artefact.Map{
		{Key: "namespaces", Value: artefact.Strings(a.Server.Namespace)},
		{Key: "names", Value: artefact.Strings(a.Server.Name)},
	}
}

// inside are the namespaces from which somebody has business with the server, its own first.
func (a Answers) inside() []string {
	out := []string{a.Server.Namespace}
	for _, n := range slices.Concat(a.foreign(), a.Operators) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// admitted are whom the accesses and the operator let in, by their namespaces and ranges.
func (a Answers) admitted() artefact.List {
	out := artefact.List{{Value: artefact.Map{{Key: "namespaces", Value: artefact.Strings(a.inside()...)}}}}
	for _, c := range a.Clients {
		if c.Range != "" {
			out = append(out, artefact.Item{Value: c.peer(a.Server.Namespace)})
		}
	}
	return out
}

func (a Answers) admittedWords() []string {
	var words []string
	for _, n := range a.inside() {
		words = append(words, "namespace "+n)
	}
	for _, c := range a.Clients {
		if c.Range != "" {
			words = append(words, c.Range)
		}
	}
	return words
}

// strangers are who may not be superuser: all pods but those of the server's and its
// operator's namespaces, and all of the outside; of the server's own namespace its clients.
// Clients of whom no layer can say it are not among them.
func (a Answers) strangers() artefact.List { return a.but(a.mayBeSuperuser, a.Operators...) }

func (a Answers) strangersComment() string {
	text := "The server's own pods, and its operator's where that logs in, are left out: they need the role."
	if slices.ContainsFunc(a.Clients, a.mayBeSuperuser) {
		text += " So are the namespaces of clients: " + a.superuserLimit() + ". Keep the superuser's password from clients."
	}
	return text
}

// everybody are all pods but those of the server's namespace, with its clients there, and all
// of the outside; without clients of whom nothing refuses plain text.
func (a Answers) everybody() artefact.List { return a.but(a.mayComePlain) }

func (a Answers) everybodyComment() string {
	text := "Members and poolers of the server itself are left out: what they say to each other is their operator's."
	if slices.ContainsFunc(a.Clients, a.mayComePlain) {
		text += " So are the namespaces of clients: " + a.plainLimit() + "."
	}
	return text
}

// but are all pods but those of the server's and some other namespaces, of the server's own
// its clients, and all of the outside; without clients of whom a statement cannot hold, and
// who shares their namespaces.
func (a Answers) but(excepted func(Client) bool, others ...string) artefact.List {
	namespaces, fromOutside := a.leftOut(excepted)
	left := []string{a.Server.Namespace}
	for _, n := range slices.Concat(others, namespaces) {
		if !slices.Contains(left, n) {
			left = append(left, n)
		}
	}
	out := artefact.List{{Value: artefact.Map{{Key: "namespaceSelector", Value: byName("NotIn", left)}}}}
	for _, c := range a.Clients {
		if !excepted(c) {
			out = append(out, a.ownClient(c)...)
		}
	}
	if !fromOutside {
		out = append(out, artefact.Item{Value: outside()})
	}
	return out
}

// ownClient is a client of the server's own namespace; none where it is of another. A peer
// of an invariant names its namespace, since it has none of its own.
func (a Answers) ownClient(c Client) artefact.List {
	if c.Range != "" || c.Pods.Namespace != a.Server.Namespace {
		return nil
	}
	return artefact.List{{Value: c.Pods.peer("")}}
}

func outside() artefact.Map { return artefact.Map{{Key: "outside", Value: artefact.Strings("*")}} }
