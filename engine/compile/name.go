package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxName is how long a name may be to be a label's value too.
const maxName = 63

// name joins parts to the name of an object. One that would be too long, or that says less
// than its parts because they have characters that names have not, ends in a hash of them.
func name(parts ...string) string {
	var kept []string
	exact := true
	for _, p := range parts {
		if p == "" {
			continue
		}
		plain := strings.Trim(strings.Map(plainRune, strings.ToLower(p)), "-.")
		exact = exact && plain == strings.ReplaceAll(p, " ", "-")
		kept = append(kept, plain)
	}
	out := strings.Join(kept, "-")
	if exact && len(out) <= maxName {
		return out
	}
	return hashed(out, parts...)
}

// hashed ends a name in a hash of what tells it from others.
func hashed(text string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	tail := "-" + hex.EncodeToString(sum[:4])
	return strings.TrimRight(text[:min(len(text), maxName-len(tail))], "-.") + tail
}

// plainRune makes of a character one that names of objects have.
func plainRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' {
		return r
	}
	return '-'
}
