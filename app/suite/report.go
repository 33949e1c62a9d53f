package suite

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/app/report"
)

// mostShown is how many differences of a file are printed.
const mostShown = 20

// A summary counts the files by what became of them.
type summary struct {
	OK     int `json:"ok"`
	Failed int `json:"failed"`
	Unread int `json:"unread"`
}

func summed(results []Result) (s summary) {
	for _, r := range results {
		switch r.State {
		case OK:
			s.OK++
		case Failed:
			s.Failed++
		default:
			s.Unread++
		}
	}
	return s
}

// status is the exit status: 3 wins over 1, 1 over 0.
func (s summary) status() int {
	switch {
	case s.Unread > 0:
		return 3
	case s.Failed > 0:
		return 1
	default:
		return 0
	}
}

// writeJSON prints everything.
func writeJSON(out io.Writer, results []Result) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		summary
		Results []Result `json:"results"`
	}{summed(results), results})
}

var labels = map[State]string{OK: "ok", Failed: "FAIL", Unread: "UNREAD"}

var colours = map[State]string{OK: "\x1b[32m", Failed: "\x1b[31m", Unread: "\x1b[33m"}

// writeText prints a line for each file, and under it what is not as expected.
func writeText(out io.Writer, results []Result) error {
	var b strings.Builder
	width := 0
	for _, r := range results {
		width = max(width, len(r.Name))
	}
	colour := report.Colourful(out)
	for _, r := range results {
		label := fmt.Sprintf("%-6s", labels[r.State])
		if colour {
			label = colours[r.State] + label + "\x1b[0m"
		}
		fmt.Fprintf(&b, "%s %-*s  %s\n", label, width, report.Printable(r.Name), r.counts())
		for _, line := range r.lines() {
			fmt.Fprintf(&b, "       %s\n", report.Printable(line))
		}
	}
	s := summed(results)
	fmt.Fprintf(&b, "%d as expected, %d not, %d could not be read\n", s.OK, s.Failed, s.Unread)
	_, err := io.WriteString(out, b.String())
	return err
}

func (r Result) counts() string {
	var parts []string
	for _, c := range []struct {
		n    int
		word string
	}{{r.Statements, "statement"}, {r.Questions, "question"}, {r.Refusals, "refusal"}, {len(r.Differences), "difference"}} {
		switch {
		case c.n == 1:
			parts = append(parts, "1 "+c.word)
		case c.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", c.n, c.word))
		}
	}
	return strings.Join(parts, ", ")
}

// lines are the errors and the first differences.
func (r Result) lines() []string {
	lines := append([]string(nil), r.Errors...)
	for _, d := range r.Differences {
		text := fmt.Sprintf("%s : expected %s; got %s", d.Subject, d.Expected, d.Got)
		if d.Line > 0 {
			text += fmt.Sprintf(" (line %d)", d.Line)
		}
		if d.Why != "" {
			text += " because " + d.Why
		}
		lines = append(lines, text)
	}
	if more := len(lines) - mostShown; more > 0 {
		lines = append(lines[:mostShown], fmt.Sprintf("and %d more", more))
	}
	return lines
}
