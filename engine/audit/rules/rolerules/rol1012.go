package rolerules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// ROL1012 finds Secrets that a custom resource names for a role and that are not there. It
// looks only where Secrets of the namespace were read: most estates keep them elsewhere.
var ROL1012 = &audit.Rule{
	ID:       "ROL1012",
	Title:    "the Secret with a role's password is not there, or not whole",
	Severity: audit.Medium,
	Why: `The operator takes the password of the role from the Secret. Until it is there the role
has no password, or keeps the one it had: it cannot log in, or nobody knows with what.`,
	Setting: `apiVersion: v1
kind: Secret
metadata: {name: application, namespace: payments}
type: kubernetes.io/basic-auth
stringData: {username: app, password: x}
`,
	Bad: cluster(`  managed:
    roles:
      - {name: app, login: true, passwordSecret: {name: app-password}}
`),
	Good: cluster(`  managed:
    roles:
      - {name: app, login: true, passwordSecret: {name: application}}
`),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		kept, read := map[string]bool{}, map[string]*snapshot.Secret{}
		for _, s := range p.World.Secrets {
			kept[s.Namespace], read[s.Namespace+"/"+s.Name] = true, s
		}
		for _, s := range p.World.Servers {
			for _, secret := range s.Secrets {
				there := read[secret.Secret]
				switch {
				case !brought(secret):
				case there != nil:
					without(p, s, secret, there)
				case kept[s.Ref().Namespace] || p.World.Holds("Secret", s.Ref().Namespace):
					missing(p, s, secret)
				default:
					p.Useless(s.Ref(), "no Secret of the namespace was read")
				}
			}
		}
	},
}

func missing(p *audit.Pass, s *snapshot.Server, secret snapshot.ServerSecret) {
	certain, assumptions := p.Complete(s.Ref().Namespace)
	p.Report(audit.Finding{Subject: s.Ref(), Origin: secret.Origin, Certain: certain, Assumptions: assumptions,
		Message: fmt.Sprintf("Secret %s, with the password of role %s, is not there", secret.Secret, secret.Role),
		Fix:     "make the Secret, with the keys username and password, or name the one that there is"})
}

// without reports a Secret that lacks what the operator looks for; one without any entry is
// filled by somebody else.
func without(p *audit.Pass, s *snapshot.Server, secret snapshot.ServerSecret, there *snapshot.Secret) {
	for _, key := range []string{"username", "password"} {
		switch has := there.Has(key); {
		case has == verdict.Unknown:
			p.Useless(s.Ref(), fmt.Sprintf("whether Secret %s has an entry %s is not known: not all of it was read", secret.Secret, key))
			return
		case len(there.Keys) > 0 && has == verdict.Deny:
			p.Report(audit.Finding{Subject: s.Ref(), Origin: there.Origin, Also: []verdict.Origin{secret.Origin}, Certain: true,
				Message: fmt.Sprintf("Secret %s, for the password of role %s, has no entry %s", secret.Secret, secret.Role, key),
				Fix:     "type: kubernetes.io/basic-auth\nstringData:\n  username: " + secret.Role + "\n  password: ..."})
			return
		}
	}
}

// brought reports whether a person brings the Secret: the field names it. The operator makes
// the others.
func brought(s snapshot.ServerSecret) bool {
	return s.Role != "" && strings.HasSuffix(s.Origin.Field, "ecret.name")
}
