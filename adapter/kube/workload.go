package kube

import (
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// convertWorkloads folds pods and what makes them into workloads. Running pods are
// the members of their controller; where none runs, its template tells what its
// pods will be.
func (c *converter) convertWorkloads() {
	units := c.units()
	known := make(owners, len(units))
	for _, u := range units {
		if !u.runsItself() {
			known[u.Ref()] = u
		}
	}
	f := folder{converter: c, owners: known, at: map[snapshot.Ref]*snapshot.Workload{}}
	f.running(units)
	f.planned(units)
}

func (c *converter) units() []*unit {
	units := make([]*unit, 0, len(c.workloads))
	for o, r := range ahead(c.workloads, newUnit) {
		if r.err != nil {
			c.fail(o, r.err)
			continue
		}
		units = append(units, r.value)
		if o.Kind == "DaemonSet" {
			c.daemons = append(c.daemons, daemon{o, r.value.template})
		}
	}
	return units
}

// A folder puts members into the workloads at the top of their owner chains.
type folder struct {
	*converter
	owners owners
	at     map[snapshot.Ref]*snapshot.Workload
}

// running takes the pods. One that has ended is no member, and leaves its controller
// to the template.
func (f *folder) running(units []*unit) {
	var pods []*unit
	for _, u := range units {
		if u.runsItself() && !u.finished {
			pods = append(pods, u)
		}
	}
	for u, made := range ahead(pods, podOf) {
		top, above := f.owners.climb(u)
		for _, a := range above {
			a.seen = true
		}
		f.add(top, u, made)
	}
}

// planned takes the templates of controllers, unless their pods are running or what
// stands above them has a template too.
func (f *folder) planned(units []*unit) {
	var templates []*unit
	for _, u := range units {
		if u.runsItself() || u.seen || u.finished {
			continue
		}
		if _, above := f.owners.climb(u); len(above) == 0 {
			templates = append(templates, u)
		}
	}
	for u, made := range ahead(templates, podsOf) {
		top, _ := f.owners.climb(u)
		f.add(top, u, made)
	}
}

func (f *folder) add(top snapshot.Ref, u *unit, made result[[]*snapshot.Pod]) {
	if made.err != nil {
		f.fail(u.Object, made.err)
		return
	}
	w := f.at[top]
	if w == nil {
		w = &snapshot.Workload{Ref: top, Origin: f.origin(top, u)}
		f.at[top] = w
		f.world.Workloads = append(f.world.Workloads, w)
	}
	for _, p := range made.value {
		p.Workload = w
	}
	w.Pods = append(w.Pods, made.value...)
}

// origin is the object at the top where it was read, else the one that told of it.
func (f *folder) origin(top snapshot.Ref, u *unit) verdict.Origin {
	if known := f.owners[top]; known != nil {
		return known.Origin()
	}
	if o, ok := f.owning[top]; ok {
		return o.Origin()
	}
	return u.Origin()
}
