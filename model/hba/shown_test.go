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
