package draft

import (
	"strconv"
	"strings"
)

// maxName leaves room for what policies of an access are called besides.
const maxName = 40

// slug is a text as a name of Kubernetes: lower case, digits and dashes.
func slug(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 {
			b.WriteByte('-')
		}
	}
	out := b.String()
	for strings.Contains(out, "--") {
		out = strings.ReplaceAll(out, "--", "-")
	}
	out = strings.Trim(out[:min(len(out), maxName)], "-")
	if out == "" {
		return "clients"
	}
	return out
}

// unique is a name that is not taken yet in a scope: with a second part, then with numbers.
func unique(taken map[string]bool, scope, name, second string) string {
	out := name
	if taken[scope+out] {
		out = slug(name + "-" + second)
	}
	for n := 2; taken[scope+out]; n++ {
		out = slug(name[:min(len(name), maxName-4)] + "-" + strconv.Itoa(n))
	}
	taken[scope+out] = true
	return out
}
