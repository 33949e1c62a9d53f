package are

// maxSteps is the budget of one search.
const maxSteps = 1 << 20

// A search looks for the match that the server finds.
type search struct {
	dissection
	root   *part
	refers bool
}

func (r *Regexp) search(text string) *search {
	s := &search{root: r.root, refers: r.refers}
	s.reading = newReading(text, r.nodes, maxSteps)
	s.fold = r.flags&foldCase != 0
	s.groups = make([]capture, r.groups+1)
	s.forget()
	return s
}

func (s *search) forget() {
	for i := range s.groups {
		s.groups[i] = unset
	}
}

// find reports whether there is a match; then the groups are set.
func (s *search) find() bool {
	if s.refers {
		return s.findReferring()
	}
	for begin := 0; begin <= len(s.text) && !s.spent(); begin++ {
		if end := s.end(begin); end >= 0 {
			return s.dissect(s.root, begin, end)
		}
	}
	return false
}

// end returns where the preferred match from begin ends, -1 where there is none.
func (s *search) end(begin int) int {
	ends := s.ends(s.root.expr, begin)
	if s.root.traits&shorter != 0 {
		return ends.first(begin)
	}
	return ends.last(len(s.text))
}

// findReferring tries every begin and every end that are possible but for the
// references, as the server does: it looks for the nearest possible end, tries the
// begins up to there, and goes on behind it, but not at the end of the text. So
// `(a)\1|$` is not found in "ab": where the last byte was the nearest end, the
// place behind it is never tried.
func (s *search) findReferring() bool {
	for from := 0; from == 0 || from < len(s.text); {
		nearest := s.nearest(from)
		if nearest < 0 || s.spent() {
			return false
		}
		for begin := from; begin <= nearest; begin++ {
			if s.tryBegin(begin) {
				return true
			}
		}
		from = nearest + 1
	}
	return false
}

// nearest returns the first possible end of a match that begins at from or later.
func (s *search) nearest(from int) int {
	nearest := -1
	for begin := from; begin <= len(s.text) && (nearest < 0 || begin < nearest); begin++ {
		end := s.ends(s.root.expr, begin).first(begin)
		if end >= 0 && (nearest < 0 || end < nearest) {
			nearest = end
		}
	}
	return nearest
}

func (s *search) tryBegin(begin int) bool {
	ends := s.ends(s.root.expr, begin)
	end, next := ends.last(len(s.text)), func(e int) int { return ends.last(e - 1) }
	if s.root.traits&shorter != 0 {
		end, next = ends.first(begin), func(e int) int { return ends.first(e + 1) }
	}
	for ; end >= 0 && !s.spent(); end = next(end) {
		s.forget()
		if s.dissect(s.root, begin, end) {
			return true
		}
	}
	return false
}
