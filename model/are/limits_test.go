package are

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// huge are expressions that a careless engine never finishes.
var huge = []string{
	strings.Repeat("(", 10_000) + "a" + strings.Repeat(")", 10_000),
	strings.Repeat("(?:", 4_000) + "a" + strings.Repeat(")*", 4_000),
	strings.Repeat("(a|", 2_000) + strings.Repeat(")", 2_000),
	strings.Repeat("(?=", 4_000) + strings.Repeat(")", 4_000),
	strings.Repeat("(a)", 20_000),
	strings.Repeat("a|", 3_900),
	strings.Repeat("a|", 20_000),
	strings.Repeat("a", 1_000_000),
	strings.Repeat("[", 100_000),
	strings.Repeat("(a", 3_000) + strings.Repeat(`)\1`, 3_000),
	"(?:a{255}){255}",
	"(?:(?:(?:(?:(?:a{255}){255}){255}){255}){255}){255}",
	"(?:(?:(?:(?:(?:(?:){255}){255}){255}){255}){255}){255}",
	"(?:(?:(?:a{0}a{0}){255}){255}){255}b",
	"(?:(?:a?){255}){70}",
	"(a|b)*a(a|b){50}",
	"(a|b)*a(a|b){200}",
	"((a|b)*a(a|b){9}){9}c",
	`(a)` + strings.Repeat(`(\1\1)`, 1) + strings.Repeat(`(\2\2)`, 1) + strings.Repeat(`(\3\3)(\4\4)(\5\5)(\6\6)(\7\7)(\8\8)(\9\9)`, 9),
	`(a*)*(a*)*(a*)*(a*)*\1\2\3\4b`,
	`((a|aa)*(a|aa)*(a|aa)*)*\1\2\3\4b`,
	`((.*)(.*)(.*)(.*)(.*)\2\3\4\5\6)*\1x`,
	`^(?=(?!(?=(?!a*b)a*c)a*d)a*)(?!(a|b)*a(a|b){12}$)(?!(a|b)*b(a|b){11}$)`,
	`(?<=(a|b)*a(a|b){12})(?<!(a|b)*b(a|b){11})$`,
	`(?i)[a-\x7ffffffe]`,
}

// TestHuge: each is refused, answered or not known, soon: none took half a second on
// an idle machine. The minute allows for a busy one.
func TestHuge(t *testing.T) {
	texts := []string{"", strings.Repeat("a", 63), strings.Repeat("ab", 31), strings.Repeat("ab", 500)}
	for _, expr := range huge {
		start := time.Now()
		r, err := Compile(expr)
		if err == nil {
			for _, text := range texts {
				r.Match(text)
				r.Group(text)
			}
			r.Language()
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%.60q: %v", expr, took)
		} else {
			t.Logf("%.60q: %v (%v)", expr, took, err)
		}
	}
}

// TestLimit: what is too large for us is told from what is wrong.
func TestLimit(t *testing.T) {
	var fault *Error
	for _, expr := range []string{huge[0], "(?:a{255}){255}", strings.Repeat("a", 30_000), "a{0,255}(?:a{0,255}){0,50}", "(^$){100}"} {
		if _, err := Compile(expr); !errors.As(err, &fault) || !fault.Limit || fault.Message != tooComplex {
			t.Errorf("%.30q: %v", expr, err)
		}
	}
	for _, expr := range []string{"a{255}", "(?:a{255}){15}", "(?:a?){100}", strings.Repeat("a", 4_000), strings.Repeat("^a$|", 500), strings.Repeat("(", 4_900) + strings.Repeat(")", 4_900)} {
		if _, err := Compile(expr); err != nil {
			t.Errorf("%.30q: %v", expr, err)
		}
	}
}

// TestSpent: where the steps run out, the answer is not known, and not an answer.
func TestSpent(t *testing.T) {
	r, err := Compile(`^((.*)(.*)(.*)(.*)(.*)(.*)\2\3\4\5\6\7)*\1x`)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("ab", 31) + "x"
	if matched, known := r.Match(text); matched || known {
		t.Errorf("%v, %v", matched, known)
	}
	if group, has, matched, known := r.Group(text); group != "" || has || matched || known {
		t.Errorf("%q, %v, %v, %v", group, has, matched, known)
	}
}

// TestSince14: what PostgreSQL 13 reads otherwise.
func TestSince14(t *testing.T) {
	for expr, want := range map[string]bool{
		`[\W]`: true, `[^\D]`: true, `(?n)\S`: true, "[[:word:]]": true, `(^a)\1`: true,
		`\W`: false, `[\w]`: false, `(?w)\S`: false, `(a)\1`: false, "^a$": false,
	} {
		if r, err := Compile(expr); err != nil || r.Since14() != want {
			t.Errorf("%q: not %v (%v)", expr, want, err)
		}
	}
}

func TestGroups(t *testing.T) {
	for expr, want := range map[string]int{"": 0, "(a)": 1, "(?:a)": 0, "((a)(b))": 3, "(?=(a))": 0, "(a){0}": 1, "(?q)(a)": 0} {
		if r, err := Compile(expr); err != nil || r.Groups() != want {
			t.Errorf("%q: not %d", expr, want)
		}
	}
}

// TestTogether is for the race detector: one expression, several goroutines.
func TestTogether(t *testing.T) {
	for _, expr := range []string{"^a(b+)$", `(a)\1`, "(a|b)*a(a|b){14}"} {
		r, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				r.Match("abba")
				r.Group("abb")
				r.Language()
			})
		}
		all.Wait()
	}
}
