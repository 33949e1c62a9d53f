package suite

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

var errNoSuch = errors.New("no such workload or pod")

// A register numbers the pods of a world and finds those that a party names.
type register struct {
	pods      []*snapshot.Pod
	at        map[*snapshot.Pod]int
	workloads []*snapshot.Workload
	members   [][]int // by workload
	// plain is how often "namespace/name" occurs: with two kinds, the kind is told.
	plain map[string]int
}

func newRegister(world *snapshot.Snapshot) *register {
	r := &register{at: map[*snapshot.Pod]int{}, workloads: world.Workloads, plain: map[string]int{}}
	for _, w := range world.Workloads {
		r.plain[w.Namespace+"/"+w.Name]++
		var members []int
		for _, p := range w.Pods {
			r.at[p] = len(r.pods)
			members = append(members, len(r.pods))
			r.pods = append(r.pods, p)
		}
		r.members = append(r.members, members)
	}
	return r
}

// find returns the numbers of the pods that a party names.
func (r *register) find(p party) ([]int, error) {
	if p.name == "" {
		return r.among(p)
	}
	found, names := r.workloadsNamed(p)
	if found == nil {
		found, names = r.podsNamed(p)
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("party %q: %w among the %d workloads read", p.text, errNoSuch, len(r.workloads))
	case len(names) > 1:
		return nil, fmt.Errorf("party %q is ambiguous: %s", p.text, strings.Join(names, ", "))
	case len(p.members) == 0:
		return found, nil
	}
	return r.chosen(p, found)
}

// among returns the pods of a namespace, or all. None is an error: a wildcard over
// nothing would agree with every answer.
func (r *register) among(p party) (found []int, err error) {
	for i, pod := range r.pods {
		if p.namespace == "" || pod.Namespace == p.namespace {
			found = append(found, i)
		}
	}
	switch {
	case found == nil && p.namespace == "":
		return nil, fmt.Errorf("party %q: no workload was read", p.text)
	case found == nil:
		return nil, fmt.Errorf("party %q: the namespace has no pods", p.text)
	}
	return found, nil
}

func (r *register) workloadsNamed(p party) (found []int, names []string) {
	for i, w := range r.workloads {
		if p.is(w.Ref) {
			found = append(found, r.members[i]...)
			names = append(names, w.Ref.String())
		}
	}
	return found, names
}

// podsNamed returns the pod of that name, in all of its parts.
func (r *register) podsNamed(p party) (found []int, names []string) {
	for i, pod := range r.pods {
		ref := snapshot.Ref{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name}
		if pod.Name != "" && p.is(ref) {
			found = append(found, i)
			if name := ref.String(); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return found, names
}

// is reports whether the party names the object. Of two parts the first may be a kind.
func (p party) is(ref snapshot.Ref) bool {
	if p.name != ref.Name {
		return false
	}
	if p.kind == "" && p.namespace != ref.Namespace && strings.EqualFold(p.namespace, ref.Kind) {
		return true
	}
	return (p.namespace == "" || p.namespace == ref.Namespace) && (p.kind == "" || strings.EqualFold(p.kind, ref.Kind))
}

// chosen picks the members that the words in brackets name; each must name some.
func (r *register) chosen(p party, among []int) (found []int, err error) {
	for _, word := range p.members {
		some := false
		for _, i := range among {
			if isMember(r.pods[i], word) {
				some = true
				found = append(found, i)
			}
		}
		if !some {
			return nil, fmt.Errorf("party %q: no member is called %q", p.text, word)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// isMember reports whether a word is the pod's name, its part, or one of its labels.
func isMember(p *snapshot.Pod, word string) bool {
	key, value, isLabel := strings.Cut(word, "=")
	if isLabel {
		got, ok := p.Labels.Set[key]
		return ok && got == value
	}
	return word == p.Name || word == p.Part || word == "replicas" && p.Part == snapshot.Replica
}

// workload names a workload so that a party can be written like it.
func (r *register) workload(w *snapshot.Workload) string {
	name := w.Namespace + "/" + w.Name
	if r.plain[name] > 1 {
		return w.Namespace + "/" + w.Kind + "/" + w.Name
	}
	return name
}

// pod names a member.
func (r *register) pod(i int) string {
	p := r.pods[i]
	name := r.workload(p.Workload)
	switch {
	case len(p.Workload.Pods) == 1:
		return name
	case p.Name != "" && p.Part != "":
		return name + " (" + p.Name + " as " + p.Part + ")"
	case p.Name+p.Part == "":
		return fmt.Sprintf("%s (member %d)", name, slices.Index(p.Workload.Pods, p)+1)
	}
	return name + " (" + p.Name + p.Part + ")"
}

// meet reports whether two members can be two pods: one pod's traffic to itself
// passes no policy.
func (r *register) meet(i, j int) bool {
	p, q := r.pods[i], r.pods[j]
	same := p == q && !p.Many || p.Instance != "" && p.Instance == q.Instance && p.Workload == q.Workload
	return !same
}
