package hbarules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1036 finds poolers whose clients the server refuses, one and all.
var HBA1036 = &audit.Rule{
	ID:       "HBA1036",
	Title:    "no line admits what the pooler brings",
	Severity: audit.High,
	Why: `The server sees the pooler's address in place of its clients'. Lines on the addresses of
applications do not match what comes through it, and a last line that rejects everybody
refuses all of it, though the pooler itself logs in to look up passwords: the lines for
that are the operator's and stand first. Clients are let in by the pooler and then told
that the server has no entry for the pooler's address.`,
	Bad: clusterWith(twoSelectors, "hostssl ledger app ${podselector:app} scram-sha-256", "host all all all reject") + "---\n" +
		withPooler("host all all 0.0.0.0/0 reject", "host all all ::/0 reject"),
	Good: clusterWith(twoSelectors, "hostssl ledger app ${podselector:app} scram-sha-256",
		"hostssl ledger app ${podselector:pool} scram-sha-256", "host all all all reject") + "---\n" +
		withPooler("host all all 0.0.0.0/0 reject", "host all all ::/0 reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			own := f.own()
			if !f.postgres() || len(own) == 0 {
				return
			}
			for _, pooler := range f.server.Poolers {
				if len(pooler.Workload.Pods) > 0 && !f.admitsThrough(p, pooler) {
					p.Report(f.useless(pooler, own[len(own)-1]))
				}
			}
		})
	},
}

// admitsThrough reports whether any session that a line is about may come through the
// pooler: the pooler's own and those of replicas do not count.
func (f file) admitsThrough(p *audit.Pass, pooler *snapshot.Pooler) bool {
	client := pooled(p, pooler.Workload.Pods[0])
	for i := range f.hba.Records {
		r := &f.hba.Records[i]
		if r.Type == hba.Local || r.Method == "reject" {
			continue
		}
		for _, s := range f.everywhere().sessions(r, probe{}) {
			if s.Replication || f.notThrough(pooler, s.User.String()) {
				continue
			}
			if pooler.Becomes != "" {
				s.User = hba.Named(pooler.Becomes)
			}
			s.TLS, s.Client = pooler.ServerTLS != "disable", client
			if f.decide(s).Verdict != verdict.Deny {
				return true
			}
		}
	}
	return false
}

// notThrough reports whether clients of the pooler never have the role: it is the pooler's
// own, or of replicas.
func (f file) notThrough(pooler *snapshot.Pooler, role string) bool {
	return role == pooler.AuthUser || slices.ContainsFunc(f.server.Roles, func(r snapshot.Role) bool { return r.Name == role && r.Replication })
}

func (f file) useless(pooler *snapshot.Pooler, last *hba.Record) audit.Finding {
	out := f.about(last, true, "no line of %s admits a session through %s: the server sees the pooler's address, and refuses whoever the pooler lets in",
		f.name(), pooler.Ref())
	out.Also = []verdict.Origin{pooler.Origin}
	out.Fix = "write a line on the pooler's pods, for the roles that come through it"
	if f.server.Operator == snapshot.CloudNativePG {
		out.Fix += fmt.Sprintf(", above the one that rejects, with spec.podSelectorRefs: [{name: pooler, selector: {matchLabels: {cnpg.io/poolerName: %s}}}]:%s",
			pooler.Workload.Name, f.listed("hostssl DATABASE ROLE ${podselector:pooler} scram-sha-256"))
	}
	return out
}
