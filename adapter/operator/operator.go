// Package operator is what the adapters of the database operators share: each
// finds its own objects and adds the servers they stand for.
package operator

import (
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A World is an estate being built. Namespaces, Services, policies and the
// workloads that manifests declare or that pods belong to are in Snapshot already;
// an adapter adds what its operator will create.
type World struct {
	Snapshot *snapshot.Snapshot
	// Objects are all objects, by kind; kinds nobody asked for are absent.
	Objects map[string][]object.Object
}

// An Adapter knows one operator.
type Adapter struct {
	// Kinds are the types it asks for.
	Kinds []object.Type
	// Wants reports whether an object of a type that is not its own (a ConfigMap, a
	// CustomResourceDefinition) may matter to it, by its text; nil for none.
	Wants func(t object.Type, text []byte) bool
	// SecretAnnotations are the annotations of Secrets that it looks at: of a cluster no other
	// is read, as some hold the Secret itself.
	SecretAnnotations []string
	// Adapt adds the servers of the operator. Where an object cannot be understood it
	// adds a Problem to the Snapshot, never a smaller server.
	Adapt func(*World)
}

// Find returns the workload with this name, or nil.
func (w *World) Find(ref snapshot.Ref) *snapshot.Workload {
	for _, wl := range w.Snapshot.Workloads {
		if wl.Ref == ref {
			return wl
		}
	}
	return nil
}

// Workloads returns those that there are now, by their names.
func (w *World) Workloads() map[snapshot.Ref]*snapshot.Workload {
	out := make(map[snapshot.Ref]*snapshot.Workload, len(w.Snapshot.Workloads))
	for _, wl := range slices.Backward(w.Snapshot.Workloads) { // the first of a name, as Find
		out[wl.Ref] = wl
	}
	return out
}

// Service returns the Service with this name, or nil.
func (w *World) Service(namespace, name string) *snapshot.Service {
	for _, s := range w.Snapshot.Services {
		if s.Namespace == namespace && s.Name == name {
			return s
		}
	}
	return nil
}
