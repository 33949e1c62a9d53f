package network

import (
	"math/bits"
	"slices"
)

// A set holds unit numbers: as a sorted list while it is small, as words of bits
// when it is large. Values are immutable; the zero value is empty.
type set struct {
	list  []int32
	words []uint64
}

// sparse is how many times smaller than the universe a list has to be: a word of
// bits costs as much to visit as two entries. Tests lower it, so that small worlds
// have lists too.
var sparse = 32

func listSet(list []int32) set {
	slices.Sort(list)
	return set{list: slices.Compact(list)}
}

// full holds 0 to n-1.
func full(n int) set {
	words := make([]uint64, (n+63)/64)
	for i := range words {
		words[i] = ^uint64(0)
	}
	if n%64 != 0 {
		words[len(words)-1] = 1<<(n%64) - 1
	}
	return set{words: words}
}

// packed chooses the form for a universe of n.
func (s set) packed(n int) set {
	if s.words == nil && len(s.list) > n/sparse && len(s.list) > 0 {
		words := make([]uint64, (n+63)/64)
		for _, i := range s.list {
			words[i/64] |= 1 << (i % 64)
		}
		return set{words: words}
	}
	return s
}

func (s set) isEmpty() bool {
	if s.words == nil {
		return len(s.list) == 0
	}
	for _, w := range s.words {
		if w != 0 {
			return false
		}
	}
	return true
}

func (s set) has(i int32) bool {
	if s.words != nil {
		return s.words[i/64]&(1<<(i%64)) != 0
	}
	_, ok := slices.BinarySearch(s.list, i)
	return ok
}

// each calls f in ascending order.
func (s set) each(f func(int32)) {
	for _, i := range s.list {
		f(i)
	}
	for w, word := range s.words {
		for ; word != 0; word &= word - 1 {
			f(int32(w*64 + bits.TrailingZeros64(word))) //nolint:gosec // far below 2^31 units
		}
	}
}

func (s set) and(t set) set {
	switch {
	case s.words != nil && t.words != nil:
		return s.andWords(t)
	case s.words != nil:
		return t.filter(func(i int32) bool { return s.has(i) })
	case t.words != nil:
		return s.filter(func(i int32) bool { return t.has(i) })
	}
	return intersectLists(s.list, t.list)
}

func (s set) andWords(t set) set {
	words := make([]uint64, len(s.words))
	var any uint64
	for i, w := range s.words {
		words[i] = w & t.words[i]
		any |= words[i]
	}
	if any == 0 {
		return set{}
	}
	return set{words: words}
}

func intersectLists(a, b []int32) set {
	var out []int32
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			out = append(out, a[i])
			i++
			j++
		}
	}
	return set{list: out}
}

// filter keeps some of a list; where it keeps all it makes no copy.
func (s set) filter(keep func(int32) bool) set {
	for k, i := range s.list {
		if keep(i) {
			continue
		}
		out := slices.Clone(s.list[:k])
		for _, i := range s.list[k+1:] {
			if keep(i) {
				out = append(out, i)
			}
		}
		return set{list: out}
	}
	return s
}

func (s set) minus(t set) set {
	if s.words == nil {
		return s.filter(func(i int32) bool { return !t.has(i) })
	}
	words := slices.Clone(s.words)
	for _, i := range t.list {
		words[i/64] &^= 1 << (i % 64)
	}
	for i, w := range t.words {
		words[i] &^= w
	}
	return set{words: words}
}

func (s set) or(t set) set {
	switch {
	case s.words == nil && t.words == nil:
		return listSet(slices.Concat(s.list, t.list))
	case s.words == nil:
		return t.or(s)
	}
	words := slices.Clone(s.words)
	for _, i := range t.list {
		words[i/64] |= 1 << (i % 64)
	}
	for i, w := range t.words {
		words[i] |= w
	}
	return set{words: words}
}
