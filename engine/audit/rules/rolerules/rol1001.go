package rolerules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// ROL1001 finds the switches that give the superuser a password, or let it through the
// pooler. From where it may log in is HBA1002's.
var ROL1001 = &audit.Rule{
	ID:       "ROL1001",
	Title:    "the superuser was given a password",
	Severity: audit.Medium,
	Why: `The operators named here leave the superuser without a password, and work without one.
Whoever switches it on has it lie in a Secret: whoever reads Secrets of the namespace
is then a superuser, and reads files and runs programs of the pod besides. People who
need a superuser have kubectl exec and the local socket, which leave a trace in the
audit log of Kubernetes.`,
	Bad:   cluster("  enableSuperuserAccess: true\n"),
	Good:  cluster("  enableSuperuserAccess: false\n"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			if set, ok := s.Setting("spec.enableSuperuserAccess"); ok && set.Value == "true" {
				p.Report(audit.Finding{Subject: s.Ref(), Origin: set.Origin, Certain: true,
					Message: fmt.Sprintf("the superuser postgres has a password: whoever reads %s is a superuser", holder(s)),
					Fix:     "leave it off, which takes the password away, and give people who need it kubectl exec:\nspec:\n  enableSuperuserAccess: false"})
			}
			listedSuperuser(p, s)
			if set, ok := s.Setting("spec.proxy.pgBouncer.exposeSuperusers"); ok && set.Value == "true" {
				p.Report(audit.Finding{Subject: s.Ref(), Origin: set.Origin, Certain: true,
					Message: "the pooler lets superusers in: whoever reaches it and knows the password is a superuser",
					Fix:     "spec:\n  proxy:\n    pgBouncer:\n      exposeSuperusers: false"})
			}
		}
	},
}

// listedSuperuser: spec.users of Crunchy and Percona gives postgres a password by its name.
func listedSuperuser(p *audit.Pass, s *snapshot.Server) {
	for _, r := range s.Roles {
		if r.Name == "postgres" && strings.HasPrefix(r.Origin.Field, "spec.users[") {
			p.Report(audit.Finding{Subject: s.Ref(), Origin: r.Origin, Certain: true,
				Message: fmt.Sprintf("spec.users names the superuser postgres, which gives it a password: whoever reads %s is a superuser", holder(s)),
				Fix:     "take postgres out of spec.users, and give people who need it kubectl exec; then take its password away:\nALTER ROLE postgres PASSWORD NULL;"})
		}
	}
}

// holder names the Secret with the superuser's password.
func holder(s *snapshot.Server) string {
	for _, secret := range s.Secrets {
		if secret.Role == "postgres" {
			return "Secret " + secret.Secret
		}
	}
	return "its Secret"
}
