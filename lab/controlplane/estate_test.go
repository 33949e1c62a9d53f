//go:build linux

package controlplane

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/pgmoat"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A story is an estate with what is asked for in it.
type story struct {
	name  string
	paths []string
	facts string
	// everywhere asks for a perimeter and an access of every server, where nobody wrote
	// intents.
	everywhere bool
	// live says that the objects come from a cluster: only those are made that fields are of,
	// as others stand for pods that run.
	live bool
}

// stories are those of the examples.
func stories(t *testing.T) []story {
	t.Helper()
	const examples = "../../examples/"
	const facts = examples + "operators/facts.yaml"
	out := []story{
		{name: "company", paths: []string{examples + "company/mended", examples + "company/access"}, facts: examples + "company/facts.yaml"},
		{name: "company, every server", paths: []string{examples + "company/mended"}, facts: examples + "company/facts.yaml", everywhere: true},
		{name: "of our own", paths: []string{"testdata/estate"}, facts: facts},
		{name: "older releases", paths: []string{"testdata/older/estate.yaml"}, facts: "testdata/older/facts.yaml"},
	}
	for _, operator := range []string{"crunchy", "percona", "stackgres", "zalando"} {
		out = append(out, story{name: operator, paths: []string{examples + "operators/" + operator + "/right"}, facts: facts, everywhere: true})
	}
	if dir := os.Getenv("PGMOAT_OBJECTS"); dir != "" {
		out = append(out, story{name: "live", paths: []string{dir}, facts: facts, everywhere: true, live: true})
	}
	seeds, err := filepath.Glob(examples + "seeds/*/access.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, access := range seeds {
		dir := filepath.Dir(access)
		out = append(out, story{name: "seed " + filepath.Base(dir), paths: []string{dir + "/estate.yaml", access}, facts: examples + "seeds/facts.yaml"})
	}
	return out
}

var backends = []compile.Backend{compile.NetworkPolicy, compile.ClusterNetworkPolicy, compile.HBA, compile.Ident, compile.TLS,
	compile.RBAC, compile.Namespace}

// A made is an estate and what was compiled for it.
type made struct {
	objects []object.Object
	out     *compile.Output
}

// compiled reads the estate and compiles what is asked for.
func (s story) compiled(t *testing.T) made {
	t.Helper()
	var m made
	var in intent.Intents
	opts := estate.Options{Paths: s.paths, FactsFile: s.facts, Adapters: known.Adapters(), Intents: &in}
	world, err := estate.From(t.Context(), func(ctx context.Context, _ estate.Wants) (object.Batch, error) {
		b, err := file.Read(ctx, s.paths, file.Options{})
		m.objects = slices.DeleteFunc(slices.Clone(b.Objects), func(o object.Object) bool { return pgmoat.Wants(o.Type()) })
		return b, err
	}, opts)
	if err != nil {
		t.Fatal(err)
	}
	if s.everywhere {
		in = everywhere(t, world)
	}
	if len(in.Problems) > 0 {
		t.Fatalf("%+v", in.Problems)
	}
	job, errs := compile.Plan(in, world, 0)
	for _, e := range errs {
		if !e.Warning {
			t.Fatalf("%s: %s", e.Origin, e.Text)
		}
	}
	m.out = compile.Compile(job, backends)
	if len(m.out.Artefacts) == 0 {
		t.Fatal("nothing is made")
	}
	if s.live {
		m.objects = slices.DeleteFunc(m.objects, func(o object.Object) bool { return !m.isAbout(o) })
	}
	return m
}

// isAbout reports whether an artefact is the object, or has fields of it.
func (m made) isAbout(o object.Object) bool {
	return slices.ContainsFunc(m.out.Artefacts, func(a artefact.Artefact) bool {
		return a.Key() == artefact.Key{Group: o.Group(), Ref: o.Ref()}
	})
}

// withAuthority are the kinds whose servers take client certificates.
var withAuthority = []string{"Cluster", "PostgresCluster", "PerconaPGCluster"}

// everywhere asks for all that the layers can write, of every server.
func everywhere(t *testing.T, world *snapshot.Snapshot) intent.Intents {
	t.Helper()
	var text strings.Builder
	for i, server := range world.Servers {
		r := server.Ref()
		fmt.Fprintf(&text, `---
{apiVersion: pgmoat.dev/v1alpha1, kind: PostgresPerimeter, metadata: {name: p%[1]d, namespace: %[2]s}, spec: {
 server: {name: %[3]s, kind: %[4]s}, network: {egress: Isolated, adminTier: {priority: %[5]d}}, tls: {minProtocol: TLSv1.3},
 backup: [{name: store, to: {cidrs: [203.0.113.0/24]}, ports: [{port: 443}]}]}}
---
{apiVersion: pgmoat.dev/v1alpha1, kind: PostgresAccess, metadata: {name: a%[1]d, namespace: %[2]s}, spec: {server: {name: %[3]s, kind: %[4]s},
 from: [{podSelector: {matchLabels: {app: web}}, serviceAccounts: [web]}], to: [{databases: [orders], role: web, secret: web}],
 clientEgress: {isolation: Isolate}}}
`, i, r.Namespace, r.Name, r.Kind, 100+i)
		if !slices.Contains(withAuthority, r.Kind) {
			continue
		}
		fmt.Fprintf(&text, `---
{apiVersion: pgmoat.dev/v1alpha1, kind: PostgresAccess, metadata: {name: c%[1]d, namespace: %[2]s}, spec: {server: {name: %[3]s, kind: %[4]s},
 from: [{podSelector: {matchLabels: {app: auditor}}}, {cidrs: [198.51.100.0/24]}],
 to: [{databases: [orders], role: auditor, authentication: Certificate}]}}
`, i, r.Namespace, r.Name, r.Kind)
	}
	batch, err := file.Read(t.Context(), []string{"-"}, file.Options{Stdin: strings.NewReader(text.String())})
	if err != nil {
		t.Fatal(err)
	}
	return pgmoat.Read(batch, world.Facts)
}

// A stage is a part of the cluster that a test has for itself: what it makes is taken away
// afterwards.
type stage struct {
	*Cluster
	t    *testing.T
	made []Name
}

func newStage(t *testing.T, c *Cluster) *stage {
	t.Helper()
	s := &stage{Cluster: c, t: t}
	t.Cleanup(func() {
		ctx := context.Background()
		for _, n := range slices.Backward(s.made) {
			if err := s.remove(ctx, n); err != nil {
				t.Errorf("%v: %v", n, err)
			}
		}
	})
	return s
}

func (s *stage) remove(ctx context.Context, n Name) error {
	if n.Kind == "Namespace" && strings.HasPrefix(n.Name, "kube-") {
		return nil // the server keeps its own
	}
	a, err := s.Delete(ctx, n)
	if err == nil && a.Status != http.StatusNotFound {
		err = a.Err()
	}
	if err != nil || n.Kind != "Namespace" {
		return err
	}
	// Nobody but a controller finishes a namespace, and there is none.
	a, err = s.Do(ctx, Request{
		Method: http.MethodPut, Path: "/api/v1/namespaces/" + n.Name + "/finalize",
		Body: []byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"` + n.Name + `"},"spec":{"finalizers":[]}}`),
	})
	if err == nil {
		err = a.Err()
	}
	return err
}

// apply applies an object for this test only.
func (s *stage) apply(o []byte, manager string) []byte {
	s.t.Helper()
	n, err := NameOf(o)
	if err != nil {
		s.t.Fatal(err)
	}
	if !slices.Contains(s.made, n) {
		s.made = append(s.made, n)
	}
	return apply(s.t, s.Cluster, o, manager)
}

func (s *stage) get(n Name) []byte {
	s.t.Helper()
	a, err := s.Get(s.t.Context(), n)
	if err == nil {
		err = a.Err()
	}
	if err != nil {
		s.t.Fatalf("%v: %v", n, err)
	}
	return a.Body
}

// estate makes the namespaces, the kinds and the objects of an estate, as whoever owns
// them would.
func (s *stage) estate(m made) {
	s.t.Helper()
	for _, o := range m.objects {
		s.define(o)
		if o.Kind == "Namespace" && o.Group() == "" {
			s.apply(o.JSON, "owner")
		}
	}
	for _, o := range m.objects {
		if o.Namespace != "" {
			s.namespace(o.Namespace)
		}
		if o.Kind != "Namespace" {
			s.apply(withNamespace(s.t, o), "owner")
		}
	}
}

// namespace makes a namespace that no object declares.
func (s *stage) namespace(name string) {
	s.t.Helper()
	n := Name{APIVersion: "v1", Kind: "Namespace", Name: name}
	if !slices.Contains(s.made, n) {
		s.apply([]byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"`+name+`"}}`), "owner")
	}
}

// withNamespace writes the namespace into an object where it says none, and takes out what
// a server wrote.
func withNamespace(t *testing.T, o object.Object) []byte {
	t.Helper()
	root := tree(t, o.JSON)
	meta := root["metadata"].(map[string]any)
	if o.Namespace != "" {
		meta["namespace"] = o.Namespace
	}
	for _, key := range []string{"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"} {
		delete(meta, key)
	}
	return []byte(text(root))
}
