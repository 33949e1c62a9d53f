// Package world is what the adapters of operators have in common: an object is
// read with all its faults, and whoever a database talks to is looked for in the
// estate before anything is assumed of him.
package world

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Read decodes the object. A field of the wrong type is a Problem of its
// namespace, and the others are still read: what follows from them is true, and
// the Problem keeps answers about the namespace in doubt.
func Read(w *operator.World, o object.Object, into any) {
	if err := o.Decode(into); err != nil {
		w.Snapshot.Problems = append(w.Snapshot.Problems, o.Problem(err))
	}
}

// Fault adds a Problem of one field.
func Fault(w *operator.World, o object.Object, field, format string, args ...any) {
	err := &object.Fault{Field: field, Err: fmt.Errorf(format, args...)}
	w.Snapshot.Problems = append(w.Snapshot.Problems, o.Problem(err))
}

// Refuse adds a Problem of one field that shapes no pod: what becomes of sessions is in
// doubt, and what policies do with packets is not.
func Refuse(w *operator.World, o object.Object, field, format string, args ...any) {
	Fault(w, o, field, format, args...)
	w.Snapshot.Problems[len(w.Snapshot.Problems)-1].Object = o.Ref()
}

// Warn adds a Warning about one field.
func Warn(w *operator.World, o object.Object, code, field, format string, args ...any) {
	w.Snapshot.Warnings = append(w.Snapshot.Warnings,
		snapshot.Warning{Code: code, Text: fmt.Sprintf(format, args...), Origin: o.Origin().At("%s", field)})
}

// Sort puts the lists that adapters add to in order again.
func Sort(s *snapshot.Snapshot) {
	slices.SortStableFunc(s.Workloads, func(a, b *snapshot.Workload) int { return a.Compare(b.Ref) })
	slices.SortStableFunc(s.Services, func(a, b *snapshot.Service) int { return a.Ref().Compare(b.Ref()) })
	slices.SortStableFunc(s.Servers, func(a, b *snapshot.Server) int { return a.Ref().Compare(b.Ref()) })
}

// Workload returns the workload of this name, or a new one in the Snapshot.
func Workload(w *operator.World, ref snapshot.Ref, o object.Object) *snapshot.Workload {
	if wl := w.Find(ref); wl != nil {
		return wl
	}
	wl := &snapshot.Workload{Ref: ref, Origin: o.Origin()}
	w.Snapshot.Workloads = append(w.Snapshot.Workloads, wl)
	return wl
}

// Clone returns a copy of a pod whose labels may be changed.
func Clone(p *snapshot.Pod) *snapshot.Pod {
	c := *p
	c.Labels = netpol.Labels{Set: map[string]string{}, Unknown: slices.Clone(p.Labels.Unknown)}
	for k, v := range p.Labels.Set {
		c.Labels.Set[k] = v
	}
	return &c
}

// Labelled returns the pods of the namespaces, all of them where none is given,
// that surely have the labels; sorted as the workloads are.
func Labelled(w *operator.World, labels map[string]string, namespaces ...string) []*snapshot.Pod {
	selector := Equals(labels)
	var out []*snapshot.Pod
	for _, wl := range w.Snapshot.Workloads {
		for _, p := range wl.Pods {
			if (len(namespaces) == 0 || slices.Contains(namespaces, p.Namespace)) && selector.Match(p.Labels) == netpol.Yes {
				out = append(out, p)
			}
		}
	}
	return out
}

// Equals is the selector of labels that all have to be there.
func Equals(labels map[string]string) netpol.Selector {
	out := netpol.Selector{}
	for k, v := range labels {
		out = append(out, netpol.Requirement{Key: k, Op: netpol.In, Values: []string{v}})
	}
	slices.SortFunc(out, func(a, b netpol.Requirement) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// maxInstances is how many instances of a cluster are told apart.
const maxInstances = 100

// Instances is spec.instances with its default, between least and what can be told
// apart.
func Instances(stated *int, least int) int {
	if stated == nil {
		return 1
	}
	return min(max(*stated, least), maxInstances)
}

// Stopped is the origin of a number of pods where somebody wrote none of them.
func Stopped(stated *int, at verdict.Origin) verdict.Origin {
	if stated != nil && *stated == 0 {
		return at
	}
	return verdict.Origin{}
}

// CheckInstances makes a Problem of a number that no cluster has. It would also
// fill the memory, since each instance is a pod of its own.
func CheckInstances(w *operator.World, o object.Object, stated *int) {
	if stated != nil && (*stated < 0 || *stated > maxInstances) {
		Fault(w, o, "spec.instances", "%d: want a number up to %d", *stated, maxInstances)
	}
}
