package hbarules

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// anybody are clients of whom nothing speaks: an address of either family that no
// file is likely to name (RFC 5737, RFC 3849).
var anybody = []hba.Client{
	remote(hba.ClientAt(netip.MustParseAddr("203.0.113.77"))),
	remote(hba.ClientAt(netip.MustParseAddr("2001:db8::4d"))),
}

// remote says of a client that it is another machine than the server.
func remote(c hba.Client) hba.Client {
	c.ServerHost = netpol.No
	return c
}

// onHost is a client on the server's own host.
func onHost(addr string) hba.Client {
	c := hba.ClientAt(netip.MustParseAddr(addr))
	c.ServerHost, c.ServerNet = netpol.Yes, netpol.Yes
	return c
}

// reached says how surely some session over the network ends at the record.
type reached uint8

const (
	never reached = iota
	perhaps
	surely
)

// A probe limits the sessions that may serve as a witness; its zero value is all.
type probe struct {
	plainOnly bool
	user      string // one role; "" for those that the record names
}

// reach looks for a session over the network that ends at the record, by narrow
// witnesses first: a known address is what makes the answer certain.
func (f file) reach(r *hba.Record, pr probe) reached {
	best, open := never, false
	for _, s := range f.sessions(r, pr) {
		if open = open || f.large() && !s.Definite(); open && !s.Definite() {
			continue
		}
		result := f.decide(s)
		if !slices.Contains(result.Candidates, r) {
			continue
		}
		if result.Certain() {
			return surely
		}
		best = perhaps
	}
	if (best == perhaps || open) && r.Method != "reject" && slices.Contains(f.sees, snapshot.SeesClient) {
		return f.exactly(r, pr)
	}
	if open {
		return perhaps
	}
	return best
}

// large reports whether the file is one in which not every record can be asked about
// every other one: then a session that an index does not help with is left to exactly.
func (f file) large() bool { return len(f.hba.Records) > 500 }

// sessions are attempts that the record itself matches, over every transport that
// the listener takes.
func (f file) sessions(r *hba.Record, pr probe) []hba.Session {
	var out []hba.Session
	for _, base := range f.arrivals(r) {
		for _, tls := range f.transports(pr) {
			for _, user := range f.users(r, pr) {
				for _, db := range f.databases(r, user) {
					s := base
					s.TLS, s.User, s.Database = tls && !s.Local, user, db.name
					s.Replication, s.Member = db.replication, f.member
					out = append(out, s)
				}
			}
		}
	}
	return out
}

func (f file) transports(pr probe) []bool {
	var out []bool
	if f.tls && !pr.plainOnly {
		out = append(out, true)
	}
	if f.plain {
		out = append(out, false)
	}
	return out
}

// arrivals are sessions as the file sees them, by where they come from.
func (f file) arrivals(r *hba.Record) []hba.Session {
	var out []hba.Session
	for _, sees := range f.sees {
		switch sees {
		case snapshot.SeesSocket:
			out = append(out, hba.Session{Local: true})
		case snapshot.SeesLoopback:
			out = append(out, hba.Session{Client: hba.Loopback()})
		case snapshot.SeesClient:
			for _, c := range f.clients(r.Address) {
				out = append(out, hba.Session{Client: c})
			}
		}
	}
	return out
}

// clients are addresses over the network that the field matches: single ones first,
// then all it holds.
func (f file) clients(a hba.Address) []hba.Client {
	switch a.Kind {
	case hba.AnyAddress:
		return append(slices.Clone(anybody), remote(hba.Client{}))
	case hba.Net:
		return f.inNet(a)
	case hba.Pods:
		return []hba.Client{selected(a)}
	case hba.HostName, hba.SameNet:
		return []hba.Client{remote(hba.Client{})}
	}
	return nil // samehost is never another machine
}

// everywhere is the file as if every listener showed it the client.
func (f file) everywhere() file {
	f.sees = []snapshot.Sees{snapshot.SeesClient}
	return f
}

// isLoopback reports whether the record is for nothing but loopback addresses, which
// 127.0.0.1 with a short mask is not.
func isLoopback(r *hba.Record) bool { return loopback(r.Address) }

func loopback(a hba.Address) bool {
	if a.Kind != hba.Net || !a.Base.IsLoopback() {
		return false
	}
	if a.Base.Is4() {
		return a.Mask.As4()[0] == 0xff
	}
	return a.Mask == netip.AddrFrom16([16]byte(bytes.Repeat([]byte{0xff}, 16)))
}

func (f file) inNet(a hba.Address) []hba.Client {
	if loopback(a) {
		return nil
	}
	var out []hba.Client
	in := func(ip netip.Addr) {
		if within(ip, a) {
			out = append(out, remote(hba.ClientAt(ip)))
		}
	}
	for _, c := range anybody {
		in(c.Prefixes[0].Addr())
	}
	for _, c := range f.podRanges {
		in(seventh(c.Prefixes[0].Addr()))
	}
	in(seventh(a.Base))
	in(a.Base)
	if p, ok := prefix(a); ok {
		return append(out, remote(hba.ClientWithin(p)))
	}
	return append(out, remote(hba.Client{}))
}

// seventh is an address a little above the first: 10.244.0.7.
func seventh(ip netip.Addr) netip.Addr {
	for range 7 {
		if next := ip.Next(); next.IsValid() {
			ip = next
		}
	}
	return ip
}

func within(ip netip.Addr, a hba.Address) bool {
	if ip.BitLen() != a.Base.BitLen() || ip.IsLoopback() {
		return false
	}
	x, base, mask := ip.AsSlice(), a.Base.AsSlice(), a.Mask.AsSlice()
	for i := range x {
		if (x[i]^base[i])&mask[i] != 0 {
			return false
		}
	}
	return true
}

// prefix is the field as a prefix, where its mask is one.
func prefix(a hba.Address) (netip.Prefix, bool) {
	bits, done := 0, false
	for _, b := range a.Mask.AsSlice() {
		for i := 7; i >= 0; i-- {
			one := b>>i&1 == 1
			if one && done {
				return netip.Prefix{}, false
			}
			done = done || !one
			if one {
				bits++
			}
		}
	}
	return netip.PrefixFrom(a.Base, bits).Masked(), true
}

// selected is a pod that the selection holds, as far as equalities tell.
func selected(a hba.Address) hba.Client {
	labels := netpol.Labels{Set: map[string]string{}}
	for _, r := range a.Pods {
		switch {
		case r.Op == netpol.In && len(r.Values) > 0:
			labels.Set[r.Key] = r.Values[0]
		case r.Op == netpol.Exists && labels.Set[r.Key] == "":
			labels.Set[r.Key] = "any"
		}
	}
	return hba.Client{Pod: true, Namespace: a.Namespace, Labels: labels, ServerHost: netpol.No}
}

// users are the roles that the record names, or the one that the probe asks about.
func (f file) users(r *hba.Record, pr probe) []hba.Name {
	if pr.user != "" {
		return []hba.Name{hba.Named(pr.user)}
	}
	var out []hba.Name
	for _, t := range r.Users {
		group, isGroup := t.Group()
		switch {
		case t.Is("all"):
			out = append(out, hba.AnyOther())
		case isGroup:
			out = append(out, f.membersOf(group)...)
		case t.Regexp != nil:
			out = append(out, spelled(t), hba.Name{})
		default:
			out = append(out, hba.Named(t.Text))
		}
	}
	return out
}

// membersOf are the members of a group. Where nobody listed roles, one that is not
// known is among them, and the group itself.
func (f file) membersOf(group string) []hba.Name {
	if f.server.RoleSet == nil {
		return []hba.Name{hba.Named(group), {}}
	}
	var out []hba.Name
	for _, name := range f.server.RoleSet.Names() {
		if f.server.RoleSet.Member(name, group) {
			out = append(out, hba.Named(name))
		}
	}
	return out
}

// spelled is a name that the expression matches, where one can be told.
func spelled(t hba.Token) hba.Name {
	if l, ok := t.Regexp.Language(); ok {
		if name, some := l.Example(maxName, nil); some {
			return hba.Named(name)
		}
	}
	return hba.Name{}
}

// maxName is NAMEDATALEN-1: no database or role has a longer name.
const maxName = 63

// A wanted is what a session asks for: a database, or physical replication.
type wanted struct {
	name        hba.Name
	replication bool
}

func (f file) databases(r *hba.Record, user hba.Name) []wanted {
	var out []wanted
	for _, t := range r.Databases {
		switch {
		case t.Regexp != nil:
			out = append(out, wanted{name: spelled(t)}, wanted{})
		case t.Quoted:
			out = append(out, wanted{name: hba.Named(t.Text)})
		case t.Text == "all":
			out = append(out, wanted{name: hba.AnyOther()})
		case t.Text == "replication":
			out = append(out, wanted{replication: true})
		case t.Text == "sameuser" && user.String() != hba.AnyOther().String():
			out = append(out, wanted{name: user})
		case t.Text == "sameuser", t.Text == "samerole", t.Text == "samegroup":
			out = append(out, wanted{})
		default:
			out = append(out, wanted{name: hba.Named(t.Text)})
		}
	}
	return out
}

// member answers +role from the list of roles, or from what manifests grant; SQL may
// have granted more.
func (f file) member(role, group string) hba.Match {
	if set := f.server.RoleSet; set != nil {
		if set.Member(role, group) {
			return hba.Yes
		}
		return hba.No
	}
	if role == group {
		return hba.Yes
	}
	for _, r := range f.server.Roles {
		if r.Name == role && slices.Contains(r.MemberOf, group) {
			return hba.Yes
		}
	}
	return hba.Unsure
}
