package hbagen

import (
	"fmt"
	"strings"
)

// A record is one line of pg_hba.conf before it is text.
type record struct {
	kind, address   string
	databases, user []string
	method          string
	options         []string
}

var (
	kinds         = []string{"local", "local", "host", "host", "host", "host", "hostssl", "hostssl", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"}
	databaseWords = []string{
		"all", "all", "ledger", "app", "sameuser", "samerole", "samegroup", "replication", `"replication"`, `"all"`,
		`al"l"`, "dev", `"a b"`, "Ledger", "postgres", "nodb", `"sameuser"`, "alice", `""`, "ALL", "ops", "template1",
	}
	userWords = []string{
		"all", "all", "app", "alice", "bob", "carol", "+dev", "+ops", `"+dev"`, `+"dev"`, "++dev", "+nobody", "+",
		"ghost", `"all"`, `"a b"`, "repl", "postgres", "dave", "Alice", "+alice", "replication", "zoë", `"q""q"`, "dev",
		`"a,b"`, `"#x"`, `"@x"`, `b\`, "+pg_monitor", "+app", "samerole", "maker", `"+"dev`, `s"amerole"`,
	}
	regexWords = []string{
		"/^a", "/e$", `"/^a{1,2}pp?$"`, "/.", "/", `/^l(ed|ea)ger$`, `"/^A b$"`, "/(?i)ALICE", `/\w+`, `"/^(app|alice)$"`,
		`/^\+dev$`, "/^[[:alpha:]]+$", `"/a,b"`, "/^$", `/^a\M`, "/zoë", "/repl",
	}
	addressWords = []string{
		"all", "10.0.0.0/8", "10.0.0.0/24", "10.1.2.77/24", "0.0.0.0/0", "::/0", "127.0.0.1/32", "::1/128", "samehost",
		"samenet", "10.0.0.1 255.255.255.255", "10.0.0.0 255.0.0.0", "10.0.0.1 255.0.255.255", "10.9.0.1 0.0.0.255",
		"192.0.2.0/25", "192.0.2.128/25", "2001:db8::/32", "fd00::/8", "10/8", "10.1/16", "010.0.0.0/8", "0x0a000000/8",
		"167772160/8", "127.1/32", "10.0.0.0/016", "10.0.0.0/+8", `"10.0.0.0/ 8"`, "::ffff:10.0.0.1/128", "2001:db8::7 ffff:ffff::",
		"db1.example.com", "DB1.example.com", ".example.com", ".com", "db2.example.com", "liar.example.com",
		"gone.example.com", "upper.example.com", "multi.example.org", "example.com", "localhost", "10.0.0.300", "al",
		`"all"`, `"samehost"`, "10.255.255.255/32", "172.16.0.0/12", "203.0.113.9/31", "fe80::1%lo/128", "8.0.0.0/8",
		"10.0.0.8 8", "2001:db8:1::/48", "10.0.0.10/31", "same\"host\"", ".EXAMPLE.org",
	}
)

func validFiles(r *dice) files {
	records := make([]record, 1+r.IntN(6))
	for i := range records {
		records[i] = newRecord(r)
	}
	var hba strings.Builder
	for _, rec := range records {
		hba.WriteString(rec.text(r))
	}
	return files{map[string]string{"pg_hba.conf": hba.String(), "pg_ident.conf": identFile(r)}, records}
}

func newRecord(r *dice) record {
	rec := record{kind: pick(r, kinds)}
	words := func(from []string) []string {
		if r.once(3) {
			return []string{"all"} // or hardly anything would match
		}
		out := make([]string, 1+r.IntN(3)*r.IntN(2))
		for i := range out {
			if out[i] = pick(r, from); r.version >= 16 && r.once(6) || r.once(60) {
				out[i] = pick(r, regexWords)
			}
		}
		return out
	}
	rec.databases, rec.user = words(databaseWords), words(userWords)
	if rec.kind != "local" {
		rec.address = pick(r, addressWords)
	}
	rec.method, rec.options = newMethod(r, rec.kind)
	return rec
}

// newMethod prefers methods that let the server tell which line it went by.
func newMethod(r *dice, kind string) (string, []string) {
	methods := []string{"scram-sha-256", "md5", "password", "password", "trust", "reject", "scram-sha-256", "ident", "password"}
	switch kind {
	case "local":
		methods = append(methods, "peer", "peer", "peer")
	case "hostssl":
		methods = append(methods, "cert", "cert", "cert")
	}
	if r.version == 15 && kind != "hostgssenc" {
		methods = append(methods, "ldap", "pam")
		if kind != "local" {
			methods = append(methods, "gss")
		}
	}
	if r.version >= 18 {
		methods = append(methods, "oauth")
	}
	if r.once(8) {
		methods = []string{"radius"}
	}
	method := pick(r, methods)
	options := methodOptions(r, method)
	if kind == "hostssl" && r.once(3) {
		options = append(options, certOption(r, method))
	}
	return method, options
}

func certOption(r *dice, method string) string {
	choices := []string{"clientcert=verify-ca", "clientcert=verify-full"}
	if method == "cert" {
		choices = choices[1:]
	}
	if r.version == 13 {
		choices = append(choices, "clientcert=1", "clientcert=no-verify", "clientcert=0")
	} else if r.once(2) {
		choices = []string{"clientname=CN", "clientname=DN"}
	}
	return pick(r, choices)
}

func methodOptions(r *dice, method string) []string {
	switch method {
	case "ident", "peer", "cert", "gss":
		if r.once(2) {
			return []string{"map=" + pick(r, maps)}
		}
	case "ldap":
		return pick(r, [][]string{
			{"ldapserver=10.0.0.50", `ldapprefix="cn="`, `ldapsuffix=",dc=example"`},
			{"ldapserver=10.0.0.50", "ldapbasedn=dc=example", "ldapsearchattribute=uid"},
			{"ldapurl=ldap://10.0.0.50/dc=example?uid?sub"}, {"ldapserver=10.0.0.50", "ldapport=389", "ldaptls=1"},
		})
	case "radius":
		return pick(r, [][]string{
			{"radiusservers=10.0.0.50", "radiussecrets=s"}, {`radiusservers="10.0.0.50,10.0.0.51"`, `radiussecrets="a,b"`},
			{"radiusservers=rad.example.com", "radiussecrets=s", "radiusports=1812"},
			{`radiusservers="10.0.0.50,10.0.0.51"`, "radiussecrets=s", `radiusidentifiers="i,j"`},
		})
	case "pam":
		return pick(r, [][]string{nil, {"pamservice=pg"}, {"pam_use_hostname=1"}})
	case "oauth":
		return pick(r, [][]string{
			{"issuer=https://i.example", `scope="a b"`}, {"issuer=https://i.example", "scope=a", "validator=v1"},
			{"issuer=https://i.example", "scope=a", "map=m"}, {"issuer=https://i.example", "scope=a", "delegate_ident_mapping=1", "validator=v1"},
		})
	}
	return nil
}

// text writes the record with the blanks and commas that files have.
func (rec record) text(r *dice) string {
	fields := []string{rec.kind, list(r, rec.databases), list(r, rec.user)}
	if rec.address != "" {
		fields = append(fields, rec.address)
	}
	fields = append(append(fields, rec.method), rec.options...)
	line := strings.Join(fields, pick(r, []string{" ", "  ", "\t", " "}))
	if r.once(12) {
		line = "# " + pick(r, []string{"", "host all all all trust", `"`}) + "\n" + line
	}
	if r.once(15) {
		line += " # " + pick(r, []string{"why", `"x`, "x\\"})
	}
	if r.version >= 14 && r.once(20) {
		line = strings.Replace(line, " ", " \\\n", 1+r.IntN(2))
	}
	return line + pick(r, []string{"\n", "\n", "\n", "\n", "\r\n", "\n\n"})
}

func list(r *dice, words []string) string {
	return strings.Join(words, pick(r, []string{",", ",", ", ", ",,"}))
}

var (
	maps     = []string{"m", "m", "n", `""`, "missing", `"m"`}
	sysWords = []string{
		"alice", "bob", "os", `/^(.*)@example\.com$`, "/^(a.*)$", "/^o", "/^(.)(.)", "all", `"/^(al)"`, "CN=alice", "/.*", "root",
		`"/^CN=(.*),O=Acme$"`, "app", "/^x", "/()", "/^(b)?os$",
	}
	pgWords = []string{"alice", "app", `\1`, "all", `"all"`, "+dev", `"+dev"`, "/^a", `x\1`, "bob", "postgres", `\1ice`, `"\1"`, `\2`, "/^\\1$", "ghost", `\1\1`}
)

func identFile(r *dice) string {
	var b strings.Builder
	for range r.IntN(5) {
		fmt.Fprintf(&b, "%s %s %s%s\n", pick(r, []string{"m", "m", "n", "m"}), pick(r, sysWords), pick(r, pgWords),
			pick(r, []string{"", "", "", " # x", " extra"}))
	}
	return b.String()
}
