package kube

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pgmoat/pgmoat/model/netpol"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// A selector of ours and apimachinery's, made of the same text, agree about every
// set of labels; and where a label's value is unknown, ours says Unsure only if
// some value would match and another would not.
func TestSelectorAgreesWithApimachinery(t *testing.T) {
	for seed := range uint64(20000) {
		r := rand.New(rand.NewPCG(seed, 1))
		in := randomSelector(r)
		theirs, terr := metav1.LabelSelectorAsSelector(&in)
		ours, oerr := selector("spec", &in)
		if (terr == nil) != (oerr == nil) {
			t.Fatalf("seed %d: %+v: apimachinery says %v, we say %v", seed, in, terr, oerr)
		}
		if terr != nil {
			continue
		}
		set := randomLabels(r)
		if got, want := ours.Match(netpol.Labels{Set: set}) == netpol.Yes, theirs.Matches(labels.Set(set)); got != want {
			t.Fatalf("seed %d: %s on %v: %v, want %v", seed, ours, set, got, want)
		}
		agreeUnknown(t, seed, ours, theirs, set)
	}
}

// agreeUnknown takes the value of one label away and tries every value in its place.
func agreeUnknown(t *testing.T, seed uint64, ours netpol.Selector, theirs labels.Selector, set map[string]string) {
	t.Helper()
	delete(set, "a")
	got := ours.Match(netpol.Labels{Set: set, Unknown: []string{"a"}})
	matches := map[bool]int{}
	for _, v := range append([]string{"never-named"}, values...) {
		with := labels.Set{"a": v}
		for k, v := range set {
			with[k] = v
		}
		matches[theirs.Matches(with)]++
	}
	switch {
	case got == netpol.Yes && matches[false] > 0, got == netpol.No && matches[true] > 0:
		t.Fatalf("seed %d: %s on %v with a unknown: %v, but %v", seed, ours, set, got, matches)
	}
}

var (
	keys   = []string{"a", "b", "app.kubernetes.io/name", "bad key"}
	values = []string{"", "x", "y", "z"}
	ops    = []metav1.LabelSelectorOperator{"In", "NotIn", "Exists", "DoesNotExist", "Is"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// mostly picks among all but the last, which is a mistake, nine times in ten.
func mostly[T any](r *rand.Rand, list []T) T {
	if r.IntN(40) == 0 {
		return list[len(list)-1]
	}
	return pick(r, list[:len(list)-1])
}

func randomSelector(r *rand.Rand) metav1.LabelSelector {
	in := metav1.LabelSelector{MatchLabels: map[string]string{}}
	for range r.IntN(3) {
		in.MatchLabels[mostly(r, keys)] = pick(r, values)
	}
	for range r.IntN(3) {
		e := metav1.LabelSelectorRequirement{Key: mostly(r, keys), Operator: mostly(r, ops)}
		asks := e.Operator == "In" || e.Operator == "NotIn"
		if asks != (r.IntN(20) == 0) {
			for range 1 + r.IntN(3) {
				e.Values = append(e.Values, pick(r, values))
			}
		}
		in.MatchExpressions = append(in.MatchExpressions, e)
	}
	return in
}

func randomLabels(r *rand.Rand) map[string]string {
	set := map[string]string{}
	for range r.IntN(4) {
		set[pick(r, keys[:3])] = pick(r, values)
	}
	return set
}

func TestSharedSelectors(t *testing.T) {
	p := selectorPool{}
	one := p.share(labelsEqual(map[string]string{"a": "b", "c": "d"}))
	two := p.share(labelsEqual(map[string]string{"c": "d", "a": "b"}))
	other := p.share(labelsEqual(map[string]string{"a": "b"}))
	if one != two || one == other {
		t.Error(fmt.Sprint("selectors written alike share, others do not: ", one, two, other))
	}
}
