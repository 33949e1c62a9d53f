package roundtrip

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/estategen"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TestStrangers: what is proven of pods that do not exist yet holds of those that come. Some
// come to each estate after it was compiled, with labels that selectors ask for; whoever of
// them gets in without having been declared, and whoever was declared and does not, was
// told of beforehand.
func TestStrangers(t *testing.T) {
	dir := t.TempDir()
	counts := map[string]int{}
	for seed := *firstEstate; seed < *firstEstate+max(*estates/2, 1); seed++ {
		e := estategen.New(seed)
		tr, err := travel(dir, e)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(tr.refused) > 0 {
			continue
		}
		come := strangers(e, seed)
		e.Objects = slices.Concat(e.Objects, come)
		r, err := newReader(dir, &e)
		if err != nil {
			t.Fatal(err)
		}
		world, _, _, err := r.read(tr.output.Artefacts)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		proof := prove.Prove(prove.Question{Intents: tr.intents, Job: tr.job, Before: tr.before, After: tr.after, Find: tr.find})
		then := *tr
		then.after = reach.New(world)
		for _, text := range then.surprises(proof, counts) {
			t.Errorf("seed %d (go test ./internal/roundtrip -run Strangers -estate %[1]d -estates 1 -dump): %s", seed, text)
			if *dump {
				t.Logf("%s\n# facts\n%s", e.YAML(), e.FactsYAML())
			}
		}
	}
	for _, n := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[n], n)
	}
	if *estates > 20 && (counts["undeclared, gets in"] == 0 || counts["declared, gets in"] == 0) {
		t.Error("nobody came who would have been told of")
	}
}

const newcomer = "newcomer-"

// strangers are pods with some of the labels that the estate speaks of, in its namespaces and
// in one that nobody knows.
func strangers(e estategen.Estate, seed uint64) []estategen.Tree {
	r := rand.New(rand.NewPCG(seed, 77))
	values := map[string][]string{}
	spaces := []string{"nobody-knows"}
	for _, o := range slices.Concat(e.Objects, e.Intents) {
		collect(o, values)
		if meta, ok := o["metadata"].(estategen.Tree); ok {
			if ns, ok := meta["namespace"].(string); ok && !slices.Contains(spaces, ns) {
				spaces = append(spaces, ns)
			}
		}
	}
	keys := slices.Sorted(maps.Keys(values))
	var out []estategen.Tree
	for i := range 4 {
		labels := estategen.Tree{}
		for _, k := range keys {
			if r.IntN(3) > 0 {
				labels[k] = values[k][r.IntN(len(values[k]))]
			}
		}
		labels["newcomer"] = fmt.Sprint(i)
		out = append(out, estategen.Tree{"apiVersion": "v1", "kind": "Pod",
			"metadata": estategen.Tree{"name": fmt.Sprint(newcomer, i), "namespace": spaces[r.IntN(len(spaces))], "labels": labels},
			"spec":     estategen.Tree{"containers": estategen.List{estategen.Tree{"name": "main", "image": "registry.example/newcomer:1"}}}})
	}
	return out
}

// collect finds the labels of clients that selectors of a tree ask for. Those of operators
// are left out: who has them is one of the server's own.
func collect(v any, into map[string][]string) {
	add := func(k, value string) {
		if !strings.ContainsAny(k, "./") && k != "cluster-name" && !slices.Contains(into[k], value) {
			into[k] = append(into[k], value)
		}
	}
	switch v := v.(type) {
	case estategen.List:
		for _, item := range v {
			collect(item, into)
		}
	case estategen.Tree:
		if labels, ok := v["matchLabels"].(estategen.Tree); ok {
			for k, value := range labels {
				add(k, fmt.Sprint(value))
			}
		}
		if list, ok := v["values"].(estategen.List); ok {
			for _, value := range list {
				add(fmt.Sprint(v["key"]), fmt.Sprint(value))
			}
		}
		for _, item := range v {
			collect(item, into)
		}
	}
}

// surprises are pods that came and got something else than was proven of them.
func (t *trip) surprises(proof *prove.Proof, counts map[string]int) (out []string) {
	for _, s := range t.after.World.Servers {
		if t.wall(s) == nil {
			continue
		}
		list := t.after.WhoCan(s)
		for _, w := range t.after.World.Workloads {
			if !strings.HasPrefix(w.Name, newcomer) || t.isOwn(s, w.Pods[0]) {
				continue
			}
			from := network.PodEndpoint(w.Pods[0])
			declared := slices.ContainsFunc(t.accesses(s), func(a *access) bool { return t.client(a, from) || t.isLikeAccount(a, w.Pods[0]) })
			in := slices.ContainsFunc(list, func(a reach.Access) bool { return a.From == w.Ref && a.Verdict == verdict.Allow })
			counts[fmt.Sprintf("%s, %s", map[bool]string{true: "declared", false: "undeclared"}[declared], map[bool]string{true: "gets in", false: "is refused"}[in])]++
			if in && !declared && resultOf(proof, prove.Closed, s.Ref(), snapshot.Ref{}) == prove.Proven {
				out = append(out, fmt.Sprintf("%s with labels %v gets into %s, and nobody was to", w.Ref, w.Pods[0].Labels.Set, s.Ref()))
			}
			out = append(out, t.missed(proof, s, from)...)
		}
	}
	return out
}

// isLikeAccount reports whether a pod has all labels of one that an access names by its
// service account: policies know that one by its labels alone (networkpolicy/by-labels).
func (t *trip) isLikeAccount(a *access, p *snapshot.Pod) bool {
	for _, w := range t.before.World.Workloads {
		for _, o := range w.Pods {
			like := o.Namespace == p.Namespace && t.client(a, network.PodEndpoint(o)) &&
				slices.ContainsFunc(a.Spec.From, func(q peer) bool { return len(q.ServiceAccounts) > 0 })
			stay := maps.Clone(o.Labels.Set)
			delete(stay, "pod-template-hash") // another with each rollout
			if like && hasAll(p, stay) {
				return true
			}
		}
	}
	return false
}

func hasAll(p *snapshot.Pod, labels map[string]string) bool {
	for k, v := range labels {
		if p.Labels.Set[k] != v {
			return false
		}
	}
	return true
}

// missed are accesses that a pod was declared for and does not get, though each client was
// proven to.
func (t *trip) missed(proof *prove.Proof, s *snapshot.Server, from network.Endpoint) (out []string) {
	for _, a := range t.accesses(s) {
		ref := snapshot.Ref{Kind: "PostgresAccess", Namespace: a.Metadata.Namespace, Name: a.Metadata.Name}
		if !t.client(a, from) || resultOf(proof, prove.Open, s.Ref(), ref) != prove.Proven {
			continue
		}
		for _, e := range a.Spec.To {
			if t.gets(s, from, e, e.Databases[0]) == verdict.Deny {
				out = append(out, fmt.Sprintf("%s with labels %v in %s was declared by %s and does not get %q as %q",
					from.Pod.Workload.Ref, from.Pod.Labels.Set, from.Pod.Namespace, ref, e.Databases[0], e.Role))
			}
		}
	}
	return out
}

// isOwn reports whether a pod has a label that tells the server's own pods, or its poolers',
// or all that the operator is known by.
func (t *trip) isOwn(s *snapshot.Server, p *snapshot.Pod) bool {
	var vital []snapshot.VitalFlow // as it was known before anybody came
	for _, was := range t.before.World.Servers {
		if was.Ref() == s.Ref() {
			vital = was.Vital
		}
	}
	for _, f := range vital {
		known := []map[string]string{}
		if f.From.Namespace == p.Namespace {
			known = append(known, f.From.Labels.Set)
		}
		for _, o := range f.From.Pods {
			if o.Namespace == p.Namespace {
				known = append(known, o.Labels.Set)
			}
		}
		if slices.ContainsFunc(known, func(labels map[string]string) bool { return len(labels) > 0 && hasAll(p, labels) }) {
			return true
		}
	}
	own := slices.Clone(s.Workload.Pods)
	for _, q := range s.Poolers {
		own = append(own, q.Workload.Pods...)
	}
	return slices.ContainsFunc(own, func(o *snapshot.Pod) bool {
		for k, v := range o.Labels.Set {
			if p.Labels.Set[k] == v && p.Namespace == o.Namespace {
				return true
			}
		}
		return false
	})
}

// resultOf is that of the statement of a kind about a server, and of an object where one is
// named.
func resultOf(proof *prove.Proof, kind prove.Kind, server, of snapshot.Ref) prove.Result {
	for _, s := range proof.Statements {
		if s.Kind == kind && s.Server == server && (of == snapshot.Ref{} || s.Of == of) {
			return s.Result
		}
	}
	return prove.Unknown
}
