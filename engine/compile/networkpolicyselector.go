package compile

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// namespaceNamed selects namespaces by name.
func namespaceNamed(names ...string) netpol.Selector {
	values := slices.Compact(slices.Sorted(slices.Values(names)))
	return netpol.Selector{{Key: snapshot.MetadataName, Op: netpol.In, Values: values}}
}

// both requires what two selectors do.
func both(a, b netpol.Selector) netpol.Selector {
	out := slices.Clone(a)
	for _, r := range b {
		if !slices.ContainsFunc(out, func(o netpol.Requirement) bool { return sameRequirement(o, r) }) {
			out = append(out, r)
		}
	}
	return sortedSelector(out)
}

// implies reports whether a asks for all that b asks for, word by word.
func implies(a, b netpol.Selector) bool {
	for _, r := range b {
		if !slices.ContainsFunc(a, func(o netpol.Requirement) bool { return sameRequirement(o, r) }) {
			return false
		}
	}
	return true
}

func sameRequirement(a, b netpol.Requirement) bool {
	return a.Key == b.Key && a.Op == b.Op && slices.Equal(a.Values, b.Values)
}

func sortedSelector(s netpol.Selector) netpol.Selector {
	slices.SortFunc(s, func(a, b netpol.Requirement) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Op, b.Op), slices.Compare(a.Values, b.Values))
	})
	return s
}

// selectsAll reports whether a selector surely selects each of the pods.
func selectsAll(s netpol.Selector, pods []*snapshot.Pod) bool {
	return !slices.ContainsFunc(pods, func(p *snapshot.Pod) bool { return s.Match(p.Labels) != netpol.Yes })
}

// described finds labels that select the pods and none of the strangers. What it chooses
// stays the same at a failover and at a new release. The strangers that it cannot tell
// from the pods are left; without a label that all pods have, nothing is selected.
func described(pods, strangers []*snapshot.Pod) (s netpol.Selector, left []*snapshot.Pod) {
	stable := stableLabels(pods)
	keys := slices.SortedFunc(maps.Keys(stable), func(a, b string) int {
		return cmp.Or(preference(a, stable[a], pods[0])-preference(b, stable[b], pods[0]), cmp.Compare(a, b))
	})
	chosen := map[string]string{}
	for _, k := range keys { // what names the workload best is always asked for
		best := preference(keys[0], stable[keys[0]], pods[0])
		if k == keys[0] || best < otherLabel && preference(k, stable[k], pods[0]) == best {
			chosen[k] = stable[k]
		}
	}
	left = matched(netpol.SelectorOf(chosen), strangers)
	for len(left) > 0 {
		best, rest := "", left
		for _, k := range keys {
			if after := matched(netpol.SelectorOf(map[string]string{k: stable[k]}), left); len(after) < len(rest) {
				best, rest = k, after
			}
		}
		if best == "" {
			break
		}
		chosen[best], left = stable[best], rest
	}
	if len(chosen) == 0 {
		return nil, strangers
	}
	return without(netpol.SelectorOf(chosen), pods, left)
}

// describedByAll is described with all labels that stay: for pods that are meant for
// something else than their labels, so that as few others as can be are selected with them.
func describedByAll(pods, strangers []*snapshot.Pod) (s netpol.Selector, left []*snapshot.Pod) {
	if s, left = described(pods, strangers); s == nil {
		return nil, left
	}
	return both(s, netpol.SelectorOf(stableLabels(pods))), left
}

// without adds to a selector of pods that they have not what those have who are left: the
// last resort, where all that the pods have others have too.
func without(s netpol.Selector, pods, left []*snapshot.Pod) (netpol.Selector, []*snapshot.Pod) {
	for len(left) > 0 {
		best, rest := netpol.Requirement{}, left
		for _, k := range foreignKeys(pods, left) {
			r := netpol.Requirement{Key: k, Op: netpol.DoesNotExist}
			if after := matched(netpol.Selector{r}, left); len(after) < len(rest) {
				best, rest = r, after
			}
		}
		if best.Key == "" {
			break
		}
		s, left = append(slices.Clone(s), best), rest
	}
	return s, left
}

// foreignKeys are the keys of labels that only strangers have, and that they keep.
func foreignKeys(pods, strangers []*snapshot.Pod) []string {
	keys := map[string]bool{}
	for _, p := range strangers {
		for k, v := range p.Labels.Set {
			keys[k] = !p.Passes(k, v)
		}
	}
	return slices.DeleteFunc(sortedKeys(keys), func(k string) bool {
		return !keys[k] || slices.ContainsFunc(pods, func(p *snapshot.Pod) bool {
			_, has := p.Labels.Set[k]
			return has || slices.Contains(p.Labels.Unknown, k)
		})
	})
}

// matched returns the pods that a selector selects, or may.
func matched(s netpol.Selector, pods []*snapshot.Pod) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range pods {
		if s.Match(p.Labels) != netpol.No {
			out = append(out, p)
		}
	}
	return out
}

// stableLabels are those that all pods have with one value that does not change with the
// part that a pod plays, with its number, or with what it runs.
func stableLabels(pods []*snapshot.Pod) map[string]string {
	out := map[string]string{}
	if len(pods) == 0 {
		return out
	}
	maps.Copy(out, pods[0].Labels.Set)
	maps.DeleteFunc(out, func(k, v string) bool {
		return slices.ContainsFunc(pods, func(p *snapshot.Pod) bool {
			have, ok := p.Labels.Set[k]
			return !ok || have != v || p.Passes(k, v)
		})
	})
	return out
}

// otherLabel is the preference of labels that need not say which workload it is.
const otherLabel = 2

// naming are keys of labels by which people tell workloads apart.
var naming = []string{
	"app", "name", "k8s-app", "component", "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component",
}

// preference orders labels: those with the name of the workload, those that people name
// workloads by, others.
func preference(key, value string, p *snapshot.Pod) int {
	switch {
	case value == p.Workload.Name && !strings.HasPrefix(key, "app.kubernetes.io/"):
		return 0
	case slices.Contains(naming, key):
		return 1
	}
	return otherLabel
}

// plural writes a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
