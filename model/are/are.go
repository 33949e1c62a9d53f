// Package are reads and matches PostgreSQL's regular expressions as the server
// does for the names in pg_hba.conf (since 16) and pg_ident.conf: Henry Spencer's
// "advanced" regular expressions, in the C locale, one character a byte, found
// anywhere in the name.
//
// Three things are asked of an expression: whether it matches a name, what its
// first group holds, and which names it matches at all, as a set that can be
// intersected with others.
package are

import "sync"

// A Regexp is a compiled expression. It may be used by several goroutines.
type Regexp struct {
	expr   string
	flags  flags
	groups int
	refers bool // there is a back reference, if only in something repeated no time
	root   *part
	nodes  int

	since14 bool

	once sync.Once
	auto *automaton // nil where there is none that we can hold
}

// Compile reads an expression, without the slash that marks one in the files. An
// error is an *Error. The empty expression matches everything.
func Compile(expr string) (*Regexp, error) {
	var p parser
	p.start(expr)
	root := p.alternation(tokEnd, false)
	if p.err == nil && root.expr.tooLarge() {
		p.failLimit()
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Regexp{expr: expr, flags: p.flags, groups: p.groups, refers: p.refers,
		root: root, nodes: p.nodes, since14: p.since14}, nil
}

// String returns the expression.
func (r *Regexp) String() string { return r.expr }

// Groups returns the number of capturing groups.
func (r *Regexp) Groups() int { return r.groups }

// Since14 reports whether servers before 14 read the expression otherwise, if at
// all: it negates a shorthand where that was an error or left out the newline,
// names the class "word", or refers to a group with constraints, which the
// reference then had to meet again.
func (r *Regexp) Since14() bool { return r.since14 }

// Match says whether the expression matches somewhere in text. Where known is
// false that would take too long to find out, which takes a back reference or a
// very large expression.
func (r *Regexp) Match(text string) (matched, known bool) {
	if a := r.automaton(); a != nil {
		return a.contains(text), true
	}
	s := r.search(text)
	matched = s.find()
	return matched, !s.spent()
}

// Group returns what the first group holds in the match that the server finds: the
// leftmost, and there the longest or the shortest as the expression prefers. Where
// has is false there is no such group or it took no part; matched and known are
// those of Match.
func (r *Regexp) Group(text string) (group string, has, matched, known bool) {
	if a := r.automaton(); a != nil && !a.contains(text) {
		return "", false, false, true
	}
	s := r.search(text)
	matched = s.find()
	if s.spent() {
		return "", false, false, false
	}
	if !matched || r.groups == 0 || s.groups[1] == unset {
		return "", false, matched, true
	}
	g := s.groups[1]
	return text[g.begin:g.end], true, true, true
}

// automaton returns the automaton of the names that match, nil where there is none.
func (r *Regexp) automaton() *automaton {
	r.once.Do(func() {
		if r.refers {
			return
		}
		p, ok := compileProgram(r.root.expr)
		if !ok {
			return
		}
		if a, ok := determine(p, false, p.partition()); ok {
			r.auto = a
		}
	})
	return r.auto
}
