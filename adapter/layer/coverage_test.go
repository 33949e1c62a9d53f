package layer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// coverage reads "a,b: Pod listed, Secret refused in a b": the namespaces, and what came of
// each kind.
func coverage(t *testing.T, text string) *snapshot.Coverage {
	t.Helper()
	in, kinds, ok := strings.Cut(text, ":")
	if !ok {
		t.Fatal(text)
	}
	c := &snapshot.Coverage{Cluster: "prod", Server: "https://192.0.2.1:6443", Taken: 7}
	if in != "" {
		c.Namespaces = strings.Split(in, ",")
	}
	for _, k := range strings.Split(kinds, ",") {
		words := strings.Fields(k)
		kind := snapshot.Kind{Name: words[0], Listing: snapshot.Listing(words[1])}
		if len(words) > 3 {
			kind.Namespaces = words[3:]
		}
		c.Kinds = append(c.Kinds, kind)
	}
	return c
}

func shownCoverage(c *snapshot.Coverage) string {
	var kinds []string
	for _, k := range c.Kinds {
		text := k.Name + " " + string(k.Listing)
		if len(k.Namespaces) > 0 {
			text += " in " + strings.Join(k.Namespaces, " ")
		}
		kinds = append(kinds, text)
	}
	return strings.Join(c.Namespaces, ",") + ": " + strings.Join(kinds, ", ")
}

// A kind is listed where one of two looks at a cluster listed it in all namespaces that
// either was in.
func TestCoverage(t *testing.T) {
	for _, test := range []struct{ base, next, want string }{
		{": Pod listed", ": Pod listed", ": Pod listed"},
		{": Pod absent", ": Pod absent", ": Pod absent"},
		{": Pod absent", ": Pod listed", ": Pod listed"},
		{": Pod refused", ": Pod listed", ": Pod listed"},
		{": Pod listed", ": Pod refused", ": Pod listed"},
		{": Pod refused", ": Pod refused", ": Pod refused"},
		{": Pod listed", "a: Pod refused", ": Pod listed"},
		{": Pod refused", "a: Pod listed", ": Pod refused"},
		{"a: Pod listed", "b: Pod listed", "a,b: Pod listed"},
		{"a: Pod listed", "b: Pod refused", "a,b: Pod refused in b"},
		{"a,b: Pod refused in b", "b: Pod listed", "a,b: Pod listed"},
		{"a,b: Pod refused in a b", "b,c: Pod listed", "a,b,c: Pod refused in a"},
		{": Pod refused in b", "b: Pod listed", ": Pod listed"},
		{": Pod refused in b", "a: Pod refused", ": Pod refused in b"},
		{": Pod listed", ": Secret listed", ": Pod listed, Secret listed"},
		{"a: Pod listed", "b: Secret listed", "a,b: Pod  in b, Secret  in a"},
	} {
		got, w := merged(object.Batch{Coverage: coverage(t, test.base)}, object.Batch{Coverage: coverage(t, test.next)})
		if shownCoverage(got) != test.want || w != nil {
			t.Errorf("%s over %s: %s, want %s", test.next, test.base, shownCoverage(got), test.want)
		}
	}
	one := coverage(t, "a: Pod listed")
	for _, pair := range [][2]*snapshot.Coverage{{one, nil}, {nil, one}} {
		if got, w := merged(object.Batch{Coverage: pair[0]}, object.Batch{Coverage: pair[1]}); got != one || w != nil {
			t.Errorf("%v %v", got, w)
		}
	}
	if got, _ := merged(object.Batch{}, object.Batch{}); got != nil {
		t.Error(got)
	}
}

// Both together are as old as the older, and of two clusters nothing is known to be absent.
func TestTwoClusters(t *testing.T) {
	old, other := coverage(t, ": Pod listed, Node absent"), coverage(t, ": Pod listed")
	old.Taken, other.Cluster, other.Server = 3, "test", "https://192.0.2.2:6443"
	base := object.Batch{Coverage: old}
	got := Over(base, object.Batch{Coverage: coverage(t, ": Pod listed")})
	if got.Coverage.Taken != 3 || len(got.Warnings) > 0 {
		t.Errorf("%+v %v", got.Coverage, got.Warnings)
	}
	got = Over(base, object.Batch{Coverage: other})
	if len(got.Coverage.Unlisted()) != 2 || len(got.Warnings) != 1 || got.Warnings[0].Code != TwoClusters || !strings.Contains(got.Warnings[0].Text, "prod and test") {
		t.Errorf("%+v %v", got.Coverage, got.Warnings)
	}
}

// What a later look at the same cluster did not find is gone, as far as it looked.
func TestVanished(t *testing.T) {
	const pods = `{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: a, uid: a}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: b, uid: b}}
---
{apiVersion: v1, kind: Pod, metadata: {name: planned, namespace: a}}
---
{apiVersion: v1, kind: Node, metadata: {name: node, uid: u}}`
	for next, want := range map[string]string{
		": Pod listed, Node listed":    "Pod a/planned",
		": Pod absent, Node refused":   "Pod a/planned, Node node",
		"a: Pod listed, Node listed":   "Pod b/b, Pod a/planned, Node node",
		": Pod refused in a":           "Pod a/a, Pod a/planned, Node node",
		": Pod refused":                "Pod a/a, Pod b/b, Pod a/planned, Node node",
		"c: Pod listed":                "Pod a/a, Pod b/b, Pod a/planned, Node node",
		": Secret listed, Node absent": "Pod a/a, Pod b/b, Pod a/planned",
	} {
		base := batchOf(t, pods)
		base.Coverage = coverage(t, ": Pod listed, Node listed")
		if got := refs(Over(base, object.Batch{Coverage: coverage(t, next)})); got != want {
			t.Errorf("%s: %s, want %s", next, got, want)
		}
		elsewhere := coverage(t, next)
		elsewhere.Server = "https://192.0.2.2:6443"
		if got := Over(base, object.Batch{Coverage: elsewhere}); len(got.Objects) != 4 {
			t.Error(fmt.Sprint(next, " of another cluster"), refs(got))
		}
	}
}

// Two clusters can have one address, as all have that are read from a pod: their namespaces
// kube-system tell them apart, and nothing of one is gone because the other has it not.
func TestOneAddressOfTwoClusters(t *testing.T) {
	read := func(uid string, pods ...string) object.Batch {
		b := object.Batch{Coverage: coverage(t, ": Namespace listed, Pod listed")}
		b.Objects = append(b.Objects, object.Object{APIVersion: "v1", Kind: "Namespace", Name: "kube-system", UID: uid, JSON: []byte("{}")})
		for _, name := range pods {
			b.Objects = append(b.Objects, object.Object{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: name, UID: name, JSON: []byte("{}")})
		}
		return b
	}
	for next, want := range map[string]int{"one": 1, "another": 2} {
		got := Over(read("one", "web"), read(next))
		if told := len(got.Warnings) == 1; len(got.Objects) != want || told != (want == 2) || got.Coverage.Listed("Pod", "shop") == told {
			t.Errorf("%s: %d objects, %v, %s", next, len(got.Objects), got.Warnings, shownCoverage(got.Coverage))
		}
	}
}
