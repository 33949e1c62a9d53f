package regions

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
)

// A Result is where two files differ.
type Result struct {
	// Regions are disjoint and in the order of the records that decide them.
	Regions []Region
	// Incomplete says that the budget ended: of LeftOut nothing is known.
	Incomplete bool
	LeftOut    []Region
}

// Same reports whether it is proved that every attempt ends alike.
func (r Result) Same() bool { return !r.Incomplete && len(r.Regions) == 0 }

// SameAdmission reports whether it is proved that the same attempts get in, on the
// same terms; what the refused are told may differ.
func (r Result) SameAdmission() bool {
	for _, region := range r.Regions {
		if !region.Wording {
			return false
		}
	}
	return !r.Incomplete
}

// Diff returns all attempts that end differently, each file read by its own
// version. No regions and not Incomplete is a proof that the files mean the same.
// A difference under Conditions is one if they can hold.
func Diff(old, next hba.File, ctx Context) (Result, error) {
	if err := loaded(old, next); err != nil {
		return Result{}, err
	}
	p := newProgram(ctx)
	a, err := p.add(old)
	if err != nil {
		return Result{}, err
	}
	b, err := p.add(next)
	if err != nil {
		return Result{}, err
	}
	q := &difference{}
	w := newWalker(p, q)
	q.w = w
	return w.result(w.walk(node{old: a, next: b})), nil
}

// A difference asks where two chains end differently.
type difference struct{ w *walker }

func (q *difference) settled(n node, l level) bool {
	if len(n.old) != len(n.next) {
		return false
	}
	for i := range n.old {
		if !q.w.alike(n.old[i], n.next[i], l) {
			return false
		}
	}
	return true
}

func (q *difference) touching(n node, l level) []item { return q.w.changed(n, l) }

func (q *difference) done() bool { return false }

// decided compares the ends for each kind of certificate.
func (q *difference) decided(w *walker, n node) []piece {
	old, next := w.end(n.old), w.end(n.next)
	a, b := w.actionOf(old), w.actionOf(next)
	kinds := map[verdict]Certificates{}
	var order []verdict
	for _, h := range w.holders(a, b) {
		before, after := a.effect(h.has, h.byOld), b.effect(h.has, h.byNew)
		if before == after {
			continue
		}
		v := verdict{old: old, next: next, oldKind: before.kind, newKind: after.kind,
			wording: before.terms() == after.terms()}
		if kinds[v] == 0 {
			order = append(order, v)
		}
		kinds[v] |= h.kind
	}
	var out []piece
	for _, v := range order {
		bare := v
		v.certificates = w.certificates(kinds[bare], a, b)
		out = append(out, w.piece(v))
	}
	return out
}

// end returns the record that decides a chain without open questions.
func (w *walker) end(chain []item) int32 {
	if len(chain) == 0 {
		return none
	}
	return chain[0].rec
}

func (w *walker) actionOf(r int32) *action {
	if r == none {
		return noEntry
	}
	return w.actions.list[w.recs[r].action]
}

// holders returns the kinds of certificates that a client can have here.
func (w *walker) holders(a, b *action) []holder {
	switch {
	case !w.at.transports.Has(TLS):
		return holders[:1]
	case a.naming != "" && b.naming != "" && a.naming != b.naming:
		return holders
	}
	return holders[:3]
}

// certificates writes all that are possible here as AnyCertificate.
func (w *walker) certificates(c Certificates, a, b *action) Certificates {
	all := Certificates(0)
	for _, h := range w.holders(a, b) {
		all |= h.kind
	}
	if c == all {
		return AnyCertificate
	}
	return c
}

// result turns pieces into regions.
func (w *walker) result(pieces []piece) Result {
	out := Result{Incomplete: w.spent}
	slices.SortStableFunc(pieces, func(a, b piece) int {
		if a.old != b.old {
			return behind(a.old, b.old)
		}
		return behind(a.next, b.next)
	})
	for _, p := range pieces {
		if p.leftOut {
			out.LeftOut = append(out.LeftOut, w.region(p))
		} else {
			out.Regions = append(out.Regions, w.region(p))
		}
	}
	return out
}

// behind orders records; none comes last.
func behind(a, b int32) int {
	switch {
	case a == b:
		return 0
	case a == none || b != none && a > b:
		return 1
	}
	return -1
}

func (w *walker) region(p piece) Region {
	return Region{
		Transports: p.transports, Users: p.users, Databases: p.databases, Addresses: p.addresses,
		Certificates: p.certificates, Conditions: w.spell(p.conditions),
		Old: w.outcome(p.old, p.oldKind), New: w.outcome(p.next, p.newKind),
		Wording: p.wording, Witness: p.witness,
	}
}

func (w *walker) outcome(r int32, kind Kind) Outcome {
	if r == none {
		return Outcome{Index: -1, Kind: kind}
	}
	return Outcome{Record: w.recs[r].source, Index: w.recs[r].index, Kind: kind}
}
