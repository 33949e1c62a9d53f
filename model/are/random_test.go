package are

import (
	"math/rand/v2"
	"strings"
)

// A maker makes expressions and texts at random.
type maker struct{ *rand.Rand }

func (m maker) pick(words ...string) string { return words[m.IntN(len(words))] }

func (m maker) expr(depth int) string {
	var branches []string
	for n := 1 + m.IntN(5)/4; n > 0; n-- {
		var s strings.Builder
		for k := m.IntN(4); k >= 0; k-- {
			s.WriteString(m.piece(depth))
		}
		branches = append(branches, s.String())
	}
	return strings.Join(branches, "|")
}

func (m maker) piece(depth int) string {
	switch {
	case m.IntN(10) == 0:
		return m.pick("^", "$", `\y`, `\Y`, `\m`, `\M`, `\A`, `\Z`)
	case m.IntN(14) == 0 && depth > 0:
		return m.pick("(?=", "(?!", "(?<=", "(?<!") + m.expr(0) + ")"
	}
	atom := m.pick("a", "b", "c", "ab", ".", "[ab]", "[^a]", `\w`, `\W`, "-", `\n`)
	if depth > 0 && m.IntN(3) == 0 {
		atom = m.pick("(", "(?:") + m.expr(depth-1) + ")"
	}
	return atom + m.pick("", "", "", "*", "+", "?", "*?", "??", "{2}", "{1,3}", "{0,1}?")
}

func (m maker) options() string { return m.pick("", "", "", "(?i)", "(?n)", "(?w)", "(?p)") }

func (m maker) text() string {
	var b []byte
	alphabet := m.pick("ab", "abc", "ab-\n", "aB_ \xe9")
	for k := m.IntN(10); k > 0; k-- {
		b = append(b, alphabet[m.IntN(len(alphabet))])
	}
	return string(b)
}
