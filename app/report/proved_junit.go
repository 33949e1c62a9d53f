package report

import (
	"strings"

	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// junit writes a suite for each object that states something, with a case for each of its
// statements: a failure where it is refuted, an error where it is unknown. What kept from
// proving anything is a suite of errors.
func (p *Proved) junit() junitSuites {
	suites := junitSuites{Name: "pgmoat prove"}
	if text := p.unproven(); text != "" {
		suites.Suites = []junitSuite{p.unprovenSuite(text)}
		return suites
	}
	at := map[snapshot.Ref]int{}
	for _, s := range p.statements() {
		i, known := at[s.Of]
		if !known {
			i = len(suites.Suites)
			at[s.Of] = i
			suites.Suites = append(suites.Suites, junitSuite{Name: suiteName(s.Of)})
		}
		suites.Suites[i].add(p.junitCase(s))
	}
	return suites
}

func suiteName(of snapshot.Ref) string {
	if of == (snapshot.Ref{}) {
		return "the estate"
	}
	return Printable(of.String())
}

// add adds a case and counts it.
func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Error != nil {
		s.Errors++
	}
}

func (p *Proved) junitCase(s prove.Statement) junitCase {
	o := p.located(s.Origin)
	c := junitCase{Class: string(s.Kind), Name: Printable(claim(s)), File: Printable(o.File), Line: o.Line}
	if s.Result == prove.Proven {
		return c
	}
	lines := p.details(s)
	for i, l := range lines {
		lines[i] = Printable(l)
	}
	m := &junitMessage{Type: s.Result.String(), Text: strings.Join(lines, "\n")}
	if s.Result == prove.Refuted {
		m.Message = counted(len(s.Against), "counterexample")
		c.Failure = m
		return c
	}
	m.Message = p.firstReason(s)
	c.Error = m
	return c
}

// unprovenSuite has what kept from proving anything.
func (p *Proved) unprovenSuite(why string) junitSuite {
	s := junitSuite{Name: "intents"}
	for _, e := range p.Errors {
		if e.Warning {
			continue
		}
		o := p.located(e.Origin)
		s.add(junitCase{Class: "compile", Name: Printable(o.String()), File: Printable(o.File), Line: o.Line,
			Error: &junitMessage{Message: Printable(e.Text), Text: Printable(p.errorLine(e))}})
	}
	if len(s.Cases) == 0 {
		s.add(junitCase{Class: "compile", Name: "all of the estate", Error: &junitMessage{Message: why}})
	}
	return s
}
