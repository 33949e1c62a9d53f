package hbarules

import (
	"regexp"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
)

var secretOption = regexp.MustCompile(`(?i)(ldapbindpasswd|radiussecrets)`)

// Shown returns a refused line and the server's words for it without secrets. What
// follows the name of an option that holds one may be a part of it, as the words may
// quote it, so that nothing of that is shown.
func Shown(e hba.Error) (raw, message string) {
	at := secretOption.FindStringIndex(e.Raw)
	if at == nil {
		return e.Raw, e.Message
	}
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
