package object

import (
	"testing"
)

const example = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"name","namespace":"ns","labels":{"app.kubernetes.io/name":"x"}},
 "spec":{"a":[{"b":1},{"b":"two"}],"c":[[1,{}]]}}`

func decoded(t *testing.T, into any) (Object, error) {
	t.Helper()
	o, err := New([]byte(example), Source{File: "a.yaml", Line: 3}, "default")
	if err != nil {
		t.Fatal(err)
	}
	return o, o.Decode(into)
}

// The field of a wrong type is told with its indices.
func TestDecodeNamesTheField(t *testing.T) {
	for want, into := range map[string]any{
		"Pod ns/name: spec.a[1].b: a string where a number (int) is expected": new(struct {
			Spec struct {
				A []struct {
					B int `json:"b"`
				} `json:"a"`
			} `json:"spec"`
		}),
		"Pod ns/name: spec.c[0]: an array where a number (int) is expected": new(struct {
			Spec struct {
				C []int `json:"c"`
			} `json:"spec"`
		}),
		"Pod ns/name: metadata.labels[app.kubernetes.io/name]: a string where a number (int) is expected": new(struct {
			Metadata struct {
				Labels map[string]int `json:"labels"`
			} `json:"metadata"`
		}),
		"Pod ns/name: metadata.name: a string where a list is expected": new(struct {
			Metadata struct {
				Name []string `json:"name"`
			} `json:"metadata"`
		}),
		"Pod ns/name: spec: an object where a list is expected": new(struct {
			Spec []int `json:"spec"`
		}),
	} {
		o, err := decoded(t, into)
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
			continue
		}
		p := o.Problem(err)
		if p.Origin.Field == "" || p.Namespace != "ns" || p.Origin.File != "a.yaml" || "Pod ns/name: "+p.Err != want {
			t.Errorf("%+v", p)
		}
	}
}

// Field names are case-sensitive, as they are for the API server.
func TestDecodeIsCaseSensitive(t *testing.T) {
	var into struct {
		Metadata struct {
			Name string `json:"Name"`
		} `json:"metadata"`
	}
	if _, err := decoded(t, &into); err != nil || into.Metadata.Name != "" {
		t.Errorf("name was taken for Name: %q, %v", into.Metadata.Name, err)
	}
}

func TestDecodeStrict(t *testing.T) {
	o := Object{Kind: "Pod", Name: "a", JSON: []byte(`{"kind":"Pod","kind":"Pod","status":{},"x":[{"z":1}]}`)}
	var into struct {
		Kind string            `json:"kind"`
		X    []struct{ Y int } `json:"x"`
	}
	if err := o.DecodeStrict(&into, "status"); err == nil || err.Error() != "Pod a: kind: duplicate field" {
		t.Error(err)
	}
	if err := o.DecodeStrict(&into, "status", "kind"); err == nil || err.Error() != "Pod a: x[0].z: unknown field" {
		t.Error(err)
	}
	if err := o.DecodeStrict(&into, "status", "kind", "x[0].z"); err != nil {
		t.Error(err)
	}
}

func TestIdentity(t *testing.T) {
	for text, want := range map[string]string{
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`:                                              "Pod default/a",
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a","namespace":"b"}}`:                        "Namespace a",
		`{"apiVersion":"batch/v1","kind":"Job","metadata":{"generateName":"a-","namespace":"b"}}`:               "Job b/a-",
		`{"apiVersion":"crd.antrea.io/v1beta1","kind":"ClusterNetworkPolicy","metadata":{"name":"a"}}`:          "ClusterNetworkPolicy a",
		`{"apiVersion":"crd.antrea.io/v1beta1","kind":"NetworkPolicy","metadata":{"name":"a","namespace":"b"}}`: "NetworkPolicy b/a",
	} {
		o, err := New([]byte(text), Source{}, "default")
		if err != nil || o.Ref().String() != want {
			t.Errorf("%s: %s, %v", text, o.Ref(), err)
		}
	}
	if (Type{"postgresql.cnpg.io", "Cluster"}).String() != "Cluster.postgresql.cnpg.io" || (Type{"", "Pod"}).String() != "Pod" {
		t.Error("the keys of operator.World have changed")
	}
}
