// Package hbagen makes cases of pg_hba.conf and pg_ident.conf for a model and for real
// servers: hand-written ones, one for each sentence that is easy to get wrong, and
// seeded ones without end.
package hbagen

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
)

// Versions are the major versions there are cases for.
var Versions = []int{13, 14, 15, 16, 17, 18}

// Dir is the directory of the files in every case.
const Dir = "/etc/pg"

// Random yields cases for one version without end, the same for the same seed: first
// one about the files alone, then attempts on a server with these files, then the
// next files.
func Random(seed uint64, version int) iter.Seq[hbacase.Case] {
	return func(yield func(hbacase.Case) bool) {
		for n := uint64(0); ; n++ {
			for c := range world(seed, version, n) {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// world yields the cases of the n-th server. It has a generator of its own, so that a
// change of how many attempts there are leaves the next server as it was.
func world(seed uint64, version int, n uint64) iter.Seq[hbacase.Case] {
	r := &dice{Rand: rand.New(rand.NewPCG(seed, uint64(version)<<32|n)), version: version}
	r.clean = !r.once(3)
	server := newServer(r)
	shape := pick(r, shapes)
	f := shape.files(r)
	server.Files = f.texts
	return func(yield func(hbacase.Case) bool) {
		if deadly(version, server.Files) {
			return
		}
		id := fmt.Sprintf("%d/%d/%d-%s", seed, version, n, shape.name)
		if !yield(hbacase.Case{ID: quote(id), Server: server}) {
			return
		}
		for k := range shape.attempts {
			a := near(r, f.records, server)
			if !yield(hbacase.Case{ID: quote(fmt.Sprintf("%s-%d", id, k)), Server: server, Attempt: &a}) {
				return
			}
		}
	}
}

// A shape is a way to make files. Attempts cost the most and say little where the
// files are mostly refused.
type shape struct {
	name     string
	attempts int
	files    func(*dice) files
}

// Files are the texts and, for making attempts, the records that went into them.
type files struct {
	texts   map[string]string
	records []record
}

var shapes = []shape{
	{"valid", 6, validFiles},
	{"valid", 6, validFiles},
	{"mutated", 1, mutatedFiles},
	{"mutated", 1, mutatedFiles},
	{"soup", 0, soupFiles},
	{"tree", 3, treeFiles},
	{"letters", 0, letterFiles},
	{"addresses", 3, addressFiles},
	{"options", 0, optionFiles},
	{"regex", 4, regexFiles},
}

func quote(s string) json.RawMessage {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always becomes JSON
	}
	return text
}

// dice make choices for one version.
type dice struct {
	*rand.Rand
	version int
	clean   bool // what servers refuse is left out
}

// most is one of the good, or of the bad as well.
func most(r *dice, good, bad []string) string {
	if n := r.IntN(len(good) + len(bad)); n >= len(good) && !r.clean {
		return bad[n-len(good)]
	}
	return pick(r, good)
}

func pick[T any](r *dice, from []T) T { return from[r.IntN(len(from))] }

// once is true once in n times.
func (r *dice) once(n int) bool { return r.IntN(n) == 0 }
