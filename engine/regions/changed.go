package regions

import "slices"

// changed returns items of two chains such that what is left is the same in both:
// an attempt that none of them matches ends alike.
func (w *walker) changed(n node, l level) []item {
	a, b := n.old, n.next
	for len(a) > 0 && len(b) > 0 && w.alike(a[0], b[0], l) {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && w.alike(a[len(a)-1], b[len(b)-1], l) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	pairs := w.pair(a, b, l)
	var out []item
	from := 0
	for i, item := range a {
		if pairs[i] < 0 {
			out = append(out, item)
			continue
		}
		out = append(out, b[from:pairs[i]]...)
		from = pairs[i] + 1
	}
	return append(out, b[from:]...)
}

// pair gives items of a their like in b, in rising order; -1 to those without.
func (w *walker) pair(a, b []item, l level) []int {
	out := make([]int, len(a))
	at := map[[2]int32]int{}
	for j, i := range b {
		at[[2]int32{w.recs[i.rec].same[l], i.cond}] = j
	}
	for i := range a {
		j, ok := at[[2]int32{w.recs[a[i].rec].same[l], a[i].cond}]
		if !ok {
			j = -1
		}
		out[i] = j
	}
	keepRising(out)
	return out
}

// keepRising sets to -1 what is not in one longest strictly rising row.
func keepRising(list []int) {
	var tails []int // the place of the smallest end of a row of each length
	before := make([]int, len(list))
	for i, v := range list {
		if v < 0 {
			continue
		}
		k, _ := slices.BinarySearchFunc(tails, v, func(t, v int) int { return list[t] - v })
		before[i] = -1
		if k > 0 {
			before[i] = tails[k-1]
		}
		if k == len(tails) {
			tails = append(tails, i)
		} else {
			tails[k] = i
		}
	}
	keep := map[int]bool{}
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = before[i] {
			keep[i] = true
		}
	}
	for i := range list {
		if !keep[i] {
			list[i] = -1
		}
	}
}
