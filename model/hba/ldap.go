package hba

import (
	"net/url"
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
	search := p.has("ldapbinddn", "ldapbindpasswd") || p.hasBase() || p.hasAttribute() || p.hasFilter()
	simple := p.has("ldapprefix", "ldapsuffix")
	switch {
	case simple && search && p.Version >= 18:
		return refused("cannot mix options for simple bind and search+bind modes")
	case simple && search:
		return refused("cannot use ldapbasedn, ldapbinddn, ldapbindpasswd, ldapsearchattribute, ldapsearchfilter, or ldapurl together with ldapprefix")
	case !simple && !p.hasBase():
		return refused(`authentication method "ldap" requires argument "ldapbasedn", "ldapprefix", or "ldapsuffix" to be set`)
	case p.hasAttribute() && p.hasFilter():
		return refused("cannot use ldapsearchattribute together with ldapsearchfilter")
	}
	return nil
}

func (p *parser) hasBase() bool {
	return p.has("ldapbasedn") || p.record.ldap != nil && p.record.ldap.hasDN
}

func (p *parser) hasAttribute() bool {
	return p.has("ldapsearchattribute") || p.record.ldap != nil && p.record.ldap.attribute != ""
}

func (p *parser) hasFilter() bool {
	return p.has("ldapsearchfilter") || p.record.ldap != nil && p.record.ldap.hasFilter
}

// The words that OpenLDAP has for faults of a URL: its numbers for these are those of
// results, so that the words are about something else (ldap.h LDAP_URL_ERR_BADSCHEME).
const (
	badScheme    = "Time limit exceeded"
	badEnclosure = "Size limit exceeded"
	badURL       = "Compare False"
	badHost      = "Compare True"
	badScope     = "Strong(er) authentication required"
)

// ldapURL reads RFC 4516 as OpenLDAP's ldap_url_parse does.
func (p *parser) ldapURL(text string) *fault {
	u, words := parseLDAPURL(text)
	switch {
	case words != "":
		return refused(`could not parse LDAP URL "%s": %s`, text, words)
	case u.scheme != "ldap" && u.scheme != "ldaps":
		return silent("unsupported LDAP URL scheme: %s", u.scheme)
	}
	if u.crashes {
		f := silent("the attribute list of %q ends the server", text)
		f.fatal = true
		return f
	}
	p.record.ldap = u
	return nil
}

func parseLDAPURL(text string) (*ldapURL, string) {
	if rest, enclosed := strings.CutPrefix(text, "<"); enclosed {
		inner, closed := strings.CutSuffix(rest, ">")
		if !closed {
			return nil, badEnclosure
		}
		text = inner
	}
	if len(text) >= 4 && strings.EqualFold(text[:4], "URL:") {
		text = text[4:]
	}
	scheme, rest, ok := strings.Cut(text, "://")
	u := &ldapURL{scheme: strings.ToLower(scheme), port: 389}
	switch {
	case !ok:
		return nil, badScheme
	case u.scheme == "ldaps":
		u.port = 636
	case u.scheme != "ldap" && u.scheme != "ldapi":
		return nil, badScheme
	}
	authority, parts, _ := strings.Cut(rest, "/")
	if words := u.authority(authority); words != "" {
		return nil, words
	}
	return u, u.query(parts)
}

// authority takes host:port.
func (u *ldapURL) authority(text string) string {
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && i > strings.LastIndexByte(text, ']') {
		host, port = text[:i], text[i+1:]
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return badURL
		}
		u.port = int(n)
	}
	host, err := url.PathUnescape(host)
	if err != nil {
		return badHost
	}
	u.host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return ""
}

// query takes dn?attributes?scope?filter.
func (u *ldapURL) query(text string) string {
	parts := strings.Split(text, "?")
	for i := range parts {
		unescaped, err := url.PathUnescape(parts[i])
		if err != nil {
			return badURL
		}
		parts[i] = unescaped
	}
	u.dn, u.hasDN = parts[0], true
	if len(parts) > 1 {
		list := strings.FieldsFunc(parts[1], func(c rune) bool { return c == ',' })
		if len(list) > 0 {
			u.attribute = list[0]
		}
		u.crashes = parts[1] != "" && len(list) == 0
	}
	if len(parts) > 2 {
		scopes := map[string]int{"": 0, "base": 0, "one": 1, "onelevel": 1, "sub": 2, "subtree": 2, "subordinate": 3, "children": 3}
		n, ok := scopes[strings.ToLower(parts[2])]
		if !ok {
			return badScope
		}
		u.scope = n
	}
	if len(parts) > 3 && parts[3] != "" {
		u.filter, u.hasFilter = parts[3], true
	}
	return ""
}

// FindsLDAPServer reports whether a record of ldap names a server, or a base DN by
// which DNS finds one.
func (r *Record) FindsLDAPServer() bool {
	server, _ := r.Option("ldapserver")
	base, _ := r.Option("ldapbasedn")
	if r.ldap != nil {
		return server != "" || base != "" || r.ldap.host != "" || r.ldap.dn != ""
	}
	return server != "" || base != ""
}
