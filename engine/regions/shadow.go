package regions

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
)

// A Shadow is a record that decides nothing.
type Shadow struct {
	Record int // its index
	// Covers are earlier records that together take every attempt that matches this
	// one; none of them can be missing unless they are very many. Empty: no attempt
	// matches it, whatever comes before.
	Covers []int
	// Undecided says that it may decide something after all: the budget ended, or
	// only names could tell that match an expression no automaton has. Covers is then
	// empty, and Witness is what might reach it, if anything is known of that.
	Undecided bool
	Witness   *Attempt
}

// Shadowed returns the records that decide no attempt, in file order. A record that
// is not among them decides some attempt, if only under Conditions that can hold.
func Shadowed(f hba.File, ctx Context) ([]Shadow, error) {
	s, err := newSurvey(f, ctx)
	if err != nil {
		return nil, err
	}
	var out []Shadow
	for i := range s.recs {
		if shadow, ok := s.shadow(int32(i)); ok { //nolint:gosec // a file's length
			out = append(out, shadow)
		}
	}
	return out, nil
}

// A survey asks about each record of one file against those before it.
type survey struct {
	*walker
	chain    []item // of the records that some attempt matches
	byUser   index  // into chain
	shadowed map[int32]bool
}

func newSurvey(f hba.File, ctx Context) (*survey, error) {
	if err := loaded(f); err != nil {
		return nil, err
	}
	p := newProgram(ctx)
	chain, err := p.add(f)
	if err != nil {
		return nil, err
	}
	w := newWalker(p, nil)
	return &survey{walker: w, chain: chain, byUser: w.index(chain, userOf), shadowed: map[int32]bool{}}, nil
}

// earlier returns the records before i that may match an attempt that i matches; not
// all of them where the budget ends.
func (s *survey) earlier(i int32) []item {
	var out []item
	r := &s.recs[i]
	consider := func(at int32) {
		e := s.chain[at]
		if e.rec < i && s.overlap(r, &s.recs[e.rec]) {
			out = append(out, e)
		}
	}
	pred := s.preds.list[r.user]
	if !pred.plain() || len(pred.names) > 4 {
		if !s.spend(len(s.chain)) {
			return nil
		}
		for at := range s.chain {
			consider(int32(at)) //nolint:gosec // a file's length
		}
		return out
	}
	at := slices.Clone(s.byUser.general)
	for _, n := range pred.names {
		at = append(at, s.byUser.byName[n]...)
	}
	if !s.spend(len(at)) {
		return nil
	}
	slices.Sort(at)
	for _, a := range slices.Compact(at) {
		consider(a)
	}
	return out
}

// overlap is a quick look at two records: false is certain.
func (s *survey) overlap(a, b *rec) bool {
	return a.types&b.types != 0 &&
		s.preds.list[a.database].overlaps(s.preds.list[b.database]) &&
		s.preds.list[a.user].overlaps(s.preds.list[b.user]) &&
		(a.types == Of(Socket) || s.places.list[a.address].overlaps(s.places.list[b.address]))
}

// overlaps is a quick look at two lists: false is certain.
func (n *namePred) overlaps(o *namePred) bool {
	if !n.plain() || !o.plain() {
		return true
	}
	return slices.ContainsFunc(n.names, o.has)
}

// shadow tells whether a record decides nothing.
func (s *survey) shadow(i int32) (Shadow, bool) {
	out := Shadow{Record: s.recs[i].index}
	focus := s.item(i)
	if focus == nil {
		s.shadowed[i] = true
		return out, true
	}
	earlier := s.earlier(i)
	if s.spent {
		out.Undecided = true
		return out, true
	}
	q := s.reached(focus, earlier)
	switch {
	case q.witness != nil:
		return out, false
	case s.spent || q.doubtful != nil:
		out.Undecided, out.Witness = true, q.doubtful
		return out, true
	}
	s.shadowed[i] = true
	for _, r := range s.needed(focus, q.deciders) {
		out.Covers = append(out.Covers, s.recs[r].index)
	}
	return out, true
}

// item returns the record's item; nil where no attempt matches it.
func (s *survey) item(i int32) []item {
	at, ok := slices.BinarySearchFunc(s.chain, i, func(e item, i int32) int { return int(e.rec - i) })
	if !ok {
		return nil
	}
	return s.chain[at : at+1]
}

// maxCovers bounds how many covers are tried without.
const maxCovers = 16

// needed drops records that the others can do without.
func (s *survey) needed(focus []item, deciders []int32) []int32 {
	slices.Sort(deciders)
	for i := len(deciders) - 1; i >= 0 && len(deciders) > 1 && len(deciders) <= maxCovers; i-- {
		fewer := slices.Delete(slices.Clone(deciders), i, i+1)
		var chain []item
		for _, r := range fewer {
			chain = append(chain, s.item(r)...)
		}
		if q := s.reached(focus, chain); q.witness == nil && q.doubtful == nil && !s.spent {
			deciders = fewer
		}
	}
	return deciders
}

// reached looks for an attempt of the focus that the chain leaves.
func (s *survey) reached(focus, chain []item) *reaching {
	q := &reaching{seen: map[int32]bool{}}
	s.ask(q)
	s.walk(node{old: chain, focus: focus})
	return q
}

// ask turns the walker to another question: what was found is of the one before.
func (w *walker) ask(q question) {
	w.question = q
	clear(w.remembered)
}

// reaching asks for one attempt that gets past a chain.
type reaching struct {
	witness  *Attempt
	doubtful *Attempt // one that hangs on what an expression matches
	deciders []int32
	seen     map[int32]bool
}

func (q *reaching) settled(node, level) bool        { return false }
func (q *reaching) touching(n node, _ level) []item { return n.focus }
func (q *reaching) done() bool                      { return q.witness != nil }
func (q *reaching) decided(w *walker, n node) []piece {
	switch r := w.end(n.old); {
	case r != none:
		if !q.seen[r] {
			q.seen[r] = true
			q.deciders = append(q.deciders, r)
		}
	default:
		a := w.piece(verdict{certificates: AnyCertificate}).witness
		if doubtful(a.Conditions) {
			q.doubtful = &a
		} else {
			q.witness = &a
		}
	}
	return nil
}
