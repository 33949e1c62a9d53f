// Package hbarules holds the rules about what pg_hba.conf, the server's and the
// poolers', lets into authentication. They look for witnesses: a session that ends
// at a record is what makes the record dangerous, or alive.
package hbarules

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Rules are the family's, in the order of their numbers.
var Rules = []*audit.Rule{
	HBA1001, HBA1002, HBA1003, HBA1004, HBA1005, HBA1006, HBA1007, HBA1008, HBA1009, HBA1010,
	HBA1011, HBA1012, HBA1013, HBA1014, HBA1015, HBA1016, HBA1017, HBA1018, HBA1019, HBA1020,
	HBA1021, HBA1022, HBA1023, HBA1024, HBA1025, HBA1026, HBA1027, HBA1028, HBA1029, HBA1030,
	HBA1031, HBA1032, HBA1033, HBA1034, HBA1035, HBA1036,
}

// A file is one pg_hba.conf and how sessions come to it.
type file struct {
	server *snapshot.Server
	ref    snapshot.Ref // of the server, or of the pooler that has the file
	origin verdict.Origin
	hba    hba.File
	// sees are the addresses that it sees of clients over the network; empty when
	// another file decides them first.
	sees []snapshot.Sees
	// plain and tls say which transports its listener takes.
	plain, tls bool
	// ends says that TLS ends before the file is asked, so that it cannot tell.
	ends      bool
	podRanges []hba.Client
	sidecar   bool
	pooler    bool
	*found
}

// found is what has been worked out about a file: the answers of exactly, by probe,
// and the index.
type found struct {
	exact map[probe]map[*hba.Record]reached
	index *hba.Index
}

// decide finds the record that decides a session.
func (f file) decide(s hba.Session) hba.Result {
	if f.index == nil {
		f.index = hba.NewIndex(f.hba)
	}
	return f.index.Decide(&s)
}

// files lists those of all servers: of the server, of poolers inside its pods, and
// of its Poolers.
func files(world *snapshot.Snapshot) []file {
	var out []file
	ranges := podRanges(world)
	for _, s := range world.Servers {
		own := file{found: nothing(), server: s, ref: s.Ref(), origin: s.Origin, hba: s.HBA, podRanges: ranges,
			plain: true, tls: s.TLS.Enabled != verdict.Deny}
		for _, port := range s.Ports {
			if port.Pooler == nil {
				own.sees = append(own.sees, port.Sees)
				own.ends = own.ends || port.Terminates
				own.tls = own.tls && !port.Terminates
				continue
			}
			out = append(out, file{found: nothing(), server: s, ref: s.Ref(), origin: s.Origin, hba: *port.Pooler, podRanges: ranges,
				sees: []snapshot.Sees{snapshot.SeesClient}, plain: true, tls: !port.NoTLS, sidecar: true})
		}
		out = append(out, own)
		for _, p := range s.Poolers {
			out = append(out, file{found: nothing(), server: s, ref: p.Ref(), origin: p.Origin, hba: p.HBA, podRanges: ranges,
				sees: []snapshot.Sees{snapshot.SeesClient}, plain: true, tls: p.TLS.Enabled != verdict.Deny, pooler: true})
		}
	}
	return out
}

func nothing() *found { return &found{exact: map[probe]map[*hba.Record]reached{}} }

func podRanges(world *snapshot.Snapshot) []hba.Client {
	var out []hba.Client
	for _, p := range world.Facts.PodCIDRs {
		out = append(out, hba.ClientWithin(p))
	}
	return out
}

// each visits the files that the server would load; the others are not checked.
func each(p *audit.Pass, visit func(file)) {
	for _, f := range files(p.World) {
		if len(f.hba.Errors) > 0 {
			f.notInForce(p, f.hba.Errors, "the file", "which rules are in force is not known: ")
			continue
		}
		visit(f)
	}
}

// notInForce says that a file with errors is not checked. In an estate some other rules
// are in force than those of the file; of a bare file it is known that its are not.
func (f file) notInForce(p *audit.Pass, errs []hba.Error, what, unknown string) {
	sure := func(e hba.Error) bool { return !e.Missing }
	if i := slices.IndexFunc(errs, sure); i >= 0 && f.bare() {
		_, message := errs[i].Shown()
		p.Useless(f.ref, "the server would not load "+what+": "+message)
		return
	}
	_, message := errs[0].Shown()
	p.Skip(f.ref, unknown+message)
}

// eachLine visits the lines that a person wrote, also those of files that the server
// refuses for another line: what a line says by itself it says all the same.
func eachLine(p *audit.Pass, visit func(file, *hba.Record)) {
	for _, f := range files(p.World) {
		for _, r := range f.own() {
			visit(f, r)
		}
	}
}

// name says which file it is.
func (f file) name() string {
	switch {
	case f.sidecar:
		return "the pooler in the pods of " + f.ref.String()
	case f.bare():
		return f.ref.Name
	}
	return "pg_hba.conf of " + f.ref.String()
}

// bare reports whether there is only a file, without any manifest.
func (f file) bare() bool { return f.server.Operator == snapshot.BareFile }

// postgres reports whether the file is the server's, and not a pooler's.
func (f file) postgres() bool { return !f.sidecar && !f.pooler && f.hba.Dialect != hba.PgBouncer }

// version is the major version that reads the file.
func (f file) version() int { return cmp.Or(f.hba.Version, hba.Newest) }

// own lists the records that a person wrote.
func (f file) own() []*hba.Record {
	var out []*hba.Record
	for i := range f.hba.Records {
		if words.Written(&f.hba.Records[i]) {
			out = append(out, &f.hba.Records[i])
		}
	}
	return out
}

// edit is what a person would edit about a record: itself, or for one that the
// operator writes the place of the user's lines.
func (f file) edit(r *hba.Record) (at verdict.Origin, also []verdict.Origin) {
	if r.Origin.Object != "" || words.Written(r) {
		return r.Origin, nil
	}
	at = f.origin
	if own := f.own(); len(own) > 0 {
		at = own[len(own)-1].Origin
	}
	return at, []verdict.Origin{r.Origin}
}

// finding is one about a record of the file.
func (f file) finding(r *hba.Record, certain bool) audit.Finding {
	at, also := f.edit(r)
	return audit.Finding{Subject: f.ref, Origin: at, Also: also, Certain: certain}
}

// about is a finding about one line that a person wrote.
func (f file) about(r *hba.Record, certain bool, message string, args ...any) audit.Finding {
	out := f.finding(r, certain)
	out.Message = fmt.Sprintf(message, args...)
	return out
}

// line names a record as people would look for it.
func line(r *hba.Record) string {
	if r.Origin.Note != "" {
		return words.Quoted(r) + ", " + r.Origin.Note + ","
	}
	return words.Quoted(r)
}

// where is how a person reaches the file: the list that has lines of theirs already, or
// the operator's usual one.
func (f file) where() string {
	if own := f.own(); len(own) > 0 {
		last := own[len(own)-1].Origin.Field
		if list := last[:max(strings.LastIndexByte(last, '['), 0)]; strings.HasPrefix(list, "spec.") && strings.HasSuffix(last, "]") {
			return list
		}
	}
	if f.pooler && f.server.Operator == snapshot.CloudNativePG {
		return "spec.pgbouncer.pg_hba"
	}
	if list, ok := lists[f.server.Operator]; ok && f.postgres() {
		return list
	}
	if f.bare() {
		return f.ref.Name
	}
	return "pg_hba.conf"
}

// ruleList is a list of rules, of which each may be a line.
const ruleList = "spec.authentication.rules"

// lists are where users write lines, by operator.
var lists = map[string]string{
	snapshot.CloudNativePG: "spec.postgresql.pg_hba", snapshot.StackGres: "spec.configurations.patroni.dynamicConfig.postgresql.pg_hba",
	snapshot.Zalando: "spec.patroni.pg_hba", snapshot.Crunchy: ruleList, snapshot.Percona: ruleList,
}

// listed writes lines as entries of a manifest's list, or as they are.
func (f file) listed(lines ...string) string {
	before := ""
	switch where := f.where(); {
	case where == ruleList:
		before = "- hba: "
	case strings.HasPrefix(where, "spec."):
		before = "- "
	}
	out := ""
	for _, l := range lines {
		for _, each := range f.spelledOut(l) {
			out += "\n" + before + each
		}
	}
	return out
}

// spelledOut are what a line for every address is as any PgBouncer takes it: before 1.23 it
// does not know the word all there (PgBouncer changelog, 1.23.0). Elsewhere it is itself.
func (f file) spelledOut(line string) []string {
	if f.hba.Dialect != hba.PgBouncer {
		return []string{line}
	}
	read := hba.Parse([]hba.Source{{Text: line}}, hba.Newest).Records
	if len(read) != 1 || read[0].Type == hba.Local || read[0].Address.Kind != hba.AnyAddress {
		return []string{line}
	}
	var out []string
	for _, all := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		r := read[0]
		r.Address = hba.Address{Kind: hba.Net, Base: all, Mask: all}
		out = append(out, r.String())
	}
	return out
}
