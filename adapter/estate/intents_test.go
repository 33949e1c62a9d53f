package estate

import (
	"reflect"
	"testing"

	"github.com/pgmoat/pgmoat/model/intent"
)

const asked = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: pgmoat.dev/v1alpha1
kind: PostgresPerimeter
metadata: {name: orders, namespace: shop}
spec: {server: {name: orders}}
---
apiVersion: pgmoat.dev/v1alpha1
kind: PostgresAccess
metadata: {name: misspelt, namespace: shop}
spec: {server: {name: orders}, form: []}
---
apiVersion: pgmoat.dev/v1alpha1
kind: PostgresAccess
metadata: {name: twice, namespace: shop}
spec: {server: {name: orders}, from: [{podSelector: {}}], to: [{databases: [a], role: a}]}
---
apiVersion: pgmoat.dev/v1alpha1
kind: PostgresAccess
metadata: {name: twice, namespace: shop}
spec: {server: {name: orders}, from: [{podSelector: {}}], to: [{databases: [a], role: b}]}
`

// What people ask for is no part of what is: the snapshot is the same whether anybody reads
// the intents, however wrong they are.
func TestIntentsDoNotDisturb(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", []byte(asked))
	without, err := Load(t.Context(), Options{Paths: []string{"."}})
	if err != nil {
		t.Fatal(err)
	}
	var in intent.Intents
	with, err := Load(t.Context(), Options{Paths: []string{"."}, Intents: &in})
	if err != nil {
		t.Fatal(err)
	}
	if len(with.Problems) > 0 {
		t.Errorf("problems of the estate: %+v", with.Problems)
	}
	without.Locator, with.Locator = nil, nil
	without.Problems, with.Problems = nil, nil
	if !reflect.DeepEqual(without, with) {
		t.Errorf("%+v\nand with intents\n%+v", without, with)
	}
	if len(in.Perimeters) != 1 || len(in.Accesses) != 0 {
		t.Errorf("%d perimeters, %d accesses", len(in.Perimeters), len(in.Accesses))
	}
	lines := map[int]bool{}
	for _, p := range in.Problems {
		lines[p.Origin.Line] = true
	}
	if !lines[14] || !lines[21] {
		t.Errorf("problems: %+v", in.Problems)
	}
}
