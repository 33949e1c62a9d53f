package regions

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
)

// Reach returns all attempts whose deciding record is wanted, as regions with Old
// only. Of interest are only attempts that within matches, read as a record whose
// method does not matter; nil: all. "hostnossl all,replication postgres all" asks
// about one role without TLS.
func Reach(f hba.File, ctx Context, within *hba.Record, wanted func(*hba.Record) bool) (Result, error) {
	if err := loaded(f); err != nil {
		return Result{}, err
	}
	p := newProgram(ctx)
	chain, err := p.add(f)
	if err != nil {
		return Result{}, err
	}
	n := node{old: chain}
	if within != nil {
		n.focus, err = p.add(hba.File{Version: f.Version, Records: []hba.Record{*within}})
		if err != nil {
			return Result{}, fmt.Errorf("within: %w", err)
		}
		if n.focus == nil { // no attempt matches it
			return Result{}, nil
		}
	}
	q := &asking{w: newWalker(p, nil), wanted: make([]bool, len(p.recs))}
	for _, i := range chain {
		q.wanted[i.rec] = wanted(p.recs[i.rec].source)
	}
	q.w.question = q
	return q.w.result(q.w.walk(n)), nil
}

// asking asks where wanted records decide.
type asking struct {
	w      *walker
	wanted []bool
}

func (q *asking) settled(n node, _ level) bool {
	return !slices.ContainsFunc(n.old, func(i item) bool { return q.wanted[i.rec] })
}

// touching returns the focus, which all attempts match, or the wanted records.
func (q *asking) touching(n node, _ level) []item {
	if len(n.focus) > 0 {
		return n.focus
	}
	var out []item
	for _, i := range n.old {
		if q.wanted[i.rec] {
			out = append(out, i)
		}
	}
	return out
}

func (q *asking) done() bool { return false }

func (q *asking) decided(w *walker, n node) []piece {
	r := w.end(n.old)
	if r == none || !q.wanted[r] {
		return nil
	}
	return []piece{w.piece(verdict{old: r, next: none, oldKind: kindOf(w.actionOf(r).method), certificates: AnyCertificate})}
}
