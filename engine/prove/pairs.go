package prove

import "slices"

// maxWays is how many ways to choose labels are looked at before there are too many.
const maxWays = 40000

// pairs picks pods that stand for all kinds where kinds are too many to be told apart, and
// policies only add up. What a pod gets that another does not, it gets by one call that
// admits its packets and one line that is about it: a pod with the labels of these two calls
// alone, which keeps whatever some call wants not to be there, gets it too, and is named by
// no call that does not name the first. False where there are too many even so.
func pairs(all box, by [][]condition) (out []box, ok bool) {
	bases, ok := withAbsences(all, by)
	if !ok {
		return nil, false
	}
	for _, base := range bases {
		out = append(out, base)
		for i, first := range by {
			for _, second := range by[i:] {
				more, some := pinned(base, append(slices.Clip(first), second...))
				if some {
					out = append(out, more...)
				}
				if len(out) > maxWays {
					return nil, false
				}
			}
		}
	}
	return out, true
}

// withAbsences are the box with each choice of the labels that some condition may want to be
// absent.
func withAbsences(all box, by [][]condition) ([]box, bool) {
	out := []box{all}
	done := map[place]bool{}
	for _, conditions := range by {
		for _, c := range conditions {
			if !c.is.absent || done[c.at] {
				continue
			}
			done[c.at] = true
			var next []box
			for _, b := range out {
				for _, d := range choices(c.at, by) {
					if with, some := b.with(c.at, d); some {
						next = append(next, with)
					}
				}
			}
			if out = next; len(out) > maxKinds {
				return nil, false
			}
		}
	}
	return out, true
}

// choices are what a label may be as far as conditions can tell: absent, each value that
// they name, and any other.
func choices(at place, by [][]condition) []domain {
	var named []string
	for _, conditions := range by {
		for _, c := range conditions {
			if c.at == at {
				named = append(named, c.is.values...)
			}
		}
	}
	named = sortedValues(named)
	out := []domain{{absent: true}, {values: named, except: true}}
	for _, v := range named {
		out = append(out, domain{values: []string{v}})
	}
	return out
}

// pinned are the parts of a box that meet conditions, each label that has to be there with one
// value.
func pinned(b box, all []condition) ([]box, bool) {
	met, some := b.meet(all)
	if !some {
		return nil, false
	}
	out := []box{met}
	for _, c := range all {
		var next []box
		for _, b := range out {
			i := slices.IndexFunc(b, func(x bound) bool { return x.at == c.at })
			if d := b[i].is; d.absent || d.except || len(d.values) < 2 {
				next = append(next, b)
				continue
			}
			for _, v := range b[i].is.values {
				if one, some := b.with(c.at, domain{values: []string{v}}); some {
					next = append(next, one)
				}
			}
		}
		out = next
	}
	return out, true
}
