package hba

import (
	"strings"
	"testing"
)

// No word of a secret is shown of a line that the server refuses, however the quotes
// around it are broken.
func TestRefusedLinesKeepTheirSecrets(t *testing.T) {
	for _, line := range []string{
		`host all all all ldap ldapserver=x ldapbasedn="dc=x" ldapbindpasswd=S3CRET H4RD`,
		`host all all all ldap ldapserver=x ldapbindpasswd = "S3CRET"`,
		`host all all all ldap "ldapbindpasswd=S3CRET ldapserver=x`,
		`host all all all radius radiusservers=10.0.0.1 radiussecrets="S3CRET,""H4RD"`,
		`host all all all scram-sha-256 radiussecrets=S3CRET`,
		`host all all all ldap ldapserver=x ldapbindpassword=S3CRET`,
		`host all all all "ldapbindpasswd=S3CRET"`,
	} {
		f := Parse([]Source{{Text: line}}, 17)
		if len(f.Errors) == 0 {
			t.Fatalf("%s: loads", line)
		}
		raw, message := f.Errors[0].Shown()
		if strings.Contains(raw+message, "S3CRET") || strings.Contains(raw+message, "H4RD") {
			t.Errorf("%s: shown: %s: %s", line, raw, message)
		}
		if message == "" || !strings.HasPrefix(line, strings.TrimSuffix(raw, "=***")) {
			t.Errorf("%s: lost: %s: %s", line, raw, message)
		}
	}
}

// The credentials that somebody wrote into a URL, which no server takes there, are not
// shown; whom the line was about is.
func TestRefusedURLsKeepTheirSecrets(t *testing.T) {
	for line, about := range map[string]string{
		`host all app all ldap ldapurl=ldap://u:S3CRET@h`:              "host all app ...",
		`host all app all ldap ldapurl="ldaps://u:S3/CRET@h:636/dc=x"`: "host all app ...",
		`ldapurl=ldap://u:S3CRET@h host all app`:                       "",
		`garbage S3CRET S3CRET S3CRET`:                                 "",
		`host all S3CRET`:                                              "",
		`host password=S3CRET all all`:                                 "",
	} {
		f := Parse([]Source{{Text: line}}, 17)
		if len(f.Errors) != 1 {
			t.Fatalf("%s: %v", line, f.Errors)
		}
		e := &f.Errors[0]
		if got := e.About(); got != about {
			t.Errorf("%s: is about %q", line, got)
		}
		raw, message := e.Shown()
		if strings.Contains(line, "ldap://u") && strings.Contains(raw+message, "S3CRET") || strings.Contains(raw+message, "S3/CRET") {
			t.Errorf("%s: shown: %s: %s", line, raw, message)
		}
	}
}
