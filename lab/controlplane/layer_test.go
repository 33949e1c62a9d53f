//go:build linux

package controlplane

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/layer"
	"github.com/pgmoat/pgmoat/adapter/object"
)

// A manifest over the object that the server made of it leaves the object as it is, with the
// pod that somebody made of it: the defaults and allocations that package layer knows are
// those of the server. One that says another thing in any place does not.
func TestLayerKnowsDefaults(t *testing.T) {
	s := newStage(t, cluster(t))
	s.namespace("layer")
	for _, name := range []string{"default", "rich"} {
		s.apply([]byte(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"`+name+`","namespace":"layer"}}`), "lab")
	}
	kinds := map[string]int{}
	manifests, err := file.Read(t.Context(), []string{"testdata/layer/manifests.yaml"}, file.Options{})
	if err != nil || len(manifests.Problems) > 0 {
		t.Fatal(err, manifests.Problems)
	}
	for _, o := range manifests.Objects {
		t.Run(o.Kind+"/"+o.Name, func(t *testing.T) {
			kinds[o.Kind]++
			live := asObject(t, s.created(o))
			pod := ownedPod(t, live)
			base := object.Batch{Objects: []object.Object{live, pod}}
			got := layer.Over(base, object.Batch{Objects: []object.Object{o}})
			if len(got.Objects) != 2 || !bytes.Equal(got.Objects[0].JSON, live.JSON) || got.Objects[0].Source != o.Source {
				t.Errorf("%s is something else to us than\n%s", live.JSON, o.JSON)
			}
			for path, edited := range edits(t, o.JSON) {
				is := o
				is.JSON = edited
				got := layer.Over(base, object.Batch{Objects: []object.Object{is}})
				if bytes.Equal(got.Objects[0].JSON, live.JSON) {
					t.Errorf("without %s it is the same to us", path)
				}
			}
		})
	}
	if len(kinds) < 9 {
		t.Errorf("these are only %v", kinds)
	}
}

// created makes an object for this test only, as "kubectl create" does.
func (s *stage) created(o object.Object) []byte {
	s.t.Helper()
	n, err := NameOf(o.JSON)
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := s.Create(s.t.Context(), o.JSON, nil)
	if err == nil {
		err = a.Err()
	}
	if err != nil {
		s.t.Fatalf("%s\n%v", o.JSON, err)
	}
	s.made = append(s.made, n)
	return a.Body
}

func asObject(t *testing.T, data []byte) object.Object {
	t.Helper()
	o, err := object.New(data, object.Source{}, "")
	if err != nil || o.UID == "" {
		t.Fatal(err, o.UID)
	}
	return o
}

// ownedPod is one that a controller would have made of the object.
func ownedPod(t *testing.T, of object.Object) object.Object {
	t.Helper()
	return asObject(t, fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"of-%s","namespace":"layer","uid":"pod",
 "ownerReferences":[{"apiVersion":%q,"kind":%q,"name":%q,"uid":%q,"controller":true}]}}`,
		of.Name, of.APIVersion, of.Kind, of.Name, of.UID))
}

// sayNothing are fields that say what is so without them, or what a server keeps: taken
// away, nothing changes.
var sayNothing = map[string]string{
	"spec.replicas":       "an autoscaler's, where nobody says it",
	"spec.clusterIP":      "kept",
	"spec.ipFamilyPolicy": "kept",
	"nodePort":            "kept",
	"resources":           "empty",
	"emptyDir":            "of a volume that says nothing else",
}

// edits are the object without one of its fields each, and without the last entry of each
// list.
func edits(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	e := editor{t, tree(t, data), map[string][]byte{}}
	e.walk(e.root["spec"], "spec")
	return e.out
}

type editor struct {
	t    *testing.T
	root map[string]any
	out  map[string][]byte
}

func (e editor) note(path string) { e.out[path] = []byte(text(e.root)) }

func (e editor) walk(at any, path string) {
	switch at := at.(type) {
	case map[string]any:
		for key, value := range at {
			e.field(at, key, value, path+"."+key)
			e.walk(value, path+"."+key)
		}
	case []any:
		for i, value := range at {
			e.walk(value, fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

func (e editor) field(in map[string]any, key string, value any, path string) {
	if sayNothing[key] == "" && sayNothing[path] == "" {
		delete(in, key)
		e.note(path)
	}
	if list, ok := value.([]any); ok && len(list) > 1 {
		in[key] = list[:len(list)-1]
		e.note(path + "[last]")
	}
	in[key] = value
}

// A Service that is applied again in another shape has what the server leaves it: the
// addresses and ports that were allocated.
func TestLayerKeepsAllocations(t *testing.T) {
	s := newStage(t, cluster(t))
	s.namespace("layer")
	const selector = "selector: {app: db}, "
	shapes := []string{
		"ports: [{name: a, port: 80}]",
		"clusterIP: None, ports: [{name: a, port: 80}]",
		"ipFamilyPolicy: PreferDualStack, ports: [{name: a, port: 80}]",
		"type: NodePort, ports: [{name: a, port: 80}, {name: b, port: 81}]",
		"type: NodePort, ports: [{name: c, port: 80}, {name: d, port: 80, protocol: UDP}]",
		"type: LoadBalancer, ports: [{name: a, port: 81}]",
		"type: LoadBalancer, externalTrafficPolicy: Local, ports: [{name: a, port: 80}]",
		"type: LoadBalancer, allocateLoadBalancerNodePorts: false, ports: [{name: a, port: 80}]",
		"type: ExternalName, externalName: db.example.com",
	}
	kept := 0
	for i, before := range shapes {
		for j, after := range shapes {
			name := fmt.Sprintf("kept-%d-%d", i, j)
			of := func(shape string) object.Object {
				text := "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + ", namespace: layer}\nspec: {" + selector + shape + "}"
				o, err := object.New(asJSON(t, []byte(text)), object.Source{}, "")
				if err != nil {
					t.Fatal(err)
				}
				return o
			}
			live := asObject(t, s.apply(of(before).JSON, "owner"))
			a, err := s.Apply(t.Context(), of(after).JSON, "owner")
			if err != nil {
				t.Fatal(err)
			}
			if a.Err() != nil {
				continue // nobody can make this of that
			}
			ours := layer.Over(object.Batch{Objects: []object.Object{live}}, object.Batch{Objects: []object.Object{of(after)}}).Objects[0]
			kept += sameAllocations(t, before+" → "+after, a.Body, ours.JSON)
		}
	}
	if kept < 40 {
		t.Errorf("only %d allocations were kept", kept)
	}
}

// sameAllocations counts what we say of a Service: the server says it too.
func sameAllocations(t *testing.T, what string, server, ours []byte) (kept int) {
	t.Helper()
	is, want := tree(t, ours)["spec"].(map[string]any), tree(t, server)["spec"].(map[string]any)
	for _, key := range []string{"clusterIP", "clusterIPs", "ipFamilies", "healthCheckNodePort"} {
		if is[key] == nil {
			continue
		}
		kept++
		if text(is[key]) != text(want[key]) {
			t.Errorf("%s: %s is %s, and we say %s", what, key, text(want[key]), text(is[key]))
		}
	}
	ports, _ := is["ports"].([]any)
	for i, p := range ports {
		mine, theirs := p.(map[string]any)["nodePort"], want["ports"].([]any)[i].(map[string]any)["nodePort"]
		if mine == nil {
			continue
		}
		kept++
		if text(mine) != text(theirs) {
			t.Errorf("%s: the node port of %d is %s, and we say %s", what, i, text(theirs), text(mine))
		}
	}
	return kept
}
