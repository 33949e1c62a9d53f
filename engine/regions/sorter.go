package regions

// A sorter puts points that meet the same records into classes, walks each class
// once, and joins what is found.
type sorter struct {
	w       *walker
	d       *dimension
	parts   *divider
	at      map[string]int // by signature
	classes []class
	found   [][]piece
}

func newSorter(w *walker, d *dimension, parts *divider) *sorter {
	return &sorter{w: w, d: d, parts: parts, at: map[string]int{}}
}

// put adds a point; extra tells points apart that meet the same records, and
// walk goes on where none of its class has been seen.
func (s *sorter) put(pt point, extra string, walk func(node) []piece) {
	if s.w.question.done() {
		return
	}
	part, ok := s.parts.part(pt)
	if !ok {
		return
	}
	sig := signature(part, extra)
	i, known := s.at[sig]
	if !known {
		i = len(s.classes)
		s.at[sig] = i
		s.classes = append(s.classes, class{})
		s.found = append(s.found, walk(part.clone()))
	}
	s.classes[i].add(pt)
}

// pieces joins pieces of different classes that differ in nothing else; set fills
// in their names.
func (s *sorter) pieces(set func(*piece, NameSet)) []piece {
	var out []piece
	var classes []class
	at := map[string]int{}
	for i, pieces := range s.found {
		for _, p := range pieces {
			j, known := at[p.below]
			if !known {
				j = len(out)
				at[p.below] = j
				out, classes = append(out, p), append(classes, class{})
			}
			classes[j].join(s.classes[i])
		}
	}
	for i := range out {
		names := s.d.set(classes[i])
		s.w.charge(len(names.Names) + len(names.Except) + 64)
		set(&out[i], names)
		out[i].below = s.w.short(out[i].below + "|" + names.key())
	}
	return out
}
