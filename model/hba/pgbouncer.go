package hba

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Dialect is a program's way of reading such a file. The zero value is PostgreSQL's.
type Dialect uint8

// The dialects.
const (
	PostgreSQL Dialect = iota
	PgBouncer
)

// String returns the program's name.
func (d Dialect) String() string {
	if d == PgBouncer {
		return "PgBouncer"
	}
	return "PostgreSQL"
}

// A PgBouncerInput is the file of auth_hba_file, and what the meaning of it depends
// on. It is asked only where auth_type is hba.
type PgBouncerInput struct {
	// Release is the release of PgBouncer: "1.18.0", "1.24". Where it is not known, "",
	// and releases differ, records say so in Maybe.
	Release string
	// Path is where PgBouncer has the file; those that it names are beside it.
	Path string
	// Sources are the file's lines. Nothing replaces addresses in such a file, so that
	// theirs are not looked at.
	Sources []Source
	// Files is where files are that others name; nil: nothing is known of any.
	Files authfile.Files
	// Maps are the names of the maps in the file of auth_ident_file; empty where there
	// is none, nil where that is not known.
	Maps []string
}

// ParsePgBouncer reads an auth_hba_file of which only the lines are known, as this
// release of PgBouncer does; "" is a release that is not known.
func ParsePgBouncer(lines []Source, release string) File {
	return ReadPgBouncer(PgBouncerInput{Sources: lines, Release: release})
}

// likePgBouncer is the version of PostgreSQL that cuts lines into fields as PgBouncer
// does, but for quotes: it continues no line and knows no include.
const likePgBouncer = 13

// ReadPgBouncer reads an auth_hba_file as PgBouncer does. Its format is that of
// pg_hba.conf, but the parser is its own [pgbouncer src/hba.c]: a line that it cannot
// read is passed over with a warning, at start and on reload alike, and the rest is in
// force; where no line matches the client is refused.
//
// Records are as PostgreSQL would have to have them to decide alike: one that asks for
// what PgBouncer never grants there has the method reject, whose Origin notes why, and a
// line with sameuser among its users may be several records.
func ReadPgBouncer(in PgBouncerInput) File {
	b := &bouncer{PgBouncerInput: in, release: releaseOf(in.Release),
		out: File{Dialect: PgBouncer, Version: likePgBouncer}}
	if b.Files == nil {
		b.Files = authfile.None{}
	}
	number := 0
	for i := range in.Sources {
		for text := range strings.SplitSeq(strings.TrimSuffix(in.Sources[i].Text, "\n"), "\n") {
			number++
			b.line(&in.Sources[i], text, number)
		}
	}
	return b.out
}

// A bouncer reads one file.
type bouncer struct {
	PgBouncerInput
	release bouncerRelease
	out     File
	named   int // how many files were read that others name
}

// line reads one line, which stands for itself: nothing continues it.
func (b *bouncer) line(source *Source, text string, number int) {
	l := &bouncerLine{bouncer: b, scan: scanBouncer(text), maybe: source.Maybe, number: number, record: Record{
		File: b.Path, Line: number, Raw: text, Origin: source.Origin, seq: number}}
	if l.record.Origin.IsZero() {
		l.record.Origin = verdict.Origin{File: b.Path, Line: number}
	}
	if l.scan.kind == bouncerEnd {
		return
	}
	if fault := l.parse(); fault != nil {
		e := fault.at(&authfile.Line{File: b.Path, Number: number, Raw: text, Origin: l.record.Origin}, number)
		if e.Missing {
			b.out.Errors = append(b.out.Errors, e)
		} else {
			b.out.Skipped = append(b.out.Skipped, e)
		}
		return
	}
	b.out.Records = append(b.out.Records, l.records()...)
}

// A bouncerLine takes the tokens of one line in order [pgbouncer src/hba.c parse_line].
type bouncerLine struct {
	*bouncer
	scan   bouncerScanner
	number int
	record Record
	// maybe says what would settle whether PgBouncer takes the line; "" where it does.
	maybe string
}

var bouncerSteps = []func(*bouncerLine) *fault{
	(*bouncerLine).connection, (*bouncerLine).lists, (*bouncerLine).address, (*bouncerLine).method, (*bouncerLine).rest,
}

func (l *bouncerLine) parse() *fault {
	for _, step := range bouncerSteps {
		if fault := step(l); fault != nil {
			return fault
		}
	}
	return nil
}

// skipped is a fault in PgBouncer's words.
func (l *bouncerLine) skipped(format string, args ...any) *fault {
	return refused("hba line %d: "+format, append([]any{l.number}, args...)...)
}

// unreadable is a fault that PgBouncer has no words of its own for.
func (l *bouncerLine) unreadable() *fault {
	return refused("could not parse hba config line %d", l.number)
}

// takes reports whether a release reads something, and notes where that depends on
// the release.
func (l *bouncerLine) takes(m Match) bool {
	if m == Unsure {
		l.doubt(releaseSettles)
	}
	return m != No
}

func (l *bouncerLine) doubt(settles string) {
	if l.maybe == "" {
		l.maybe = settles
	}
}

// bouncerTypes are the connection types that PgBouncer knows.
var bouncerTypes = []Type{Local, Host, HostSSL, HostNoSSL}

func (l *bouncerLine) connection() *fault {
	t := typeOf(l.scan.word())
	if !slices.Contains(bouncerTypes, t) {
		return l.skipped("unknown type")
	}
	l.record.Type = t
	l.scan.next()
	return nil
}

// address takes the address, and the netmask where that is a field of its own.
func (l *bouncerLine) address() *fault {
	if l.record.Type == Local {
		return nil
	}
	if l.scan.word() == "all" && l.takes(l.release.since(anyAddressSince)) {
		l.record.Address = Address{Kind: AnyAddress}
		l.scan.next()
		return nil
	}
	if l.scan.kind != bouncerWord {
		return l.skipped("did not find address")
	}
	host, length, slash := strings.Cut(l.scan.text, "/")
	base, ok := inetPton(host)
	if !ok {
		return l.skipped("failed to parse address - %s", host)
	}
	l.scan.next()
	if slash {
		return l.network(base, length)
	}
	return l.netmask(base)
}

func (l *bouncerLine) network(base netip.Addr, length string) *fault {
	bits, ok := strtoul(length)
	if !ok || bits > uint64(base.BitLen()) { //nolint:gosec // 32 or 128
		return l.skipped("invalid mask")
	}
	l.masked(base, maskOf(base, int(bits))) //nolint:gosec // at most 128
	return nil
}

func (l *bouncerLine) netmask(base netip.Addr) *fault {
	if l.scan.kind != bouncerWord {
		return l.skipped("did not find mask")
	}
	mask, ok := inetPton(l.scan.text)
	if !ok || mask.Is4() != base.Is4() {
		return l.skipped("failed to parse mask: %s", l.scan.text)
	}
	l.scan.next()
	l.masked(base, mask)
	return nil
}

// masked sets a network. PgBouncer compares the client's address under the mask with
// the base as it stands, so that none matches a base with other bits.
func (l *bouncerLine) masked(base, mask netip.Addr) {
	l.record.Address = Address{Kind: Net, Base: base, Mask: mask}
	b, m := wideOf(base), wideOf(mask)
	if b.and(m) != b {
		l.record.Address.Kind = EmptyNet
		l.record.Warning = fmt.Sprintf("address does not match mask: %s / %s", base, mask)
	}
}

// method takes the authentication method.
func (l *bouncerLine) method() *fault {
	word := l.scan.word()
	if known, ok := bouncerMethods[word]; !ok || !l.takes(known(l.release)) {
		return l.skipped("unsupported method: buf=%s", l.scan.text)
	}
	l.record.Method = word
	if word == "ldap" {
		l.record.Options = bouncerOptions(l.scan.rest)
		l.scan = bouncerScanner{kind: bouncerEnd}
		return nil
	}
	l.scan.next()
	return nil
}

// rest takes what follows the method: nothing, or from 1.23 on a map, which has to be
// there.
func (l *bouncerLine) rest() *fault {
	if name, ok := strings.CutPrefix(l.scan.word(), "map="); ok && l.takes(l.release.since(mapSince)) {
		switch {
		case l.Maps == nil:
			l.doubt("the maps in auth_ident_file")
		case !slices.Contains(l.Maps, name):
			return l.skipped("Ident map %s is not found in ident config file", name)
		}
		l.record.Options = []Option{{"map", name}}
		l.scan.next()
	}
	if l.scan.kind != bouncerEnd {
		return l.skipped("unsupported parameters")
	}
	return nil
}

// records are what the line comes to.
func (l *bouncerLine) records() []Record {
	r := l.record
	r.Maybe = l.maybe
	switch {
	case r.Method == "peer" && r.Type != Local: // login_as_unix_peer
		r.refuse("peer over TCP refuses everybody")
	case r.Method == "cert" && (r.Type == Local || r.Type == HostNoSSL): // login_via_cert
		r.refuse("cert without TLS refuses everybody")
	}
	all := slices.ContainsFunc(r.Users, func(t Token) bool { return t.Is("all") })
	same := slices.ContainsFunc(r.Users, func(t Token) bool { return t.Is("sameuser") })
	r.Users = slices.DeleteFunc(slices.Clone(r.Users), func(t Token) bool { return t.Is("sameuser") || t.Is("replication") })
	if all || !same {
		return []Record{r}
	}
	return append(r.pairs(), r)
}

// refuse makes a reject of a record whose method lets nobody in.
func (r *Record) refuse(note string) {
	r.Method, r.Options = "reject", nil
	if r.Origin.Note == "" {
		r.Origin.Note = note
	}
}
