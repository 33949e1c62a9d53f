package rolerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// ROL1005 finds Secrets whose password CloudNativePG hands on as it is.
var ROL1005 = &audit.Rule{
	ID:       "ROL1005",
	Title:    "the operator sends passwords to the server unhashed",
	Severity: audit.Low,
	Why: `From 1.30 on CloudNativePG makes the SCRAM verifier itself, so that the server never
sees the password. The annotation cnpg.io/passwordPassthrough turns that off: then the
password is in the statement that sets it, where extensions and logs of statements can
keep it, and password_encryption may make it MD5.`,
	Setting: cluster(`  managed:
    roles:
      - {name: app, login: true, passwordSecret: {name: app}}
`),
	Bad: `apiVersion: v1
kind: Secret
metadata: {name: app, namespace: payments, annotations: {cnpg.io/passwordPassthrough: enabled}}
type: kubernetes.io/basic-auth
stringData: {username: app, password: x}
`,
	Good: `apiVersion: v1
kind: Secret
metadata: {name: app, namespace: payments}
type: kubernetes.io/basic-auth
stringData: {username: app, password: x}
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		seen := map[place]bool{}
		for _, s := range p.World.Servers {
			for _, set := range s.Settings {
				if set.Key == "annotation.cnpg.io/passwordPassthrough" && set.Value == "enabled" && once(seen, set.Origin, "") {
					p.Report(audit.Finding{Subject: s.Ref(), Origin: set.Origin, Certain: true,
						Message: fmt.Sprintf("the operator sends the password of %s to %s as it is written", set.Origin.Object, s.Ref()),
						Fix:     "take the annotation away, so that the operator makes the verifier; a client that cannot do SCRAM needs a newer driver"})
				}
			}
		}
	},
}
