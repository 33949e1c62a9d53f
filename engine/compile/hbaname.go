package compile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
)

// bare are the names that need no quotes, unless they are keywords.
var bare = regexp.MustCompile(`^[a-z_][a-z0-9_.-]*$`)

// hbaKeywords are words that mean something else where they are not quoted.
var hbaKeywords = []string{"all", "sameuser", "samerole", "samegroup", "replication"}

// hbaToken is the name of a database or role as one that no server of the version reads as
// a keyword, a group, a file or an expression. Why it cannot be written is empty where it
// can.
func hbaToken(name string, version int, expands string) (t hba.Token, why string) {
	switch {
	case name == "":
		return t, "it is empty"
	case len(name) > maxIdentifier:
		return t, "no name has more than 63 bytes"
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return t, "a control character cannot be written"
	case expands != "" && strings.Contains(name, expands):
		return t, expands + " begins something that is replaced before PostgreSQL reads the line"
	case strings.HasPrefix(name, "/"):
		return slashed(name, version)
	}
	return hba.Token{Text: name, Quoted: !bare.MatchString(name) || slices.Contains(hbaKeywords, name)}, ""
}

// slashed is a name that begins with a slash: from 16 on that makes it an expression,
// quoted or not (PostgreSQL manual, "The pg_hba.conf File"), which then has to match just
// the name.
func slashed(name string, version int) (t hba.Token, why string) {
	switch {
	case version == 0:
		return t, "from PostgreSQL 16 on a slash begins an expression, and the version of the server is not known"
	case version < 16:
		return hba.Token{Text: name, Quoted: true}, ""
	}
	return hba.Token{Text: "/^" + punctuation.ReplaceAllString(name, `\$0`) + "$", Quoted: true}, ""
}

// punctuation are the characters that may mean something in an expression.
var punctuation = regexp.MustCompile("[!-/:-@\\[-^`{-~ ]")

// hbaTokens are several names.
func hbaTokens(names []string, version int, expands string) (ts []hba.Token, why string) {
	for _, n := range names {
		t, why := hbaToken(n, version, expands)
		if why != "" {
			return nil, "database " + n + ": " + why
		}
		ts = append(ts, t)
	}
	return ts, ""
}
