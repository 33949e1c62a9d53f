package suite

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A comparison is one file of expectations and the world it is about.
type comparison struct {
	expectation
	folder string
	world  *snapshot.Snapshot
	engine *network.Engine
	pods   *register
	got    *grid
	// differences as they are found, and problems that nothing announced.
	differences []Difference
	unexpected  []string
}

// load reads the manifests and facts that the file names.
func load(ctx context.Context, folder string, e expectation) (*comparison, error) {
	opts := estate.Options{
		Namespace: e.namespace, Strict: e.strict, CNI: e.cni, Paths: e.paths(folder),
		Adapters: known.Adapters(),
	}
	if e.facts != "" {
		opts.FactsFile = filepath.Join(folder, e.facts)
	}
	world, err := estate.Load(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("%d: %w", max(e.seen["manifests"], e.seen["facts"], e.seen["cni"], 1), err)
	}
	c := &comparison{expectation: e, folder: folder, world: world, engine: network.New(world)}
	c.pods = newRegister(world)
	return c, nil
}

// paths are what the file says to read, or its folder.
func (s settings) paths(folder string) []string {
	if len(s.manifests) == 0 {
		return []string{folder}
	}
	paths := make([]string, len(s.manifests))
	for i, m := range s.manifests {
		paths[i] = filepath.Join(folder, m)
	}
	return paths
}

// refused holds the problems of the manifests against those that were announced.
func (c *comparison) refused() {
	met := make([]bool, len(c.refusals))
	for _, p := range c.world.Problems {
		announced := false
		for i, r := range c.refusals {
			if r.announces(c.folder, p) {
				met[i], announced = true, true
			}
		}
		if !announced {
			c.unexpected = append(c.unexpected,
				c.world.Locate(p.Origin).String()+": "+p.Fault())
		}
	}
	for i, r := range c.refusals {
		if !met[i] {
			c.differences = append(c.differences, Difference{
				Line: r.line, Subject: r.subject, Expected: "refused: " + r.words, Got: "not refused for that"})
		}
	}
}

// announces reports whether the refusal is about the problem: its file or object, and
// its words.
func (r refusal) announces(folder string, p snapshot.Problem) bool {
	rel, err := filepath.Rel(folder, p.Origin.File)
	if err != nil {
		rel = p.Origin.File
	}
	if r.subject != p.Origin.Object && r.subject != filepath.ToSlash(rel) {
		return false
	}
	text := strings.ToLower(p.Origin.Field + ": " + p.Err)
	return strings.Contains(text, strings.ToLower(r.words))
}
