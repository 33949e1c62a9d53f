// Package estategen makes random estates as the files that people write: manifests of
// servers of all operators with clients and policies of others around them, objects of
// pgmoat that ask for something of them, and a facts file. One seed is one estate.
package estategen

import (
	"encoding/json"
	"math/rand/v2"
	"strings"

	"sigs.k8s.io/yaml"
)

// A Tree is an object, or a part of one, as JSON has it.
type Tree = map[string]any

// A List is a list of Trees or of values.
type List = []any

// An Estate is what somebody keeps in a repository.
type Estate struct {
	Seed uint64
	// Objects are the manifests of the estate, Intents the objects of pgmoat.
	Objects, Intents []Tree
	// Facts is the facts file; nil for none.
	Facts Tree
}

// New makes the estate of a seed, of 3 to 12 workloads.
func New(seed uint64) Estate { return Sized(seed, 0) }

// Sized makes the estate of a seed with so many clients more.
func Sized(seed uint64, clients int) Estate {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x65737461)), seen: map[string]bool{}, spaces: map[string]Tree{}}
	g.estate.Seed = seed
	g.platform()
	for range 1 + g.pick(4, 1) {
		g.server()
	}
	for range 2 + g.IntN(5) + clients {
		g.client()
	}
	g.policies()
	g.facts()
	g.intents()
	return g.estate.plain()
}

// plain is the estate as a file would be read: maps, lists, texts, numbers.
func (e Estate) plain() Estate {
	data, err := json.Marshal(e)
	if err != nil { // trees of this package hold nothing that cannot be written
		panic(err)
	}
	var out Estate
	if err := json.Unmarshal(data, &out); err != nil {
		panic(err)
	}
	return out
}

// YAML writes the manifests and the intents as one stream.
func (e *Estate) YAML() string {
	var b strings.Builder
	for _, list := range [][]Tree{e.Objects, e.Intents} {
		for _, o := range list {
			b.WriteString("---\n")
			b.WriteString(text(o))
		}
	}
	return b.String()
}

// FactsYAML writes the facts file; empty for none.
func (e *Estate) FactsYAML() string {
	if e.Facts == nil {
		return ""
	}
	return text(e.Facts)
}

// text writes a tree, keys sorted.
func text(o Tree) string {
	data, err := yaml.Marshal(o)
	if err != nil { // trees of this package hold nothing that cannot be written
		panic(err)
	}
	return string(data)
}

// A generator is an estate under way.
type generator struct {
	*rand.Rand
	estate  Estate
	servers []*server
	clients []*client
	// seen are the names that were given away, by kind and namespace.
	seen map[string]bool
	// spaces are the namespaces, by name, with their labels; home are those of clients.
	spaces map[string]Tree
	home   []string
	// isIPv6 says that pods have addresses of IPv6 alone, isDual of both families.
	isIPv6, isDual bool
	// hasPods says that Pod objects are among the manifests.
	hasPods bool
}

// one is true once in n times.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

// pick returns extra once in n times, else zero.
func (g *generator) pick(n, extra int) int {
	if g.one(n) {
		return extra
	}
	return 0
}

func of[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }

// some are a few of the choices, at least one, in their order.
func some[T any](g *generator, choices ...T) []T {
	first := g.IntN(len(choices))
	out := []T{choices[first]}
	for _, c := range choices[first+1:] {
		if g.one(3) {
			out = append(out, c)
		}
	}
	return out
}

// list is a list of any type as a tree has it.
func list[T any](items ...T) List {
	out := make(List, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}

// name is one of the bases that nobody of the kind has in the namespace.
func (g *generator) name(kind, namespace string, bases ...string) string {
	base := of(g, bases...)
	name := base
	for n := 'b'; g.seen[kind+"/"+namespace+"/"+name]; n++ {
		name = base + string(n)
	}
	g.seen[kind+"/"+namespace+"/"+name] = true
	return name
}

// add adds an object to the estate.
func (g *generator) add(apiVersion, kind, namespace, name string, fields Tree) Tree {
	o := object(apiVersion, kind, namespace, name, fields)
	g.estate.Objects = append(g.estate.Objects, o)
	return o
}

func object(apiVersion, kind, namespace, name string, fields Tree) Tree {
	metadata := Tree{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	o := Tree{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}
	for k, v := range fields {
		o[k] = v
	}
	return o
}
