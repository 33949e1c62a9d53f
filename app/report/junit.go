package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// The part of JUnit's XML that test dashboards agree on.
type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Name    string       `xml:"name,attr"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// junit writes a suite for each rule: a failure for each finding, an error for each
// that is in doubt, and what was not checked as skipped. A rule without any passes.
func (a *Audited) junit(out io.Writer) error {
	suites := junitSuites{Name: "pgmoat audit"}
	for _, r := range a.Rules {
		suites.Suites = append(suites.Suites, a.junitSuite(r))
	}
	return writeJUnit(out, suites)
}

func writeJUnit(out io.Writer, suites junitSuites) error {
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(out)
	enc.Indent("", "  ")
	if err := enc.Encode(suites); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}

func (a *Audited) junitSuite(r *audit.Rule) junitSuite {
	s := junitSuite{Name: r.ID + " " + r.Title}
	for _, f := range a.findings(func(f audit.Finding) bool { return f.Rule == r.ID }) {
		s.Cases = append(s.Cases, a.junitCase(f))
		if f.Certain {
			s.Failures++
		} else {
			s.Errors++
		}
	}
	for _, n := range a.Result.NotChecked {
		if n.Rule == r.ID {
			s.Cases = append(s.Cases, junitCase{Class: r.ID, Name: strings.TrimSpace("not checked " + n.Subject.String()),
				Skipped: &junitMessage{Message: n.Reason}})
			s.Skipped++
		}
	}
	if len(s.Cases) == 0 {
		s.Cases = []junitCase{{Class: r.ID, Name: r.Title}}
	}
	s.Tests = len(s.Cases)
	return s
}

func (a *Audited) junitCase(f audit.Finding) junitCase {
	o := a.World.Locate(f.Origin)
	text := o.String() + "\n" + f.Message
	for _, s := range f.Because {
		text += fmt.Sprintf("\nbecause: %s: %s", s.Layer, Words(s))
	}
	message := &junitMessage{Message: f.Message, Type: f.Severity.String(), Text: text + "\nfix: " + f.Fix}
	c := junitCase{Class: f.Rule, Name: f.Subject.String(), File: o.File, Line: o.Line}
	if f.Certain {
		c.Failure = message
	} else {
		c.Error = message
	}
	return c
}
