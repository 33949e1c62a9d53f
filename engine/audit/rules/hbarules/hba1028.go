package hbarules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/regions"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1028 finds the same session decided otherwise over IPv4 than over IPv6: from
// addresses that no line names in particular, and from loopback.
var HBA1028 = &audit.Rule{
	ID:       "HBA1028",
	Title:    "IPv4 and IPv6 are not treated alike",
	Severity: audit.Medium,
	Why: `A range of one family says nothing about the other: 0.0.0.0/0 does not match a client
with an IPv6 address, and no range of one matches the other. Where a pod has both, the
client chooses, and what one family refuses it tries over the other.`,
	Bad:   "host all all 0.0.0.0/0 reject\nhostssl all all all scram-sha-256\n",
	Good:  "host all all 0.0.0.0/0 reject\nhost all all ::/0 reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			for _, pair := range [][2]hba.Client{{anybody[0], anybody[1]}, loopbacks} {
				f.families(p, pair)
			}
		})
	},
}

var loopbacks = [2]hba.Client{onHost("127.0.0.1"), onHost("::1")}

// families compares what clients of two addresses come to, a finding a pair of lines.
func (f file) families(p *audit.Pass, pair [2]hba.Client) {
	seen, crowded := map[[2]*hba.Record]bool{}, 0
	for i := range f.hba.Records {
		r := &f.hba.Records[i]
		if r.Type == hba.Local {
			continue
		}
		if len(r.Users)*len(r.Databases) > maxSessions {
			crowded++
			continue
		}
		for _, s := range f.sessionsOf(r) {
			found, ok := f.unequal(s, pair)
			if ok && !seen[found] {
				seen[found] = true
				f.unlike(p, s, found)
			}
		}
	}
	if crowded > 0 {
		p.Skip(f.ref, fmt.Sprintf("%d of the lines name more than %d pairs of databases and users", crowded, maxSessions))
	}
}

// maxSessions is how many pairs of a line are asked about one by one.
const maxSessions = 2000

// sessionsOf are sessions that the record's lists match, of every transport.
func (f file) sessionsOf(r *hba.Record) []hba.Session {
	var out []hba.Session
	for _, tls := range f.transports(probe{}) {
		for _, user := range f.users(r, probe{}) {
			for _, db := range f.databases(r, user) {
				out = append(out, hba.Session{TLS: tls, User: user, Database: db.name, Replication: db.replication, Member: f.member})
			}
		}
	}
	return out
}

// unequal decides the session of both; it returns the weaker record and the stricter
// one where lines of a person decide and differ in what they ask for.
func (f file) unequal(s hba.Session, pair [2]hba.Client) (out [2]*hba.Record, ok bool) {
	for i := range pair {
		s.Client = pair[i]
		if f.large() && !s.Definite() {
			return out, false // of a user that nobody knows it is seldom certain what decides
		}
		result := f.decide(s)
		if !result.Certain() || result.Record == nil || !words.Written(result.Record) {
			return out, false
		}
		out[i] = result.Record
	}
	a, b := regions.Strength(*out[0]), regions.Strength(*out[1])
	if a > b {
		slices.Reverse(out[:])
	}
	if out[1].Method == "reject" && out[1].Address.Kind == hba.AnyAddress {
		return out, false // one family is served, and the last line refuses whatever else comes
	}
	return out, a != b
}

func (f file) unlike(p *audit.Pass, s hba.Session, found [2]*hba.Record) {
	weak, strict := found[0], found[1]
	how := "without TLS"
	if s.TLS {
		how = "over TLS"
	}
	what := "database " + s.Database.String()
	if s.Replication {
		what = "physical replication"
	}
	out := f.about(weak, true, "IPv4 and IPv6 are not treated alike in %s: a session of %s for %s %s comes to %s over one of them, and to %s over the other",
		f.name(), s.User, what, how, words.Quoted(weak), words.Quoted(strict))
	out.Also = []verdict.Origin{strict.Origin}
	out.Fix = fmt.Sprintf("write the stricter line for both families, before %s", words.Quoted(weak))
	p.Report(out)
}
