package tlsrules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// TLS1012 finds Secrets whose new certificates CloudNativePG does not hear of.
var TLS1012 = &audit.Rule{
	ID:       "TLS1012",
	Title:    "a renewed certificate is not noticed",
	Severity: audit.Medium,
	Why: `CloudNativePG watches the Secrets that it makes, and of others those with the label
cnpg.io/reload. Without it cert-manager renews the certificate, and the instances go on
with the old one until somebody reloads them, or it ends.`,
	Setting: cluster("  certificates: {serverTLSSecret: ledger-tls, serverCASecret: ledger-tls}\n"),
	Bad:     "apiVersion: v1\nkind: Secret\nmetadata: {name: ledger-tls, namespace: payments}\n",
	Good:    "apiVersion: v1\nkind: Secret\nmetadata: {name: ledger-tls, namespace: payments, labels: {cnpg.io/reload: \"\"}}\n",
	Needs:   []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		secrets := map[string]*snapshot.Secret{}
		for _, s := range p.World.Secrets {
			secrets[s.Namespace+"/"+s.Name] = s
		}
		each(p, func(s *snapshot.Server) {
			if s.Operator != snapshot.CloudNativePG {
				return
			}
			told := map[string]bool{}
			for _, field := range []string{"serverCASecret", "serverTLSSecret", "clientCASecret", "replicationTLSSecret"} {
				set, ok := s.Setting("spec.certificates." + field)
				name := s.Ref().Namespace + "/" + set.Value
				if !ok || told[name] {
					continue
				}
				told[name] = true
				unwatched(p, s, secrets[name], name)
			}
		})
	},
}

// reload is the label of Secrets that the operator watches [cnpg
// pkg/utils/labels_annotations.go@1.30.0].
const reload = "cnpg.io/reload"

// labelsOf is the field in which the labels of a Secret are written: of one that a controller
// makes of another object, a field of that.
func labelsOf(s *snapshot.Secret) string {
	switch kind, _, _ := strings.Cut(s.Origin.Object, " "); kind {
	case "SealedSecret":
		return "spec.template.metadata.labels"
	case "ExternalSecret":
		return "spec.target.template.metadata.labels"
	}
	return "metadata.labels"
}

func unwatched(p *audit.Pass, s *snapshot.Server, secret *snapshot.Secret, name string) {
	if secret == nil {
		p.Useless(s.Ref(), fmt.Sprintf("whether Secret %s has the label %s is not known: it was not read", name, reload))
		return
	}
	if _, labelled := secret.Labels[reload]; labelled {
		return
	}
	p.Report(audit.Finding{Subject: s.Ref(), Certain: true, Origin: secret.Origin.At("%s", labelsOf(secret)),
		Message: fmt.Sprintf("Secret %s has no label %s: %s goes on with the old certificate when it is renewed", name, reload, s.Ref()),
		Fix:     "label the Secret; with cert-manager, in spec.secretTemplate of the Certificate:\nmetadata:\n  labels:\n    " + reload + ": \"\""})
}
