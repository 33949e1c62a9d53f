package hba

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// asRead writes what PgBouncer makes of a file: its records, "~" before one that may
// not be there, and the lines passed over.
func asRead(f File) string {
	var out []string
	for _, r := range f.Records {
		text := fmt.Sprintf("%d %s", r.Line, r)
		if r.Maybe != "" {
			text = "~" + text
		}
		out = append(out, text)
	}
	for _, e := range f.Skipped {
		out = append(out, fmt.Sprintf("%d ! %s", e.Line, e.Message))
	}
	for _, e := range f.Errors {
		out = append(out, fmt.Sprintf("%d ? %s", e.Line, e.Message))
	}
	return strings.Join(out, "\n")
}

// What 1.18 does is compared with a real one in lab/pgbouncer; this is what other
// releases do.
func TestPgBouncerReleases(t *testing.T) {
	const ip = "10.0.0.0/8 md5"
	for _, c := range []struct{ release, line, want string }{
		{"1.22.1", "host all all all md5", "1 ! hba line 1: failed to parse address - all"},
		{"1.23.0", "host all all all md5", "1 host all all all md5"},
		{"1.26.1", "host all all all md5", "1 host all all all md5"},
		{"2.0", "host all all all md5", "~1 host all all all md5"},
		{"", "host all all all md5", "~1 host all all all md5"},
		{"latest", "host all all all md5", "~1 host all all all md5"},
		{"1.22.1", "host replication,all all " + ip, "1 ! replication is not supported"},
		{"1.23.0", "host replication,all all " + ip, "1 host replication,all all " + ip},
		{"", "host replication all " + ip, "~1 host replication all " + ip},
		{"1.23.0", "host all replication,bob " + ip, "1 host all bob " + ip},
		{"", "host all all " + ip, "1 host all all " + ip},
		{"1.24.1", "host all all 10.0.0.0/8 ldap ldapserver=x", "1 ! hba line 1: unsupported method: buf=ldap"},
		{"1.25.0", `host all all 10.0.0.0/8 ldap ldapserver=x ldapbasedn="ou=a, o=b" junk`, `1 host all all 10.0.0.0/8 ldap ldapserver=x ldapbasedn="ou=a, o=b"`},
		{"1.23.1", "host all all 10.0.0.0/8 pam", "1 ! hba line 1: unsupported method: buf=pam"},
		{"1.24.0", "host all all 10.0.0.0/8 pam", "1 host all all 10.0.0.0/8 pam"},
		{"1.24.1", "host all all 10.0.0.0/8 pam", "1 ! hba line 1: unsupported method: buf=pam"},
		{"1.24", "host all all 10.0.0.0/8 pam", "~1 host all all 10.0.0.0/8 pam"},
		{"1.22.0", "hostssl all all 10.0.0.0/8 cert map=m", "1 ! hba line 1: unsupported parameters"},
		{"1.23.0", "hostssl all all 10.0.0.0/8 cert map=m", "~1 hostssl all all 10.0.0.0/8 cert map=m"},
		{"1.23.0", "hostssl all all 10.0.0.0/8 cert clientcert=1", "1 ! hba line 1: unsupported parameters"},
		{"1.23.0", "hostssl all all 10.0.0.0/8 cert map=m map=m", "1 ! hba line 1: unsupported parameters"},
		{"1.25.1", "host all @names " + ip, "1 ? the included file names is not in the snapshot"},
		{"1.18.0", "host all all 10.1.2.3/8 md5", "1 host all all 10.1.2.3/8 md5"},
		{"1.18.0", "host all all 10.0.0.0/8 peer", "1 host all all 10.0.0.0/8 reject"},
		{"1.18.0", "local all all cert", "1 local all all reject"},
		{"1.18.0", "host all,a sameuser " + ip, "1 host sameuser all " + ip + "\n1 host a a " + ip + "\n1 host all,a  " + ip},
		{"1.23.0", "host replication sameuser " + ip, "~1 host replication all " + ip + "\n1 host replication  " + ip},
	} {
		if got := asRead(ParsePgBouncer([]Source{{Text: c.line}}, c.release)); got != c.want {
			t.Errorf("%q by %q\ngot  %s\nwant %s", c.line, c.release, got, c.want)
		}
	}
}

func TestPgBouncerMaps(t *testing.T) {
	for _, c := range []struct {
		maps []string
		want string
	}{
		{nil, "~1 local all all peer map=m"},
		{[]string{}, "1 ! hba line 1: Ident map m is not found in ident config file"},
		{[]string{"m"}, "1 local all all peer map=m"},
	} {
		in := PgBouncerInput{Release: "1.25.1", Maps: c.maps, Sources: []Source{{Text: "local all all peer map=m"}}}
		if got := asRead(ReadPgBouncer(in)); got != c.want {
			t.Errorf("%v: %s, want %s", c.maps, got, c.want)
		}
	}
}

func TestReleases(t *testing.T) {
	for text, want := range map[string]bouncerRelease{
		"1.18.0": {18, 0}, "1.24": {24, -1}, "v1.25.1": {25, 1}, "1.24.1-1.pgdg120+1": {24, 1}, "PgBouncer 1.18.0": {18, 0},
		"ghcr.io/cloudnative-pg/pgbouncer:1.25.1-2": {25, 1}, "edb-1.23.1": {23, 1},
		"": {-1, -1}, "latest": {-1, -1}, "2.1.18": {-1, -1}, "11.18": {-1, -1}, "1": {-1, -1}, "1.99999": {-1, -1},
	} {
		if got := releaseOf(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// A law: doubt about the release is doubt, never another answer.
func TestAnUnknownReleaseIsNeverSurer(t *testing.T) {
	lines := []string{"host all bob all reject", "host all all all md5", "host replication all 0.0.0.0/0 trust", "host all all 10.0.0.0/8 pam",
		"host all app 10.0.0.0/8 ldap ldapserver=x", "host all all 10.0.0.0/8 trust"}
	var sources []Source
	for _, l := range lines {
		sources = append(sources, Source{Text: l})
	}
	unknown := ParsePgBouncer(sources, "")
	for _, release := range []string{"1.16.1", "1.22.0", "1.23.0", "1.24.0", "1.24.1", "1.25.1"} {
		known := ParsePgBouncer(sources, release)
		for _, s := range []Session{{User: Named("bob")}, {User: Named("app")}, {User: Named("app"), Replication: true}} {
			s.Client, s.Database = ClientAt(netip.MustParseAddr("10.1.2.3")), Named("x")
			doubted, sure := Decide(unknown, s), Decide(known, s)
			if doubted.Verdict != verdict.Unknown && doubted.Verdict != sure.Verdict {
				t.Errorf("%s: %s, but %s where the release is not known", release, sure.Verdict, doubted.Verdict)
			}
			found := len(sure.Candidates) == 0 && doubted.Implicit
			for _, c := range doubted.Candidates {
				found = found || len(sure.Candidates) > 0 && c.Line == sure.Candidates[0].Line
			}
			if !found {
				t.Errorf("%s: line %v decides, which is not among %v", release, sure.Candidates, doubted.Candidates)
			}
		}
	}
}

func TestUnderTLSMode(t *testing.T) {
	f := ParsePgBouncer([]Source{{Text: "local all all peer"}, {Text: "host all all 10.0.0.0/8 md5"}}, "1.18.0")
	at := verdict.Origin{Field: "client_tls_sslmode"}
	for mode, want := range map[string]string{
		"":        "1 local all all peer\n2 host all all 10.0.0.0/8 md5",
		"prefer":  "1 local all all peer\n2 host all all 10.0.0.0/8 md5",
		"require": "0 hostnossl all,replication all all reject\n1 local all all peer\n2 host all all 10.0.0.0/8 md5",
		"verify-ca": "0 hostnossl all,replication all all reject\n1 local all all peer\n" +
			"2 host all all 10.0.0.0/8 md5 clientcert=verify-ca",
	} {
		got := f.UnderTLSMode(mode, at)
		if asRead(got) != want {
			t.Errorf("%s: %s", mode, asRead(got))
		}
		if got.Records[0].Line == 0 && got.Records[0].Origin != at {
			t.Errorf("%s: %v", mode, got.Records[0].Origin)
		}
	}
	if asRead(f) != "1 local all all peer\n2 host all all 10.0.0.0/8 md5" {
		t.Errorf("the file itself is now %s", asRead(f))
	}
}

func TestPgBouncerAuthType(t *testing.T) {
	for _, c := range []struct{ authType, release, want string }{
		{"md5", "1.18.0", "0 local all all md5\n0 host all all all md5"},
		{"plain", "1.23.0", "0 local all all password\n0 local replication all password\n0 host all all all password\n0 host replication all all password"},
		{"trust", "", "0 local all all trust\n~0 local replication all trust\n0 host all all all trust\n~0 host replication all all trust"},
		{"cert", "1.18.0", "0 hostssl all all all cert"},
		{"hba", "1.18.0", "0 ? what PgBouncer asks with auth_type = hba is not known"},
		{"", "1.18.0", "0 ? what PgBouncer asks with auth_type =  is not known"},
	} {
		if got := asRead(PgBouncerAuthType(c.authType, c.release, verdict.Origin{})); got != c.want {
			t.Errorf("%s: %s, want %s", c.authType, got, c.want)
		}
	}
}

// FuzzPgBouncer reads files that somebody might send; an Index answers as the file.
func FuzzPgBouncer(f *testing.F) {
	f.Add("host all,\"a\"\"b\" sameuser,@x 10.1.2.3/-1 md5 map=x\nlocal a sameuser peer", "1.25.0")
	f.Add("host all all 10.0.0.0 255.0.255.0 ldap a=\"b\n\x00\"\",,", "")
	f.Fuzz(func(t *testing.T, text, release string) {
		file := ParsePgBouncer([]Source{{Text: text}}, release)
		x := NewIndex(file)
		for _, s := range []Session{{Local: true}, {Client: ClientAt(netip.MustParseAddr("10.1.2.3"))}, {TLS: true}} {
			s.User, s.Database = Named("a"), Named("a")
			if got, want := x.Decide(&s), Decide(file, s); got.Verdict != want.Verdict || got.Record != want.Record && (got.Record == nil || want.Record == nil || got.Record.Line != want.Record.Line) {
				t.Fatalf("%+v, the file says %+v", got, want)
			}
		}
	})
}
