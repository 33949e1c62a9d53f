package pgo

import (
	"slices"
	"strings"
	"testing"
)

// The limits of Crunchy's schema, each at the last value that it takes.
func TestLimits(t *testing.T) {
	line := func(n int) *string {
		s := "host all all " + strings.Repeat("x", n-len("host all all "))
		return &s
	}
	names := func(n int) []string { return slices.Repeat([]string{"a"}, n) }
	for what, c := range map[string]struct {
		good, bad Rule
	}{
		"characters of a line":         {Rule{HBA: line(100)}, Rule{HBA: line(101)}},
		"a method":                     {Rule{Connection: "host", Method: strings.Repeat("a", 20)}, Rule{Connection: "host", Method: strings.Repeat("a", 21)}},
		"databases":                    {Rule{Connection: "host", Method: "md5", Databases: names(20)}, Rule{Connection: "host", Method: "md5", Databases: names(21)}},
		"users":                        {Rule{Connection: "host", Method: "md5", Users: names(20)}, Rule{Connection: "host", Method: "md5", Users: names(21)}},
		"trust":                        {Rule{Connection: "host", Method: "reject"}, Rule{Connection: "host", Method: "trust"}},
		"a line beside fields":         {Rule{HBA: line(20)}, Rule{HBA: line(20), Users: names(1)}},
		"a line that includes a file":  {Rule{HBA: line(20)}, Rule{HBA: new(string(" include_dir x"))}},
		"what search and bind exclude": {Rule{Connection: "host", Method: "ldap", Options: map[string]any{"ldapsuffix": "x"}}, Rule{Connection: "host", Method: "ldap", Options: map[string]any{"ldapsuffix": "x", "ldapbinddn": "y"}}},
		"servers of radius":            {Rule{Connection: "host", Method: "radius", Options: map[string]any{"radiusservers": "a", "radiussecrets": "b"}}, Rule{Connection: "host", Method: "radius", Options: map[string]any{"radiussecrets": "b"}}},
	} {
		if faults := ruleFaults(c.good); len(faults) > 0 {
			t.Errorf("%s: %v", what, faults)
		}
		if faults := ruleFaults(c.bad); len(faults) != 1 {
			t.Errorf("%s: %v", what, faults)
		}
	}
}

// Of the parameters of TLS spec.config takes two, and none that the operator sets.
func TestRefusedParameters(t *testing.T) {
	for name, want := range map[string]bool{
		"ssl": true, "ssl_min_protocol_version": true, "ssl_ca_file": true, "ssl_ciphers": true, "ssl_groups": false, "ssl_ecdh_curve": false,
		"hba_file": true, "ident_file": true, "listen_addresses": true, "port": true, "unix_socket_permissions": true,
		"password_encryption": false, "log_connections": false, "sslmode": false,
	} {
		if got := refuses(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
