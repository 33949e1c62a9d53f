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
	if name == "map" && p.Version >= 18 {
		takers, words = append(slices.Clone(takers), "oauth"), "ident, peer, gssapi, sspi, cert, and oauth"
	}
	switch {
	case !known || p.Version < rule.since:
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
			return silent(`invalid value for clientname: "%s"`, value)
		}
	case "ldapport":
		if atoi(value) == 0 {
			return refused(`invalid LDAP port number: "%s"`, value)
		}
	case "ldapurl":
		return p.ldapURL(value)
	case "radiusservers", "radiusports", "radiussecrets", "radiusidentifiers":
		return p.radiusList(name, value)
	}
	return nil
}

// clientCert checks the value; 1, 0 and no-verify were removed in 14.
func (p *parser) clientCert(value string) *fault {
	cert := p.record.Method == "cert"
	switch {
	case value == "verify-full", value == "verify-ca" && (!cert || p.Version < 14):
	case value == "verify-ca":
		return refused(`clientcert can only be set to "verify-full" when using "cert" authentication`)
	case p.Version < 14 && value == "1":
	case p.Version < 14 && (value == "0" || value == "no-verify"):
		if cert {
			return refused(`clientcert cannot be set to "no-verify" when using "cert" authentication`)
		}
	default:
		return silent(`invalid value for clientcert: "%s"`, value)
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

// oauth checks the options, and the validator against the setting
// oauth_validator_libraries (auth-oauth.c check_oauth_validator).
func (p *parser) oauth() *fault {
	if fault := p.need("scope", "issuer"); fault != nil {
		return fault
	}
	if fault := p.validator(); fault != nil {
		return fault
	}
	if value, _ := p.record.Option("delegate_ident_mapping"); value == "1" && p.has("map") {
		return refused("map cannot be used in combination with delegate_ident_mapping")
	}
	return nil
}

func (p *parser) validator() *fault {
	p.record.Warning = "" // check_oauth_validator begins by forgetting what was said
	allowed := p.Server.Validators
	name, set := p.record.Option("validator")
	switch {
	case allowed == nil:
		return nil
	case len(allowed) == 0:
		return refused("oauth_validator_libraries must be set for authentication method oauth")
	case !set && len(allowed) > 1:
		return refused(`authentication method "oauth" requires argument "validator" to be set when oauth_validator_libraries contains multiple options`)
	case !set:
		p.record.validator = allowed[0]
	case !slices.Contains(allowed, name):
		return refused(`validator "%s" is not permitted by oauth_validator_libraries`, name)
	}
	return nil
}

// atoi is C's: leading blanks, a sign, digits until the first other byte; zero where
// there are none.
func atoi(text string) int {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[0] == '-' || text[0] == '+')) {
		end++
	}
	n, _ := strconv.ParseInt(text[:end], 10, 64) // out of range it is the nearest there is
	return int(int32(n))                         //nolint:gosec // as the cast of C's strtol does
}
