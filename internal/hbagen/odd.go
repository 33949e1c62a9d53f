package hbagen

import (
	"fmt"
	"net/netip"
	"strings"
)

// letterFiles are lines of few letters, most of which mean something to a tokeniser.
func letterFiles(r *dice) files {
	letters := []string{"a", "b", ",", ",", `"`, `"`, " ", " ", "#", `\`, "\\\n", "@list", "+", "/", "\t", "\r", "all", "=", "\n", "host ", "é", "'"}
	line := func(starts []string, most int) string {
		text := pick(r, starts)
		for range r.IntN(most) {
			text += pick(r, letters)
		}
		return text
	}
	hba := ""
	for range 1 + r.IntN(3) {
		hba += line([]string{"host ", "local all ", "host all all 10.0.0.0/8 ", `host all "`, "host all all 10.0.0.0/8 ident map=", ""}, 9)
		hba += pick(r, []string{"\n", " all trust\n", " 10.0.0.0/8 trust\n", `" trust` + "\n"})
	}
	ident := line([]string{"m ", "m a ", `m "`, ""}, 9) + pick(r, []string{"", "\n", " b\n"})
	return files{texts: map[string]string{"pg_hba.conf": hba, "pg_ident.conf": ident, "list": line([]string{"", "x "}, 6)}}
}

// addressFiles have addresses and masks in every spelling the C library reads.
func addressFiles(r *dice) files {
	var f files
	hba := ""
	for range 1 + r.IntN(5) {
		rec := record{
			kind: pick(r, []string{"host", "host", "hostnossl"}), databases: []string{"all"}, user: []string{"all"},
			address: oddAddress(r), method: "password",
		}
		f.records = append(f.records, rec)
		hba += rec.text(r)
	}
	f.texts = map[string]string{"pg_hba.conf": hba, "pg_ident.conf": ""}
	return f
}

func oddAddress(r *dice) string {
	a, err := netip.ParseAddr(pick(r, addresses))
	if err != nil {
		return "all"
	}
	text := oddSpelling(r, a)
	switch r.IntN(8) {
	case 0:
		if a.Is6() {
			return text + " " + most(r, []string{"ffff::", "::", "ffff:ffff::ffff"}, []string{"255.0.0.0", "ffff"})
		}
		return text + " " + most(r, []string{"255.255.0.0", "0xffff0000", "4294901760", "0377.0.0.0", "255.0", "0.0.0.0", "255.255.255.254", "255.0.255.0", "1.2.3"}, []string{"ffff::", "::", "-1"})
	case 1:
		return text + most(r, []string{"/32"}, []string{"", "/64"})
	case 2:
		return text + "/" + most(r, []string{"0", "+8", "08", "-0", "00000000000008"}, []string{" 8", "8 ", "0x8", "1e1", "129", "33", "", "8.0", "４"})
	default:
		return text + "/" + fmt.Sprint(r.IntN(a.BitLen()+1))
	}
}

func oddSpelling(r *dice, a netip.Addr) string {
	if a.Is6() {
		text := pick(r, []string{a.String(), a.StringExpanded(), strings.ToUpper(a.String())})
		return most(r, []string{"", "", ""}, []string{"0"}) + text + most(r, []string{"", "", "", "", "%lo"}, []string{"%eth9", ":", "::"})
	}
	number := func(n uint32) string {
		return fmt.Sprintf(pick(r, []string{"%d", "%d", "%d", "0%o", "0x%x", "0X%X", "%03d"}), n)
	}
	b := a.As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	parts := []string{number(n >> 24), number(n >> 16 & 255), number(n >> 8 & 255), number(n & 255)}
	switch r.IntN(7) {
	case 0:
		return number(n)
	case 1:
		return parts[0] + "." + number(n&0xffffff)
	case 2:
		return parts[0] + "." + parts[1] + "." + number(n&0xffff)
	case 3:
		if r.clean {
			return a.String()
		}
		return pick(r, []string{"256.1.1.1", "1.2.3.4.", ".1.2.3", "1..2", "1.2.3.4x", "0x", "0x1g", "1.2.3.256", "4294967296", "1.16777216", "1.2.65536", "09.1.1.1", "1.2.3.4 ", "+1.2.3.4"})
	}
	return strings.Join(parts, ".")
}

// optionFiles have records of every method with options of every method.
func optionFiles(r *dice) files {
	names := []string{
		"map", "clientcert", "clientname", "ldapserver", "ldapport", "ldapscheme", "ldaptls", "ldapurl", "ldapprefix", "ldapsuffix",
		"ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter", "krb_realm", "include_realm",
		"compat_realm", "upn_username", "pamservice", "pam_use_hostname", "radiusservers", "radiussecrets", "radiusports",
		"radiusidentifiers", "issuer", "scope", "validator", "delegate_ident_mapping", "nosuch",
	}
	values := []string{
		"", "x", "1", "0", "m", "verify-ca", "verify-full", "no-verify", "CN", "DN", "10.0.0.50", `"10.0.0.50,10.0.0.51"`, `"a,b"`, `"a b"`,
		"389", "65535", "65536", "-1", " 1", "ldap", "ldaps", "ldap://h/dc=x", "ldap://h:1/dc=x?uid?sub?(a=b)", "ldap://h", "ldaps://h/?uid",
		"ldap://h/x?u?base", "ldap://h/x????", `""`, "v1", "v2", "https://i", `"1,2"`, "=", `"a""b"`, `"a"b`, "rad.example.com", `",a"`, `"a,"`, `"a,,b"`, `" a , b "`,
	}
	methods := []string{"trust", "reject", "md5", "password", "scram-sha-256", "ident", "cert", "radius", "radius", "peer"}
	if r.version == 15 {
		methods = append(methods, "ldap", "ldap", "ldap", "gss", "pam")
	}
	if r.version >= 18 {
		methods = append(methods, "oauth", "oauth", "oauth")
	}
	own := map[string][2]int{"ldap": {3, 15}, "gss": {15, 17}, "pam": {19, 21}, "radius": {21, 25}, "oauth": {25, 29}, "ident": {0, 1}, "cert": {0, 3}}
	hba := ""
	for range 1 + r.IntN(4) {
		method := pick(r, methods)
		line := pick(r, []string{"hostssl all all 10.0.0.0/8 ", "host all all 10.0.0.0/8 ", "local all all "}) + method
		for range r.IntN(5) {
			from := names
			if span, ok := own[method]; ok && !r.once(5) {
				from = names[span[0]:span[1]]
			}
			line += pick(r, []string{" ", " ", " ", ","}) + pick(r, from) + pick(r, []string{"=", "=", "=", "=", "=", "=", "", " ="}) + pick(r, values)
		}
		hba += line + "\n"
	}
	return files{texts: map[string]string{"pg_hba.conf": hba, "pg_ident.conf": ""}}
}

// regexFiles have regular expressions for databases, users and in maps.
func regexFiles(r *dice) files {
	var f files
	hba := ""
	for range 1 + r.IntN(3) {
		rec := record{kind: "host", databases: []string{"all"}, user: []string{regexToken(r)}, address: "all", method: "password"}
		if r.once(3) {
			rec.databases, rec.user = []string{regexToken(r)}, []string{"all"}
		}
		f.records = append(f.records, rec)
		hba += rec.text(r)
	}
	local := record{kind: "local", databases: []string{"all"}, user: []string{"all"}, method: "peer", options: []string{"map=m"}}
	f.records = append(f.records, local)
	ident := ""
	for range 1 + r.IntN(2) {
		role := pick(r, []string{`\1`, `x\1`, `\1ice`, "alice", "app", "all"})
		if r.version >= 16 && r.once(3) {
			role = regexToken(r)
		}
		ident += fmt.Sprintf("m %s %s\n", regexToken(r), role)
	}
	f.texts = map[string]string{"pg_hba.conf": hba + local.text(r), "pg_ident.conf": ident}
	return f
}

func regexToken(r *dice) string {
	text := "/" + most(r, []string{"", "", "", "^", "^", "(?i)", "(?x)", "(?n)", "***:", "***="}, []string{"(?e)", "(?b)", "(?q)"}) + regex(r, 3) + pick(r, []string{"", "", "$"})
	if r.once(12) && !r.clean {
		text += pick(r, []string{"(", ")", "[", "]", "{", "}", "*", `\`, "|", "?", "+"})
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

func regex(r *dice, depth int) string {
	text := ""
	for range 1 + r.IntN(3) {
		text += regexAtom(r, depth)
		if r.once(3) {
			text += most(r, []string{"*", "+", "?", "{1,2}", "{2}", "{0,}", "*?", "+?", "??", "{1,2}?", "{0}"}, []string{"{1", "{2,1}", "{,2}", "**"})
		}
	}
	if depth > 0 && r.once(5) {
		text += "|" + regex(r, depth-1)
	}
	return text
}

func regexAtom(r *dice, depth int) string {
	switch n := r.IntN(12); {
	case n < 5:
		return pick(r, []string{"a", "l", "i", "b", "p", "o", "e", "A", "s", " ", "d"})
	case n < 7 && depth > 0:
		return pick(r, []string{"(", "(", "(?:", "(?=", "(?!", "(?<=", "(?<!"}) + regex(r, depth-1) + ")"
	case n < 8:
		return most(r, []string{"[a-l]", "[^a]", "[[:alpha:]]", "[[:upper:]e]", "[]a]", "[a-]", "[[.a.]]", "[[=a=]b]", "[[:<:]]", "[\\w]", "[a\\]]"},
			[]string{"[b-a]", "[^]", "[\\d-z]", "[[:nosuch:]]", "[[.nosuch.]]"})
	case n < 10:
		return most(r, []string{`\w`, `\s`, `\d`, `\W`, `\m`, `\M`, `\y`, `\Y`, `\A`, `\Z`, `\S`, `\D`, `\e`, `\x61`, `\141`, `\u0061`, `\U00000061`, `\B`, `\.`, `\a`, `\cA`, `\0`, `\t`},
			[]string{`\1`, `\2`, `\q`, `\x`})
	}
	return pick(r, []string{".", ".", "^", "$", "ë", "é", "#", "-", ",", "@", "()", "(^)", "(a|)"})
}
