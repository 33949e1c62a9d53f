package tlsrules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// TLS1013 finds external clusters that are taken for what they say they are. A root
// certificate makes require as strict as verify-ca (PostgreSQL manual, SSL Support).
var TLS1013 = &audit.Rule{
	ID:       "TLS1013",
	Title:    "the server that data is copied from is not verified",
	Severity: audit.Medium,
	Why: `A replica cluster, an import or a subscription connects with the parameters of
spec.externalClusters, and those are libpq's: without sslmode it is prefer, which falls
back to plain text and takes any certificate. Whoever answers in the source's place gets
the login, and hands over a database of his own making.`,
	Bad:   cluster(external("connectionParameters: {host: db.example.com, user: app}")),
	Good:  cluster(external("connectionParameters: {host: db.example.com, user: app, sslmode: verify-full}, sslRootCert: {name: source-ca, key: ca.crt}")),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(s *snapshot.Server) {
			for _, set := range s.Settings {
				source, isHost := strings.CutSuffix(set.Key, ".connectionParameters.host")
				if isHost && strings.HasPrefix(source, "spec.externalClusters[") && set.Value != "" && !strings.HasPrefix(set.Value, "/") {
					unverified(p, s, source, set)
				}
			}
		})
	},
}

func external(fields string) string {
	return "  externalClusters: [{name: source, " + fields + "}]\n"
}

// unverified reports one external cluster, by the path of its field.
func unverified(p *audit.Pass, s *snapshot.Server, source string, host snapshot.Setting) {
	mode, written := s.Setting(source + ".connectionParameters.sslmode")
	_, rooted := s.Setting(source + ".sslRootCert.name")
	out := audit.Finding{Subject: s.Ref(), Certain: true, Origin: host.Origin,
		Fix: "verify it by its CA, and by its name:\nspec:\n  externalClusters:\n    - name: <source>\n      connectionParameters:\n        sslmode: verify-full\n" +
			"      sslRootCert: {name: <Secret>, key: ca.crt}"}
	name := "sslmode " + mode.Value
	if written {
		out.Origin = mode.Origin
	} else {
		name, mode.Value = "no sslmode", "prefer"
	}
	switch {
	case mode.Value == "require" && !rooted:
		out.Severity = audit.Low
		out.Message = fmt.Sprintf("%s of %s has %s: any certificate will do of whoever answers as %s", source, s.Ref(), name, host.Value)
	case mode.Value == "disable" || mode.Value == "allow" || mode.Value == "prefer":
		out.Message = fmt.Sprintf("%s of %s has %s: it goes on in plain text, and with whoever answers as %s", source, s.Ref(), name, host.Value)
	default:
		return
	}
	p.Report(out)
}
