package plain

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// found reads an object and looks for its server, whatever its text says.
func found(t *testing.T, o object.Object) bool {
	t.Helper()
	var in struct {
		Spec workloadSpec `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		t.Fatal(err)
	}
	s := &server{obj: o, spec: in.Spec}
	return s.find()
}

func deployment(t *testing.T, meta, container string) object.Object {
	t.Helper()
	o, err := object.New(fmt.Appendf(nil, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"%s},"spec":{"template":{"spec":{"containers":[%s]}}}}`,
		meta, container), object.Source{}, "default")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What find takes is read: its text has one of the signs, in any case and escaped in any way.
func TestFoundMayServe(t *testing.T) {
	annotated := `,"annotations":{"pgmoat.dev/postgresql":"true"}`
	for _, c := range []struct{ meta, container string }{
		{"", `{"image":"postgres:16"}`},
		{"", `{"image":"r/timescaledb-ha:1"}`},
		{"", `{"image":"r/citus:1"}`},
		{"", `{"image":"supabase-postgres"}`},
		{"", `{"image":"\u0063itus"}`},
		{"", `{"image":"a","ports":[{"containerPort":5432}]}`},
		{"", `{"image":"a","ports":[{"name":"PG","containerPort":1}]}`},
		{"", `{"image":"a","ports":[{"name":"x-PostgreSQL","containerPort":1}]}`},
		{"", `{"image":"a","ports":[{"name":"poſtgreſ","containerPort":1}]}`},
		{"", `{"image":"a","ports":[{"name":"\u0050\u0047","containerPort":1}]}`},
		{annotated, `{"image":"a"}`},
	} {
		if o := deployment(t, c.meta, c.container); !found(t, o) || !mayServe(o) {
			t.Errorf("%s %s: found %t, read %t", c.meta, c.container, found(t, o), mayServe(o))
		}
	}
	// A source may tell more of an object than its text.
	o := deployment(t, "", `{"image":"a"}`)
	if mayServe(o) {
		t.Error("an application is read")
	}
	if o.Annotations = map[string]string{Annotation: "true"}; !mayServe(o) {
		t.Error("an annotated object is not read")
	}
}

// Whatever images and ports are called: where mayServe says no, find finds nothing.
func TestMayServeIsSure(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, 0))
	parts := []string{"p", "g", "pg", "post", "gres", "Postgres", "ſ", "QL", "sql", "db", "-", ".", "/", ":16", "timescale", "citus", "vector", "gis", "5432", "app", "_", "ha"}
	word := func() string {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return b.String()
	}
	servers, unread := 0, 0
	for range 5_000 {
		c, err := json.Marshal(map[string]any{"image": word(), "ports": []any{map[string]any{"name": word(), "containerPort": 5430 + r.IntN(40)}}})
		if err != nil {
			t.Fatal(err)
		}
		o := deployment(t, "", string(c))
		is, read := found(t, o), mayServe(o)
		if is && !read {
			t.Fatalf("seed %d: %s is a server and not read", seed, c)
		}
		if is {
			servers++
		}
		if !read {
			unread++
		}
	}
	if servers < 200 || unread < 200 {
		t.Errorf("%d servers, %d not read: the law is about nothing", servers, unread)
	}
}
