package network

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A class holds pods that no selector, block or named port in use tells apart.
type class struct {
	pod   *snapshot.Pod // any of them
	units []int32
}

// A unit holds the pods of one workload that are of one class. Units are numbered
// in the order of workloads, so that rows come out sorted.
type unit struct {
	workload int32
	class    int32
	pods     []*snapshot.Pod
}

// census sorts the pods of a snapshot into classes and units.
type census struct {
	workloads []*snapshot.Workload // sorted
	first     []int32              // of a workload, its first unit; one more at the end
	units     []unit
	classes   []class
	// postings lead from a label to the classes that have it, in ascending order.
	byNamespace map[string][]int32
	byLabel     map[label][]int32
	byUnknown   map[string][]int32
}

type label struct{ key, value string }

func takeCensus(world *snapshot.Snapshot, seen *vision) *census {
	c := &census{
		workloads:   slices.Clone(world.Workloads),
		byNamespace: map[string][]int32{},
		byLabel:     map[label][]int32{},
		byUnknown:   map[string][]int32{},
	}
	slices.SortStableFunc(c.workloads, func(a, b *snapshot.Workload) int { return a.Compare(b.Ref) })
	ids := map[string]int32{}
	for w, wl := range c.workloads {
		c.first = append(c.first, int32(len(c.units))) //nolint:gosec // far below 2^31
		for _, p := range wl.Pods {
			key := seen.key(p)
			id, ok := ids[key]
			if !ok {
				id = c.add(p, seen)
				ids[key] = id
			}
			c.place(int32(w), id, p)
		}
	}
	c.first = append(c.first, int32(len(c.units))) //nolint:gosec // far below 2^31
	return c
}

// add makes a class and posts it under its labels.
func (c *census) add(p *snapshot.Pod, seen *vision) int32 {
	id := int32(len(c.classes)) //nolint:gosec // far below 2^31
	c.classes = append(c.classes, class{pod: p})
	c.byNamespace[p.Namespace] = append(c.byNamespace[p.Namespace], id)
	for _, key := range seen.keys {
		value, known := p.Labels.Set[key]
		switch {
		case known && seen.values[label{key, value}]:
			l := label{key, value}
			c.byLabel[l] = append(c.byLabel[l], id)
		case !known && slices.Contains(p.Labels.Unknown, key):
			c.byUnknown[key] = append(c.byUnknown[key], id)
		}
	}
	return id
}

// place puts a pod into its unit.
func (c *census) place(w, class int32, p *snapshot.Pod) {
	for u := c.first[w]; int(u) < len(c.units); u++ {
		if c.units[u].class == class {
			c.units[u].pods = append(c.units[u].pods, p)
			return
		}
	}
	u := int32(len(c.units)) //nolint:gosec // far below 2^31
	c.units = append(c.units, unit{workload: w, class: class, pods: []*snapshot.Pod{p}})
	c.classes[class].units = append(c.classes[class].units, u)
}

// vision is what the policies in use can see of a pod.
type vision struct {
	keys   []string // sorted
	values map[label]bool
	names  []portName
	blocks []flow.Addresses
	// nodes are those that have addresses, or pods on the host network: their traffic
	// with the pods of the same node is their own.
	nodes map[string]bool
	// bare says that the network plugin treats pods that nothing owns in its own way.
	bare bool
	// nodeName finds a pod's node.
	nodeName func(*snapshot.Pod) string
}

func visionOf(e *Engine) *vision {
	v := &vision{bare: e.world.Facts.Profile.Has(cni.BarePodsOpen), values: map[label]bool{}, nodes: map[string]bool{}, nodeName: e.nodeName}
	for _, p := range slices.Concat(e.world.Policies, e.ordered[netpol.Admin], e.ordered[netpol.Baseline]) {
		v.selector(&p.Pods)
		for _, rules := range p.Rules {
			for _, r := range rules {
				v.rule(r)
				v.borders(e, r)
			}
		}
	}
	for _, us := range e.dialects {
		for _, u := range us {
			v.selector(u.Pods)
		}
	}
	for _, n := range e.world.Nodes {
		v.nodes[n.Name] = true
	}
	for _, w := range e.world.Workloads {
		for _, p := range w.Pods {
			if p.HostNetwork {
				v.nodes[e.nodeName(p)] = true
			}
		}
	}
	slices.Sort(v.keys)
	v.keys = slices.Compact(v.keys)
	slices.SortFunc(v.names, portName.compare)
	v.names = slices.Compact(v.names)
	return v
}

func (v *vision) rule(r netpol.Rule) {
	for _, p := range r.Ports {
		if p.Name != "" {
			v.names = append(v.names, portName{p.Protocol, p.Name})
		}
	}
	for _, p := range r.Peers {
		v.selector(p.Pods)
	}
}

// borders are the sets of addresses that a rule tells apart.
func (v *vision) borders(e *Engine, r netpol.Rule) {
	for _, p := range r.Peers {
		if p.Nodes == nil { // nodes are told apart by their names
			v.blocks = append(v.blocks, e.borders(p)...)
		}
	}
}

func (v *vision) selector(s *netpol.Selector) {
	if s == nil {
		return
	}
	for _, r := range *s {
		v.keys = append(v.keys, r.Key)
		for _, value := range r.Values {
			v.values[label{r.Key, value}] = true
		}
	}
}

// key is equal for two pods exactly when nothing in use can tell them apart.
func (v *vision) key(p *snapshot.Pod) string {
	var b strings.Builder
	b.WriteString(p.Namespace)
	if p.HostNetwork {
		b.WriteString("\x00host")
	}
	if v.bare && p.Workload.Kind == "Pod" {
		b.WriteString("\x00bare")
	}
	for i, key := range v.keys {
		value, known := p.Labels.Set[key]
		switch {
		case known && v.values[label{key, value}]:
			b.WriteString("\x00" + strconv.Itoa(i) + "=" + value)
		case known:
			b.WriteString("\x00" + strconv.Itoa(i) + "+") // a value that nobody asks for
		case slices.Contains(p.Labels.Unknown, key):
			b.WriteString("\x00" + strconv.Itoa(i) + "?")
		}
	}
	for i, name := range v.names {
		if n := p.NamedPort(name.name, name.protocol); n != 0 {
			b.WriteString("\x00" + strconv.Itoa(i) + ":" + strconv.Itoa(int(n)))
		}
	}
	switch node := v.nodeName(p); {
	case node != "" && v.nodes[node]:
		b.WriteString("\x00%" + node)
	case node != "":
		b.WriteString("\x00%") // surely none of those
	}
	v.addresses(&b, p)
	return b.String()
}

// addresses writes which blocks hold the pod; without known addresses, nothing.
func (v *vision) addresses(b *strings.Builder, p *snapshot.Pod) {
	if len(p.Addresses) == 0 {
		return
	}
	for _, f := range families {
		at, _ := f.addresses(p)
		if len(at) == 0 {
			continue
		}
		b.WriteString("\x00@" + f.String())
		for i, block := range v.blocks {
			if slices.ContainsFunc(at, block.Has) {
				b.WriteString("," + strconv.Itoa(i))
			}
		}
	}
}
