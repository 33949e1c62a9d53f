package estate

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

const cluster = `
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: b}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: a}
---
apiVersion: example.com/v1
kind: Asked
metadata: {name: a}
---
apiVersion: v1
kind: Secret
metadata: {name: held, annotations: {a: b, kubectl.kubernetes.io/last-applied-configuration: hunter2}}
stringData: {password: hunter2}
`

// Adapters run in the order given, see the objects by type but not what a Secret holds,
// and what they add is sorted with the rest.
func TestAdapters(t *testing.T) {
	var order []string
	see := func(w *operator.World) {
		order = append(order, "see")
		for _, o := range w.Objects["Cluster.postgresql.cnpg.io"] {
			workload := &snapshot.Workload{Ref: o.Ref(), Origin: o.Origin()}
			w.Snapshot.Workloads = append(w.Snapshot.Workloads, workload)
			w.Snapshot.Servers = append(w.Snapshot.Servers, &snapshot.Server{Workload: workload})
			w.Snapshot.Problems = append(w.Snapshot.Problems, o.Problem(&object.Fault{Field: "metadata.name", Err: errors.New("odd")}))
		}
		if len(w.Objects["Asked.example.com"]) != 1 {
			t.Errorf("objects %v", w.Objects)
		}
		if held := w.Objects["Secret"]; len(held) != 1 || string(held[0].JSON) != "{}" || len(held[0].Annotations) != 1 {
			t.Errorf("%+v", held)
		}
	}
	check := func(*operator.World) { order = append(order, "check") }
	s, err := Load(context.Background(), Options{
		Paths: []string{"-"}, Stdin: strings.NewReader(cluster), Namespace: "ns", Strict: true,
		Adapters: []operator.Adapter{
			{Adapt: see, Kinds: []object.Type{{Group: "postgresql.cnpg.io", Kind: "Cluster"}, {Group: "example.com", Kind: "Asked"}}},
			{Adapt: check},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, []string{"see", "check"}) || !s.Facts.Strict {
		t.Errorf("ran %v, strict %v", order, s.Facts.Strict)
	}
	if got := []string{s.Servers[0].Ref().String(), s.Workloads[1].String()}; !slices.Equal(got, []string{"Cluster ns/a", "Cluster ns/b"}) {
		t.Errorf("sorted %v", got)
	}
	if p := s.Problems; len(p) != 2 || p[0].Origin.Line != 4 || p[1].Origin.Line != 8 {
		t.Errorf("the problems of an adapter stand on their lines: %+v", p)
	}
}

func TestErrors(t *testing.T) {
	if _, err := Load(context.Background(), Options{}); err == nil {
		t.Error("no path is no error")
	}
	if _, err := Load(context.Background(), Options{Paths: []string{t.TempDir()}}); !errors.Is(err, file.ErrNothing) {
		t.Errorf("an empty directory: %v", err)
	}
	if _, err := Load(context.Background(), Options{Paths: []string{"-"}, FactsFile: "missing"}); err == nil {
		t.Error("a missing facts file is no error")
	}
}

func TestFactsAndSource(t *testing.T) {
	name := t.TempDir() + "/facts.yaml"
	if err := os.WriteFile(name, []byte("estate: complete\ncni: {name: none, enforces: false}"), 0o600); err != nil {
		t.Fatal(err)
	}
	live := func(context.Context, Wants) (object.Batch, error) {
		o, err := object.New([]byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`), object.Source{}, "default")
		return object.Batch{Objects: []object.Object{o}}, err
	}
	s, err := From(context.Background(), live, Options{FactsFile: name})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Facts.Complete || s.Facts.Enforces != verdict.Deny || len(s.Workloads) != 1 || s.Locate(s.Workloads[0].Origin).Line != 0 {
		t.Errorf("%+v", s)
	}
}
