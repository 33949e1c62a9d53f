// Package artefact is what is made of intents: objects of Kubernetes, and fields of objects
// that somebody else owns, as trees with a reason beside each part.
package artefact

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Compiled is the file that origins name of objects that artefacts made, and of fields that
// they set, where an estate is read with them.
const Compiled = "compiled"

// An Artefact is one object that is to be, or fields of one that is there.
type Artefact struct {
	// Backend names who made it: "networkpolicy", "hba".
	Backend string
	// APIVersion is group/version, "networking.k8s.io/v1"; Ref names the object.
	APIVersion string
	Ref        snapshot.Ref
	// Object is the whole object; nil where Fields are set.
	Object Map
	// Fields are those of an object that an operator or a person owns; everything else of
	// it stays as it is.
	Fields []Field
	// Because are the intents that asked for it.
	Because []verdict.Origin
	// At is the object that Fields are of; zero where none was read.
	At verdict.Origin
}

// A Field is one field with the value that it is to have as a whole.
type Field struct {
	// Path are the keys from the top, "spec", "postgresql", "pg_hba".
	Path []string
	Value
	// Comment says why, in one line or more; it is written above the field.
	Comment string
}

// A Value is a Map, a List, a string, an int64 or a bool; nil is null.
type Value any

// A Map keeps the order of its entries.
type Map []Entry

// An Entry is a key with its value; Comment is written above it.
type Entry struct {
	Key     string
	Value   Value
	Comment string
}

// A List is values in order.
type List []Item

// An Item is a value of a list; Comment is written above it.
type Item struct {
	Value   Value
	Comment string
}

// Get returns the value of a key; nil for none.
func (m Map) Get(key string) Value {
	if i := slices.IndexFunc(m, func(e Entry) bool { return e.Key == key }); i >= 0 {
		return m[i].Value
	}
	return nil
}

// Strings is a list of texts without comments.
func Strings(texts ...string) List {
	out := make(List, len(texts))
	for i, t := range texts {
		out[i] = Item{Value: t}
	}
	return out
}

// A Gap is what a backend cannot express, and what comes of that. Nothing wider is made in
// its place.
type Gap struct {
	// Code is stable: "networkpolicy/no-labels".
	Code    string
	Backend string
	// What is not expressed, and Consequence what that means, in words.
	What, Consequence string
	// Carried names the backend that carries it all the same; empty where none does.
	Carried string
	// Origin is the part of the intent.
	Origin verdict.Origin
}

// A Note is for people: what was left out on purpose, what has to be done by hand.
type Note struct {
	Code, Text string
	Origin     verdict.Origin
}
