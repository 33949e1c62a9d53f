package layer

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/operator/other"
	appsv1 "k8s.io/api/apps/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// A parent is an object that others may be made of: as it was, and as it is to be.
type parent struct{ was, is object.Object }

// makers are the built-in kinds of whose objects package kube tells what will come.
var makers = map[object.Type]bool{
	{Group: "apps", Kind: "Deployment"}: true, {Group: "apps", Kind: "StatefulSet"}: true,
	{Group: "apps", Kind: "DaemonSet"}: true, {Group: "apps", Kind: "ReplicaSet"}: true,
	{Group: "batch", Kind: "Job"}: true, {Group: "batch", Kind: "CronJob"}: true,
	{Kind: "ReplicationController"}: true, {Kind: "Service"}: true,
}

// operated are the custom resources of the operators that an adapter understands.
var operated = func() map[object.Type]bool {
	out := map[object.Type]bool{}
	for _, a := range known.Adapters() {
		for _, t := range a.Kinds {
			out[t] = !strings.HasSuffix(t.Group, "k8s.io") && strings.Contains(t.Group, ".")
		}
	}
	for _, t := range other.Adapter.Kinds { // seen, and not understood
		delete(out, t)
	}
	return out
}()

// remade reports whether this program works out what comes of an object of the type. What
// comes of any other, a Gateway or somebody's own resource, nobody here would make again:
// it stays, even if the object changes.
func remade(t object.Type) bool { return makers[t] || operated[t] }

// renewed reports whether objects of the type that controllers made are made anew with what
// they were made of. Secrets, claims and certificates live on; policies, roles and routes no
// adapter makes, so that without them the answer would be of a cluster that has none.
func renewed(t object.Type) bool {
	switch t.Kind {
	case "Pod", "Endpoints", "ConfigMap":
		return t.Group == ""
	case "EndpointSlice":
		return t.Group == discoveryv1.GroupName
	}
	return remade(t)
}

// A family finds what controllers made of which object.
type family struct {
	objects []object.Object
	at      map[identity]int
	uid     map[string]int
	// made are the places of what an object owns.
	made map[int][]int
}

// newFamily looks at the objects whose places are not in without.
func newFamily(objects []object.Object, without map[int]bool) *family {
	f := &family{objects: objects, at: make(map[identity]int, len(objects)), uid: map[string]int{}, made: map[int][]int{}}
	for i, o := range objects {
		if without[i] {
			continue
		}
		f.at[identityOf(o)] = i
		if o.UID != "" {
			f.uid[o.UID] = i
		}
	}
	for i, o := range objects {
		for _, owner := range f.owners(o) {
			f.made[owner] = append(f.made[owner], i)
		}
	}
	return f
}

// owners are the places of those that own the object.
func (f *family) owners(o object.Object) []int {
	var out []int
	for _, owner := range o.Owners {
		if at, ok := f.owner(o, owner); ok {
			out = append(out, at)
		}
	}
	return out
}

// owner finds an owner by its uid where both have one, else by its name, in the namespace of
// what it owns or of the cluster. In the place of one that was not read stands what is known
// to be above it.
func (f *family) owner(o object.Object, by object.Owner) (int, bool) {
	t := object.Type{Group: object.GroupOf(by.APIVersion), Kind: by.Kind}
	if at, ok := f.uid[by.UID]; ok && by.UID != "" && f.objects[at].Type() == t {
		return at, true
	}
	namespace := o.Namespace
	if !t.Namespaced() {
		namespace = ""
	}
	at, ok := f.at[identity{t, namespace, by.Name}]
	if ok {
		uid := f.objects[at].UID
		return at, uid == "" || by.UID == ""
	}
	if above, found := aboveUnread(o, t, by.Name); found {
		at, ok = f.at[above]
	}
	return at, ok
}

// aboveUnread is what stands above an owner that was not read: the Deployment of a ReplicaSet,
// whose name is the Deployment's with the hash of the pod behind it, the CronJob of a Job,
// which is named by the minute, and the cluster of Percona's operator, which makes one of the
// same name in Crunchy's manner.
func aboveUnread(o object.Object, owner object.Type, name string) (identity, bool) {
	switch owner {
	case object.Type{Group: "apps", Kind: "ReplicaSet"}:
		hash := o.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
		stem, ok := strings.CutSuffix(name, "-"+hash)
		return identity{object.Type{Group: "apps", Kind: "Deployment"}, o.Namespace, stem}, ok && hash != ""
	case object.Type{Group: "batch", Kind: "Job"}:
		at := strings.LastIndexByte(name, '-')
		if at <= 0 || strings.Trim(name[at+1:], "0123456789") != "" {
			return identity{}, false
		}
		return identity{object.Type{Group: "batch", Kind: "CronJob"}, o.Namespace, name[:at]}, true
	case object.Type{Group: "upstream.pgv2.percona.com", Kind: "PostgresCluster"}:
		return identity{object.Type{Group: "pgv2.percona.com", Kind: "PerconaPGCluster"}, o.Namespace, name}, true
	}
	return identity{}, false
}

// offspring are the places of what controllers made of changed objects, of what was made of
// that in turn, and of the endpoints that lead to such pods. What next has itself stays.
func (l *layers) offspring() []int {
	if len(l.changed) == 0 {
		return nil
	}
	f := newFamily(l.withUIDs(), l.gone)
	var todo, out []int
	for _, c := range l.changed {
		if c.is.Type() == serviceType {
			out = append(out, l.endpointsOf(c.is)...)
			continue
		}
		todo = append(todo, f.at[identityOf(c.is)])
	}
	seen := map[int]bool{}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		for _, i := range f.made[at] {
			if o := l.objects[i]; !seen[i] && !l.fresh[i] && renewed(o.Type()) && f.controls(at, o) {
				seen[i] = true
				todo, out = append(todo, i), append(out, i)
			}
		}
	}
	return append(out, l.leadingTo(out)...)
}

// withUIDs are the objects with the uid that the one had in whose place they stand: what was
// made of that names it.
func (l *layers) withUIDs() []object.Object {
	out := slices.Clone(l.objects)
	for _, c := range l.changed {
		out[l.at[identityOf(c.is)]].UID = c.was.UID
	}
	return out
}

// controls reports whether the owner at a place is the one that manages the object, or no
// other does.
func (f *family) controls(at int, o object.Object) bool {
	for _, owner := range o.Owners {
		if owner.Controller != nil && *owner.Controller {
			is, ok := f.owner(o, owner)
			return ok && is == at
		}
	}
	return true
}

// endpointsOf are those of a Service whose controller writes them anew, by its selector. Where
// it has none, endpoints are left as they are, whoever wrote them.
func (l *layers) endpointsOf(service object.Object) []int {
	var in struct {
		Spec struct {
			Selector map[string]string `json:"selector"`
		} `json:"spec"`
	}
	if service.Decode(&in) != nil || len(in.Spec.Selector) == 0 {
		return nil
	}
	return l.where(func(o object.Object) bool { return endpointsFor(o, service) })
}

// endpointsFor reports whether the object tells what a Service leads to.
func endpointsFor(o, service object.Object) bool {
	switch o.Type() {
	case object.Type{Kind: "Endpoints"}:
		return o.Namespace == service.Namespace && o.Name == service.Name
	case object.Type{Group: discoveryv1.GroupName, Kind: "EndpointSlice"}:
		return o.Namespace == service.Namespace && o.Labels[discoveryv1.LabelServiceName] == service.Name
	}
	return false
}

// where lists the places of what next did not write and that is as asked.
func (l *layers) where(is func(object.Object) bool) []int {
	var out []int
	for i, o := range l.objects {
		if !l.fresh[i] && !l.gone[i] && is(o) {
			out = append(out, i)
		}
	}
	return out
}

// leadingTo are the endpoints that name a pod which goes.
func (l *layers) leadingTo(gone []int) []int {
	pods := map[[2]string]bool{}
	for _, i := range gone {
		if o := l.objects[i]; o.Type() == (object.Type{Kind: "Pod"}) {
			pods[[2]string{o.Namespace, o.Name}] = true
		}
	}
	if len(pods) == 0 {
		return nil
	}
	return l.where(func(o object.Object) bool {
		return slices.ContainsFunc(targets(o), func(pod string) bool { return pods[[2]string{o.Namespace, pod}] })
	})
}

// A target is what an address of a Service is of.
type target struct {
	TargetRef *struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	} `json:"targetRef"`
}

// targets are the pods that endpoints name; none where they cannot be read, which the reader
// of endpoints says.
func targets(o object.Object) []string {
	var in struct {
		Endpoints []target `json:"endpoints"`
		Subsets   []struct {
			Addresses         []target `json:"addresses"`
			NotReadyAddresses []target `json:"notReadyAddresses"`
		} `json:"subsets"`
	}
	if o.Kind != "EndpointSlice" && o.Kind != "Endpoints" || json.Unmarshal(o.JSON, &in) != nil {
		return nil
	}
	all := in.Endpoints
	for _, s := range in.Subsets {
		all = append(append(all, s.Addresses...), s.NotReadyAddresses...)
	}
	var out []string
	for _, t := range all {
		if t.TargetRef != nil && t.TargetRef.Kind == "Pod" {
			out = append(out, t.TargetRef.Name)
		}
	}
	return out
}
