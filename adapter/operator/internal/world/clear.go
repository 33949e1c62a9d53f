package world

import (
	"regexp"
	"strings"
)

var (
	passwordIn = regexp.MustCompile(`(?i)\bpassword\s+(?:E|U&)?'([^']+)'`)
	secretName = regexp.MustCompile(`(?i)passw|token|secret|private|access_?key|credential`)
	pathName   = regexp.MustCompile(`(?i)_?(file|path|dir|encryption|method)$`)
	notSecret  = regexp.MustCompile(`^(?:\$\([\w.-]+\)|/[\w./-]*)$`)
)

// HasPassword reports whether SQL gives a role a password that it spells out. A verifier,
// as SCRAM keeps it, is none; one of MD5 is as good as the password.
func HasPassword(sql string) bool {
	for _, m := range passwordIn.FindAllStringSubmatch(sql, -1) {
		if !strings.HasPrefix(m[1], "SCRAM-SHA-256$") {
			return true
		}
	}
	return false
}

// IsSecret reports whether a variable of the environment holds a secret, by its name, and
// its value is written out: neither a path nor another variable.
func IsSecret(name, value string) bool {
	return value != "" && secretName.MatchString(name) && !pathName.MatchString(name) && !notSecret.MatchString(value)
}
