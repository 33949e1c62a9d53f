package render

import "regexp"

var (
	// user is who an address says asks, with the password.
	user = regexp.MustCompile(`(://)[^/\s"'@]*@`)
	// asked is what follows the ? of an address; a token may be there.
	asked = regexp.MustCompile(`(://[^\s"'?]*)(\?[^\s"']*)`)
	// revision is of what follows the part that kustomize itself reads.
	revision = regexp.MustCompile(`[?&]((?:ref|version)=[^&]*)`)
)

// shownAddress is a text with the addresses in it as they may be printed: without users and
// passwords, and of what is asked for the revision alone.
func shownAddress(text string) string {
	return asked.ReplaceAllStringFunc(user.ReplaceAllString(text, "$1"), func(url string) string {
		m := asked.FindStringSubmatch(url)
		if r := revision.FindStringSubmatch(m[2]); r != nil {
			return m[1] + "?" + r[1]
		}
		return m[1]
	})
}
