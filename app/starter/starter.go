// Package starter makes the first documents of somebody who has none: a perimeter around
// one server, an access for each application, what must never become true, and the step
// that asks for the proof in CI. It makes them of answers, and gives nobody more than these
// name.
package starter

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Answers are what a person says of one server.
type Answers struct {
	// Server is the one that is protected; its Kind is empty where the name alone tells.
	Server snapshot.Ref
	// Superusers are the roles that no client may be; none stands for postgres.
	Superusers []string
	// Operators are the namespaces, besides the server's own, from which the operator's
	// own programs log in.
	Operators []string
	Clients   []Client
	// Monitoring are who scrapes the metrics.
	Monitoring []Pods
	Backup     []Store
	// Limits are what no layer can keep of the server.
	Limits Limits
	// Neighbour is a workload that nobody names, as commands take it; a test says that it
	// stays out. Empty for none.
	Neighbour string
}

// A Client is an application, or addresses outside the cluster, with what it gets.
type Client struct {
	// Pods are the application's; zero where Range is set.
	Pods Pods
	// Range is a range of addresses; Named says that it is the name of one in the facts.
	Range string
	Named bool
	To    []Entry
}

// An Entry is a database that is reached as a role.
type Entry struct {
	Database, Role string
	// Pooler is the name of the pooler that is gone through; empty for straight.
	Pooler string
}

// Pods are those of one workload.
type Pods struct {
	Namespace, Name string
	// Ref names the workload as commands take it.
	Ref string
	// Labels select the pods in the namespace.
	Labels map[string]string
	// ServiceAccount narrows them; empty where labels suffice.
	ServiceAccount string
}

// A Store is where backups go: a range of addresses with a port.
type Store struct {
	Range string
	Port  int64
}

// Names of the files that Documents returns.
const (
	PerimeterFile  = "perimeter.yaml"
	AccessFile     = "access.yaml"
	InvariantsFile = "invariants.yaml"
)

// Documents returns the files to write, the perimeter's first. AccessFile is among them
// only where there are clients.
func Documents(a Answers) []manifest.File {
	out := []manifest.File{{Name: PerimeterFile, Data: manifest.YAML(a.perimeter())}}
	if len(a.Clients) > 0 {
		out = append(out, manifest.File{Name: AccessFile, Data: stream(a.accesses())})
	}
	return append(out, manifest.File{Name: InvariantsFile, Data: stream(a.invariants())})
}

func stream(documents []artefact.Map) string {
	var texts []string
	for _, d := range documents {
		texts = append(texts, manifest.YAML(d))
	}
	return strings.Join(texts, "---\n")
}

// document is an object of ours, with a comment above it.
func document(kind string, name snapshot.Ref, comment string, spec artefact.Map) artefact.Map {
	metadata := artefact.Map{{Key: "name", Value: name.Name}}
	if name.Namespace != "" {
		metadata = append(metadata, artefact.Entry{Key: "namespace", Value: name.Namespace})
	}
	return artefact.Map{
		{Key: "apiVersion", Value: "pgmoat.dev/v1alpha1", Comment: comment},
		{Key: "kind", Value: kind},
		{Key: "metadata", Value: metadata},
		{Key: "spec", Value: spec},
	}
}

func (a Answers) server() artefact.Map {
	out := artefact.Map{{Key: "name", Value: a.Server.Name}}
	if a.Server.Kind != "" {
		out = append(out, artefact.Entry{Key: "kind", Value: a.Server.Kind})
	}
	return out
}

// peer selects pods; own is the namespace that needs not be named.
func (p Pods) peer(own string) artefact.Map {
	var out artefact.Map
	if p.Namespace != own {
		out = append(out, artefact.Entry{Key: "namespaces", Value: artefact.Strings(p.Namespace)})
	}
	var labels artefact.Map
	for _, key := range sortedKeys(p.Labels) {
		labels = append(labels, artefact.Entry{Key: key, Value: p.Labels[key]})
	}
	if len(labels) > 0 {
		out = append(out, artefact.Entry{Key: "podSelector", Value: artefact.Map{{Key: "matchLabels", Value: labels}}})
	}
	if p.ServiceAccount != "" {
		out = append(out, artefact.Entry{Key: "serviceAccounts", Value: artefact.Strings(p.ServiceAccount)})
	}
	return out
}

// peer selects the pods, or names the addresses.
func (c Client) peer(own string) artefact.Map {
	switch {
	case c.Range == "":
		return c.Pods.peer(own)
	case c.Named:
		return artefact.Map{{Key: "outside", Value: artefact.Strings(c.Range)}}
	}
	return artefact.Map{{Key: "cidrs", Value: artefact.Strings(c.Range)}}
}

// isOutside reports whether some client is addresses.
func (a Answers) isOutside() bool {
	return slices.ContainsFunc(a.Clients, func(c Client) bool { return c.Range != "" })
}

// foreign are the namespaces of clients besides the server's own, sorted.
func (a Answers) foreign() []string {
	found := map[string]string{}
	for _, c := range a.Clients {
		if c.Range == "" && c.Pods.Namespace != a.Server.Namespace {
			found[c.Pods.Namespace] = ""
		}
	}
	return sortedKeys(found)
}
