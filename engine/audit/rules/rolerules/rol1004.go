package rolerules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// ROL1004 finds secrets that are written out in an object that is no Secret. What the
// secret is, is neither kept nor told.
var ROL1004 = &audit.Rule{
	ID:       "ROL1004",
	Title:    "a password stands in clear text in a manifest",
	Severity: audit.High,
	Why: `Whoever may read the object reads the password: "view" of Kubernetes is enough, which
leaves Secrets out for this reason, and so is the repository that the manifest is kept
in, with all its history. SQL in a script keeps it for as long as the script is there.`,
	Bad:   words.StatefulSet("", "          env: [{name: POSTGRES_PASSWORD, value: hunter2}]\n"),
	Good:  words.StatefulSet("", "          env: [{name: POSTGRES_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]\n"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		seen := map[place]bool{}
		for _, s := range p.World.Servers {
			for _, set := range s.Settings {
				if set.Value == snapshot.Hidden && !parameter(set.Key) && once(seen, set.Origin, "") {
					p.Report(audit.Finding{Subject: s.Ref(), Origin: set.Origin, Certain: true,
						Message: fmt.Sprintf("a secret of %s stands in clear text in %s", s.Ref(), set.Origin.Object),
						Fix:     "put it into a Secret, change it, since it has been read by now, and name the Secret here" + named(set.Origin)})
				}
			}
		}
	},
}

// parameter: what a parameter named like a secret holds need not be one, as with
// credcheck.password_min_length.
func parameter(key string) bool {
	return strings.HasPrefix(key, "postgresql.") || strings.HasPrefix(key, "pgbouncer.")
}

// named are the lines that name a Secret in the place of the value.
func named(at verdict.Origin) string {
	switch {
	case strings.Contains(at.Field, "env["):
		return ":\nvalueFrom:\n  secretKeyRef: {name: SECRET, key: password}"
	case strings.Contains(at.Field, "connectionParameters"):
		return ":\nspec:\n  externalClusters:\n    - name: SOURCE\n      password: {name: SECRET, key: password}"
	case strings.HasPrefix(at.Object, "SGScript "):
		return ":\nspec:\n  scripts:\n    - scriptFrom:\n        secretKeyRef: {name: SECRET, key: script.sql}"
	case strings.Contains(at.Field, "pgbackrest.global"):
		return ", as a file of options:\nspec:\n  backups:\n    pgbackrest:\n      configuration:\n        - secret: {name: SECRET}"
	case strings.Contains(at.Field, "postInit"):
		return ":\nspec:\n  bootstrap:\n    initdb:\n      postInitSQLRefs:\n        secretRefs: [{name: SECRET, key: init.sql}]"
	}
	return ""
}
