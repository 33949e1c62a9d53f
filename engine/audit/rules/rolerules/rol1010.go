package rolerules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// ROL1010 finds passwords that the operator writes into the namespace of somebody else.
// Infrastructure roles come from the operator's namespace, which is another matter.
var ROL1010 = &audit.Rule{
	ID:       "ROL1010",
	Title:    "a role's password is written into another namespace",
	Severity: audit.Medium,
	Why: `With enable_cross_namespace_secret the operator of Zalando writes the Secret of a role
"namespace.name" into that namespace, and those of a prepared database into
secretNamespace. Whoever reads Secrets there logs in as the role; and whoever may write
a postgresql has the operator write a Secret into any namespace that it serves.`,
	Setting: `apiVersion: acid.zalan.do/v1
kind: OperatorConfiguration
metadata: {name: operator, namespace: postgres}
configuration:
  kubernetes: {enable_cross_namespace_secret: true}
`,
	Bad:   zalandoCluster("  users: {analytics.reader: []}\n"),
	Good:  zalandoCluster("  users: {reader: []}\n"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			if s.Operator != snapshot.Zalando {
				continue
			}
			for _, secret := range s.Secrets {
				namespace, _, _ := strings.Cut(secret.Secret, "/")
				if secret.What != "application" || namespace == s.Ref().Namespace {
					continue
				}
				p.Report(audit.Finding{Subject: s.Ref(), Origin: secret.Origin, Certain: true,
					Message: fmt.Sprintf("the password of %s is in Secret %s: whoever reads Secrets of namespace %s logs in as it", secret.Role, secret.Secret, namespace),
					Fix: "name the role without a namespace, and bring the Secret to its application by other means, " +
						"or see to it that the other namespace has no more readers than this one"})
			}
		}
	},
}
