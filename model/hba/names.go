package hba

import (
	"net/netip"
	"slices"
	"strings"
)

// Literals returns the names that a list of tokens spells out: no keyword, no
// +group, no expression. A quoted keyword is a name.
func Literals(tokens []Token, keywords ...string) []string {
	var out []string
	for _, t := range tokens {
		switch {
		case !t.Quoted && (slices.Contains(keywords, t.Text) || strings.HasPrefix(t.Text, "+")):
		case t.Text == "" || strings.HasPrefix(t.Text, "/"):
		default:
			out = append(out, t.Text)
		}
	}
	return out
}

// Prefix returns the network of a Net address whose mask is one of a prefix.
func (a Address) Prefix() (netip.Prefix, bool) {
	if a.Kind != Net {
		return netip.Prefix{}, false
	}
	length, ok := maskLength(a.Mask)
	if !ok {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a.Base, length).Masked(), true
}

// AsksForPods reports whether some record depends on which pod the client is, and
// not only on its address.
func (f File) AsksForPods() bool {
	return slices.ContainsFunc(f.Records, func(r Record) bool { return r.Address.Kind == Pods })
}

// From returns the file without the records that no TCP session of the client can
// meet, whatever its database and user: it decides such sessions the same.
func (f File) From(c Client) File {
	out := f
	out.Records = nil
	for _, r := range f.Records {
		if r.Type != Local && r.Address.match(&c) != No {
			out.Records = append(out.Records, r)
		}
	}
	return out
}
