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
	for _, u := range units {
		if u.runsItself() {
			f.running(u)
		}
	}
	for _, u := range units {
		if !u.runsItself() {
			f.planned(u)
		}
	}
}

func (c *converter) units() []*unit {
	units := make([]*unit, 0, len(c.workloads))
	for _, o := range c.workloads {
		u, err := newUnit(o)
		if err != nil {
			c.fail(o, err)
			continue
		}
		units = append(units, u)
		if o.Kind == "DaemonSet" {
			c.daemons = append(c.daemons, daemon{o, u.template})
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

// running takes a pod. One that has ended is no member, and leaves its controller
// to the template.
func (f *folder) running(u *unit) {
	if u.finished {
		return
	}
	top, above := f.owners.climb(u)
	for _, a := range above {
		a.seen = true
	}
	f.add(top, u, podOf)
}

// planned takes the template of a controller, unless its pods are running or what
// stands above it has a template too.
func (f *folder) planned(u *unit) {
	top, above := f.owners.climb(u)
	if u.seen || u.finished || len(above) > 0 {
		return
	}
	f.add(top, u, podsOf)
}

func (f *folder) add(top snapshot.Ref, u *unit, pods func(*unit) ([]*snapshot.Pod, error)) {
	made, err := pods(u)
	if err != nil {
		f.fail(u.Object, err)
		return
	}
	w := f.at[top]
	if w == nil {
		w = &snapshot.Workload{Ref: top, Origin: f.origin(top, u)}
		f.at[top] = w
		f.world.Workloads = append(f.world.Workloads, w)
	}
	for _, p := range made {
		p.Workload = w
	}
	w.Pods = append(w.Pods, made...)
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
