package are

// readable are the alphabets that examples are made of, the most readable first.
var readable = []string{
	"abcdefghijklmnopqrstuvwxyz",
	"abcdefghijklmnopqrstuvwxyz0123456789_-",
	printable(""),
	printable(" "),
	rest(printable(" ")),
}

// printable lists the printable ASCII characters, the most readable first.
func printable(space string) string {
	return "abcdefghijklmnopqrstuvwxyz0123456789_-ABCDEFGHIJKLMNOPQRSTUVWXYZ.@/:=+,~%!&;<>#$*?^|`'()[]{}\\\"" + space
}

// rest adds to an alphabet all other bytes but NUL, which no name has.
func rest(alphabet string) string {
	var s set
	for i := range len(alphabet) {
		s.add(alphabet[i])
	}
	s.add(0)
	return alphabet + string(s.not().bytes())
}

// maxRefused bounds how many members of one alphabet an example may be refused.
const maxRefused = 1 << 14

// Example returns a member of 1 to maxLen bytes, none of them NUL, that not does
// not report true for; nil refuses none. It is made of small letters where that is
// possible, else of letters, digits, _ and -, else of what is printable; and it is
// the shortest of those. ok is false where there is none, or where not refused
// very many.
func (l Language) Example(maxLen int, not func(string) bool) (text string, ok bool) {
	if l.Empty() {
		return "", false
	}
	for _, alphabet := range readable {
		e := newEnumeration(l.auto, alphabet, maxLen)
		for length := 1; length <= maxLen && e.refused < maxRefused; length++ {
			if e.walk(l.auto.starts[edge], length, not) {
				return string(e.text), true
			}
		}
	}
	return "", false
}

// An enumeration goes through the members of an automaton in one alphabet.
type enumeration struct {
	auto     *automaton
	alphabet string
	reach    [][]bool // reach[n][state]: a member ends n bytes behind it
	text     []byte
	refused  int
}

func newEnumeration(a *automaton, alphabet string, maxLen int) *enumeration {
	e := &enumeration{auto: a, alphabet: alphabet, reach: [][]bool{a.accept}}
	var example [256]int // by class, 1 + an index of the alphabet
	for i := range len(alphabet) {
		if c := a.class[alphabet[i]]; example[c] == 0 {
			example[c] = i + 1
		}
	}
	for n := 1; n <= maxLen; n++ {
		next := make([]bool, a.size())
		for s := range next {
			for c := 0; c < a.classes && !next[s]; c++ {
				next[s] = example[c] > 0 && e.reach[n-1][a.next[s*a.classes+c]]
			}
		}
		e.reach = append(e.reach, next)
	}
	return e
}

// walk looks for a member that goes on from state for length bytes.
func (e *enumeration) walk(state uint16, length int, not func(string) bool) bool {
	if !e.reach[length][state] {
		return false
	}
	if length == 0 {
		if not == nil || !not(string(e.text)) {
			return true
		}
		e.refused++
		return false
	}
	for i := 0; i < len(e.alphabet) && e.refused < maxRefused; i++ {
		e.text = append(e.text, e.alphabet[i])
		if e.walk(e.auto.step(state, e.alphabet[i]), length-1, not) {
			return true
		}
		e.text = e.text[:len(e.text)-1]
	}
	return false
}
