package starter

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const perimeterComment = `What is kept around %s. Everybody is out who is not let in by a PostgresAccess (%s), and what the server needs to stay alive (replication, its operator, DNS) is never cut.
What else can be written here: kubectl explain postgresperimeter.spec, or docs/intents.md of pgmoat.`

func (a Answers) perimeter() artefact.Map {
	spec := artefact.Map{
		{Key: "server", Value: a.server()},
		{Key: "mode", Value: "Observe", Comment: "A controller only tells what it would change. Write Enforce when you have read what it tells."},
		{Key: "network", Value: a.network()},
		{Key: "tls", Value: artefact.Map{{Key: "required", Value: true, Comment: "No session without TLS, whatever an access asks for."}}},
		{Key: "superuser", Value: "LocalOnly", Comment: a.superuserComment()},
	}
	if len(a.Monitoring) > 0 {
		var list artefact.List
		for _, m := range a.Monitoring {
			list = append(list, artefact.Item{Value: m.peer(a.Server.Namespace)})
		}
		spec = append(spec, artefact.Entry{Key: "monitoring", Value: list, Comment: "Who scrapes the metrics; they get no session."})
	}
	if len(a.Backup) > 0 {
		spec = append(spec, artefact.Entry{Key: "backup", Value: a.backup(), Comment: "Where backups go, and where a restore reads them."})
	}
	comment := fmt.Sprintf(perimeterComment, a.Server, AccessFile)
	if len(a.Monitoring) == 0 {
		comment += "\nNobody scrapes metrics: to let somebody, add spec.monitoring."
	}
	if len(a.Backup) == 0 {
		comment += "\nNo store for backups is named: before the way out is closed, add spec.backup."
	}
	return document("PostgresPerimeter", snapshot.Ref{Namespace: a.Server.Namespace, Name: a.Server.Name}, comment, spec)
}

func (a Answers) superuserComment() string {
	text := "The superuser logs in inside the server's own pods and nowhere else (kubectl exec)"
	if a.Limits.Superuser {
		text += ", but for what keeps the server alive: pods that get through to it may try its password"
	}
	return text + "."
}

func (a Answers) network() artefact.Map {
	out := artefact.Map{{Key: "egress", Value: "Open",
		Comment: "The server's pods may connect to anywhere. Write Isolated when spec.backup and spec.egress list all that they need besides their operator's."}}
	if foreign := a.foreign(); len(foreign) > 0 {
		out = append(out, artefact.Entry{Key: "clientNamespaces", Value: byName("In", foreign),
			Comment: "In these namespaces policies may be written that let the applications out to the server, where a policy closes their way out already. Take one out whose team writes its own."})
	}
	return out
}

// byName selects namespaces by their names.
func byName(operator string, names []string) artefact.Map {
	return artefact.Map{{Key: "matchExpressions", Value: artefact.List{{Value: artefact.Map{
		{Key: "key", Value: snapshot.MetadataName},
		{Key: "operator", Value: operator},
		{Key: "values", Value: artefact.Strings(names...)},
	}}}}}
}

func (a Answers) backup() artefact.List {
	var out artefact.List
	for i, s := range a.Backup {
		name := "object store"
		if i > 0 {
			name = fmt.Sprintf("object store %d", i+1)
		}
		out = append(out, artefact.Item{Value: artefact.Map{
			{Key: "name", Value: name},
			{Key: "to", Value: artefact.Map{{Key: "cidrs", Value: artefact.Strings(s.Range)}}},
			{Key: "ports", Value: artefact.List{{Value: artefact.Map{{Key: "port", Value: s.Port}}}}},
		}})
	}
	return out
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// documentation is an address that nobody has (RFC 5737, RFC 3849), for a test that says
// that the outside stays out.
func (a Answers) documentation() string {
	for _, text := range []string{"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"} {
		free := func(c Client) bool {
			prefix, err := netip.ParsePrefix(c.Range)
			return c.Range != "" && (err != nil || prefix.Contains(netip.MustParseAddr(text)))
		}
		if !slices.ContainsFunc(a.Clients, free) {
			return text
		}
	}
	return ""
}
