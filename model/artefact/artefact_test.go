package artefact

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func policy(spec ...Entry) Artefact {
	return Artefact{
		Backend: "networkpolicy", APIVersion: "networking.k8s.io/v1",
		Ref: snapshot.Ref{Kind: "NetworkPolicy", Namespace: "n", Name: "a"},
		Object: Map{
			{Key: "apiVersion", Value: "networking.k8s.io/v1"}, {Key: "kind", Value: "NetworkPolicy"},
			{Key: "metadata", Value: Map{{Key: "name", Value: "a"}, {Key: "namespace", Value: "n"}}},
			{Key: "spec", Value: Map(spec)},
		},
	}
}

func fields(fs ...Field) Artefact {
	return Artefact{Backend: "hba", APIVersion: "v1", Ref: snapshot.Ref{Kind: "ConfigMap", Namespace: "n", Name: "a"}, Fields: fs}
}

func TestJSONKeepsTheOrder(t *testing.T) {
	m := Map{{Key: "b", Value: List(nil), Comment: "why"}, {Key: "a", Value: Map(nil)},
		{Key: "c", Value: List{{Value: int64(5432), Comment: "why"}, {Value: true}, {Value: Strings("x", "y\n")}}}}
	got, err := json.Marshal(m)
	if want := `{"b":[],"a":{},"c":[5432,true,["x","y\n"]]}`; err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := json.Marshal(Map{{Key: "a", Value: func() {}}}); err == nil {
		t.Error("a function is JSON")
	}
}

func TestNames(t *testing.T) {
	f := Field{Path: []string{"metadata", "labels", "app.kubernetes.io/name", "x"}}
	if f.Name() != "metadata.labels[app.kubernetes.io/name].x" {
		t.Error(f.Name())
	}
	a := policy()
	if a.Group() != "networking.k8s.io" || (&Artefact{APIVersion: "v1"}).Group() != "" {
		t.Error(a.Group())
	}
}

func changed(a Artefact, change func(*Artefact)) Artefact {
	change(&a)
	return a
}

// What means less than it looks like, or is another object than it says, is refused.
func TestCheck(t *testing.T) {
	field := func(v Value, path ...string) Field { return Field{Path: path, Value: v} }
	for _, test := range []struct {
		artefact Artefact
		want     string
	}{
		{policy(Entry{Key: "ingress", Value: List(nil)}), ""},
		{fields(field("x", "data", "a"), field(Map(nil), "data", "b")), ""},
		{policy(Entry{Key: "ingress", Value: List{{Value: Map{{Key: "from"}}}}}), "NetworkPolicy n/a: spec.ingress[0].from: null says nothing"},
		{policy(Entry{Key: "ports", Value: List{{}}}), "NetworkPolicy n/a: spec.ports[0]: null says nothing"},
		{policy(Entry{Key: "port", Value: 5432}), "NetworkPolicy n/a: spec.port: int is no value of an artefact"},
		{policy(Entry{Key: "a", Value: "\xff"}), `NetworkPolicy n/a: spec.a: "\xff" is not UTF-8`},
		{policy(Entry{Key: "a", Value: "1"}, Entry{Key: "a", Value: "2"}), "NetworkPolicy n/a: spec.a: is set twice"},
		{policy(Entry{Key: "a\nb", Value: "1"}), "NetworkPolicy n/a: spec.a\nb: the key \"a\\nb\" does not print"},
		{changed(policy(), func(a *Artefact) { a.Ref.Name = "b" }), "NetworkPolicy n/b: metadata.name is a in the object and b in its name"},
		{changed(policy(), func(a *Artefact) { a.Ref.Namespace = "" }), `NetworkPolicy a: metadata.namespace is "n" in the object and "" in its name`},
		{changed(policy(), func(a *Artefact) { a.APIVersion = "v1" }), "NetworkPolicy n/a: apiVersion is networking.k8s.io/v1 in the object and v1 in its name"},
		{changed(policy(), func(a *Artefact) { a.Object = append(a.Object, Entry{Key: "status", Value: Map{}}) }), "NetworkPolicy n/a: status is the cluster's to write"},
		{changed(policy(), func(a *Artefact) { a.Fields = []Field{{}} }), "NetworkPolicy n/a: is both an object and fields of one"},
		{fields(), "ConfigMap n/a: is neither an object nor fields of one"},
		{fields(Field{Value: "a"}), "ConfigMap n/a: a field without a path"},
		{fields(field(nil, "data")), "ConfigMap n/a: data: null says nothing"},
		{fields(field("x", strings.Repeat("k", 500))), "ConfigMap n/a: " + strings.Repeat("k", 500) + ": a key of 500 bytes"},
		{fields(field("x", "metadata", "name")), "ConfigMap n/a: metadata.name: is not for anybody to set"},
		{fields(field("x", "status", "phase")), "ConfigMap n/a: status.phase: is not for anybody to set"},
		{fields(field("x", "a", "b"), field("y", "a")), "ConfigMap n/a: a.b and a are both set"},
		{changed(fields(field("x", "a")), func(a *Artefact) { a.Ref.Name = "" }), "ConfigMap n/: names no object that fields could be of"},
	} {
		err := test.artefact.Check()
		if (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}

func TestTogether(t *testing.T) {
	one, two := fields(Field{Path: []string{"a"}, Value: "x"}), fields(Field{Path: []string{"b"}, Value: "y"})
	two.Backend, two.APIVersion = "tls", "v2"
	two.Ref.Kind = one.Ref.Kind
	first, second := verdict.Origin{Object: "first"}, verdict.Origin{Object: "second"}
	one.Because, two.Because = []verdict.Origin{first}, []verdict.Origin{first, second}
	out, err := Together([]Artefact{one, policy(), two})
	if err != nil || len(out) != 2 || len(out[0].Fields) != 2 || out[0].Backend != "hba, tls" || len(out[0].Because) != 2 || out[1].Object == nil {
		t.Errorf("%+v %v", out, err)
	}
	if len(one.Fields) != 1 || len(one.Because) != 1 {
		t.Error("what was given was changed")
	}
	if out, err = Together([]Artefact{one, one}); err != nil || len(out[0].Fields) != 1 {
		t.Errorf("%+v %v", out, err)
	}
	opposed := fields(Field{Path: []string{"a"}, Value: "z"})
	other := policy()
	other.Backend = "namespace"
	for want, as := range map[string][]Artefact{
		"NetworkPolicy n/a: is made by networkpolicy and by namespace": {policy(), other},
		"ConfigMap n/a: a and a are both set":                          {one, opposed},
		"ConfigMap n/a: is neither an object nor fields of one":        {fields()},
	} {
		if _, err := Together(as); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
