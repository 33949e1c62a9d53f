package hbarules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1010 finds lines, and names in their lists, that no session can match. Lines that
// are cut off by others are HBA1006's.
var HBA1010 = &audit.Rule{
	ID:       "HBA1010",
	Title:    "a pg_hba line that can never match",
	Severity: audit.High,
	Why: `PostgreSQL loads many lines that match nothing, and says nothing: an address with a
number too large is a host name, "all" in quotes or ALL in capitals is a name,
+ alone is a group without a name, no name is longer than 63 bytes, and hostssl
needs ssl to be on. What the line was to admit falls through, and so does what it
was to reject.`,
	Bad:   "host all all 10.0.0.300 scram-sha-256\nhost all all all reject\n",
	Good:  "host all all 10.0.0.30/32 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		eachLine(p, func(f file, r *hba.Record) {
			why := f.transport(r)
			if why == "" {
				why = f.noClient(r)
			}
			if why != "" {
				out := f.about(r, true, "no session ever matches %s in %s: %s", words.Quoted(r), f.name(), why)
				out.Fix = "correct the line, or delete it"
				if selects(r.Address.Name) {
					out.Fix = "name the selector in spec.podSelectorRefs, and the name in the line: ${podselector:NAME}"
				}
				p.Report(out)
			}
			f.nobody(p, r, "database", r.Databases, f.noDatabase)
			f.nobody(p, r, "role", r.Users, f.noRole)
		})
	},
}

// transport says why no connection is of the line's type.
func (f file) transport(r *hba.Record) string {
	switch {
	case r.Warning != "":
		return r.Warning
	case r.Type == hba.HostSSL && !f.tls && !f.ends:
		return "it asks for TLS, which the server does not offer"
	case r.Type == hba.HostGSSEnc && !f.postgres():
		return "a pooler knows no GSSAPI encryption"
	}
	return ""
}

// noClient says why no client has the line's address.
func (f file) noClient(r *hba.Record) string {
	a := r.Address
	switch {
	case a.Kind == hba.Net && a.Base.Is4In6():
		return a.String() + " are IPv4 addresses written as IPv6, which no client has: the server sees them as IPv4"
	case a.Kind != hba.HostName:
		return ""
	}
	name := a.Name
	switch {
	case name == "":
		return "the address is empty"
	case isKeyword(name, "all", "samehost", "samenet"):
		return fmt.Sprintf("%s is a host name here: the keyword is %s, without quotes and in lower case", a, strings.ToLower(name))
	case hba.LikeAddress(name):
		return fmt.Sprintf("%s is no address, and so a host name, but no host has a name of numbers", name)
	case selects(name):
		return fmt.Sprintf("%s is the name of a host here, which none has: CloudNativePG replaces ${podselector:NAME} alone, in the address field and "+
			"from 1.29 on, where NAME is an entry of spec.podSelectorRefs", a)
	case strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		return fmt.Sprintf("%s is no address, and so a host name, but no host has such a name", a)
	}
	return ""
}

// selects reports whether the text was to select pods, in a spelling that is no reference.
func selects(text string) bool { return strings.Contains(strings.ToLower(text), "podselector") }

func isKeyword(text string, keywords ...string) bool {
	return slices.ContainsFunc(keywords, func(k string) bool { return strings.EqualFold(k, text) })
}

// nobody reports the names of a list that nothing is called.
func (f file) nobody(p *audit.Pass, r *hba.Record, what string, list []hba.Token, why func(hba.Token) string) {
	for _, t := range list {
		if reason := why(t); reason != "" {
			out := f.about(r, true, "no %s ever matches %s in %s of %s: %s", what, t, words.Quoted(r), f.name(), reason)
			out.Fix = "correct the name, or take it out"
			p.Report(out)
		}
	}
}

// noName says why nothing is called like the token.
func (f file) noName(t hba.Token) string {
	switch {
	case t.Regexp != nil:
		if l, ok := t.Regexp.Language(); ok {
			if _, some := l.Example(maxName, nil); !some {
				return "no name matches the expression"
			}
		}
	case t.Text == "":
		return "it is empty"
	case len(t.Text) > maxName:
		return fmt.Sprintf("it has %d bytes, and names are cut to %d before they are compared", len(t.Text), maxName)
	case strings.HasPrefix(t.Text, "/") && f.version() < 16:
		return "it is an expression from PostgreSQL 16 on, and a name before"
	}
	return ""
}

func (f file) noDatabase(t hba.Token) string {
	if why := misspelled(t, "all", "sameuser", "samerole", "samegroup", "replication"); why != "" && !t.Is("replication") {
		return why
	}
	return f.noName(t)
}

func (f file) noRole(t hba.Token) string {
	group, isGroup := t.Group()
	switch {
	case isGroup && group == "":
		return "+ needs the name of a role right behind it"
	case isGroup:
		return f.noName(hba.Token{Text: group, Quoted: true})
	case f.isRole(t.Text):
		return ""
	}
	if why := misspelled(t, "all"); why != "" {
		return why
	}
	return f.noName(t)
}

func (f file) isRole(name string) bool {
	if f.server.RoleSet == nil {
		return false
	}
	_, ok := f.server.RoleSet.Lookup(name)
	return ok
}

// misspelled knows names that were probably to be keywords. "replication" in quotes is
// how a database of that name is written.
func misspelled(t hba.Token, keywords ...string) string {
	lower := strings.ToLower(t.Text)
	switch {
	case !slices.Contains(keywords, lower):
		return ""
	case t.Quoted && lower == t.Text && lower != "replication":
		return "in quotes it is a name, and no keyword"
	case !t.Quoted && lower != t.Text:
		return "it is a name: the keyword is " + lower + ", in lower case"
	}
	return ""
}
