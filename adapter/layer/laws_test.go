package layer

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// seed is printed with what fails.
const seed = 20261121

// A world draws batches in which objects meet: few names, and owners above them.
type world struct{ *rand.Rand }

// manifests draws objects as people write them: nobody owns anything, and a kind that is
// compared says one of three things.
func (w world) manifests(source string) object.Batch {
	var b object.Batch
	seen := map[string]bool{}
	for range w.IntN(8) {
		kind := []string{"v1 ConfigMap", "apps/v1 Deployment", "postgresql.cnpg.io/v1 Cluster", "v1 Service", "v1 Pod"}[w.IntN(5)]
		apiVersion, kind, _ := strings.Cut(kind, " ")
		name := string(rune('a' + w.IntN(3)))
		if seen[kind+name] {
			continue
		}
		seen[kind+name] = true
		b.Objects = append(b.Objects, w.object(source, apiVersion, kind, name, ""))
	}
	if w.IntN(2) == 0 {
		b.Problems = []snapshot.Problem{{Err: fmt.Sprint("about ", w.IntN(3))}}
	}
	b.Ignored = w.IntN(3)
	return b
}

// numbers are fields of each kind that hold a number.
var numbers = map[string]string{"ConfigMap": "x", "Deployment": "minReadySeconds", "Cluster": "instances", "Service": "healthCheckNodePort", "Pod": "activeDeadlineSeconds"}

func (w world) object(source, apiVersion, kind, name, more string) object.Object {
	text := fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":"shop"%s},"spec":{"%s":%d}}`,
		apiVersion, kind, name, more, numbers[kind], 1+w.IntN(3))
	o, err := object.New([]byte(text), object.Source{File: source}, "shop")
	if err != nil {
		panic(err)
	}
	return o
}

// cluster draws what a cluster has: with uids, and pods and slices that something owns.
func (w world) cluster() object.Batch {
	b := w.manifests("cluster")
	for i, o := range b.Objects {
		apiVersion, kind := o.APIVersion, o.Kind
		b.Objects[i] = w.object("cluster", apiVersion, kind, o.Name, fmt.Sprintf(`,"uid":"%s-%s"`, kind, o.Name))
		owner := fmt.Sprintf(`,"uid":"%d","ownerReferences":[{"apiVersion":%q,"kind":%q,"name":%q,"uid":"%s-%s","controller":true}]`,
			i, apiVersion, kind, o.Name, kind, o.Name)
		b.Objects = append(b.Objects, w.object("cluster", "v1", "Pod", fmt.Sprint("pod-", kind, o.Name), owner))
	}
	return b
}

// content is what a batch says, in an order that does not matter.
func content(b object.Batch) []string {
	var out []string
	for _, o := range b.Objects {
		root, err := tree(o.JSON)
		if err != nil {
			panic(err)
		}
		text, err := json.Marshal(root)
		if err != nil {
			panic(err)
		}
		out = append(out, string(text)+" "+o.Source.File)
	}
	for _, p := range b.Problems {
		out = append(out, p.Err)
	}
	slices.Sort(out)
	return append(out, fmt.Sprint(b.Ignored))
}

// Nothing over a batch is the batch, and so is a batch over nothing; over itself it says
// nothing new.
func TestLaws(t *testing.T) {
	w := world{rand.New(rand.NewPCG(seed, 1))}
	for i := range 300 {
		b := w.cluster()
		b.Locate = nil
		if got := Over(b, object.Batch{}); !reflect.DeepEqual(got, b) && len(b.Objects) > 0 {
			t.Fatalf("%d: %v\n%v", i, got, b)
		}
		if got := Over(object.Batch{}, b); !reflect.DeepEqual(content(got), content(b)) {
			t.Fatalf("%d: %v\n%v", i, content(got), content(b))
		}
		twice := Over(b, b)
		twice.Ignored = b.Ignored
		if !reflect.DeepEqual(content(twice), content(b)) || refs(twice) != refs(b) {
			t.Fatalf("%d: %v\n%v", i, content(twice), content(b))
		}
	}
}

// Folders over a cluster, one after the other, are what all of them are together.
func TestAssociative(t *testing.T) {
	w := world{rand.New(rand.NewPCG(seed, 2))}
	for i := range 500 {
		a, b, c := w.manifests("a"), w.manifests("b"), w.manifests("c")
		if left, right := Over(Over(a, b), c), Over(a, Over(b, c)); !reflect.DeepEqual(content(left), content(right)) {
			t.Fatalf("%d:\n%s\n%s", i, strings.Join(content(left), "\n"), strings.Join(content(right), "\n"))
		}
	}
}

// Every object of the later source is there, with what it says and where a person would edit
// it; no object is there twice; and of the earlier one nothing goes but what is replaced or
// was made of that.
func TestNothingIsLost(t *testing.T) {
	w := world{rand.New(rand.NewPCG(seed, 3))}
	for i := range 500 {
		base, next := w.cluster(), w.manifests("next")
		got := Over(base, next)
		there := map[identity]object.Object{}
		for _, o := range got.Objects {
			if _, ok := there[identityOf(o)]; ok {
				t.Fatalf("%d: %s is there twice", i, o.Ref())
			}
			there[identityOf(o)] = o
		}
		for _, o := range next.Objects {
			if is, ok := there[identityOf(o)]; !ok || is.Source != o.Source || !says(t, is.JSON, o.JSON) {
				t.Fatalf("%d: %s says %s, not %s", i, o.Ref(), is.JSON, o.JSON)
			}
		}
		for _, o := range base.Objects {
			if _, ok := there[identityOf(o)]; !ok && len(o.Owners) == 0 {
				t.Fatalf("%d: %s is lost", i, o.Ref())
			}
		}
	}
}

// says reports whether the spec of an object is that of another.
func says(t *testing.T, is, want []byte) bool {
	t.Helper()
	a, errA := tree(is)
	b, errB := tree(want)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	return equalTrees(a["spec"], b["spec"])
}
