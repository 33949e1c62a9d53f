package are

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// language compiles an expression that has a language.
func language(t testing.TB, expr string) Language {
	t.Helper()
	r, err := Compile(expr)
	if err != nil {
		t.Fatalf("%q: %v", expr, err)
	}
	l, ok := r.Language()
	if !ok {
		t.Fatalf("%q has no language", expr)
	}
	return l
}

// TestAutomatonAgreesWithReading asks the two ways to match about random
// expressions: the automaton, and the ends that each node may have.
func TestAutomatonAgreesWithReading(t *testing.T) {
	held := 0
	for seed := range uint64(1000) {
		m := maker{rand.New(rand.NewPCG(seed, 1))}
		r, err := Compile(m.options() + m.expr(3))
		if err != nil {
			continue
		}
		l, ok := r.Language()
		if !ok {
			continue
		}
		held++
		for range 10 {
			text := m.text()
			if want := r.search(text).find(); l.Contains(text) != want {
				t.Fatalf("seed %d: %q on %q: the reading says %v", seed, r, text, want)
			}
		}
	}
	if held < 700 {
		t.Errorf("only %d expressions were compared", held)
	}
}

// TestLaws: what sets of texts promise, on random ones.
func TestLaws(t *testing.T) {
	for seed := range uint64(400) {
		m := maker{rand.New(rand.NewPCG(seed, 2))}
		a, okA := m.language()
		b, okB := m.language()
		if !okA || !okB {
			continue
		}
		both, ok1 := a.Intersect(b)
		less, ok2 := a.Minus(b)
		either, ok3 := a.Union(b)
		if !ok1 || !ok2 || !ok3 {
			continue
		}
		for range 10 {
			s := m.text()
			inA, inB := a.Contains(s), b.Contains(s)
			if both.Contains(s) != (inA && inB) || less.Contains(s) != (inA && !inB) || either.Contains(s) != (inA || inB) {
				t.Fatalf("seed %d: wrong about %q", seed, s)
			}
		}
		whole, _ := both.Union(less)
		nothing, _ := less.Intersect(b)
		again, _ := b.Union(a)
		if !whole.Equal(a) || !nothing.Empty() || !nothing.Equal(Language{}) || !again.Equal(either) || a.Equal(b) != same(t, a, b) {
			t.Fatalf("seed %d: a law is broken", seed)
		}
	}
}

func (m maker) language() (Language, bool) {
	r, err := Compile(m.options() + m.expr(2))
	if err != nil {
		return Language{}, false
	}
	return r.Language()
}

func same(t *testing.T, a, b Language) bool {
	t.Helper()
	x, ok1 := a.Minus(b)
	y, ok2 := b.Minus(a)
	if !ok1 || !ok2 {
		t.Fatal("too large")
	}
	return x.Empty() && y.Empty()
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", ".*", true},
		{"^", "$", true},
		{"^a$", "***=a", false},
		{"^(a|b)$", "^[ab]$", true},
		{"^(ab?|b)$", "^(a|b|ab)$", true},
		{"^aa*$", "^a+$", true},
		{"^a{2,4}$", "^a{2,3}$", false},
		{`^\w`, `^[a-z]`, false},
		{"(?!)", "a^", true},
		{"^(?!a)", "^([^a]|$)", true},
		{"(?<!a)$", "[^a]$|^$", true},
		{`\yab\y`, `(^|[^[:alnum:]_])ab($|[^[:alnum:]_])`, true},
	} {
		if language(t, c.a).Equal(language(t, c.b)) != c.want {
			t.Errorf("%q and %q: not %v", c.a, c.b, c.want)
		}
	}
	if !Literal("app").Equal(language(t, "^app$")) || !All().Equal(language(t, "")) || !language(t, "(?!)").Empty() {
		t.Error("a literal, everything or nothing is not what an expression says")
	}
}

func TestLiteral(t *testing.T) {
	for _, text := range []string{"", "a", "aba", "\x00\xff", strings.Repeat("ab", 500)} {
		l := Literal(text)
		if !l.Contains(text) || l.Contains(text+"a") || l.Contains("b"+text) || l.Empty() {
			t.Errorf("%q", text)
		}
	}
}

func TestExample(t *testing.T) {
	for _, c := range []struct{ expr, refused, want string }{
		{"", "", "a"},
		{"", "a,b", "c"},
		{"^app", "", "app"},
		{"^app", "app", "appa"},
		{"^app$", "", "app"},
		{"^[A-Z]+$", "", "A"},
		{"^[A-Z]+[0-9]$", "A0", "A1"},
		{"^a.c$", "", "aac"},
		{"^[^a-z]$", "", "0"},
		{"^[^a-z0-9_-]$", "", "A"},
		{"^ $", "", " "},
		{`^\xe9$`, "", "\xe9"},
		{`^\d{3}$`, "000", "001"},
		{"^(?!postgres$)", "a", "b"},
		{"_ro$", "", "_ro"},
		{"^(_ro|longer)$", "", "longer"},
	} {
		refused := func(s string) bool { return c.refused != "" && strings.Contains(","+c.refused+",", ","+s+",") }
		if got, ok := language(t, c.expr).Example(63, refused); !ok || got != c.want {
			t.Errorf("%q but %s: %q, %v; want %q", c.expr, c.refused, got, ok, c.want)
		}
	}
	for _, expr := range []string{"^$", "(?!)", "^a{64}", `\x00`} {
		if got, ok := language(t, expr).Example(63, nil); ok {
			t.Errorf("%q: there is no example, not %q", expr, got)
		}
	}
	if got, ok := language(t, "^.{0,3}$").Example(3, func(string) bool { return true }); ok {
		t.Errorf("all were refused, not %q", got)
	}
	if got, ok := (Language{}).Example(63, nil); ok {
		t.Errorf("nothing has an example: %q", got)
	}
}

// TestNoLanguage: what Language says it cannot do.
func TestNoLanguage(t *testing.T) {
	for _, expr := range []string{`(a)\1`, `(?=(?<=a))`, `(?<=(?=a))`, `(?<=(?<=a)b)`, `(a|b)*a(a|b){14}`, `^(ab?){0,40}(ba?){0,40}c.{40}`} {
		r, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := r.Language(); ok {
			t.Errorf("%q has a language", expr)
		}
		for _, text := range []string{"", "ab", strings.Repeat("ab", 31)} {
			if _, known := r.Match(text); !known {
				t.Errorf("%q on %q is not known", expr, text)
			}
		}
	}
}
