// Package roundtrip holds what compile makes of random estates against what was asked: the
// files are read, compiled, applied and read again, and every answer of the estate
// afterwards is explained by what was declared, by what a server needs, or by what stood
// there before.
package roundtrip

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/estategen"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

var backends = []compile.Backend{
	compile.Namespace, compile.NetworkPolicy, compile.ClusterNetworkPolicy, compile.TLS, compile.Ident, compile.HBA, compile.RBAC,
}

// A trip is an estate that was read, compiled, applied and read again.
type trip struct {
	estate  estategen.Estate
	intents intent.Intents
	job     *compile.Job
	output  *compile.Output
	before  *reach.Engine
	after   *reach.Engine
	// objects are those of the estate afterwards.
	objects []object.Object
	// refused are the errors that keep from compiling; nothing else is set then but intents
	// and job.
	refused []compile.Error
	asked   []access
	walls   []perimeter
	spaces  map[string]map[string]string
}

// A reader reads one estate, as it is and with artefacts applied.
type reader struct {
	text, facts string
}

func newReader(dir string, e *estategen.Estate) (reader, error) {
	r := reader{text: e.YAML()}
	facts := e.FactsYAML()
	if facts == "" {
		return r, nil
	}
	r.facts = filepath.Join(dir, "facts.yaml")
	return r, os.WriteFile(r.facts, []byte(facts), 0o600)
}

// read reads the estate with artefacts applied; the objects that it was made of come too.
func (r reader) read(as []artefact.Artefact) (world *snapshot.Snapshot, in intent.Intents, objects []object.Object, err error) {
	opts := estate.Options{Paths: []string{"-"}, Stdin: strings.NewReader(r.text), FactsFile: r.facts, Adapters: known.Adapters(), Intents: &in}
	world, err = estate.From(context.Background(), overlay.Source(estate.Files(opts), as), opts)
	if err != nil {
		return nil, in, nil, err
	}
	opts.Stdin = strings.NewReader(r.text)
	everything, err := estate.Files(opts)(context.Background(), func(object.Type, []byte) bool { return true })
	if err == nil {
		objects, err = overlay.Apply(everything.Objects, as)
	}
	return world, in, objects, err
}

// travel makes the trip of an estate; an error is one of the test, or of what reads.
func travel(dir string, e estategen.Estate) (*trip, error) {
	r, err := newReader(dir, &e)
	if err != nil {
		return nil, err
	}
	world, in, _, err := r.read(nil)
	if err != nil {
		return nil, err
	}
	t := &trip{estate: e, intents: in}
	var faults []compile.Error
	t.job, faults = compile.Plan(in, world, world.Facts.Now)
	t.refused = slices.DeleteFunc(faults, func(e compile.Error) bool { return e.Warning })
	for _, p := range world.Problems {
		t.refused = append(t.refused, compile.Error{Origin: p.Origin, Text: "unread: " + p.Err})
	}
	if len(t.refused) > 0 {
		return t, nil
	}
	t.output = compile.Compile(t.job, backends)
	after, _, objects, err := r.read(t.output.Artefacts)
	if err != nil {
		return nil, err
	}
	t.before, t.after, t.objects = reach.New(world), reach.New(after), objects
	t.read()
	return t, nil
}
