package are

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A question is an expression of the goldens with the servers' answers.
type question struct {
	expr    string
	message string
	answers []answer
}

type answer struct {
	text, group  string
	matched, has bool
}

// goldens reads the files of servers' answers. A line it does not know is a fault.
func goldens(t testing.TB) []question {
	t.Helper()
	var out []question
	for _, name := range []string{"testdata/answers.txt", "testdata/random.txt"} {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, lines, _ := strings.Cut(string(body), "\n\n") // behind the introduction
		for line := range strings.SplitSeq(lines, "\n") {
			switch {
			case line == "" || line[0] == '#':
			case line[0] == '"':
				out = append(out, question{expr: unquote(t, line)})
			default:
				out[len(out)-1].read(t, strings.TrimPrefix(line, "\t"))
			}
		}
	}
	return out
}

func unquote(t testing.TB, s string) string {
	t.Helper()
	out, err := strconv.Unquote(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return out
}

func (q *question) read(t testing.TB, line string) {
	t.Helper()
	if message, ok := strings.CutPrefix(line, "error "); ok {
		q.message = message
		return
	}
	text, err := strconv.QuotedPrefix(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	a := answer{text: unquote(t, text)}
	word, group, has := strings.Cut(strings.TrimSpace(line[len(text):]), " ")
	a.matched, a.has = word == "yes", has
	if has {
		a.group = unquote(t, group)
	}
	if !a.matched && word != "no" {
		t.Fatalf("unknown answer %s", line)
	}
	q.answers = append(q.answers, a)
}

// TestServersAnswers asks what servers were asked.
func TestServersAnswers(t *testing.T) {
	questions := goldens(t)
	if len(questions) < 1000 {
		t.Fatalf("only %d questions", len(questions))
	}
	for _, q := range questions {
		r, err := Compile(q.expr)
		if q.message != "" {
			var fault *Error
			if !errors.As(err, &fault) || fault.Message != q.message || fault.Limit || fault.Expr != q.expr {
				t.Errorf("%q: %v, the server says %s", q.expr, err, q.message)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v, the server takes it", q.expr, err)
			continue
		}
		for _, a := range q.answers {
			r.check(t, a)
		}
	}
}

func (r *Regexp) check(t *testing.T, a answer) {
	t.Helper()
	if matched, known := r.Match(a.text); matched != a.matched || !known {
		t.Errorf("%q on %q: %v, %v; the server says %v", r, a.text, matched, known, a.matched)
	}
	group, has, matched, known := r.Group(a.text)
	if group != a.group || has != a.has || matched != a.matched || !known {
		t.Errorf("%q on %q: group %q, %v, %v, %v; the server says %q, %v", r, a.text, group, has, matched, known, a.group, a.has)
	}
	if l, ok := r.Language(); ok && l.Contains(a.text) != a.matched {
		t.Errorf("%q: its language has %q: %v", r, a.text, !a.matched)
	}
}
