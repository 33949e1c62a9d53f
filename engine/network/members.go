package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// party names some units of a workload: the workload itself when they are all of
// them, else by what tells their pods from the others.
func (e *estate) party(w int32, group []int) Party {
	units := e.units[e.first[w]:e.first[w+1]]
	if len(group) == len(units) {
		return e.whole[w]
	}
	var in, rest []*snapshot.Pod
	for i, u := range units {
		if slices.Contains(group, i) {
			in = append(in, u.pods...)
		} else {
			rest = append(rest, u.pods...)
		}
	}
	p := e.whole[w]
	p.Name += " (" + distinction(in, rest) + ")"
	p.Pods = in
	return p
}

// distinction returns the first of these that the rest has none of: the parts, the
// pod names, both together, labels, ports and addresses.
func distinction(in, rest []*snapshot.Pod) string {
	for _, say := range []func(*snapshot.Pod) string{partOf, nameOf, nameAsPart} {
		if words, ok := tells(say, in, rest); ok {
			return strings.Join(words, ", ")
		}
	}
	if words := differing(in, rest); len(words) > 0 {
		return strings.Join(words, ", ")
	}
	words, _ := tells(bareFacts, in, rest)
	return strings.Join(words, "; ")
}

// tells returns what is said of the pods, sorted; ok says that it is said of each
// of them and of none of the rest.
func tells(say func(*snapshot.Pod) string, in, rest []*snapshot.Pod) (words []string, ok bool) {
	ok = true
	for _, p := range in {
		words = append(words, say(p))
		ok = ok && words[len(words)-1] != ""
	}
	for _, p := range rest {
		ok = ok && !slices.Contains(words, say(p))
	}
	slices.Sort(words)
	return slices.Compact(words), ok
}

// partOf writes replicas in the plural: the group holds all of them.
func partOf(p *snapshot.Pod) string {
	if p.Part == snapshot.Replica {
		return "replicas"
	}
	return p.Part
}

func nameOf(p *snapshot.Pod) string { return p.Name }

// nameAsPart says all that a pod is called.
func nameAsPart(p *snapshot.Pod) string {
	switch {
	case p.Part == "":
		return p.Name
	case p.Name == "" && p.Instance == "":
		return p.Part
	case p.Name == "":
		return p.Instance + " as " + p.Part
	}
	return p.Name + " as " + p.Part
}

// differing returns the labels that every pod of the group has and no other does;
// where no single label does that, all that differ between any two pods.
func differing(in, rest []*snapshot.Pod) []string {
	var common, all []string
	for key, value := range in[0].Labels.Set {
		word := key + "=" + value
		if everyHas(in, key, value) && !anyHas(rest, key, value) {
			common = append(common, word)
		}
	}
	slices.Sort(common)
	if len(common) > 0 {
		return common[:1]
	}
	for _, p := range in {
		for key, value := range p.Labels.Set {
			if !everyHas(slices.Concat(in, rest), key, value) {
				all = append(all, key+"="+value)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(in) > 1 {
		return nil
	}
	return all
}

func everyHas(ps []*snapshot.Pod, key, value string) bool {
	return !slices.ContainsFunc(ps, func(p *snapshot.Pod) bool { return !hasLabel(p, key, value) })
}

func anyHas(ps []*snapshot.Pod, key, value string) bool {
	return slices.ContainsFunc(ps, func(p *snapshot.Pod) bool { return hasLabel(p, key, value) })
}

func hasLabel(p *snapshot.Pod, key, value string) bool {
	got, ok := p.Labels.Set[key]
	return ok && got == value
}

// bareFacts is all that could tell a pod from another.
func bareFacts(p *snapshot.Pod) string {
	keys := make([]string, 0, len(p.Labels.Set))
	for k, v := range p.Labels.Set {
		keys = append(keys, k+"="+v)
	}
	slices.Sort(keys)
	for _, c := range p.Ports {
		keys = append(keys, fmt.Sprintf("%s %s %d", c.Name, c.Protocol, c.Port))
	}
	for _, a := range p.Addresses {
		keys = append(keys, a.String())
	}
	if p.HostNetwork {
		keys = append(keys, "hostNetwork")
	}
	return strings.Join(keys, ",")
}
