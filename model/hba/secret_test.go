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
		`host all all all ldap ldapurl="ldap://S3CRET@h/dc=x"`,
		`host all all all ldap ldapurl="LDAPS://S3CRET@h:636/dc=x??sub?(mail=$username@example.com)"`,
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

// Options that are printed beside a record keep them too.
func TestMaskedOptions(t *testing.T) {
	got := strings.Join(Masked([]string{"ldapurl=ldap://S3CRET@h/dc=x", "ldapbindpasswd=S3CRET", "map=m"}), " ")
	if got != "ldapurl=ldap://***@h/dc=x ldapbindpasswd=*** map=m" {
		t.Error(got)
	}
}
