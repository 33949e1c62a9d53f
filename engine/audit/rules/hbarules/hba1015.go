package hbarules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/regions"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1015 finds lines that another major version reads otherwise: that of the upgrade
// that is planned, or else the first newer one that does.
var HBA1015 = &audit.Rule{
	ID:       "HBA1015",
	Title:    "another major version reads the file otherwise",
	Severity: audit.High,
	Why: `The text of pg_hba.conf outlives the server. In 14 a backslash at the end of a line
began to join it with the next one, and clientcert=1 and 0 went; in 16 names that begin
with / became regular expressions, include lines came, and so did all, +role and
expressions in the third field of pg_ident.conf; in 18 came oauth. After the upgrade
the same file is refused, and the server does not start, or it lets others in.`,
	Bad:   "-- version --\n15\n-- pg_hba.conf --\nhostssl ledger /app 10.0.0.0/8 scram-sha-256\nhost all all all reject\n",
	Good:  "-- version --\n15\n-- pg_hba.conf --\nhostssl ledger app 10.0.0.0/8 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, f := range files(p.World) {
			in, ok := f.source()
			if !ok {
				continue
			}
			if f.hba.Version == 0 {
				if changed, _ := changedLines(in, oldest, hba.Newest); len(changed) > 0 {
					p.Skip(f.ref, "versions read the file differently, and no manifest tells the server's")
				}
				continue
			}
			for _, target := range f.targets() {
				if found := f.compare(p, in, target) + f.compareMaps(p, target); found > 0 {
					break
				}
			}
		}
	},
}

// targets are the versions to compare with, in the order of upgrades.
func (f file) targets() []int {
	if f.server.Target != 0 {
		return []int{f.server.Target}
	}
	var out []int
	for v := f.version() + 1; v <= hba.Newest; v++ {
		out = append(out, v)
	}
	return out
}

// source is what the file was read from. A rendered one is made again of its records,
// which were a line each.
func (f file) source() (hba.Input, bool) {
	switch {
	case !f.postgres():
		return hba.Input{}, false
	case f.server.Source != nil:
		return *f.server.Source, true
	case len(f.hba.Errors) > 0:
		return hba.Input{}, false
	}
	in := hba.Input{Version: f.version()}
	for i := range f.hba.Records {
		r := &f.hba.Records[i]
		s := hba.Source{Text: r.Raw, Origin: r.Origin}
		if r.Address.Kind == hba.Pods {
			s.Addresses = map[string]hba.Address{r.Address.String(): r.Address}
		}
		in.Sources = append(in.Sources, s)
	}
	return in, true
}

// A reading is what one version makes of a line.
type reading struct {
	record *hba.Record
	fault  *hba.Error
}

func (a reading) same(b reading) bool {
	switch {
	case a.record != nil && b.record != nil:
		return a.record.Text() == b.record.Text() && a.expressions() == b.expressions()
	case a.fault != nil && b.fault != nil:
		return true // refused by both, whatever the words
	}
	return a.record == nil && b.record == nil && a.fault == nil && b.fault == nil
}

// expressions counts the names that are regular expressions.
func (a reading) expressions() int {
	n := 0
	for _, t := range slices.Concat(a.record.Databases, a.record.Users) {
		if t.Regexp != nil {
			n++
		}
	}
	return n
}

type lineKey struct {
	file string
	line int
}

// readings lists the lines of a file, in order.
func readings(f *hba.File) (keys []lineKey, at map[lineKey]reading) {
	at = map[lineKey]reading{}
	add := func(k lineKey, r reading) {
		if _, known := at[k]; !known {
			keys = append(keys, k)
		}
		at[k] = r
	}
	for i := range f.Records {
		add(lineKey{f.Records[i].File, f.Records[i].Line}, reading{record: &f.Records[i]})
	}
	for i := range f.Errors {
		add(lineKey{f.Errors[i].File, f.Errors[i].Line}, reading{fault: &f.Errors[i]})
	}
	return keys, at
}

// oldest is the oldest major version that is known.
const oldest = 13

// A comparison is a file as two versions read it.
type comparison struct {
	old, next     hba.File
	before, after map[lineKey]reading
}

// changedLines lists the lines that two versions read otherwise.
func changedLines(in hba.Input, from, to int) ([]lineKey, comparison) {
	var c comparison
	in.Version = from
	c.old = hba.Read(in)
	in.Version = to
	c.next = hba.Read(in)
	keys, before := readings(&c.old)
	more, after := readings(&c.next)
	c.before, c.after = before, after
	for _, k := range more {
		if _, known := before[k]; !known {
			keys = append(keys, k)
		}
	}
	changed := slices.DeleteFunc(keys, func(k lineKey) bool { return before[k].same(after[k]) })
	return changed, c
}

// compare reports the lines that the version reads otherwise; it returns how many.
func (f file) compare(p *audit.Pass, in hba.Input, target int) int {
	changed, c := changedLines(in, f.version(), target)
	if len(changed) == 0 {
		return 0
	}
	return f.changes(p, target, changed, c, f.difference(p, c.old, c.next))
}

// difference are the attempts that end otherwise; nil where a file does not load.
func (f file) difference(p *audit.Pass, old, next hba.File) *regions.Result {
	result, err := regions.Diff(old, next, f.context())
	if err != nil {
		return nil
	}
	if result.Incomplete {
		p.Skip(f.ref, "the two readings of the file are too much to compare for every attempt")
	}
	return &result
}

// changes reports changed lines; none where no attempt ends otherwise.
func (f file) changes(p *audit.Pass, target int, changed []lineKey, c comparison, diff *regions.Result) int {
	if diff != nil && diff.Same() {
		return 0
	}
	found := 0
	for _, k := range changed {
		was, is := c.before[k], c.after[k]
		r, at := was.record, f.origin
		switch {
		case was.record != nil:
			at = was.record.Origin
		case is.record != nil:
			r, at = is.record, is.record.Origin
		case was.fault != nil:
			at = was.fault.Origin
		case is.fault != nil:
			at = is.fault.Origin
		}
		if r != nil && !words.Written(r) {
			continue
		}
		found++
		if at.IsZero() { // a file without a line
			at = f.origin
		}
		out := audit.Finding{Subject: f.ref, Origin: at, Certain: true, Fix: "write the line so that both versions read it alike, before the upgrade"}
		out.Message = fmt.Sprintf("PostgreSQL %d reads a line of %s otherwise than %d: %s%s", target, f.name(), f.version(), otherwise(was, is), example(k, diff))
		p.Report(out)
	}
	return found
}

// otherwise says what the two make of a line.
func otherwise(was, is reading) string {
	switch {
	case is.fault != nil && was.record != nil:
		_, message := is.fault.Shown()
		return words.Quoted(was.record) + " is then refused, and the whole file with it: " + message
	case was.fault != nil && is.record != nil:
		_, message := was.fault.Shown()
		return words.Quoted(is.record) + " is then taken, and now refused: " + message
	case was.record != nil && is.record != nil && was.expressions() != is.expressions():
		return "a name in " + words.Quoted(is.record) + " that begins with / is a regular expression for only one of them"
	case was.record != nil && is.record != nil:
		return words.Quoted(was.record) + " is then " + words.Quoted(is.record)
	case was.record != nil:
		return words.Quoted(was.record) + " is then no line of its own"
	case is.record != nil:
		return words.Quoted(is.record) + " is then a line of its own, which it is not now"
	case is.fault != nil:
		_, message := is.fault.Shown()
		return "it is then refused, and the whole file with it: " + message
	}
	return "it is now refused, and then not there"
}

// example is an attempt that ends otherwise because of the line.
func example(k lineKey, diff *regions.Result) string {
	if diff == nil {
		return ""
	}
	of := func(o regions.Outcome) bool {
		return o.Record != nil && (lineKey{o.Record.File, o.Record.Line}) == k
	}
	for _, r := range diff.Regions {
		if of(r.Old) || of(r.New) {
			return fmt.Sprintf(". For example %s: now %s, then %s", tried(r.Witness), r.Old.Kind, r.New.Kind)
		}
	}
	return ""
}

// compareMaps reports the lines of pg_ident.conf whose third field changes its
// meaning: it is a plain name before 16.
func (f file) compareMaps(p *audit.Pass, target int) int {
	if (f.version() < 16) == (target < 16) {
		return 0
	}
	found := 0
	for _, m := range f.server.Maps.Mappings {
		_, group := m.Role.Group()
		expression := len(m.Role.Text) > 0 && m.Role.Text[0] == '/'
		if m.Origin.Note != "" || !group && !expression && !m.Role.Is("all") {
			continue
		}
		found++
		p.Report(audit.Finding{Subject: f.ref, Origin: m.Origin, Certain: true,
			Message: fmt.Sprintf("PostgreSQL %d reads %s in map %s of pg_ident.conf otherwise than %d: before 16 it is the name of one role, from 16 on %s",
				target, m.Role, name(m.Map), f.version(), roleWords(m.Role)),
			Fix: "write the line so that both versions read it alike, before the upgrade"})
	}
	return found
}

// roleWords says what the third field of pg_ident.conf stands for since 16.
func roleWords(t hba.Token) string {
	group, isGroup := t.Group()
	switch {
	case isGroup:
		return "every member of " + group
	case t.Is("all"):
		return "every role"
	}
	return "every role that the expression matches"
}
