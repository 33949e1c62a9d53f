// Package worldtest lets a test of an adapter be text: objects in, the servers
// that stand for them out.
package worldtest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

var update = flag.Bool("update", false, "write what the adapters make of the objects into testdata")

// Run reads each archive of testdata, adapts its in.yaml and compares with out.
func Run(t *testing.T, adapt func(*operator.World)) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { one(t, adapt, name) })
	}
}

const (
	inMark  = "-- in.yaml --\n"
	outMark = "-- out --\n"
)

func one(t *testing.T, adapt func(*operator.World), name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	comment, rest, ok := strings.Cut(string(data), inMark)
	in, want, ok2 := strings.Cut(rest, outMark)
	if !ok || !ok2 || comment == "" {
		t.Fatal("want a comment and the files in.yaml and out")
	}
	w := World(t, in)
	adapt(w)
	got := Print(w)
	if *update {
		if err := os.WriteFile(name, []byte(comment+inMark+in+outMark+got), 0o600); err != nil { //nolint:gosec // a file of testdata
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// World builds an estate from YAML documents. Pods belong to their owner, Services
// and the pods of Deployments and StatefulSets are read as far as adapters ask.
func World(t *testing.T, text string) *operator.World {
	t.Helper()
	w := &operator.World{Snapshot: &snapshot.Snapshot{Namespaces: map[string]*snapshot.Namespace{}}, Objects: map[string][]object.Object{}}
	line := 1
	for doc := range strings.SplitSeq(text, "---\n") {
		if strings.TrimSpace(doc) != "" {
			add(t, w, doc, line)
		}
		line += strings.Count(doc, "\n") + 1
	}
	return w
}

type manifest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		Owners      []object.Owner    `json:"ownerReferences"`
	} `json:"metadata"`
	Spec json.RawMessage `json:"spec"`
}

func add(t *testing.T, w *operator.World, doc string, line int) {
	data, err := yaml.YAMLToJSON([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	o := object.Object{
		APIVersion: m.APIVersion, Kind: m.Kind, Namespace: m.Metadata.Namespace, Name: m.Metadata.Name,
		Labels: m.Metadata.Labels, Annotations: m.Metadata.Annotations, Owners: m.Metadata.Owners,
		JSON: data, Source: object.Source{File: "in.yaml", Line: line},
	}
	key := object.Type{Group: o.Group(), Kind: o.Kind}.String()
	w.Objects[key] = append(w.Objects[key], o)
	w.Snapshot.Namespaces[o.Namespace] = &snapshot.Namespace{Name: o.Namespace}
	switch o.Kind {
	case "Pod":
		addPod(t, w, o, m)
	case "Service":
		addService(t, w, o, m)
	case "Deployment", "StatefulSet":
		addTemplate(t, w, o, m)
	}
}

type podSpec struct {
	HostNetwork bool `json:"hostNetwork"`
}

func addPod(t *testing.T, w *operator.World, o object.Object, m manifest) {
	var in struct {
		Spec   podSpec `json:"spec"`
		Status struct {
			PodIP string `json:"podIP"`
		} `json:"status"`
	}
	decode(t, o.JSON, &in)
	ref := o.Ref()
	if len(o.Owners) > 0 {
		ref = snapshot.Ref{Kind: o.Owners[0].Kind, Namespace: o.Namespace, Name: o.Owners[0].Name}
	}
	wl := workload(w, ref, o)
	wl.Pods = append(wl.Pods, &snapshot.Pod{Workload: wl, Name: o.Name, Namespace: o.Namespace,
		Labels: netpol.Labels{Set: m.Metadata.Labels}, HostNetwork: in.Spec.HostNetwork, Origin: o.Origin()})
}

func workload(w *operator.World, ref snapshot.Ref, o object.Object) *snapshot.Workload {
	if wl := w.Find(ref); wl != nil {
		return wl
	}
	wl := &snapshot.Workload{Ref: ref, Origin: o.Origin()}
	w.Snapshot.Workloads = append(w.Snapshot.Workloads, wl)
	return wl
}

func addTemplate(t *testing.T, w *operator.World, o object.Object, _ manifest) {
	var in struct {
		Spec struct {
			Replicas *int `json:"replicas"`
			Template struct {
				Metadata struct {
					Labels map[string]string `json:"labels"`
				} `json:"metadata"`
			} `json:"template"`
		} `json:"spec"`
	}
	decode(t, o.JSON, &in)
	wl := workload(w, o.Ref(), o)
	wl.Pods = append(wl.Pods, &snapshot.Pod{Workload: wl, Namespace: o.Namespace, Origin: o.Origin(),
		Many:   in.Spec.Replicas != nil && *in.Spec.Replicas > 1,
		Labels: netpol.Labels{Set: in.Spec.Template.Metadata.Labels}})
}

func addService(t *testing.T, w *operator.World, o object.Object, _ manifest) {
	var in struct {
		Spec struct {
			Selector map[string]string `json:"selector"`
			Ports    []struct {
				Name string `json:"name"`
				Port uint16 `json:"port"`
			} `json:"ports"`
		} `json:"spec"`
	}
	decode(t, o.JSON, &in)
	s := &snapshot.Service{Namespace: o.Namespace, Name: o.Name, Type: "ClusterIP", Origin: o.Origin()}
	for k, v := range in.Spec.Selector {
		s.Selector = append(s.Selector, netpol.Requirement{Key: k, Op: netpol.In, Values: []string{v}})
	}
	slices.SortFunc(s.Selector, func(a, b netpol.Requirement) int { return strings.Compare(a.Key, b.Key) })
	for _, p := range in.Spec.Ports {
		s.Ports = append(s.Ports, snapshot.ServicePort{Name: p.Name, Protocol: flow.TCP, Port: p.Port, Target: p.Port})
	}
	w.Snapshot.Services = append(w.Snapshot.Services, s)
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(into); err != nil {
		t.Fatal(err)
	}
}
