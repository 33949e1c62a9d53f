package hba

import (
	"regexp"
	"strings"
)

// secretOption also finds a name that is mistyped.
var secretOption = regexp.MustCompile(`(?i)\w*(passwd|secret)\w*|\w*password\w*\s*=`)

// optionFault is the beginning of the server's words for an option, which quote it.
var optionFault = regexp.MustCompile(`^(authentication option not|unrecognized authentication option|invalid LDAP|could not parse|invalid RADIUS|unsupported LDAP)`)

// Shown returns a refused line and the server's words for it without secrets. What
// follows the name of an option that holds one may be a part of it, as the words may
// quote it, so that nothing of that is shown.
func (e *Error) Shown() (raw, message string) {
	raw, message = e.blot()
	return withoutUser(raw), withoutUser(message)
}

// About returns the words of a refused line that say whom it was about: its type, its
// databases and its users. Any other may be a secret; empty for a line that begins with no
// type, of which none is sure to be none.
func (e *Error) About() string {
	words := strings.Fields(e.Raw)
	if len(words) < 4 || typeOf(words[0]) == NoType || strings.Contains(strings.Join(words[:3], ""), "=") {
		return ""
	}
	return strings.Join(words[:3], " ") + " ..."
}

func (e *Error) blot() (raw, message string) {
	at := secretOption.FindStringIndex(e.Raw)
	if at == nil && strings.Contains(e.Raw, "@") && optionFault.MatchString(e.Message) {
		return e.Raw, optionFault.FindString(e.Message) + " ***" // of another file, which may hold any
	}
	if at == nil {
		return e.Raw, e.Message
	}
	at[1] = at[0] + len(strings.TrimRight(e.Raw[at[0]:at[1]], " \t="))
	message = e.Message
	for word := range strings.FieldsFuncSeq(e.Raw[at[1]:], func(c rune) bool { return strings.ContainsRune(" \t\r\n,=\"#", c) }) {
		message = blotted(message, word)
	}
	return e.Raw[:at[1]] + "=***", message
}

// blotted takes a word out of what a message quotes: the text in quotes, and what
// follows a colon.
func blotted(message, word string) string {
	from := strings.IndexAny(message, `":`)
	if from < 0 {
		return message
	}
	return message[:from] + strings.ReplaceAll(message[from:], word, "***")
}
