package hbarules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1006 finds lines that no session comes to. One that rejects what a line before
// it rejects already is left alone.
var HBA1006 = &audit.Rule{
	ID:       "HBA1006",
	Title:    "a pg_hba line that is never reached",
	Severity: audit.Medium,
	Why: `"The first record with a matching connection type, client address, requested
database, and user name is used to perform authentication. There is no
'fall-through' or 'backup'." A line whose sessions all match an earlier one does
nothing: what it was to admit, or to refuse, is decided above it.`,
	Bad:   cluster("host all all all reject", "hostssl ledger app 10.0.0.0/8 scram-sha-256"),
	Good:  cluster("hostssl ledger app 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			own := f.own()
			for i, r := range own {
				alive := func(o *hba.Record) bool { return o.Origin == r.Origin && f.alive(o) }
				if i > 0 && own[i-1].Origin == r.Origin || slices.ContainsFunc(own, alive) {
					continue
				}
				if out, ok := f.dead(r); ok {
					p.Report(out)
				}
			}
		})
	},
}

// alive reports whether any session at all may end at the record, also those of the
// pod itself.
func (f file) alive(r *hba.Record) bool {
	return r.Type == hba.Local || f.everywhere().reach(r, probe{}) != never || r.Address.Kind == hba.SameHost || isLoopback(r)
}

// everywhere is the file as if every listener showed it the client.
func (f file) everywhere() file {
	f.sees = []snapshot.Sees{snapshot.SeesClient}
	return f
}

func isLoopback(r *hba.Record) bool {
	return r.Address.Kind == hba.Net && r.Address.Base.Unmap().IsLoopback()
}

// dead says what stands before the record.
func (f file) dead(r *hba.Record) (audit.Finding, bool) {
	out := audit.Finding{Subject: f.ref, Origin: r.Origin, Certain: true,
		Fix: "move the line up, before the one that takes its sessions, or delete it"}
	if r.Type == hba.HostSSL && !f.tls {
		out.Message = fmt.Sprintf("%s in %s asks for TLS, which the server does not offer: no session ever matches", quoted(r), f.name())
		out.Fix = "give the server a certificate and switch ssl on"
		return out, true
	}
	for _, s := range f.everywhere().sessions(r, probe{}) {
		result := hba.Decide(f.hba, s)
		if result.Record == nil {
			continue
		}
		if r.Method == "reject" && result.Record.Method == "reject" {
			return out, false
		}
		out.Also = []verdict.Origin{result.Record.Origin}
		out.Message = fmt.Sprintf("no session comes to %s in %s: %s before it takes them all", quoted(r), f.name(), line(result.Record))
		return out, true
	}
	return out, false
}
