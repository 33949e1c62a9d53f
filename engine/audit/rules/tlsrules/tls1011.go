package tlsrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// TLS1011 finds fields for a Secret of one's own that name the operator's.
var TLS1011 = &audit.Rule{
	ID:       "TLS1011",
	Title:    "a field for an own certificate names the operator's Secret",
	Severity: audit.Medium,
	Why: `Fields for own certificates are for Secrets that somebody else looks after. Where one
names the Secret that the operator makes, CloudNativePG takes it for the user's and
renews it no more, so that the cluster ends with its certificate within 90 days; and
StackGres writes over it, whoever else keeps a certificate there.`,
	Bad:   cluster("  certificates: {serverTLSSecret: ledger-server, serverCASecret: ledger-ca}\n"),
	Good:  cluster(""),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(s *snapshot.Server) {
			for _, f := range ownSecrets[s.Operator] {
				set, _ := s.Setting(f.field)
				if causes := operatorsOwn(s, set); causes != "" {
					p.Report(audit.Finding{Subject: s.Ref(), Certain: true, Origin: set.Origin,
						Message: fmt.Sprintf("%s names Secret %s/%s, which the operator makes itself: %s", f.field, s.Ref().Namespace, set.Value, causes),
						Fix:     "leave the field out for a certificate of the operator's, or keep your own in a Secret of another name"})
				}
			}
		})
	},
}

// operatorsOwn says what it causes that a setting names the Secret that the operator
// makes; "" where it does not.
func operatorsOwn(s *snapshot.Server, set snapshot.Setting) string {
	for _, f := range ownSecrets[s.Operator] {
		if set.Key == f.field && !set.Default && set.Value == s.Ref().Name+f.suffix {
			return f.causes
		}
	}
	return ""
}

const notRenewed = "it counts as yours now, and the operator does not renew it"

// ownSecrets are the fields, with the ends of the names that the operator uses [cnpg
// api/v1/cluster_funcs.go, internal/controller/cluster_pki.go@1.30.0, sg
// F/cluster/PostgresSslSecret.java@1.18.6].
var ownSecrets = map[string][]struct{ field, suffix, causes string }{
	snapshot.CloudNativePG: {
		{"spec.certificates.serverCASecret", "-ca", notRenewed},
		{"spec.certificates.clientCASecret", "-ca", notRenewed},
		{"spec.certificates.serverTLSSecret", "-server", notRenewed},
		{"spec.certificates.replicationTLSSecret", "-replication", notRenewed},
	},
	snapshot.StackGres: {
		{"spec.postgres.ssl.certificateSecretKeySelector.name", "-ssl", "the operator writes over it what it takes it for"},
	},
}
