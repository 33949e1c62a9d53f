package manifest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// scalar writes a text on one line: as it is where every reader of YAML takes it for that
// text, else in double quotes.
func scalar(text string) string {
	if isPlain(text) {
		return text
	}
	return quoted(text)
}

// isPlain reports whether a text needs no quotes, inside a block.
func isPlain(text string) bool {
	return text != "" && !strings.ContainsFunc(text, unprintable) && !isSyntax(text) && !isOther(text)
}

func unprintable(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }

// isSyntax reports whether YAML gives a meaning to a part of the text.
func isSyntax(text string) bool {
	return strings.ContainsRune("-?:,[]{}#&*!|>'\"%@` ", rune(text[0])) ||
		strings.HasPrefix(text, "...") || strings.HasSuffix(text, ":") || strings.HasSuffix(text, " ") ||
		strings.Contains(text, ": ") || strings.Contains(text, " #")
}

// isOther reports whether a reader may take the plain text for something else than text:
// one of YAML 1.2, of 1.1, or of the drafts before it, which some still follow.
func isOther(text string) bool {
	return words[strings.ToLower(text)] || strings.ContainsRune("+.0123456789", rune(text[0])) && numbers.MatchString(text)
}

// words are those of YAML 1.1 (yaml.org/type) in any case: null, bool, float, merge, value.
var words = map[string]bool{
	"~": true, "null": true, "y": true, "n": true, "yes": true, "no": true, "true": true, "false": true,
	"on": true, "off": true, ".nan": true, ".inf": true, "+.inf": true, "<<": true, "=": true,
}

// numbers are those of every version, with times, which have numbers of base 60 and
// dates among them: 0o17, 017, 0x1f, 0b1, 1_000, 1e3, 1:30:00, 2026-01-31.
var numbers = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`[+]?0[xX][0-9a-fA-F_]+`,
	`[+]?0[bB][01_]+`,
	`[+]?0[oO][0-7_]+`,
	`[+]?(?:[0-9][0-9_,]*)?(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]+)?`,
	`[+]?[0-9][0-9_]*(?::[0-9]{1,2})+(?:\.[0-9_]*)?`,
	`[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?`,
}, "|") + `)$`)

// quoted writes a text in double quotes; what does not print is escaped, with the marks
// that turn the direction of a text.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case !unprintable(r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
	}
	b.WriteByte('"')
	return b.String()
}

func escape(r rune) string {
	switch {
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// isBlock reports whether a text can stand as its own lines below "|": a file, whose
// lines people want to read.
func isBlock(text string) bool {
	if strings.ContainsFunc(text, func(r rune) bool { return unprintable(r) && r != '\n' && r != '\t' }) {
		return false
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 2 || lines[0] == "" || lines[len(lines)-1] == "" || strings.ContainsAny(lines[0][:1], " \t") {
		return false // readers tell the margin by the first line and drop lines at the end
	}
	for _, l := range lines {
		if l != "" && strings.TrimSpace(l) == "" {
			return false
		}
	}
	return true
}
