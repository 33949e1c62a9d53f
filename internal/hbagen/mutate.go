package hbagen

import (
	"slices"
	"strings"
)

// odd is what a tokeniser may stumble over.
var odd = []string{
	`"`, `""`, ",", " ,", ", ", "\\", "\\\n", "\\ \n", "\r", "\r\n", "\n", "#", "\t", "\f", "\v", "\u00a0", "@", "+", "/", "=", "'", " ",
	"\x00", "\u200b", "é", "\ufeff", "{", "(", "*", "\x01", "0", "-", ".", ":", "%", "\\\\", "\\\"", "//", `\1`, "all", "md5", "\\\r\n",
}

// soup is words that mean something somewhere.
var soup = []string{
	"local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc", "all", "replication", "sameuser", "trust", "reject",
	"md5", "scram-sha-256", "password", "cert", "peer", "ident", "gss", "sspi", "ldap", "radius", "pam", "bsd", "oauth", "map=m",
	"clientcert=verify-ca", "clientcert=verify-full", "clientcert=1", "clientcert=0", "clientcert=x", "clientname=DN", "clientname=x",
	"include", "include_if_exists", "include_dir", "@list", "list", "conf.d", "10.0.0.0/8", "10.0.0.0/33", "10.0.0.1", "255.0.0.0",
	"::1/128", "::1/129", "samehost", "samenet", "db.example.com", "db.example.com/8", ".example.com", "x=y", "xy", "krb_realm=x",
	"include_realm=0", "ldapserver=x", "ldapbasedn=x", "ldapprefix=x", "ldapport=99999", "ldaptls=2", "ldapscheme=http", "ldapurl=ldap://h/b?u",
	"radiusservers=10.0.0.50", "radiussecrets=s", "radiusports=x", "radiusservers=,", "issuer=https://i", "scope=x", "validator=v1", "pamservice=x",
	"delegate_ident_mapping=1", "upn_username=1", "compat_realm=1", "pam_use_hostname=1", "MD5", "Local", "+dev", "/(", "/[", "/a{1", `"/a b"`,
	`"`, ",", "\n", "\n", "\n", "#", "\\\n", "10.0.0.0/", "/8", "10.0.0.0/8/8", "fe80::1%lo", "fe80::1%nosuch/64", "ffff::", "0.0.0.0", "1", "",
}

// mutatedFiles are valid ones after a few accidents.
func mutatedFiles(r *dice) files {
	f := validFiles(r)
	if r.once(4) {
		f = treeFiles(r)
	}
	for range 1 + r.IntN(4) {
		name := "pg_hba.conf"
		if r.once(4) {
			name = pick(r, sortedNames(f.texts))
		}
		f.texts[name] = strings.ToValidUTF8(mutate(r, f.texts[name]), "?")
	}
	return f
}

func sortedNames(texts map[string]string) []string {
	var names []string
	for name := range texts {
		if !strings.HasSuffix(name, "/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func mutate(r *dice, text string) string {
	if text == "" {
		return pick(r, soup)
	}
	at := r.IntN(len(text) + 1)
	switch r.IntN(7) {
	case 0, 1:
		return text[:at] + pick(r, odd) + text[at:]
	case 2:
		return text[:at] + text[min(len(text), at+1+r.IntN(3)):]
	case 3:
		return text[:at]
	default:
		return mutateWords(r, text)
	}
}

// mutateWords swaps, drops, doubles or replaces a word.
func mutateWords(r *dice, text string) string {
	words := strings.SplitAfter(text, " ")
	i, j := r.IntN(len(words)), r.IntN(len(words))
	switch r.IntN(4) {
	case 0:
		words[i], words[j] = words[j], words[i]
	case 1:
		words = slices.Delete(words, i, i+1)
	case 2:
		words = slices.Insert(words, i, words[j])
	case 3:
		words[i] = pick(r, soup) + " "
	}
	return strings.Join(words, "")
}

// soupFiles are words in any order, most lines with a beginning that gets somewhere.
func soupFiles(r *dice) files {
	line := func(starts []string) string {
		words := strings.Fields(pick(r, starts))
		for range 1 + r.IntN(5) {
			words = append(words, pick(r, soup))
		}
		return strings.Join(words, " ") + "\n"
	}
	hba, ident := "", ""
	for range 1 + r.IntN(6) {
		hba += line([]string{"host all all", "local all all", "hostssl all all 10.0.0.0/8", "host all all 10.0.0.0/8", "host", "local", ""})
	}
	for range r.IntN(3) {
		ident += line([]string{"m", "m /^a", "m a b", ""})
	}
	return files{texts: map[string]string{
		"pg_hba.conf": hba, "pg_ident.conf": ident, "list": "a, b\n\"c d\"\n", "conf.d/": "",
	}}
}
