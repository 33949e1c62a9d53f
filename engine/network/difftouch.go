package network

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A podField is a part of the pods of one workload, by its new name.
type podField struct {
	workload snapshot.Ref
	field    string
}

// The parts of a pod that policies can see.
const (
	fieldLabels    = "metadata.labels"
	fieldPorts     = "spec.containers.ports"
	fieldAddresses = "status.podIPs"
	fieldHost      = "spec.hostNetwork"
	fieldNode      = "spec.nodeName"
)

var podFields = []string{fieldLabels, fieldPorts, fieldAddresses, fieldHost, fieldNode}

// takeField makes one part of a pod that of another.
var takeField = map[string]func(into, from *snapshot.Pod){
	fieldLabels:    func(into, from *snapshot.Pod) { into.Labels = from.Labels },
	fieldPorts:     func(into, from *snapshot.Pod) { into.Ports = from.Ports },
	fieldAddresses: func(into, from *snapshot.Pod) { into.Addresses = from.Addresses },
	fieldHost:      func(into, from *snapshot.Pod) { into.HostNetwork = from.HostNetwork },
	fieldNode:      func(into, from *snapshot.Pod) { into.Node = from.Node },
}

func sameField(field string, a, b *snapshot.Pod) bool {
	switch field {
	case fieldLabels:
		return sameLabels(a.Labels, b.Labels)
	case fieldPorts:
		return slices.EqualFunc(a.Ports, b.Ports, sameContainerPort)
	case fieldAddresses:
		return slices.Equal(a.Addresses, b.Addresses)
	case fieldHost:
		return a.HostNetwork == b.HostNetwork
	default:
		return a.Node == b.Node
	}
}

// ofPod returns the edits of a pod: what differs of it that a policy could see.
func (l *ledger) ofPod(pair [2]*snapshot.Pod) editSet {
	var out []int32
	for _, field := range podFields {
		if sameField(field, pair[before], pair[after]) || !l.isSeen(field, pair) {
			continue
		}
		key := podField{pair[after].Workload.Ref, field}
		id, ok := l.pods[key]
		if !ok {
			id = l.add(podEdit(key, pair))
			l.pods[key] = id
		}
		out = append(out, id)
	}
	if len(out) == 0 {
		return 0
	}
	return l.set(out)
}

// isSeen reports whether a policy of either side could tell the pod from what it was.
// Labels and ports change with every release; most of that no policy asks for.
func (l *ledger) isSeen(field string, pair [2]*snapshot.Pod) bool {
	if field != fieldLabels && field != fieldPorts {
		return true
	}
	was := *pair[after]
	takeField[field](&was, pair[before])
	for _, e := range l.engines {
		if e.ClassOf(&was) != e.ClassOf(pair[after]) {
			return true
		}
	}
	return false
}

func podEdit(key podField, pair [2]*snapshot.Pod) Edit {
	return Edit{Kind: EditPod, Change: ChangeMoved, Object: key.workload.String(), Field: key.field,
		Was: fieldText(key.field, pair[before], pair[after]), Is: fieldText(key.field, pair[after], pair[before]),
		Old: pair[before].Origin, New: pair[after].Origin}
}

// fieldText writes a part of p as far as it is not that of q.
func fieldText(field string, p, q *snapshot.Pod) string {
	switch field {
	case fieldLabels:
		return labelsBeside(p.Labels, q.Labels)
	case fieldPorts:
		var parts []string
		for _, c := range p.Ports {
			if !slices.Contains(q.Ports, c) {
				parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s %d", c.Name, c.Protocol, c.Port)))
			}
		}
		return strings.Join(parts, ", ")
	case fieldAddresses:
		return addressText(p.Addresses)
	case fieldHost:
		return fmt.Sprint(p.HostNetwork)
	default:
		return p.Node
	}
}

// labelsBeside writes the labels of a that b has not, or otherwise.
func labelsBeside(a, b netpol.Labels) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(a.Set)) {
		if value, ok := b.Set[key]; !ok || value != a.Set[key] {
			parts = append(parts, key+"="+a.Set[key])
		}
	}
	for _, key := range a.Unknown {
		if !slices.Contains(b.Unknown, key) {
			parts = append(parts, key+" (value not known)")
		}
	}
	return strings.Join(parts, ", ")
}

// touching returns all edits that could change what a pod may do in one direction.
// It may name too many, never too few.
func (l *ledger) touching(dir netpol.Direction, pods [2]*snapshot.Pod, own editSet) editSet {
	if len(l.list) == 0 {
		return 0
	}
	out := slices.Concat(l.factsSet, l.sets[own])
	if id, ok := l.spaces[pods[after].Namespace]; ok {
		out = append(out, id)
	}
	for _, space := range []string{"", pods[after].Namespace} {
		for i := range l.policies[space] {
			if p := &l.policies[space][i]; p.edit != none && l.mayTouch(dir, p, pods) {
				out = append(out, p.edit)
			}
		}
	}
	for i := range l.unmodelled {
		if u := &l.unmodelled[i]; u.edit != none && touches(u, dir, pods) {
			out = append(out, u.edit)
		}
	}
	if l.problems != none {
		out = append(out, l.problems)
	}
	if pods[before].HostNetwork || pods[after].HostNetwork {
		out = append(out, l.nodesEdited...)
	}
	return l.set(out)
}

// mayTouch asks both versions of a policy about both versions of a pod.
func (l *ledger) mayTouch(dir netpol.Direction, two *twoPolicies, pods [2]*snapshot.Pod) bool {
	for _, p := range two.versions {
		if p != nil && p.Tier.IsOrdered() && l.isStrict() {
			return true // whether all of them are known to be enforced matters to each
		}
		if p == nil || !l.baseline && !p.Isolates[dir] && len(p.Rules[dir]) == 0 {
			continue
		}
		for _, v := range ages {
			if p.Pods.Match(pods[v].Labels) != netpol.No && l.maySelectSpace(p, pods[v].Namespace) {
				return true
			}
		}
	}
	return false
}

func (l *ledger) isStrict() bool { return l.world(before).Facts.Strict || l.world(after).Facts.Strict }

// maySelectSpace asks for the subject's namespace, as either side has it. One that
// nobody declared may have any label.
func (l *ledger) maySelectSpace(p *netpol.Policy, name string) bool {
	if p.Namespaces == nil {
		return p.Namespace == name
	}
	for _, v := range ages {
		if ns := l.world(v).NamespaceOf(name); !ns.Declared || p.Namespaces.Match(ns.Labels) != netpol.No {
			return true
		}
	}
	return false
}

func touches(u *twoUnmodelled, dir netpol.Direction, pods [2]*snapshot.Pod) bool {
	for _, version := range u.versions {
		if version == nil || !version.Directions[dir] || version.Layer != verdict.Egress && version.Layer != verdict.Ingress {
			continue
		}
		for _, p := range pods {
			if version.MayTouch(p) {
				return true
			}
		}
	}
	return false
}
