package regions

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/are"
	"github.com/pgmoat/pgmoat/model/hba"
)

// A Condition is something about an attempt that neither files nor Context tell.
type Condition struct {
	Kind ConditionKind
	// Name is a role, a regular expression without its slash, a host name in lower
	// case (".example.com" is a suffix), "namespace/name" of pods, or a record as text.
	Name  string
	Pods  *hba.Address // of FromPods
	Holds bool         // what is asked of it here
}

// ConditionKind is what a condition is about.
type ConditionKind uint8

// The kinds.
const (
	NoCondition      ConditionKind = iota
	MemberOf                       // the user is a member of the role Name
	MemberOfDatabase               // the user is a member of the role named like the database
	UserExists                     // the user is a role, and so a member of itself
	UserMatches                    // the user's name matches the expression Name
	DatabaseMatches                // the database's name does
	ClientName                     // the client's confirmed reverse name is Name, or ends in it
	SameHost                       // the client has one of the server's addresses
	SameNet                        // the client is in one of the server's networks
	FromPods                       // the client is one of the pods
	LineIsThere                    // the server has the line Name, of which that is not known

	conditionKinds = iota
)

// atom numbers a condition of which only kind and name matter.
func (p *program) atom(c Condition) int32 {
	return p.atoms.id(string(rune('a'+c.Kind))+c.Name, func() Condition { return c })
}

// A formula is true when every clause has an atom that is. Formula 0 is true.
type formula [][]int32

// formula numbers what is left of clauses.
func (p *program) formula(f formula) int32 {
	parts := make([]string, len(f))
	for i, clause := range f {
		parts[i] = key(clause...)
	}
	return p.formulas.id(strings.Join(parts, key(none)), func() formula { return f })
}

// both returns the formula with one clause more; an empty clause adds nothing.
func (p *program) both(f int32, clause []int32) int32 {
	if len(clause) == 0 {
		return f
	}
	clause = slices.Clone(clause)
	slices.Sort(clause)
	return p.formula(append(slices.Clone(p.formulas.list[f]), slices.Compact(clause)))
}

// A world says of some atoms whether they are true.
type world []assumption

type assumption struct {
	atom  int32
	holds bool
}

// know tells whether an atom is true in every world that extends this one.
func (p *program) know(w world, atom int32) hba.Match {
	kind, tied := p.atoms.list[atom].Kind, false
	for _, a := range w {
		if a.atom == atom {
			return answer(a.holds)
		}
		tied = tied || kind.tied(p.atoms.list[a.atom].Kind)
	}
	switch {
	case !tied:
		return hba.Unsure
	case !p.consistent(append(slices.Clip(w), assumption{atom, true})):
		return hba.No
	case !p.consistent(append(slices.Clip(w), assumption{atom, false})):
		return hba.Yes
	}
	return hba.Unsure
}

// tied reports whether two conditions of these kinds may exclude or imply each
// other.
func (k ConditionKind) tied(o ConditionKind) bool {
	switch k {
	case ClientName, UserMatches, DatabaseMatches:
		return o == k
	case SameHost, SameNet:
		return o == SameHost || o == SameNet
	case UserExists:
		return o == MemberOf || o == MemberOfDatabase
	case MemberOf, MemberOfDatabase:
		return o == UserExists
	}
	return false
}

// consistent reports whether a world is possible.
func (p *program) consistent(w world) bool {
	var names, noNames []string
	var yes, no [conditionKinds]bool
	for _, a := range w {
		c := p.atoms.list[a.atom]
		yes[c.Kind] = yes[c.Kind] || a.holds
		no[c.Kind] = no[c.Kind] || !a.holds
		switch {
		case c.Kind == ClientName && a.holds:
			names = append(names, c.Name)
		case c.Kind == ClientName:
			noNames = append(noNames, c.Name)
		}
	}
	switch {
	case yes[SameHost] && no[SameNet]: // an interface is in its own network
		return false
	case no[UserExists] && (yes[MemberOf] || yes[MemberOfDatabase]): // only roles are members
		return false
	}
	return nameable(names, noNames) && p.matchable(w, UserMatches) && p.matchable(w, DatabaseMatches)
}

// matchable reports whether some name may match just the expressions that a world
// says it does. Not all are known; a name of those that are is enough.
func (p *program) matchable(w world, kind ConditionKind) bool {
	var ids []int32
	for _, a := range w {
		if c := p.atoms.list[a.atom]; c.Kind == kind {
			ids = append(ids, p.patterns.ids[c.Name]<<1|int32(bitOf(a.holds)))
		}
	}
	if len(ids) < 2 { // one alone says something, or its pattern would not be there
		return true
	}
	slices.Sort(ids)
	k := key(ids...)
	if some, ok := p.worlds[k]; ok {
		return some
	}
	some := inhabited(p.language(ids))
	p.worlds[k] = some
	return some
}

// language returns a language around the names that match some patterns and not
// others: each is doubled, and odd where it has to match.
func (p *program) language(ids []int32) are.Language {
	out := are.All()
	for _, id := range ids {
		out = p.narrowed(out, id>>1, id&1 == 1)
	}
	return out
}

// stateWork is what a pair of states is charged for.
const stateWork = 4

// narrowed returns the part of a language that matches a pattern or does not, or
// all of it where that is not known.
func (p *program) narrowed(l are.Language, id int32, holds bool) are.Language {
	pat := p.patterns.list[id]
	if !pat.regular {
		return l
	}
	p.debt += stateWork * l.Size() * pat.language.Size()
	narrow := l.Minus
	if holds {
		narrow = l.Intersect
	}
	if out, ok := narrow(pat.language); ok {
		return out
	}
	return l
}

// nameable reports whether a client can have one name that all of the first list
// take and none of the second.
func nameable(yes, no []string) bool {
	if len(yes) == 0 {
		return true // a client without a name
	}
	longest := slices.MaxFunc(yes, func(a, b string) int {
		if exact(a) != exact(b) {
			if exact(a) {
				return 1
			}
			return -1
		}
		return len(a) - len(b)
	})
	taken := func(pattern string) bool {
		return pattern == longest || !exact(pattern) && strings.HasSuffix(longest, pattern)
	}
	return !slices.ContainsFunc(yes, func(s string) bool { return !taken(s) }) &&
		!slices.ContainsFunc(no, taken)
}

func exact(name string) bool { return !strings.HasPrefix(name, ".") }

// under returns what a world leaves of a formula; false where it is refuted.
func (p *program) under(w world, id int32) (int32, bool) {
	if id == 0 || len(w) == 0 {
		return id, true
	}
	var left formula
	for _, clause := range p.formulas.list[id] {
		open, holds := p.clause(w, clause)
		switch {
		case holds:
		case len(open) == 0:
			return 0, false
		default:
			left = append(left, open)
		}
	}
	return p.formula(left), true
}

func (p *program) clause(w world, clause []int32) (open []int32, holds bool) {
	for _, atom := range clause {
		switch p.know(w, atom) {
		case hba.Yes:
			return nil, true
		case hba.Unsure:
			open = append(open, atom)
		}
	}
	return open, false
}

// conditions decides chains whose records hang on conditions alone, one at a time,
// and collects what the question makes of every possible world.
func (w *walker) conditions(n node, at world) []piece {
	if !w.spend((n.size() + 1) * (len(at) + 1)) {
		return w.abandon(at)
	}
	n, ok := w.assume(n, at)
	if !ok || w.question.settled(n, byAddress) {
		return nil
	}
	atom := w.undecided(n)
	if atom == none {
		w.at.world = at
		return w.question.decided(w, n)
	}
	var out []piece
	for _, holds := range []bool{true, false} {
		next := append(slices.Clip(at), assumption{atom, holds})
		if w.consistent(next) && !w.question.done() {
			out = append(out, w.conditions(n, next)...)
		}
	}
	if len(out) > maxJoined {
		return out
	}
	w.charge(len(out) * len(out))
	return joinWorlds(out)
}

// maxJoined is how many pieces are still held against each other.
const maxJoined = 128

// assume leaves of the chains what a world does; false where the focus is refuted.
func (w *walker) assume(n node, at world) (node, bool) {
	out := node{old: w.assumeChain(n.old, at), next: w.assumeChain(n.next, at)}
	out.focus = w.assumeChain(n.focus, at)
	return out, len(n.focus) == len(out.focus)
}

func (w *walker) assumeChain(chain []item, at world) []item {
	var out []item
	for _, i := range chain {
		cond, ok := w.under(at, i.cond)
		if !ok {
			continue
		}
		out = append(out, item{rec: i.rec, cond: cond})
		if cond == 0 {
			break
		}
	}
	return out
}

// undecided returns the first atom that has to be known to go on.
func (w *walker) undecided(n node) int32 {
	for _, chain := range [][]item{n.focus, n.old, n.next} {
		if len(chain) > 0 && chain[0].cond != 0 {
			return w.formulas.list[chain[0].cond][0][0]
		}
	}
	return none
}

// joinWorlds joins pieces that differ only in the truth of one condition.
func joinWorlds(pieces []piece) []piece {
	for i := 0; i < len(pieces); i++ {
		for j := i + 1; j < len(pieces); j++ {
			if at, ok := opposite(&pieces[i], &pieces[j]); ok {
				pieces[i].conditions = slices.Delete(slices.Clone(pieces[i].conditions), at, at+1)
				pieces = slices.Delete(pieces, j, j+1)
				return joinWorlds(pieces)
			}
		}
	}
	return pieces
}

// opposite returns the place of the one condition in which two pieces differ.
func opposite(a, b *piece) (int, bool) {
	if a.verdict != b.verdict || len(a.conditions) != len(b.conditions) {
		return 0, false
	}
	at := -1
	for i := range a.conditions {
		if a.conditions[i] == b.conditions[i] {
			continue
		}
		flipped := a.conditions[i]
		flipped.holds = !flipped.holds
		if at >= 0 || flipped != b.conditions[i] {
			return 0, false
		}
		at = i
	}
	return at, at >= 0
}
