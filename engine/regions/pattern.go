package regions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/are"
	"github.com/pgmoat/pgmoat/model/hba"
)

// maxName is NAMEDATALEN-1.
const maxName = 63

// maxCells bounds what the expressions of one node divide names into.
const maxCells = 128

// maxStates bounds the automata of these cells together: dividing takes time by it.
const maxStates = 1 << 13

func size(cells []cell) int {
	n := 0
	for _, c := range cells {
		n += c.language.Size()
	}
	return n
}

// productWork is what dividing one cell is charged for.
const productWork = 1000

// A pattern is a regular expression of a list.
type pattern struct {
	expr string
	re   *are.Regexp
	// language is what it matches among names; regular says that it is known.
	language            are.Language
	regular             bool
	everything, nothing bool
}

func (p *program) pattern(expr string) (int32, error) {
	if id, ok := p.patterns.ids[expr]; ok {
		return id, nil
	}
	re, err := are.Compile(expr)
	if err != nil {
		return 0, fmt.Errorf("/%s: %w", expr, err)
	}
	return p.patterns.id(expr, func() *pattern {
		out := &pattern{expr: expr, re: re}
		out.language, out.regular = re.Language()
		if out.regular {
			out.nothing = !inhabited(out.language)
			rest, ok := are.All().Minus(out.language)
			out.everything = ok && !inhabited(rest)
		}
		return out
	}), nil
}

// inhabited reports whether some name is in the language.
func inhabited(l are.Language) bool {
	_, ok := l.Example(maxName, nil)
	return ok
}

// sign tells whether a name matches the expression; Unsure where that is not known.
func (p *program) sign(id, name int32) hba.Match {
	at := [2]int32{id, name}
	if m, ok := p.matches[at]; ok {
		return m
	}
	pat, text := p.patterns.list[id], p.names.list[name]
	out := hba.Unsure
	switch matched, known := pat.re.Match(text); {
	case known:
		out = answer(matched)
	case pat.regular:
		out = answer(pat.language.Contains(text))
	}
	p.matches[at] = out
	return out
}

// A cell is the names that are mentioned nowhere and match just these expressions.
// An expression without a sign is one whose names are not known.
type cell struct {
	language are.Language
	signs    map[int32]bool
	example  string
}

func (c cell) sign(pattern int32) hba.Match {
	if s, ok := c.signs[pattern]; ok {
		return answer(s)
	}
	return hba.Unsure
}

// divide divides all names by these sorted expressions. Where there would be too
// many cells, or too large ones, further expressions divide none and become conditions.
func (p *program) divide(patterns []int32, charge func(int)) []cell {
	k := key(patterns...)
	if cells, ok := p.cellCache[k]; ok {
		return cells
	}
	cells := []cell{{language: are.All()}}
	for _, id := range patterns {
		if pat := p.patterns.list[id]; pat.regular && len(cells) <= maxCells/2 && size(cells)+len(cells)*pat.language.Size() <= maxStates {
			charge(len(cells) * productWork)
			cells = split(cells, id, pat.language)
		}
	}
	p.cellCache[k] = cells
	return cells
}

func split(cells []cell, id int32, l are.Language) []cell {
	var out []cell
	for _, c := range cells {
		inside, ok1 := c.language.Intersect(l)
		outside, ok2 := c.language.Minus(l)
		if !ok1 || !ok2 {
			out = append(out, c)
			continue
		}
		for _, part := range []struct {
			language are.Language
			sign     bool
		}{{inside, true}, {outside, false}} {
			if text, some := part.language.Example(maxName, nil); some {
				out = append(out, cell{part.language, with(c.signs, id, part.sign), text})
			}
		}
	}
	return out
}

func with(signs map[int32]bool, id int32, sign bool) map[int32]bool {
	out := map[int32]bool{id: sign}
	for k, v := range signs {
		out[k] = v
	}
	return out
}

// rest describes cells by as few expressions as tell them from the others.
func (d *dimension) rest(cells []int) []Rest {
	if len(cells) == 0 {
		return nil
	}
	in := make([]bool, len(d.cells))
	for _, c := range cells {
		in[c] = true
	}
	used := slices.Clone(d.regular)
	for i := 0; i < len(used); {
		fewer := slices.Delete(slices.Clone(used), i, i+1)
		if d.tells(in, fewer) {
			used = fewer
		} else {
			i++
		}
	}
	var out []Rest
	seen := map[string]bool{}
	for i, c := range d.cells {
		k := c.signature(used)
		if in[i] && !seen[k] {
			seen[k] = true
			out = append(out, d.describe(c, used))
		}
	}
	return out
}

// tells reports whether these expressions are enough to tell the chosen cells from
// the others.
func (d *dimension) tells(in []bool, patterns []int32) bool {
	chosen := map[string]bool{}
	for i, c := range d.cells {
		k := c.signature(patterns)
		if was, ok := chosen[k]; ok && was != in[i] {
			return false
		}
		chosen[k] = in[i]
	}
	return true
}

func (c cell) signature(patterns []int32) string {
	var b strings.Builder
	for _, id := range patterns {
		b.WriteByte('0' + byte(c.sign(id)))
	}
	return b.String()
}

func (d *dimension) describe(c cell, patterns []int32) Rest {
	var out Rest
	for _, id := range patterns {
		switch expr := d.p.patterns.list[id].expr; c.sign(id) {
		case hba.Yes:
			out.Matching = append(out.Matching, expr)
		case hba.No:
			out.NotMatching = append(out.NotMatching, expr)
		}
	}
	return out
}

// covers reports whether the rest takes a mentioned name.
func (d *dimension) covers(rest []Rest, name int32) bool {
	all := func(exprs []string, want hba.Match) bool {
		return !slices.ContainsFunc(exprs, func(expr string) bool {
			return d.p.sign(d.p.patterns.ids[expr], name) != want
		})
	}
	return slices.ContainsFunc(rest, func(r Rest) bool {
		return all(r.Matching, hba.Yes) && all(r.NotMatching, hba.No)
	})
}
