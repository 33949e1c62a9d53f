package hba

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An ldapURL is what ldapurl=… says, which the server takes as the options that it
// stands for.
type ldapURL struct {
	scheme, host, dn, attribute, filter string
	hasDN, hasFilter                    bool
	port, scope                         int
	crashes                             bool // the server, which takes the first attribute of none
}

// ldap checks how the server is to find the user: by a name it makes itself, or by
// a search.
func (p *parser) ldap() *fault {
	set := p.record.ldapSettings()
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, ok := set[name]; return ok })
	}
	search := has("ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter")
	simple := has("ldapprefix", "ldapsuffix")
	switch {
	case simple && search && p.Version >= 18:
		return refused("cannot mix options for simple bind and search+bind modes")
	case simple && search:
		return refused("cannot use ldapbasedn, ldapbinddn, ldapbindpasswd, ldapsearchattribute, ldapsearchfilter, or ldapurl together with ldapprefix")
	case !simple && !has("ldapbasedn"):
		return refused(`authentication method "ldap" requires argument "ldapbasedn", "ldapprefix", or "ldapsuffix" to be set`)
	case has("ldapsearchattribute") && has("ldapsearchfilter"):
		return refused("cannot use ldapsearchattribute together with ldapsearchfilter")
	}
	return nil
}

// subtree is LDAP_SCOPE_SUBTREE.
const subtree = "2"

// ldapSettings are what the options set, in their order: a URL stands for several, and
// of an option that is set twice the later one counts.
func (r *Record) ldapSettings() map[string]string {
	set := map[string]string{}
	for _, o := range r.Options {
		set["ldapscope"] = subtree // which each option sets anew
		if o.Name != "ldapurl" {
			set[o.Name] = o.Value
		} else if u, words := parseLDAPURL(o.Value); words == "" {
			u.options(set)
		}
	}
	return set
}

// options sets what the URL says.
func (u *ldapURL) options(set map[string]string) {
	set["ldapscheme"], set["ldapport"] = u.scheme, fmt.Sprint(u.port)
	if u.host != "" {
		set["ldapserver"] = u.host
	}
	if u.hasDN {
		set["ldapbasedn"] = u.dn
	}
	if u.attribute != "" {
		set["ldapsearchattribute"] = u.attribute
	}
	if u.hasFilter {
		set["ldapsearchfilter"] = u.filter
	}
	delete(set, "ldapscope")
	if u.scope != 0 {
		set["ldapscope"] = fmt.Sprint(u.scope)
	}
}

// The words that OpenLDAP has for faults of a URL: its numbers for these are those of
// results, so that the words are about something else (ldap.h LDAP_URL_ERR_BADSCHEME).
const (
	badScheme     = "Time limit exceeded"
	badEnclosure  = "Size limit exceeded"
	badURL        = "Compare False"
	badScope      = "Strong(er) authentication required"
	badFilter     = "Partial results and referral received"
	badExtensions = "Referral"
)

// ldapURL reads RFC 4516 as OpenLDAP's ldap_url_parse does.
func (p *parser) ldapURL(text string) *fault {
	u, words := parseLDAPURL(text)
	switch {
	case words != "":
		return refused(`could not parse LDAP URL "%s": %s`, text, words)
	case u.scheme != "ldap" && u.scheme != "ldaps":
		return refused("unsupported LDAP URL scheme: %s", u.scheme)
	case u.crashes:
		f := silent("the attribute list of %q ends the server", text)
		f.fatal = true
		return f
	}
	return nil
}

// ldapSchemes are those that OpenLDAP knows, which are more than the server takes.
var ldapSchemes = []string{"ldap", "pldap", "ldaps", "pldaps", "ldapi"}

func parseLDAPURL(text string) (*ldapURL, string) {
	text, enclosed := strings.CutPrefix(text, "<")
	if len(text) >= 4 && strings.EqualFold(text[:4], "URL:") {
		text = text[4:]
	}
	scheme, rest, ok := strings.Cut(text, "://")
	u := &ldapURL{scheme: strings.ToLower(scheme)}
	if !ok || !slices.Contains(ldapSchemes, u.scheme) {
		return nil, badScheme
	}
	if enclosed {
		if rest, ok = strings.CutSuffix(rest, ">"); !ok {
			return nil, badEnclosure
		}
	}
	authority, parts, slash := strings.Cut(rest, "/")
	if !slash {
		authority, _, _ = strings.Cut(rest, "?") // what follows is not looked at
	}
	if words := u.authority(authority); words != "" || !slash {
		return u, words
	}
	return u, u.query(strings.Split(parts, "?"))
}

// authority takes host:port; the host of a local socket is a path.
func (u *ldapURL) authority(text string) string {
	u.port = map[string]int{"ldap": 389, "ldaps": 636}[u.scheme]
	host, after := text, text
	if u.scheme == "ldapi" {
		return ""
	}
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return badURL
		}
		host, after = text[1:end], text[end+1:]
	}
	if i := strings.IndexByte(after, ':'); i >= 0 {
		port, ok := wholeNumber(unescaped(after[i+1:]))
		switch {
		case !ok, host != text && i > 0:
			return badURL
		case port != 0:
			u.port = port
		}
		if host == text {
			host = text[:i]
		}
	}
	u.host = unescaped(host)
	return ""
}

// wholeNumber is strtol with base 10 over a whole text that is not empty, as an int.
func wholeNumber(text string) (int, bool) {
	digits := strings.TrimLeft(text, spaces)
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return int(int32(n)), true //nolint:gosec // as the cast of C's strtol does
}

// unescaped takes %XX for bytes; one that is malformed makes the whole text empty, and
// %00 ends it (ldap_pvt_hex_unescape).
func unescaped(text string) string {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out = append(out, text[i])
			continue
		}
		if i+2 >= len(text) {
			return ""
		}
		n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
		if err != nil {
			return ""
		}
		out = append(out, byte(n))
		i += 2
	}
	before, _, _ := strings.Cut(string(out), "\x00")
	return before
}

// query takes dn?attributes?scope?filter?extensions.
func (u *ldapURL) query(parts []string) string {
	u.dn, u.hasDN = unescaped(parts[0]), true
	if len(parts) > 5 {
		parts[4] = "?"
	}
	for i, part := range parts[1:min(len(parts), 5)] {
		if words := u.part(i, part); words != "" {
			return words
		}
	}
	return ""
}

var ldapScopes = map[string]int{"base": 0, "one": 1, "onelevel": 1, "sub": 2, "subtree": 2, "subord": 3, "subordinate": 3, "children": 3}

func (u *ldapURL) part(i int, raw string) string {
	text := unescaped(raw)
	switch {
	case raw == "?": // one part too many
		return badURL
	case i == 3:
		if strings.Trim(raw, ",") == "" {
			return badExtensions
		}
	case raw == "":
	case i == 0:
		list := strings.FieldsFunc(text, func(c rune) bool { return c == ',' })
		if u.crashes = len(list) == 0; !u.crashes {
			u.attribute = list[0]
		}
	case i == 1:
		n, ok := ldapScopes[strings.ToLower(text)]
		if !ok {
			return badScope
		}
		u.scope = n
	case text == "":
		return badFilter
	default:
		u.filter, u.hasFilter = text, true
	}
	return ""
}

// FindsLDAPServer reports whether a record of ldap names a server, or a base DN by
// which DNS finds one.
func (r *Record) FindsLDAPServer() bool {
	set := r.ldapSettings()
	return set["ldapserver"] != "" || set["ldapbasedn"] != ""
}
