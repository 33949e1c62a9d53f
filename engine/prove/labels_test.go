package prove

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// values are those that random selectors ask for; a label may have others, too.
var values = []string{"x", "y", "z"}

func randomSelector(r *rand.Rand) netpol.Selector {
	var out netpol.Selector
	for range r.IntN(4) {
		q := netpol.Requirement{Key: []string{"app", "role"}[r.IntN(2)], Op: netpol.Op(r.IntN(5))} //nolint:gosec // below 5
		if q.Op == netpol.In || q.Op == netpol.NotIn {
			q.Values = values[:1+r.IntN(3)]
		}
		out = append(out, q)
	}
	return out
}

// everyLabels are all labels of two keys that selectors over values can tell apart.
func everyLabels() []netpol.Labels {
	var out []netpol.Labels
	choices := append([]string{"", "w"}, values...)
	for _, app := range choices {
		for _, role := range choices {
			l := netpol.Labels{Set: map[string]string{}}
			for k, v := range map[string]string{"app": app, "role": role} {
				if v != "" {
					l.Set[k] = v
				}
			}
			out = append(out, l)
		}
	}
	return out
}

// holds asks of a box what its domains say, one label at a time.
func (b box) holds(l netpol.Labels) bool {
	for _, x := range b {
		d := x.is
		value, there := l.Set[x.at.key]
		in := false
		for _, v := range d.values {
			in = in || v == value
		}
		if !there && !d.absent || there && in == d.except {
			return false
		}
	}
	return true
}

// Every pod is of one kind, and a kind has no pods that a selector tells apart; the pod that
// is picked of a kind is of it.
func TestKindsAreAllPods(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var selectors []netpol.Selector
		var by [][]condition
		for range 1 + r.IntN(5) {
			s := randomSelector(r)
			selectors, by = append(selectors, s), append(by, conditions(s, false))
		}
		kinds, ok := divide(kind{}, by)
		if !ok {
			t.Fatalf("seed %d: too many", seed)
		}
		for _, l := range everyLabels() {
			in := 0
			for _, k := range kinds {
				if !k.holds(l) {
					continue
				}
				in++
				w, _ := k.witness()
				picked := netpol.Labels{Set: w.labels(false)}
				for _, s := range selectors {
					if s.Match(l) != s.Match(picked) {
						t.Errorf("seed %d: %s tells %v from %v, which stands for it", seed, s, l.Set, picked.Set)
					}
				}
			}
			if in != 1 {
				t.Errorf("seed %d: %v is of %d kinds of %v by %v", seed, l.Set, in, kinds, selectors)
			}
		}
		for _, k := range kinds {
			w, found := k.witness()
			if l := (netpol.Labels{Set: w.labels(false)}); !found || !k.holds(l) {
				t.Errorf("seed %d: %v is picked of a kind that it is not of: %v", seed, l.Set, k)
			}
		}
	}
}

// holds reports whether a pod is of the kind.
func (k kind) holds(l netpol.Labels) bool {
	for _, all := range k.but {
		in := true
		for _, c := range all {
			in = in && (box{{c.at, c.is}}).holds(l)
		}
		if in {
			return false
		}
	}
	return k.in.holds(l)
}

// A domain and what is not in it are everything, and have nothing in common.
func TestDomains(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		d := anything
		for _, q := range randomSelector(r) {
			d = d.and(domainOf(q))
		}
		if !d.and(d.others()).isEmpty() {
			t.Errorf("seed %d: %v and its complement have %v in common", seed, d, d.and(d.others()))
		}
		if fmt.Sprint(d.others().others()) != fmt.Sprint(d) || fmt.Sprint(d.and(anything)) != fmt.Sprint(d) {
			t.Errorf("seed %d: %v is not itself", seed, d)
		}
	}
	if got, there := (domain{values: []string{"another"}, except: true}).any(); !there || got != "another-2" {
		t.Errorf("%q, %v", got, there)
	}
}

// Many selectors over many labels make more kinds than anybody could ask for: that is told.
func TestTooManyKinds(t *testing.T) {
	var by [][]condition
	for i := range 20 {
		by = append(by, conditions(netpol.Selector{{Key: fmt.Sprint("k", i), Op: netpol.Exists}}, false))
	}
	if _, ok := divide(kind{}, by); ok {
		t.Error("a million kinds are few")
	}
}
