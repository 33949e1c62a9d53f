package hbarules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/regions"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1011 finds lines that ask for more, behind lines that ask for less and take a
// part of their sessions. An exception before its rule is how the file is meant to be
// written; a line that is taken whole is HBA1006's.
var HBA1011 = &audit.Rule{
	ID:       "HBA1011",
	Title:    "a stricter line comes after a looser one",
	Severity: audit.High,
	Why: `The first line that matches decides, so that a line which rejects, or asks for a
certificate, has to stand before the lines that would let the same sessions in for
less. Behind them it refuses only whom they leave over. It reads as if it were in
force, and for a part of its sessions it is not.`,
	Bad: "hostssl ledger all 10.0.0.0/8 scram-sha-256\n" +
		"hostssl all reporting all reject\nhost all all all reject\n",
	Good: "hostssl all reporting all reject\n" +
		"hostssl ledger all 10.0.0.0/8 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			pairs, incomplete, err := regions.Overlaps(f.hba, f.context())
			switch {
			case err != nil:
				p.Skip(f.ref, err.Error())
				return
			case incomplete:
				p.Skip(f.ref, "the file is too much to compare every line with every other")
			}
			for _, o := range pairs {
				f.tooLate(p, o)
			}
		})
	},
}

// tooLate reports a pair unless the earlier line is the later one's exception.
func (f file) tooLate(p *audit.Pass, o regions.Overlap) {
	earlier, later := &f.hba.Records[o.Earlier], &f.hba.Records[o.Later]
	if !words.Written(earlier) || !words.Written(later) || isLoopback(earlier) || earlier.Address.Kind == hba.SameHost {
		return
	}
	if f.covers(f.hba.Records[o.Earlier], f.likes(o)...) {
		return
	}
	out := f.about(later, len(o.Witness.Conditions) == 0,
		"%s in %s comes too late for a part of its sessions: %s before it takes them and asks for less. For example %s",
		words.Quoted(later), f.name(), words.Quoted(earlier), tried(o.Witness))
	out.Also = []verdict.Origin{earlier.Origin}
	out.Fix = "move the line up, before the one that asks for less"
	p.Report(out)
}

// likes are the later line of a pair and those behind the earlier one that say the same of
// other addresses: two lines make one rule for IPv4 and IPv6.
func (f file) likes(o regions.Overlap) []hba.Record {
	later := f.hba.Records[o.Later]
	var out []hba.Record
	for _, r := range f.hba.Records[o.Earlier+1:] {
		alike := r
		if alike.Address = later.Address; alike.String() != later.String() {
			continue
		}
		if r.Method != "reject" && r.Type != hba.Local { // how it is encrypted is a demand, too, not only a reach
			r.Type = hba.Host
		}
		out = append(out, r)
	}
	return out
}
