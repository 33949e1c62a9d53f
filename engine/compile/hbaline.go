package compile

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An hbaLine is a record that is to be, with why.
type hbaLine struct {
	record  hba.Record
	comment string
	// origin is the part of the intent that asks for it; zero for lines of vital flows.
	origin verdict.Origin
	// pods are those of the pooler that the line is for; nil for a line about clients.
	pods []*snapshot.Pod
}

func (l hbaLine) text() string { return l.record.Text() }

// anyAddress is every client's.
var anyAddress = hba.Address{Kind: hba.AnyAddress}

// netAddress is a range.
func netAddress(p netip.Prefix) hba.Address {
	return hba.Address{Kind: hba.Net, Base: p.Masked().Addr(), Mask: maskOf(p)}
}

// maskOf is the mask of a prefix.
func maskOf(p netip.Prefix) netip.Addr {
	ones := make([]byte, p.Addr().BitLen()/8)
	for i := range ones {
		ones[i] = 0xff
	}
	all, _ := netip.AddrFromSlice(ones)
	return netip.PrefixFrom(all, p.Bits()).Masked().Addr()
}

// keyword is a word of a list that is not a name.
func keyword(words ...string) []hba.Token {
	out := make([]hba.Token, len(words))
	for i, w := range words {
		out[i] = hba.Token{Text: w}
	}
	return out
}

// refusal is a record that lets nobody in.
func refusal(t hba.Type, users []hba.Token, address hba.Address, databases ...string) hba.Record {
	return hba.Record{Type: t, Databases: keyword(databases...), Users: users, Address: address, Method: "reject"}
}

// narrowFirst orders lines so that each client meets the one that is about fewest others:
// "the first record with a matching connection type, client address, requested database,
// and user name is used". Of two that are about the same clients the one that asks for
// more comes first, but for one that selects the pods of a pooler and no others: behind a
// line for all pods of the namespace that asks for a certificate the pooler, which has none
// to show, would be refused.
func narrowFirst(a, b hbaLine) int {
	return cmp.Or(width(a.record.Address)-width(b.record.Address), a.besidesPooler()-b.besidesPooler(), demand(b.record)-demand(a.record),
		cmp.Compare(b.record.Type, a.record.Type), cmp.Compare(a.text(), b.text()), cmp.Compare(a.comment, b.comment))
}

// besidesPooler is zero for a line that selects the pods of a pooler and no others.
func (l hbaLine) besidesPooler() int {
	if l.pods != nil && l.record.Address.Kind == hba.Pods {
		return 0
	}
	return 1
}

// width says how many clients an address is about, of which addresses of pods are fewest.
func width(a hba.Address) int {
	switch a.Kind {
	case hba.Pods:
		return 0
	case hba.Net:
		p, _ := a.Prefix()
		return 1 + p.Addr().BitLen() - p.Bits()
	}
	return 1000
}

// demand says how much a record asks for.
func demand(r hba.Record) int {
	switch {
	case r.ClientCert() == hba.VerifyFull && r.Method != "cert":
		return 3
	case r.Method == "cert":
		return 2
	}
	return 1
}

// overlap reports whether two addresses have clients in common, as far as they tell: pods
// that are selected are of the server's namespace, and those of a range are others.
func overlap(a, b hba.Address) bool {
	if a.Kind == hba.Pods || b.Kind == hba.Pods {
		return false
	}
	p, isNet := a.Prefix()
	q, alsoNet := b.Prefix()
	return !isNet || !alsoNet || p.Overlaps(q)
}

// sameAsked reports whether two records are about a role and a database in common.
func sameAsked(a, b hba.Record) bool {
	return slices.Equal(a.Users, b.Users) &&
		slices.ContainsFunc(a.Databases, func(t hba.Token) bool { return slices.Contains(b.Databases, t) })
}

// merged joins lines that are the same record, with all their reasons.
func merged(lines []hbaLine) []hbaLine {
	var out []hbaLine
	at := map[string]int{}
	for _, l := range lines {
		text := l.text()
		i, known := at[text]
		switch {
		case !known:
			at[text] = len(out)
			out = append(out, l)
		case l.comment != "" && out[i].comment != l.comment:
			out[i].comment += "\n" + l.comment
		}
	}
	return out
}
