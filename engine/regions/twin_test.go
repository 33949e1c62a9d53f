package regions

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/are"
	"github.com/pgmoat/pgmoat/model/hba"
)

// The dull twin: one attempt in a world where everything is known, and the rules of
// hba.c read off one by one.

type sample struct {
	Attempt
	named    map[string]bool // of the certificate: by which naming it is the user's; nil: none
	exists   bool            // the user, where roles are not known
	groups   []string        // that it is a member of, where roles are not known
	hostName string
	sameHost bool
	sameNet  bool
	pods     bool
	lines    map[string]bool // which of those that may not be there are; nil: as salt has it
	salt     string
}

func (s sample) String() string {
	return fmt.Sprintf("%s %s db=%q repl=%t user=%q cert=%v exists=%t groups=%v name=%q samehost=%t samenet=%t pods=%t",
		s.Transport, s.Address, s.Database, s.Replication, s.User, s.named, s.exists, s.groups, s.hostName, s.sameHost, s.sameNet, s.pods)
}

func (s sample) member(ctx Context, group string) bool {
	switch {
	case ctx.Roles != nil:
		return ctx.Roles.Member(s.User, group)
	case group == s.User:
		return s.exists
	}
	return s.exists && slices.Contains(s.groups, group)
}

var compiled = map[string]*are.Regexp{}

func matches(expr, text string) bool {
	re := compiled[expr]
	if re == nil {
		var err error
		if re, err = are.Compile(expr); err != nil {
			panic(err)
		}
		compiled[expr] = re
	}
	out, known := re.Match(text)
	if !known {
		panic("unknown " + expr)
	}
	return out
}

func dullName(t hba.Token, name string, version int) bool {
	if strings.HasPrefix(t.Text, "/") && version >= 16 {
		return matches(t.Text[1:], name)
	}
	return t.Text == name
}

func dullDatabase(ctx Context, s sample, t hba.Token, version int) bool {
	bare := func(word string) bool { return !t.Quoted && t.Text == word }
	switch {
	case s.Replication:
		return bare("replication")
	case bare("all"):
		return true
	case bare("sameuser"):
		return s.Database == s.User
	case bare("samerole"), bare("samegroup"):
		return s.member(ctx, s.Database)
	case bare("replication"):
		return false
	}
	return dullName(t, s.Database, version)
}

func dullUser(ctx Context, s sample, t hba.Token, version int) bool {
	switch {
	case !t.Quoted && t.Text == "+":
		return false
	case !t.Quoted && strings.HasPrefix(t.Text, "+"):
		return s.member(ctx, t.Text[1:])
	case !t.Quoted && t.Text == "all":
		return true
	}
	return dullName(t, s.User, version)
}

func dullAddress(ctx Context, s sample, r hba.Record) bool {
	switch a := r.Address; a.Kind {
	case hba.AnyAddress:
		return true
	case hba.Net:
		if a.Base.BitLen() != s.Address.BitLen() {
			return false
		}
		c, b, m := s.Address.AsSlice(), a.Base.AsSlice(), a.Mask.AsSlice()
		for i := range c {
			if (c[i]^b[i])&m[i] != 0 {
				return false
			}
		}
		return true
	case hba.SameHost:
		if ctx.Interfaces == nil {
			return s.sameHost
		}
		return slices.ContainsFunc(ctx.Interfaces, func(p netip.Prefix) bool { return p.Addr() == s.Address })
	case hba.SameNet:
		if ctx.Interfaces == nil {
			return s.sameNet || s.Address.IsLoopback()
		}
		return slices.ContainsFunc(ctx.Interfaces, func(p netip.Prefix) bool { return p.Masked().Contains(s.Address) })
	case hba.HostName:
		return dullHost(a.Name, s.hostName)
	case hba.Pods:
		return s.pods
	}
	return false
}

func dullHost(pattern, name string) bool {
	if name == "" {
		return false
	}
	pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	if strings.HasPrefix(pattern, ".") {
		return strings.HasSuffix(name, pattern)
	}
	return name == pattern
}

func dullMatch(ctx Context, s sample, r hba.Record, version int) bool {
	switch r.Type {
	case hba.Local:
		if s.Transport != Socket {
			return false
		}
	case hba.HostSSL:
		if s.Transport != TLS {
			return false
		}
	case hba.HostGSSEnc:
		if s.Transport != GSS {
			return false
		}
	case hba.HostNoSSL:
		if s.Transport != Plain && s.Transport != GSS {
			return false
		}
	case hba.HostNoGSSEnc:
		if s.Transport != Plain && s.Transport != TLS {
			return false
		}
	case hba.Host:
		if s.Transport == Socket {
			return false
		}
	}
	return (s.Transport == Socket || dullAddress(ctx, s, r)) &&
		slices.ContainsFunc(r.Databases, func(t hba.Token) bool { return dullDatabase(ctx, s, t, version) }) &&
		slices.ContainsFunc(r.Users, func(t hba.Token) bool { return dullUser(ctx, s, t, version) })
}

func version(f hba.File) int {
	if f.Version == 0 {
		return hba.Newest
	}
	return f.Version
}

// there says whether the server has a line that it may not have.
func (s sample) there(name string) bool {
	if s.lines != nil {
		return s.lines[name]
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.salt + name))
	return h.Sum32()%2 == 0
}

// dullDecide returns the index of the record that decides, -1 for none.
func dullDecide(ctx Context, s sample, f hba.File) int {
	doubted := map[string]int{}
	for i, r := range f.Records {
		if r.Maybe != "" {
			name := r.String()
			if doubted[name]++; doubted[name] > 1 {
				name += fmt.Sprint(" #", doubted[name])
			}
			if !s.there(name) {
				continue
			}
		}
		if dullMatch(ctx, s, r, version(f)) {
			return i
		}
	}
	return -1
}

func dullNaming(r *hba.Record) string {
	if r == nil || r.ClientCert() != hba.VerifyFull {
		return ""
	}
	name, _ := r.Option("clientname")
	if name == "" {
		name = "CN"
	}
	return name + "/" + r.Map()
}

// dullEnd returns the kind of the outcome, and what else of it matters.
func dullEnd(s sample, r *hba.Record) (Kind, string) {
	if r == nil {
		return NoEntry, ""
	}
	method := r.Method
	if method != "cert" && r.Map() != "" {
		method += " map=" + r.Map()
	}
	switch {
	case r.ClientCert() != hba.NoClientCert && s.named == nil:
		return CertificateRequired, ""
	case r.Method == "reject":
		return Reject, ""
	case r.ClientCert() == hba.VerifyFull && !s.named[dullNaming(r)]:
		return CertificateRefused, method
	}
	if r.Method == "ldap" || r.Method == "pam" {
		return Cleartext, method
	}
	return Kind(r.Method), method
}

func recordAt(f hba.File, i int) *hba.Record {
	if i < 0 {
		return nil
	}
	return &f.Records[i]
}

// The twin's reading of regions.

func inNames(s NameSet, name string, user *string) bool {
	if user != nil && s.SameAsUser && name == *user || slices.Contains(s.Names, name) {
		return true
	}
	if slices.Contains(s.Except, name) || user != nil && s.NotUser && name == *user {
		return false
	}
	return slices.ContainsFunc(s.Rest, func(r Rest) bool {
		return !slices.ContainsFunc(r.Matching, func(e string) bool { return !matches(e, name) }) &&
			!slices.ContainsFunc(r.NotMatching, func(e string) bool { return matches(e, name) })
	})
}

func (s sample) holds(ctx Context, c Condition) bool {
	switch c.Kind {
	case MemberOf:
		return s.member(ctx, c.Name)
	case MemberOfDatabase:
		return s.member(ctx, s.Database)
	case UserExists:
		return s.member(ctx, s.User)
	case UserMatches:
		return matches(c.Name, s.User)
	case DatabaseMatches:
		return matches(c.Name, s.Database)
	case ClientName:
		return dullHost(c.Name, s.hostName)
	case SameHost:
		return s.sameHost
	case SameNet:
		return s.sameNet
	case FromPods:
		return s.pods
	case LineIsThere:
		return s.there(c.Name)
	}
	panic(c.Kind)
}

func (s sample) certificate(old, next *hba.Record) Certificates {
	if s.Transport != TLS || s.named == nil {
		return NoCertificate
	}
	a, b := dullNaming(old), dullNaming(next)
	if a == "" {
		a = b
	}
	if b == "" {
		b = a
	}
	switch x, y := s.named[a], s.named[b]; {
	case x && y:
		return OfUser
	case x:
		return OfUserByOld
	case y:
		return OfUserByNew
	}
	return OfOther
}

func (s sample) in(ctx Context, r Region) bool {
	if !r.Transports.Has(s.Transport) || !inNames(r.Users, s.User, nil) {
		return false
	}
	if s.Replication && !r.Databases.Replication || !s.Replication && !inNames(r.Databases, s.Database, &s.User) {
		return false
	}
	if s.Transport != Socket && !r.Addresses.Contains(s.Address) {
		return false
	}
	return s.certificate(r.Old.Record, r.New.Record)&r.Certificates != 0 &&
		!slices.ContainsFunc(r.Conditions, func(c Condition) bool { return s.holds(ctx, c) != c.Holds })
}

// sources are the lines of a text; one that ends in "# maybe" may not be there.
func sources(text string) []hba.Source {
	var out []hba.Source
	for l := range strings.Lines(text) {
		s := hba.Source{Text: strings.TrimSuffix(l, "\n")}
		if strings.HasSuffix(s.Text, "# maybe") {
			s.Maybe = "the version"
		}
		out = append(out, s)
	}
	return out
}

func parse(t testing.TB, text string, version int) hba.File {
	t.Helper()
	f := hba.Parse(sources(text), version)
	for i := range f.Records { // which no file can name
		if a := &f.Records[i].Address; a.Kind == hba.HostName && a.Name == "pods.test" {
			*a = hba.Address{Kind: hba.Pods, Namespace: "ns", Name: "app"}
		}
	}
	for _, e := range f.Errors {
		t.Fatalf("%s\n%s", e.Message, text)
	}
	return f
}

func sorted(set map[string]bool) []string {
	var out []string
	for s := range set {
		out = append(out, s)
	}
	sort.Strings(out)
	return out
}
