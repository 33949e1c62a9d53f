package hba

import (
	"strings"
	"testing"
)

// No secret in anything that is printed: ldapbindpasswd and radiussecrets hold
// passwords in clear text.
func TestSecretsAreNotShown(t *testing.T) {
	for _, line := range []string{
		`host all all all ldap ldapserver=x ldapbasedn="dc=x" ldapbinddn="cn=x" ldapbindpasswd=S3CRET`,
		`host all all all radius radiusservers=10.0.0.1 radiussecrets=S3CRET`,
	} {
		f := Parse([]Source{{Text: line}}, 17)
		if len(f.Records) != 1 {
			t.Fatalf("%s: %v", line, f.Errors)
		}
		if shown := f.Records[0].String(); strings.Contains(shown, "S3CRET") {
			t.Errorf("shown: %s", shown)
		}
		if !strings.Contains(f.Records[0].Text(), "S3CRET") {
			t.Errorf("%s: lost its secret", line)
		}
	}
}
