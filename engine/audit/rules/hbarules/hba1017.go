package hbarules

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/regions"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1017 finds lines that let physical replication in for more than the replicas.
var HBA1017 = &audit.Rule{
	ID:       "HBA1017",
	Title:    "physical replication is open to more than the replicas",
	Severity: audit.High,
	Why: `A session with replication=true copies every file of every database, past all grants and
row security, and holds back WAL until the disk is full. Only a role with REPLICATION
may, but that is all that stands there when the line says all, and from any address
whoever learns one password has a copy. Name the role, and the addresses of replicas;
best ask for a certificate.`,
	Bad:   "hostssl replication all all scram-sha-256\nhost all all all reject\n",
	Good:  "hostssl replication standby 10.1.2.0/24 cert\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			if !f.postgres() {
				return
			}
			within := hba.Parse([]hba.Source{{Text: "host replication all all trust"}}, hba.Newest).Records[0]
			found, err := regions.Reach(f.hba, f.context(), &within, func(r *hba.Record) bool {
				return words.Written(r) && r.Method != "reject" && !isLoopback(r)
			})
			if err != nil {
				p.Skip(f.ref, err.Error())
				return
			}
			if found.Incomplete {
				p.Skip(f.ref, "the file is too much to find all that admits physical replication")
			}
			var seen []*hba.Record
			for _, region := range found.Regions {
				if r := region.Old.Record; !slices.Contains(seen, r) {
					seen = append(seen, r)
					f.replication(p, r, region)
				}
			}
		})
	},
}

// replication reports a record by what is too wide about it.
func (f file) replication(p *audit.Pass, r *hba.Record, region regions.Region) {
	why, severity := f.tooOpen(r, region)
	if len(why) == 0 {
		return
	}
	out := f.about(r, len(region.Conditions) == 0, "%s in %s lets physical replication in, which copies all data: %s. For example %s",
		words.Quoted(r), f.name(), strings.Join(why, ", and "), tried(region.Witness))
	out.Severity = severity
	out.Fix = "name the role of the replicas and their addresses, and ask for a certificate:" + f.listed("hostssl replication REPLICATION-ROLE REPLICAS cert")
	p.Report(out)
}

func (f file) tooOpen(r *hba.Record, region regions.Region) (why []string, severity audit.Severity) {
	severity = audit.High
	if who := f.strangers(region); who != "" {
		why = append(why, "it is "+who)
	}
	if f.wide(r) {
		why = append(why, "it is open to addresses far beyond those of replicas")
	}
	if len(why) == 0 {
		severity = audit.Low
	}
	if r.ClientCert() != hba.VerifyFull && (len(why) > 0 || f.bare()) {
		why = append(why, "no certificate says who it is")
	}
	return why, severity
}

// strangers says who besides replication roles the region takes.
func (f file) strangers(region regions.Region) string {
	if f.server.RoleSet == nil {
		if len(region.Users.Rest) > 0 {
			return "not limited to the roles that replicate"
		}
		return ""
	}
	for _, name := range f.server.RoleSet.Names() {
		role, _ := f.server.RoleSet.Lookup(name)
		if role.Login && !role.Replication && !role.Superuser && slices.Contains(region.Users.Names, name) {
			return "open to " + name + ", which has no REPLICATION"
		}
	}
	if len(region.Users.Rest) > 0 {
		return "not limited to the roles that replicate"
	}
	return ""
}

// wide reports whether the record is for more addresses than the pods', or than one
// network of a company has.
func (f file) wide(r *hba.Record) bool {
	switch r.Address.Kind {
	case hba.AnyAddress:
		return true
	case hba.Net:
		n, ok := r.Address.Prefix()
		if !ok {
			return true
		}
		inside := func(c hba.Client) bool { return c.Prefixes[0].Bits() <= n.Bits() && c.Prefixes[0].Contains(n.Addr()) }
		return tooWide(n) && !slices.ContainsFunc(f.podRanges, inside)
	}
	return false
}

// tooWide networks have more addresses than one application, or one site, has.
func tooWide(n netip.Prefix) bool {
	if n.Addr().Is4() {
		return n.Bits() < 16
	}
	return n.Bits() < 48 && !n.Addr().IsLinkLocalUnicast()
}
