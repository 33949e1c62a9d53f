package hba

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// checkRegex refuses what we cannot tell the server takes: text is a token that
// starts with a slash. An expression that is a fault in Go may be one in
// PostgreSQL, and then the whole file is refused.
func checkRegex(text string) *fault {
	if _, err := syntax.Parse(text[1:], syntax.Perl); err != nil {
		return missing("whether the server takes the regular expression %q is not known", text)
	}
	return nil
}

// matchRegex asks an ARE, without its slash, about a name. Only where Go's and
// PostgreSQL's expressions mean the same is there an answer.
func matchRegex(expr string, n Name) Match {
	switch {
	case matchesAll(expr):
		return Yes
	case !n.known() && !n.other:
		return Unsure
	case n.other:
		if literalRegex(expr) {
			return No // the one name it matches is a name that the file mentions
		}
		return Unsure
	case !simple(expr) || !ascii(n.text):
		return Unsure
	}
	re, err := regexp.Compile("(?s:" + expr + ")")
	if err != nil {
		return Unsure
	}
	return yes(re.MatchString(n.text))
}

// matchesAll knows the expressions that need no name to be asked: they are not
// anchored, so that "/" alone matches everything.
func matchesAll(expr string) bool {
	body, start := strings.CutPrefix(expr, "^")
	body, end := strings.CutSuffix(body, "$")
	return body == ".*" || body == "" && (!start || !end)
}

// literalRegex reports whether the expression is one name, anchored on both sides.
func literalRegex(expr string) bool {
	name, ok := strings.CutPrefix(expr, "^")
	name, end := strings.CutSuffix(name, "$")
	return ok && end && name != "" && strings.Trim(name, nameBytes) == ""
}

const nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// plainBytes stand for themselves in both languages, as the dot does for any.
const plainBytes = ".@:/=%~!&;<>, "

// simple reports whether the expression keeps to what both languages read alike:
// names, dots, one-level brackets of letters and digits, groups, alternatives,
// anchors at the ends and single quantifiers.
func simple(expr string) bool {
	canRepeat := false
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; {
		case strings.IndexByte(nameBytes+plainBytes, c) >= 0 || c == ')':
			canRepeat = true
		case c == '^' || c == '$' || c == '|' || c == '(':
			canRepeat = false
		case c == '*' || c == '+' || c == '?':
			if !canRepeat {
				return false
			}
			canRepeat = false
		case c == '\\' && i+1 < len(expr) && strings.IndexByte(`.-_$^*+?()[]{}|/@\`, expr[i+1]) >= 0:
			i++
			canRepeat = true
		case c == '[':
			end := bracket(expr[i:])
			if end < 0 {
				return false
			}
			i += end
			canRepeat = true
		default:
			return false
		}
	}
	return true
}

// bracket returns the index of the bracket that ends the simple set at the start
// of expr; -1 where it is not simple.
func bracket(expr string) int {
	set, _, ok := strings.Cut(expr[1:], "]")
	body := strings.TrimPrefix(set, "^")
	for _, span := range []string{"a-z", "A-Z", "0-9"} {
		body = strings.Replace(body, span, "x", 1)
	}
	body = strings.TrimSuffix(body, "-")
	if !ok || body == "" || strings.Trim(body, strings.TrimSuffix(nameBytes, "-")+".") != "" {
		return -1
	}
	return len(set) + 1
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0
}
