package roundtrip

import (
	"slices"

	"github.com/pgmoat/pgmoat/internal/estategen"
)

// smaller cuts an estate down, document by document and then field by field, as long as it
// fails in the same check.
func smaller(dir string, e estategen.Estate, class string) estategen.Estate {
	fails := func(e estategen.Estate) bool {
		t, err := travel(dir, e)
		return err == nil && len(t.refused) == 0 && slices.ContainsFunc(t.faults(func(string) {}), func(f fault) bool { return f.class == class })
	}
	for {
		before := e.YAML() + e.FactsYAML()
		e.Objects = fewer(e.Objects, func(o []estategen.Tree) bool { c := e; c.Objects = o; return fails(c) })
		e.Intents = fewer(e.Intents, func(o []estategen.Tree) bool { c := e; c.Intents = o; return fails(c) })
		if c := e; e.Facts != nil {
			if c.Facts = nil; fails(c) {
				e = c
			}
		}
		for _, o := range slices.Concat(e.Objects, e.Intents, []estategen.Tree{e.Facts}) {
			trim(o, func() bool { return fails(e) })
		}
		if e.YAML()+e.FactsYAML() == before {
			return e
		}
	}
}

func fewer(list []estategen.Tree, fails func([]estategen.Tree) bool) []estategen.Tree {
	for i := len(list) - 1; i >= 0; i-- {
		if without := slices.Delete(slices.Clone(list), i, i+1); fails(without) {
			list = without
		}
	}
	return list
}

// trim takes fields and items out of a tree that it does not need to fail.
func trim(o estategen.Tree, fails func() bool) {
	for key, value := range o {
		delete(o, key)
		if fails() {
			continue
		}
		o[key] = value
		switch v := value.(type) {
		case estategen.Tree:
			trim(v, fails)
		case estategen.List:
			o[key] = trimList(v, func(l estategen.List) bool { o[key] = l; return fails() })
			for _, item := range o[key].(estategen.List) {
				if tree, ok := item.(estategen.Tree); ok {
					trim(tree, fails)
				}
			}
		}
	}
}

func trimList(l estategen.List, fails func(estategen.List) bool) estategen.List {
	for i := len(l) - 1; i >= 0; i-- {
		if without := slices.Delete(slices.Clone(l), i, i+1); fails(without) {
			l = without
		}
	}
	fails(l)
	return l
}
