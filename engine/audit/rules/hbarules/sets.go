package hbarules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/regions"
	"github.com/pgmoat/pgmoat/model/hba"
)

// budget is the work of one question about one file: a second or two.
const budget = 20_000_000

// context is what is known of the server when attempts are reasoned about as sets.
func (f file) context() regions.Context {
	return regions.Context{Roles: f.server.RoleSet, Budget: budget}
}

// covers reports whether the lines together match every attempt that r does; not known is
// false. It is about what they say, whether the server has them or not.
func (f file) covers(r hba.Record, by ...hba.Record) bool {
	records := append(slices.Clone(by), r)
	for i := range records {
		records[i].Maybe = ""
	}
	shadows, err := regions.Shadowed(hba.File{Version: f.hba.Version, Records: records}, f.context())
	if err != nil {
		return false
	}
	for _, s := range shadows {
		if s.Record == len(by) {
			return !s.Undecided
		}
	}
	return false
}

// exactly asks for all attempts from other machines that end at the record, where
// single witnesses left it open. All records are asked about at once.
func (f file) exactly(r *hba.Record, pr probe) reached {
	known, ok := f.exact[pr]
	if !ok {
		known = f.reachable(pr)
		f.exact[pr] = known
	}
	if known == nil {
		return perhaps
	}
	return known[r]
}

// reachable tells of every record whether an attempt of the probe's ends there; nil where
// that is too much to find out.
func (f file) reachable(pr probe) map[*hba.Record]reached {
	found, err := regions.Reach(f.hba, f.context(), f.within(pr), func(r *hba.Record) bool { return r.Method != "reject" })
	if err != nil || found.Incomplete {
		return nil
	}
	out := map[*hba.Record]reached{}
	for _, region := range found.Regions {
		if onlyHere(region) {
			continue
		}
		how := perhaps
		if len(region.Conditions) == 0 {
			how = surely
		}
		out[region.Old.Record] = max(out[region.Old.Record], how)
	}
	return out
}

// within is the probe as a record.
func (f file) within(pr probe) *hba.Record {
	out := &hba.Record{Type: hba.Host, Method: "trust", Address: hba.Address{Kind: hba.AnyAddress},
		Databases: []hba.Token{{Text: "all"}, {Text: "replication"}}, Users: []hba.Token{{Text: "all"}}}
	if pr.plainOnly || !f.tls {
		out.Type = hba.HostNoSSL
	}
	if pr.user != "" {
		out.Users = []hba.Token{{Text: pr.user, Quoted: true}}
	}
	return out
}

// onlyHere reports whether a region's clients are on the server's own host.
func onlyHere(r regions.Region) bool {
	for _, c := range r.Conditions {
		if c.Kind == regions.SameHost && c.Holds {
			return true
		}
	}
	for _, p := range r.Addresses.Prefixes {
		if !p.Addr().IsLoopback() {
			return false
		}
	}
	return len(r.Addresses.Cubes) == 0
}

// tried writes an attempt: "app on database ledger from 10.0.0.1 without TLS".
func tried(a regions.Attempt) string {
	var b strings.Builder
	b.WriteString(name(a.User))
	if a.Replication {
		b.WriteString(" for physical replication")
	} else {
		fmt.Fprintf(&b, " on database %s", name(a.Database))
	}
	switch a.Transport {
	case regions.Socket:
		b.WriteString(" over the socket")
	case regions.Plain:
		fmt.Fprintf(&b, " from %s without TLS", a.Address)
	case regions.TLS:
		fmt.Fprintf(&b, " from %s over TLS", a.Address)
	case regions.GSS:
		fmt.Fprintf(&b, " from %s over GSSAPI", a.Address)
	}
	word := ", if "
	for _, c := range a.Conditions {
		b.WriteString(word + supposed(c))
		word = " and "
	}
	return b.String()
}

// name quotes what would not be read as a name.
func name(text string) string {
	if text == "" || strings.ContainsAny(text, " \t\r\n,\"#'") {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// supposed writes what an attempt supposes.
func supposed(c regions.Condition) string {
	not := ""
	if !c.Holds {
		not = "not "
	}
	switch c.Kind {
	case regions.MemberOf:
		return "they are " + not + "a member of " + c.Name
	case regions.MemberOfDatabase:
		return "they are " + not + "a member of a role named like the database"
	case regions.UserExists:
		return "the role does " + not + "exist"
	case regions.UserMatches, regions.DatabaseMatches:
		return "the name does " + not + "match /" + c.Name
	case regions.ClientName:
		return "the client's name in DNS is " + not + c.Name
	case regions.SameHost:
		return "the client is " + not + "the server's own host"
	case regions.SameNet:
		return "the client is " + not + "in a network of the server's"
	case regions.FromPods:
		return "the client is " + not + "one of the pods of " + c.Name
	case regions.LineIsThere:
		return fmt.Sprintf("the server has %sthe line %q", map[bool]string{false: "not "}[c.Holds], c.Name)
	}
	return "it is " + not + "so"
}
