package operatorrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// OPR1012 finds objects of kinds that today's operators passed by.
var OPR1012 = &audit.Rule{
	ID:       "OPR1012",
	Title:    "an object of a kind that today's operator does not take",
	Severity: audit.High,
	Why: `Crunchy's operator took Pgcluster until its release 4, Percona's took PerconaPGCluster of
the group pg.percona.com until its release 1. Their successors have other kinds and pass
over these: an old object is accepted while its definition is there, and nothing is done
about it. Its database may still run, with whatever was set when its operator left.`,
	Bad: `apiVersion: pg.percona.com/v1
kind: PerconaPGCluster
metadata: {name: crm, namespace: legacy}
spec: {pgPrimary: {}}
`,
	Good: `apiVersion: pgv2.percona.com/v2
kind: PerconaPGCluster
metadata: {name: crm, namespace: legacy}
spec:
  postgresVersion: 17
  instances: [{name: a, dataVolumeClaimSpec: {accessModes: [ReadWriteOnce]}}]
`,
	Needs: []audit.Fact{audit.Predecessors},
	Run: func(p *audit.Pass) {
		for _, w := range p.World.Warnings {
			if w.Code != snapshot.NotModelled {
				continue
			}
			of := named(w.Origin)
			p.Report(audit.Finding{Subject: of, Origin: w.Origin, Certain: true,
				Message: fmt.Sprintf("no operator of today takes %s: edits of it do nothing, and no answer here is about its database", of),
				Fix:     "move the database to the kind of today's operator, by its guide for the upgrade"})
		}
	},
}
