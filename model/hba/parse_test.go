package hba

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// lines makes sources of a text, one a line.
func lines(text string) []Source {
	var out []Source
	for l := range strings.SplitSeq(text, "\n") {
		out = append(out, Source{Text: l})
	}
	return out
}

// show writes what was parsed: a record a line with its number, then the errors.
func show(f File) string {
	var out []string
	for _, r := range f.Records {
		out = append(out, fmt.Sprintf("%d: %s", r.Line, r))
	}
	for _, e := range f.Errors {
		out = append(out, fmt.Sprintf("%d! %s", e.Line, e.Message))
	}
	return strings.Join(out, "\n")
}

// Each case is a sentence of the manual, or of what was observed on servers.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		sentence string
		version  int
		text     string
		want     string
	}{
		{"CRLF files work", 18, "local all all trust\r\n", "1: local all all trust"},
		{"the record can be continued onto the next line with a backslash", 18,
			"local all \\\nall trust\nlocal x all reject", "1: local all all trust\n3: local x all reject"},
		{"nothing is inserted between", 18, "local a\\\nll all trust", "1: local all all trust"},
		{"also inside quotes", 18, "local \"a\\\nb\" all trust", `1: local "ab" all trust`},
		{"also inside comments", 18, "# x\\\nlocal all all trust\nlocal all all reject", "3: local all all reject"},
		{"a backslash and a trailing blank is no continuation", 18, "local \\ \nall trust", "1! end-of-line before role specification\n2! invalid connection type \"all\""},
		{"two backslashes and two line ends keep one", 18, "local a\\\\\n\nlocal all all trust",
			"3: local all all trust\n1! end-of-line before role specification"},
		{"13: no continuation", 13, "local all \\\nall trust", "1! end-of-line before authentication method\n2! invalid connection type \"all\""},
		{"# ends the line, also in mid-token", 18, "local all all md5#x", "1: local all all md5"},
		{"inside quotes # is literal", 18, `local "a#b" all md5`, `1: local "a#b" all md5`},
		{"after a comma the next token belongs to the same field", 18, "local a,b, c,,d all md5", "1: local a,b,c,d all md5"},
		{"a ,b is two fields", 18, "local a ,b md5", "1: local a b md5"},
		{"leading and trailing commas vanish", 18, ",local ,a b md5,", "1: local a b md5"},
		{"double quotes inside quotes are one", 18, `local "a""b" all md5`, `1: local "a""b" all md5`},
		{"an unterminated quote runs to the end of the line", 18, `local all "a md5`, "1! end-of-line before authentication method"},
		{"quoted only if a quote came before the first character", 18, `local al"l" s"ameuser",+"dev",""all,"+"dev md5`,
			`1: local all sameuser,+dev,"all","+dev" md5`},
		{"form feed is part of a token", 18, "local all\fall md5", "1! end-of-line before authentication method"},
		{"no byte-order mark", 18, "\ufeffhost all all all md5", "1! invalid connection type \"\ufeffhost\""},
		{"keywords are lower case only", 18, "LOCAL all all md5", `1! invalid connection type "LOCAL"`},
		{"types may be quoted", 18, `"local" all all "md5"`, "1: local all all md5"},

		{"an @file is not in the snapshot", 18, "local @dbs all md5", "1! the included file dbs is not in the snapshot"},
		{"@ with a quote behind is a file, quoted or alone it is not", 18, "local @\"a b\" all md5\nlocal \"@x\",@ all md5",
			"2: local \"@x\",@ all md5\n1! the included file a b is not in the snapshot"},
		{"include of 16", 16, "include x.conf", "1! the included file x.conf is not in the snapshot"},
		{"13-15: include is no type", 15, "include x.conf", `1! invalid connection type "include"`},
		{"include with more fields", 16, "include a b", `1! invalid connection type "include"`},

		{"several types", 18, "host,local all all all md5", "1! multiple values specified for connection type"},
		{"line ends", 18, "host\nhost all\nhost all all\nhost all all 10.0.0.1\nhost all all all",
			"1! end-of-line before database specification\n2! end-of-line before role specification\n" +
				"3! end-of-line before IP address specification\n4! end-of-line before netmask specification\n" +
				"5! end-of-line before authentication method"},
		{"address list", 18, "host all all a,b md5", "1! multiple values specified for host address"},
		{"mask list", 18, "host all all 10.0.0.1 1,2 md5", "1! multiple values specified for netmask"},
		{"CIDR length", 18, "host all all 10.0.0.0/33 md5", `1! invalid CIDR mask in address "10.0.0.0/33"`},
		{"name and slash", 18, "host all all db/8 md5", `1! specifying both host name and CIDR mask is invalid: "db/8"`},
		{"bad mask", 18, "host all all 10.0.0.0 x md5", `1! invalid IP mask "x": Name or service not known`},
		{"families differ", 18, "host all all 10.0.0.0 ffff:: md5", "1! IP address and mask do not match"},
		{"method list", 18, "local all all md5,trust", "1! multiple values specified for authentication type"},
		{"unknown method", 18, "local all all scram", `1! invalid authentication method "scram"`},
		{"oauth came with 18", 17, "host all all all oauth issuer=a scope=b", `1! invalid authentication method "oauth"`},
		{"ident on a local line is peer", 18, "local all all ident map=x", "1: local all all peer map=x"},
		{"gss, peer, cert", 18, "local all all gss\nhost all all all peer\nhost all all all cert",
			"1! gssapi authentication is not supported on local sockets\n" +
				"2! peer authentication is only supported on local sockets\n" +
				"3! cert authentication is only supported on hostssl connections"},
		{"options", 18, "host all all all md5 x\nhost all all all md5 x=1\nhost all all all md5 map=x\nhost all all all md5 clientcert=verify-ca",
			"1! authentication option not in name=value format: x\n" +
				"2! unrecognized authentication option name: \"x\"\n" +
				"3! authentication option \"map\" is only valid for authentication methods ident, peer, gssapi, sspi, cert, and oauth\n" +
				"4! clientcert can only be configured for \"hostssl\" rows"},
		{"cert and verify-ca", 14, "hostssl all all all cert clientcert=verify-ca",
			`1! clientcert can only be set to "verify-full" when using "cert" authentication`},
		{"13 also 1", 13, "hostssl all all all md5 clientcert=1", "1: hostssl all all all md5 clientcert=1"},
		{"removed in 14", 14, "hostssl all all all md5 clientcert=1", `1! invalid value for clientcert: "1"`},
		{"quote values with blanks", 18, `host all all all ldap ldapserver=s ldapprefix="cn=x y,"`,
			`1: host all all all ldap ldapserver=s ldapprefix="cn=x y,"`},
		{"no record at all is refused", 18, "# nothing\n", "0! configuration file contains no entries"},

		{"10/8 is 0.0.0.10/8", 18, "host all all 10/8 md5", "1: host all all 0.0.0.10/8 md5"},
		{"10.1/16 is 10.0.0.1/16", 18, "host all all 10.1/16 md5", "1: host all all 10.0.0.1/16 md5"},
		{"leading 0 is octal", 18, "host all all 010.0.0.0/8 md5", "1: host all all 8.0.0.0/8 md5"},
		{"hex, decimal", 18, "host all all 0x7f.1/8 md5\nhost all all 2130706433/32 md5",
			"1: host all all 127.0.0.1/8 md5\n2: host all all 127.0.0.1/32 md5"},
		{"/016, /+16 and \"/ 16\" are 16", 18, "host all all 10.0.0.0/016 md5\nhost all all 10.0.0.0/+16 md5\nhost all all \"10.0.0.0/ 16\" md5",
			"1: host all all 10.0.0.0/16 md5\n2: host all all 10.0.0.0/16 md5\n3: host all all 10.0.0.0/16 md5"},
		{"any bit pattern", 18, "host all all 10.0.0.0 255.0.255.0 md5", "1: host all all 10.0.0.0 255.0.255.0 md5"},
		{"mask 8 is 0.0.0.8", 18, "host all all 10.0.0.0 8 md5", "1: host all all 10.0.0.0 0.0.0.8 md5"},
		{"typos are host names", 18, "host all all 10.0.0.300 md5", `1: host all all "10.0.0.300" md5`},
		{"quoted keywords are host names", 18, `host all all "samehost" md5`, `1: host all all "samehost" md5`},
		{"with a CIDR address no mask field is read", 18, "host all all 10.0.0.0/8 255.0.0.0 md5", `1! invalid authentication method "255.0.0.0"`},
		{"a scope names an interface", 18, "host all all fe80::1%eth0/64 md5", `1! whether the server has the interface of "fe80::1%eth0" is not in the snapshot`},
	} {
		if got := show(Parse(lines(c.text), c.version)); got != c.want {
			t.Errorf("%s\n%s\ngot  %s\nwant %s", c.sentence, c.text, got, c.want)
		}
	}
}

func TestOriginOfAContinuedLineIsItsFirst(t *testing.T) {
	f := Parse([]Source{
		{Text: `local all \`, Origin: verdict.Origin{Field: "a"}},
		{Text: "all trust", Origin: verdict.Origin{Field: "b"}},
		{Text: "local all all md5", Origin: verdict.Origin{Field: "c"}},
	}, 18)
	if len(f.Records) != 2 || f.Records[0].Origin.Field != "a" || f.Records[1].Line != 3 {
		t.Errorf("%+v", f.Records)
	}
}

// A token that another program replaces is an address in the address field only.
func TestReplacedAddresses(t *testing.T) {
	const token = "${podselector:api}"
	as := map[string]Address{token: {Kind: Pods, Name: "podselector:api", Namespace: "shop"}}
	f := Parse([]Source{
		{Text: "host all all " + token + " md5", Addresses: as},
		{Text: "host " + token + " all all md5", Addresses: as},
		{Text: "host all all x" + token + " md5", Addresses: as},
	}, 18)
	want := "1: host all all ${podselector:api} md5\n" +
		"2! ${podselector:api} stands for addresses, but not in the address field\n" +
		"3! ${podselector:api} stands for addresses, but not in the address field"
	if got := show(f); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("host all,\"x y\" +dev 10.1/16 md5\nlocal a\"ll\" @ trust", 18)
	f.Add("hostssl \"/^a\" u ::1 ffff:: cert map=\"a b\" clientcert=verify-full\\\n", 13)
	f.Fuzz(func(t *testing.T, text string, version int) {
		version = 13 + (version%6+6)%6
		for _, r := range Parse(lines(text), version).Records {
			again := Parse([]Source{{Text: r.Text()}}, version)
			if len(again.Records) != 1 || again.Records[0].Text() != r.Text() {
				t.Fatalf("%q was read from its own text as %q", r.Text(), show(again))
			}
		}
	})
}
