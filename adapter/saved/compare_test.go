package saved

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// batchOf reads documents of YAML.
func batchOf(t *testing.T, text string) object.Batch {
	t.Helper()
	var b object.Batch
	for doc := range strings.SplitSeq(text, "\n---\n") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		data, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		o, err := object.New(data, object.Source{}, "default")
		if err != nil {
			t.Fatal(err)
		}
		b.Objects = append(b.Objects, o)
	}
	return b
}

// told are changes in a line each.
func told(changes []Change) string {
	var out []string
	for _, c := range changes {
		line := fmt.Sprintf("%s %s %s", c.Kind, c.Type, strings.TrimPrefix(c.Ref.String(), c.Ref.Kind+" "))
		for _, f := range c.Fields {
			line += fmt.Sprintf(" (%s %s)", f.Kind, f.Path)
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, uid: u, resourceVersion: '1', creationTimestamp: null}\nspec:\n  hostNetwork: false\n  containers:\n  - {name: web, image: a, args: [x, y]}\n  - {name: log}\n"

func TestCompare(t *testing.T) {
	for name, test := range map[string]struct{ old, next, want string }{
		"the same":          {pod, pod, ""},
		"numbers and dates": {pod, strings.NewReplacer("uid: u", "uid: v", "'1'", "'2', generation: 4", "null", "'2026-01-01T00:00:00Z'").Replace(pod) + "status: {phase: Running}\n", ""},
		"its namespace":     {pod, strings.Replace(pod, "name: a,", "name: a, namespace: default,", 1), ""},
		"added":             {"", pod, "added Pod default/a"},
		"removed":           {pod, "", "removed Pod default/a"},
		"another group":     {"apiVersion: a.example/v1\nkind: X\nmetadata: {name: a}", "apiVersion: b.example/v1\nkind: X\nmetadata: {name: a}", "removed X.a.example default/a\nadded X.b.example default/a"},
		"another version":   {"apiVersion: a.example/v1\nkind: X\nmetadata: {name: a}", "apiVersion: a.example/v2\nkind: X\nmetadata: {name: a}", "changed X.a.example default/a (changed apiVersion)"},
		"a field":           {pod, strings.Replace(pod, "false", "true", 1), "changed Pod default/a (changed spec.hostNetwork)"},
		"an item":           {pod, strings.Replace(pod, "[x, y]", "[x, z, w]", 1), "changed Pod default/a (changed spec.containers[0].args[1]) (added spec.containers[0].args[2])"},
		"a named item":      {pod, strings.Replace(pod, "  - {name: web, image: a", "  - {name: new}\n  - {name: web, image: b", 1), "changed Pod default/a (changed spec.containers[1].image) (added spec.containers[0])"},
		"one that is gone":  {pod, strings.Replace(pod, "  - {name: log}\n", "", 1), "changed Pod default/a (removed spec.containers[1])"},
		"their order":       {pod, strings.Replace(strings.Replace(strings.Replace(pod, "name: web", "name: x", 1), "{name: log}", "{name: web, image: a, args: [x, y]}", 1), "{name: x, image: a, args: [x, y]}", "{name: log}", 1), "changed Pod default/a (changed spec.containers)"},
		"a label": {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {app.io/x: '1'}}", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {app.io/x: '2'}}",
			"changed Pod default/a (changed metadata.labels[app.io/x])"},
		"what was applied": {pod, strings.Replace(pod, "name: a,", "name: a, managedFields: [{}], annotations: {kubectl.kubernetes.io/last-applied-configuration: x},", 1), ""},
		"named by the server": {"apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\nspec: {x: 1}\n---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\nspec: {x: 2}", "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\nspec: {x: 1}",
			"removed Pod default/a-"},
		"an owner's number": {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, ownerReferences: [{name: b, uid: c}]}", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, ownerReferences: [{name: b, uid: d}]}", ""},
		"a secret's value":  {"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: aHVudGVyMg==}", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: Opaque\nstringData: {password: other}", ""},
		"a secret's entry":  {"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: aHVudGVyMg==}", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {user: aHVudGVyMg==}", "changed Secret default/a (removed data.password) (added data.user)"},
	} {
		got, err := Compare(batchOf(t, test.old), batchOf(t, test.next), false)
		if err != nil || told(got) != test.want {
			t.Errorf("%s:\n%s\nwant\n%s\n%v", name, told(got), test.want, err)
		}
		if same, err := Compare(batchOf(t, test.next), batchOf(t, test.next), true); err != nil || len(same) > 0 {
			t.Errorf("%s: differs from itself: %s %v", name, told(same), err)
		}
	}
	got, err := Compare(batchOf(t, pod), batchOf(t, strings.Replace(pod, "uid: u", "uid: v", 1)), true)
	if want := "changed Pod default/a (changed metadata.uid)"; err != nil || told(got) != want {
		t.Errorf("%s, %v", told(got), err)
	}
}

// A batch and what is kept of it are the same.
func TestSavedIsTheSame(t *testing.T) {
	_, b := example()
	var file bytes.Buffer
	if _, err := Write(&file, Header{}, b); err != nil {
		t.Fatal(err)
	}
	_, kept, err := Read(context.Background(), "file", &file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Compare(b, kept, true); err != nil || len(got) > 0 {
		t.Errorf("%s, %v", told(got), err)
	}
}

// Of what a cluster did not list nobody knows whether it is there.
func TestCompareUnlisted(t *testing.T) {
	with, without := batchOf(t, pod), batchOf(t, "")
	for want, c := range map[ChangeKind]*snapshot.Coverage{
		Removed:  {Kinds: []snapshot.Kind{{Name: "Pod", Listing: snapshot.KindListed}}},
		Unlisted: {Kinds: []snapshot.Kind{{Name: "Pod", Listing: snapshot.KindRefused}}},
	} {
		without.Coverage = c
		if got, err := Compare(with, without, false); err != nil || len(got) != 1 || got[0].Kind != want {
			t.Errorf("%s, %v, want %s", told(got), err, want)
		}
	}
	if got, err := Compare(without, with, false); err != nil || len(got) != 1 || got[0].Kind == Removed {
		t.Errorf("%s, %v", told(got), err)
	}
}

// Of an object of which only the metadata was read no more than that is compared.
func TestComparePartial(t *testing.T) {
	old, next := batchOf(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: a, labels: {l: '1'}}\ndata: {a: ''}"), batchOf(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: a, labels: {l: '2'}}")
	next.Objects[0].Partial = true
	got, err := Compare(old, next, false)
	if want := "changed Secret default/a (changed metadata.labels.l)"; err != nil || told(got) != want || !got[0].Partial {
		t.Errorf("%s, %v", told(got), err)
	}
}
