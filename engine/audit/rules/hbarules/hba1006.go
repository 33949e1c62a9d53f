package hbarules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/regions"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1006 finds lines that no session comes to. One that rejects what lines before it
// reject already is left alone, and one that matches nothing at all is HBA1010's.
var HBA1006 = &audit.Rule{
	ID:       "HBA1006",
	Title:    "a pg_hba line that is never reached",
	Severity: audit.Medium,
	Why: `"The first record with a matching connection type, client address, requested
database, and user name is used to perform authentication. There is no
'fall-through' or 'backup'." A line whose sessions all match earlier ones does
nothing: what it was to admit, or to refuse, is decided above it. Where it was to
ask for more than those do, the door that it was to close is open.`,
	Bad:   cluster("host all all all reject", "hostssl ledger app 10.0.0.0/8 scram-sha-256"),
	Good:  cluster("hostssl ledger app 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			shadows, err := regions.Shadowed(f.hba, f.context())
			if err != nil {
				p.Skip(f.ref, err.Error())
				return
			}
			undecided := 0
			for _, s := range shadows {
				switch r := &f.hba.Records[s.Record]; {
				case !words.Written(r) || f.entryAlive(r, shadows):
				case s.Undecided:
					undecided++
				default:
					f.shadowed(p, r, s.Covers)
				}
			}
			if undecided > 0 {
				p.Skip(f.ref, fmt.Sprintf("whether any session comes to %d of the lines could not be decided", undecided))
			}
		})
	},
}

// shadowed tells about a record that decides nothing because of those that cover it.
func (f file) shadowed(p *audit.Pass, r *hba.Record, covers []int) {
	if len(covers) == 0 {
		if out, ok := f.matchless(r); ok {
			p.Report(out)
		}
		return
	}
	out := f.about(r, true, "no session comes to %s in %s: %s", words.Quoted(r), f.name(), f.taken(covers))
	out.Fix = "move the line up, before what takes its sessions, or delete it"
	rejects, weaker := true, false
	for _, i := range covers {
		c := &f.hba.Records[i]
		rejects = rejects && c.Method == "reject"
		weaker = weaker || regions.Strength(*c) < regions.Strength(*r)
		out.Also = append(out.Also, c.Origin)
	}
	if r.Method == "reject" && rejects {
		return
	}
	if weaker {
		out.Severity = audit.High
		out.Message += ", for less than this line asks for"
	}
	p.Report(out)
}

// entryAlive reports whether another record of the same entry decides something: an
// operator makes several of one.
func (f file) entryAlive(r *hba.Record, all []regions.Shadow) bool {
	if !strings.HasSuffix(r.Origin.Field, "]") {
		return false
	}
	dead := map[int]bool{}
	for _, s := range all {
		dead[s.Record] = true
	}
	for i := range f.hba.Records {
		if f.hba.Records[i].Origin == r.Origin && !dead[i] {
			return true
		}
	}
	return false
}

// taken says which records take all sessions of another.
func (f file) taken(covers []int) string {
	if len(covers) == 1 {
		return line(&f.hba.Records[covers[0]]) + " before it takes them all"
	}
	var lines []string
	for _, i := range covers[:min(len(covers), 4)] {
		lines = append(lines, words.Quoted(&f.hba.Records[i]))
	}
	if len(covers) > 4 {
		lines = append(lines, fmt.Sprintf("%d more", len(covers)-4))
	}
	return strings.Join(lines, " and ") + " before it take them all together"
}

// matchless is a record that no attempt matches, whatever comes before, for a reason
// that HBA1010 does not tell.
func (f file) matchless(r *hba.Record) (audit.Finding, bool) {
	told := f.transport(r) != "" || f.noClient(r) != ""
	for _, t := range r.Databases {
		told = told || f.noDatabase(t) != ""
	}
	for _, t := range r.Users {
		told = told || f.noRole(t) != ""
	}
	if told || !f.postgres() {
		return audit.Finding{}, false
	}
	out := f.about(r, true, "no session ever matches %s in %s, whatever stands before it", words.Quoted(r), f.name())
	out.Fix = "correct the line, or delete it"
	return out, true
}
