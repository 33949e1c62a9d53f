package hbarules

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/hba"
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
	} {
		f := hba.Parse([]hba.Source{{Text: line}}, 17)
		if len(f.Errors) == 0 {
			t.Fatalf("%s: loads", line)
		}
		raw, message := Shown(f.Errors[0])
		if strings.Contains(raw+message, "S3CRET") || strings.Contains(raw+message, "H4RD") {
			t.Errorf("%s: shown: %s: %s", line, raw, message)
		}
		if message == "" || !strings.HasPrefix(line, strings.TrimSuffix(raw, "=***")) {
			t.Errorf("%s: lost: %s: %s", line, raw, message)
		}
	}
}
