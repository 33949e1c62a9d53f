package are

import (
	"errors"
	"testing"
)

func seeds(f *testing.F) {
	for _, q := range goldens(f) {
		for _, a := range q.answers {
			f.Add(q.expr, a.text)
		}
		f.Add(q.expr, "")
	}
}

// FuzzCompile: whatever is asked, nothing panics, hangs or contradicts itself.
func FuzzCompile(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, expr, text string) {
		r, err := Compile(expr)
		if err != nil {
			var fault *Error
			if !errors.As(err, &fault) || fault.Message == "" || fault.Expr != expr {
				t.Fatalf("%#v", err)
			}
			return
		}
		if len(text) > 200 {
			return
		}
		matched, known := r.Match(text)
		group, has, again, known2 := r.Group(text)
		if known && known2 && matched != again {
			t.Fatalf("%q on %q: Match %v, Group %v", expr, text, matched, again)
		}
		if has && (!again || !known2 || r.Groups() == 0) || !has && group != "" {
			t.Fatalf("%q on %q: %q, %v, %v, %v", expr, text, group, has, again, known2)
		}
	})
}

// FuzzLanguage: the language has what the expression matches, and an example of it
// matches.
func FuzzLanguage(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, expr, text string) {
		r, err := Compile(expr)
		if err != nil || len(text) > 200 {
			return
		}
		l, ok := r.Language()
		if !ok {
			return
		}
		s := r.search(text)
		if want := s.find(); !s.spent() && l.Contains(text) != want {
			t.Fatalf("%q on %q: not %v", expr, text, want)
		}
		if e, ok := l.Example(20, nil); ok {
			s := r.search(e)
			if found := s.find(); !found && !s.spent() {
				t.Fatalf("%q does not match its example %q", expr, e)
			}
		}
	})
}
