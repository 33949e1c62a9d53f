package pgmoat

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// advice adds to the server's words what may have been meant, or what to write; empty where
// they say it already.
func advice(e *field.Error) string {
	value, _ := e.BadValue.(string)
	switch {
	case e.Type == field.ErrorTypeNotSupported:
		return nearestWord(value, e.Detail)
	case strings.Contains(e.Detail, "must be of type date-time"):
		return ": write a time such as 2026-12-31T18:00:00Z"
	case strings.Contains(e.Detail, "must be of type string") && isScalar(value):
		return ": write it in quotes"
	case strings.Contains(e.Detail, "must be of type array"):
		return ": write a list, [a, b]"
	case strings.Contains(e.Detail, `[^\p{C}`):
		return ": leave out control characters, and those that nobody sees"
	case strings.Contains(e.Field, "cidrs["):
		return ranges(value)
	}
	return ""
}

// isScalar reports whether a type is one that a word without quotes turns into.
func isScalar(kind string) bool {
	return kind == "integer" || kind == "number" || kind == "boolean"
}

// quotedWord finds the words that the server lists.
var quotedWord = regexp.MustCompile(`"([^"]*)"`)

// nearestWord names the supported value that is nearly the one written.
func nearestWord(value, detail string) string {
	var words []string
	for _, m := range quotedWord.FindAllStringSubmatch(detail, -1) {
		words = append(words, m[1])
	}
	return didYouMean(value, words)
}

// ranges names the range that may be meant by one that has bits of a host, or by an
// address. The schema cannot write it: an expression that makes a message may not cost as
// much.
func ranges(text string) string {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return fmt.Sprintf(": %s for the one address", netip.PrefixFrom(a, a.BitLen()))
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil || prefix == prefix.Masked() || prefix.Addr().Is4In6() {
		return ""
	}
	one := netip.PrefixFrom(prefix.Addr(), prefix.Addr().BitLen())
	return fmt.Sprintf(": %s, or %s for the one address", prefix.Masked(), one)
}
