package repo

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// takes reports whether Argo CD reads a file of the folder, by its path in there: manifests
// that include has, where there is one, without those that exclude has. The rest of a file's
// path counts for the patterns too, and their "*" stands for slashes as well
// (spec.source.directory; Directory, Including and Excluding).
func (f folder) takes(rel string) bool {
	switch path.Ext(rel) {
	case ".yaml", ".yml", ".json", ".jsonnet":
	default:
		return false
	}
	switch {
	case !f.recursive && strings.Contains(rel, "/"):
		return false
	case f.exclude != "" && matches(f.exclude, rel):
		return false
	}
	return f.include == "" || matches(f.include, rel)
}

// skipMarker in a file, wherever it stands, keeps Argo CD from reading it (Directory,
// Skipping File Rendering).
var skipMarker = []byte("+argocd:skip-file-rendering")

// skips reports whether a file says that Argo CD is not to read it.
func (f folder) skips(text []byte) bool { return bytes.Contains(text, skipMarker) }

// valid refuses patterns that Argo CD cannot read: it would take them for ones that match
// nothing.
func (f folder) valid() error {
	for name, pattern := range map[string]string{"include": f.include, "exclude": f.exclude} {
		if _, err := globOf(pattern); err != nil {
			return fmt.Errorf("%s: %q is no pattern", name, pattern)
		}
	}
	return nil
}

func matches(pattern, text string) bool {
	re, err := globOf(pattern)
	return err == nil && re.MatchString(text)
}

// globOf reads a pattern of Argo CD: "*" and "**" are any text, "?" is any character, [a-z]
// and [!a-z] are classes, {a,b} is one of several, and a backslash takes the meaning away.
func globOf(pattern string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*':
			b.WriteString(`.*`)
		case c == '?':
			b.WriteString(`.`)
		case c == '[':
			class, n := classOf(pattern[i:])
			if n == 0 {
				return nil, fmt.Errorf("%q has no end", pattern[i:])
			}
			b.WriteString(class)
			i += n - 1
		case c == '{':
			depth++
			b.WriteString(`(?:`)
		case c == '}' && depth > 0:
			depth--
			b.WriteString(`)`)
		case c == ',' && depth > 0:
			b.WriteString(`|`)
		default:
			if c == '\\' && i+1 < len(pattern) {
				i++
			}
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	b.WriteString(`\z`)
	return regexp.Compile(b.String())
}

// classOf reads the class that a pattern begins with, and says how long it is; 0 for one
// without an end.
func classOf(pattern string) (class string, n int) {
	end := strings.IndexByte(pattern, ']')
	if end < 2 {
		return "", 0
	}
	body, not := pattern[1:end], ""
	if rest, ok := strings.CutPrefix(body, "!"); ok {
		body, not = rest, "^"
	}
	body = strings.NewReplacer(`\`, `\\`, `^`, `\^`, `[`, `\[`).Replace(body)
	return "[" + not + body + "]", end + 1
}
