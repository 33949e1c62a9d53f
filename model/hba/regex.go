package hba

import "strings"

// matchRegex asks an expression about a name.
func matchRegex(t *Token, n Name) Match {
	expr := t.Text[1:]
	switch {
	case n.other:
		return matchOther(expr)
	case !n.known():
		if matchesAll(expr) {
			return Yes
		}
		return Unsure
	}
	matched, known := t.Regexp.Match(n.text)
	if !known {
		return Unsure
	}
	return yes(matched)
}

// matchOther asks about all names that no manifest mentions at once.
func matchOther(expr string) Match {
	switch {
	case matchesAll(expr):
		return Yes
	case literalRegex(expr):
		return No // the one name it matches is a name that the file mentions
	}
	return Unsure
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
