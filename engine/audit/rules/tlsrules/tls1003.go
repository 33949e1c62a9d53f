package tlsrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TLS1003 finds servers that take client certificates of one CA. Copies of a CA in
// several namespaces are not compared.
var TLS1003 = &audit.Rule{
	ID:       "TLS1003",
	Title:    "a certificate of one cluster logs in at another",
	Severity: audit.Medium,
	Why: `A certificate names a role, and no server. Where clusters share the CA of client
certificates, as all of Crunchy's in a namespace do, the certificate with which the
replicas of one cluster copy it is as good at the others: who breaks into the test
database reads the one beside it.`,
	Bad: named("ledger", "  certificates: {clientCASecret: clients, replicationTLSSecret: ledger-replica}\n") + "---\n" +
		named("test", "  certificates: {clientCASecret: clients, replicationTLSSecret: test-replica}\n"),
	Good: named("ledger", "  certificates: {clientCASecret: ledger-clients, replicationTLSSecret: ledger-replica}\n") + "---\n" +
		named("test", "  certificates: {clientCASecret: test-clients, replicationTLSSecret: test-replica}\n"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		sharing := map[string][]*snapshot.Server{}
		each(p, func(s *snapshot.Server) {
			if ca, ok := certificate(s, useClientCA); ok && s.TLS.ClientCA == verdict.Allow {
				sharing[ca.Secret] = append(sharing[ca.Secret], s)
			}
		})
		each(p, func(s *snapshot.Server) {
			ca, _ := certificate(s, useClientCA)
			if with := sharing[ca.Secret]; len(with) > 1 {
				p.Report(shared(s, ca, with))
			}
		})
	},
}

func shared(s *snapshot.Server, ca snapshot.Certificate, with []*snapshot.Server) audit.Finding {
	var others []string
	for _, o := range with {
		if o != s {
			others = append(others, o.Ref().String())
		}
	}
	return audit.Finding{Subject: s.Ref(), Certain: true, Origin: ca.Origin, Fix: ownCA[s.Operator],
		Message: fmt.Sprintf("the CA in Secret %s is that of %s too: a client certificate made for one, its replicas' among them, logs in at the other",
			ca.Secret, words.List(others))}
}

// ownCA is how each operator gives a cluster a CA of its own.
var ownCA = map[string]string{
	snapshot.CloudNativePG: "give the cluster a CA of its own:" + bring("clientCASecret", "replicationTLSSecret"),
	snapshot.Crunchy: "give each cluster a namespace of its own, or its own certificates:\nspec:\n  customTLSSecret: {name: <Secret with ca.crt, tls.crt, tls.key>}" +
		"\n  customReplicationTLSSecret: {name: <Secret of the same CA, for _crunchyrepl>}",
	snapshot.Percona: "give the cluster a CA of its own:\nspec:\n  secrets:\n    customRootCATLSSecret: {name: <Secret with root.crt, root.key>}",
}
