package pgmoat

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"github.com/pgmoat/pgmoat/model/spelling"
)

// suggest says what an unknown field may have meant: one beside it with almost its name, or
// where a field of this very name belongs.
func (d *definition) suggest(path string) string {
	parent, key := d.structural, path
	if at := strings.LastIndexByte(path, '.'); at >= 0 {
		parent, key = below(d.structural, path[:at]), path[at+1:]
	}
	if parent != nil {
		if s := didYouMean(key, slices.Sorted(maps.Keys(parent.Properties))); s != "" {
			return s
		}
	}
	spec := d.structural.Properties["spec"]
	if place := placeOf(&spec, "spec", key); place != "" {
		return ": " + key + " belongs in " + place
	}
	return ""
}

// below follows a path; nil where it leaves the schema.
func below(s *schema.Structural, path string) *schema.Structural {
	for step := range strings.SplitSeq(path, ".") {
		name, rest, _ := strings.Cut(step, "[")
		child, ok := s.Properties[name]
		if !ok {
			return nil
		}
		s = &child
		for range strings.Count(rest, "]") {
			if s.Items == nil {
				return nil
			}
			s = s.Items
		}
	}
	return s
}

// placeOf returns where a field of a name is: the place that the fewest steps lead to, and
// the first by name of several; empty where there is none.
func placeOf(s *schema.Structural, path, name string) string {
	if _, ok := s.Properties[name]; ok {
		return path
	}
	best := ""
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		child := s.Properties[key]
		best = nearer(best, placeOf(&child, path+"."+key, name))
	}
	if s.Items != nil {
		best = nearer(best, placeOf(s.Items, path+"[]", name))
	}
	return best
}

func nearer(a, b string) string {
	if a == "" || b != "" && strings.Count(b, ".") < strings.Count(a, ".") {
		return b
	}
	return a
}

// didYouMean names the candidate that is a slip of the finger away, or that the word begins;
// empty where none is.
func didYouMean(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, distance := "", max(1, (len(word)+1)/3)+1
	for _, c := range candidates {
		d := spelling.Distance(word, strings.ToLower(c))
		if len(word) > 2 && strings.HasPrefix(strings.ToLower(c), word) {
			d = min(d, 1)
		}
		if d < distance {
			best, distance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}
