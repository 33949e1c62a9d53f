package hba

import (
	"slices"
	"strconv"
	"strings"
)

// An optionRule says which methods take an option, with the server's own words for
// them, and since which version it is known.
type optionRule struct {
	methods []string
	words   string
	since   int
}

func only(method string) optionRule { return optionRule{[]string{method}, method, 0} }

var (
	kerberos   = optionRule{[]string{"gss", "sspi"}, "gssapi and sspi", 0}
	everywhere = optionRule{since: 0} // clientcert and clientname ask for hostssl instead
)

var optionRules = map[string]optionRule{
	"map":        {[]string{"ident", "peer", "gss", "sspi", "cert"}, "ident, peer, gssapi, sspi, and cert", 0},
	"clientcert": everywhere,
	"clientname": {since: 14},
	"pamservice": only("pam"), "pam_use_hostname": only("pam"),
	"ldapurl": only("ldap"), "ldaptls": only("ldap"), "ldapserver": only("ldap"), "ldapport": only("ldap"),
	"ldapscheme": only("ldap"), "ldapbinddn": only("ldap"), "ldapbindpasswd": only("ldap"),
	"ldapsearchattribute": only("ldap"), "ldapsearchfilter": only("ldap"), "ldapbasedn": only("ldap"),
	"ldapprefix": only("ldap"), "ldapsuffix": only("ldap"),
	"krb_realm": kerberos, "include_realm": kerberos,
	"compat_realm": only("sspi"), "upn_username": only("sspi"),
	"radiusservers": only("radius"), "radiussecrets": only("radius"),
	"radiusports": only("radius"), "radiusidentifiers": only("radius"),
	"issuer": {[]string{"oauth"}, "oauth", 18}, "scope": {[]string{"oauth"}, "oauth", 18},
	"validator": {[]string{"oauth"}, "oauth", 18}, "delegate_ident_mapping": {[]string{"oauth"}, "oauth", 18},
}

// options takes what follows the method: name=value, separated by blanks or commas.
func (p *parser) options() *fault {
	for _, field := range p.rest {
		for _, t := range field {
			name, value, ok := strings.Cut(t.Text, "=")
			if !ok {
				return refused("authentication option not in name=value format: %s", t.Text)
			}
			if fault := p.option(name, value); fault != nil {
				return fault
			}
			p.record.Options = append(p.record.Options, Option{name, value})
		}
	}
	return p.complete()
}

func (p *parser) option(name, value string) *fault {
	rule, known := optionRules[name]
	takers, words := rule.methods, rule.words
	if name == "map" && p.version >= 18 {
		takers, words = append(slices.Clone(takers), "oauth"), "ident, peer, gssapi, sspi, cert, and oauth"
	}
	switch {
	case !known || p.version < rule.since:
		return refused(`unrecognized authentication option name: "%s"`, name)
	case (name == "clientcert" || name == "clientname") && p.record.Type != HostSSL:
		return refused(`%s can only be configured for "hostssl" rows`, name)
	case takers != nil && !slices.Contains(takers, p.record.Method):
		return refused(`authentication option "%s" is only valid for authentication methods %s`, name, words)
	}
	return p.value(name, value)
}

// value checks the values that the server checks.
func (p *parser) value(name, value string) *fault {
	switch name {
	case "clientcert":
		return p.clientCert(value)
	case "clientname":
		if value != "CN" && value != "DN" {
			return refused(`invalid value for clientname: "%s"`, value)
		}
	case "ldapport":
		if n, err := strconv.Atoi(strings.TrimLeft(value, " ")); err != nil || n == 0 {
			return refused(`invalid LDAP port number: "%s"`, value)
		}
	}
	return nil
}

// clientCert checks the value; 1, 0 and no-verify were removed in 14.
func (p *parser) clientCert(value string) *fault {
	known := []string{"verify-ca", "verify-full"}
	if p.version < 14 {
		known = append(known, "1", "0", "no-verify")
	}
	switch {
	case !slices.Contains(known, value):
		return refused(`invalid value for clientcert: "%s"`, value)
	case p.version >= 14 && p.record.Method == "cert" && value == "verify-ca":
		return refused(`clientcert can only be set to "verify-full" when using "cert" authentication`)
	}
	return nil
}

// complete checks what the options have to be together.
func (p *parser) complete() *fault {
	switch p.record.Method {
	case "ldap":
		return p.ldap()
	case "radius":
		return p.radius()
	case "oauth":
		return p.oauth()
	}
	return nil
}

func (p *parser) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, ok := p.record.Option(name)
		return ok
	})
}

func (p *parser) need(names ...string) *fault {
	for _, name := range names {
		if !p.has(name) {
			return refused(`authentication method "%s" requires argument "%s" to be set`, p.record.Method, name)
		}
	}
	return nil
}

func (p *parser) ldap() *fault {
	if p.has("ldapurl") { // may hold the base DN and more
		return nil
	}
	search := p.has("ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter")
	simple := p.has("ldapprefix", "ldapsuffix")
	switch {
	case simple && search && p.version >= 18:
		return refused("cannot mix options for simple bind and search+bind modes")
	case simple && search:
		return refused("cannot use ldapbasedn, ldapbinddn, ldapbindpasswd, ldapsearchattribute, ldapsearchfilter, or ldapurl together with ldapprefix")
	case !simple && !p.has("ldapbasedn"):
		return refused(`authentication method "ldap" requires argument "ldapbasedn", "ldapprefix", or "ldapsuffix" to be set`)
	}
	return nil
}

// radius: as many secrets as servers, or one; of the others none is needed.
func (p *parser) radius() *fault {
	if fault := p.need("radiusservers", "radiussecrets"); fault != nil {
		return fault
	}
	count := func(name string) int {
		value, ok := p.record.Option(name)
		if !ok {
			return 0
		}
		return len(strings.Split(value, ","))
	}
	for _, name := range []string{"radiussecrets", "radiusports", "radiusidentifiers"} {
		if n := count(name); n > 1 && n != count("radiusservers") {
			return refused("the number of %s (%d) must be 1 or the same as the number of radiusservers (%d)",
				name, n, count("radiusservers"))
		}
	}
	return nil
}

func (p *parser) oauth() *fault {
	if fault := p.need("issuer", "scope"); fault != nil {
		return fault
	}
	if value, _ := p.record.Option("delegate_ident_mapping"); value == "1" && p.has("map") {
		return refused("map cannot be used in conjunction with delegate_ident_mapping")
	}
	return nil
}
