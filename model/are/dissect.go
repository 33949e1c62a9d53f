package are

// A capture is what a group holds: the text from begin to end; begin is -1 where
// the group took no part.
type capture struct{ begin, end int }

var unset = capture{-1, -1}

// A dissection finds what each group holds, along the parts, as the server does.
type dissection struct {
	*reading
	fold   bool // back references ignore the case of ASCII letters
	groups []capture
}

// dissect divides the text from begin to end among the kids of t and reports
// whether that is possible; without back references it always is. Where it is not,
// the groups of t are left unset.
func (d *dissection) dissect(t *part, begin, end int) bool {
	d.budget--
	if d.spent() {
		return false
	}
	ok := true
	switch t.shape {
	case shapeCat:
		ok = d.split(t, begin, end)
	case shapeAlt:
		ok = d.choose(t, begin, end)
	case shapeRepeat:
		ok = d.iterate(t, begin, end)
	case shapeGroup:
		ok = d.dissect(t.kids[0], begin, end)
	case shapeReference:
		ok = d.refer(t, begin, end)
	}
	if ok && t.group > 0 {
		d.groups[t.group] = capture{begin, end}
	}
	return ok
}

// clear unsets the groups of t and below.
func (d *dissection) clear(t *part) {
	if t.group > 0 {
		d.groups[t.group] = unset
	}
	if t.traits&captures == 0 {
		return
	}
	for _, k := range t.kids {
		d.clear(k)
	}
}

// split tries the places between two parts: from the longest first part on, or
// from the shortest where the first part prefers that.
func (d *dissection) split(t *part, begin, end int) bool {
	first, second := t.kids[0], t.kids[1]
	mids := d.ends(first.expr, begin)
	mid, next := mids.last(end), func(m int) int { return mids.last(m - 1) }
	if first.traits&shorter != 0 {
		mid, next = mids.first(begin), func(m int) int { return mids.first(m + 1) }
	}
	for ; begin <= mid && mid <= end; mid = next(mid) {
		if !d.ends(second.expr, mid).has(end) {
			continue
		}
		if d.dissect(first, begin, mid) {
			if d.dissect(second, mid, end) {
				return true
			}
			d.clear(first)
		}
	}
	return false
}

func (d *dissection) choose(t *part, begin, end int) bool {
	for _, k := range t.kids {
		if d.ends(k.expr, begin).has(end) && d.dissect(k, begin, end) {
			return true
		}
	}
	return false
}

// refer reports whether the text is what the group holds, as many times as the
// quantifier of the reference allows.
func (d *dissection) refer(t *part, begin, end int) bool {
	g := d.groups[t.ref]
	switch size := g.end - g.begin; {
	case g == unset:
		return false
	case size == 0:
		return begin == end
	case begin == end:
		return t.min == 0
	case (end-begin)%size != 0:
		return false
	default:
		n := (end - begin) / size
		if n < t.min || n > t.max && t.max != unbounded {
			return false
		}
	}
	for i, j := begin, g.begin; i < end; i++ {
		if !d.same(d.text[i], d.text[j]) {
			return false
		}
		if j++; j == g.end {
			j = g.begin
		}
	}
	return true
}

func (d *dissection) same(a, b byte) bool {
	return a == b || d.fold && lower(a) == lower(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 32
	}
	return c
}
