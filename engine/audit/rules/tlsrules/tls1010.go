package tlsrules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TLS1010 finds certificates of one's own without those that have to be of the same CA.
var TLS1010 = &audit.Rule{
	ID:       "TLS1010",
	Title:    "an own certificate without its CA, or the reverse",
	Severity: audit.High,
	Why: `A certificate and its CA belong together. Of two fields with only one filled in, the
operator makes the other half, and by a CA that nobody knows: the server then refuses
the replicas' certificates, or clients the server's; CloudNativePG stops before that, and
the cluster never comes up, or is not looked after any more. Where it is to sign with a
CA of yours, for a Pooler too, it needs the key. A certificate that another CA signed than
the one beside it is as bad, and so is a Secret without the entries it is read for.`,
	Setting: "apiVersion: v1\nkind: Secret\nmetadata: {name: clients, namespace: payments}\nstringData: {ca.crt: \"\"}\n",
	Bad:     cluster("  certificates: {clientCASecret: clients}\n"),
	Good:    cluster("  certificates: {clientCASecret: clients, replicationTLSSecret: ledger-replica}\n"),
	Needs:   []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		read := secrets(p.World)
		each(p, func(s *snapshot.Server) {
			unsigned(p, s, read, useServerCA, useServer)
			unsigned(p, s, read, useClientCA, useReplication)
			switch s.Operator {
			case snapshot.CloudNativePG:
				halfCluster(p, s, useServerCA, "serverCASecret", "serverTLSSecret")
				halfCluster(p, s, useClientCA, "clientCASecret", "replicationTLSSecret")
				halfPooler(p, s)
			case snapshot.Crunchy, snapshot.Percona:
				halfCustom(p, s)
			}
		})
	},
}

// halfCluster is about two fields of spec.certificates. With the CA alone the operator
// signs the certificate itself, for which it needs the CA's key; with the certificate
// alone it checks it against a CA that it makes; a doubt about a Secret of its own is
// moot, and TLS1011 tells of it [cnpg
// internal/controller/cluster_pki.go@1.30.0].
func halfCluster(p *audit.Pass, s *snapshot.Server, use, caField, leafField string) {
	const in = "spec.certificates."
	ca, hasCA := s.Setting(in + caField)
	leaf, hasLeaf := s.Setting(in + leafField)
	out := audit.Finding{Subject: s.Ref(), Certain: true}
	switch cert, _ := certificate(s, use); {
	case hasCA == hasLeaf, hasCA && cert.CanSign == verdict.Allow:
		return
	case hasCA:
		out.Origin, out.Certain = ca.Origin, cert.CanSign == verdict.Deny
		out.Message = fmt.Sprintf("%s without %s: the operator has to sign that certificate, and Secret %s has no ca.key", caField, leafField, cert.Secret)
		if !out.Certain {
			out.Message = fmt.Sprintf("%s without %s: the operator has to sign that certificate, and whether Secret %s has a ca.key is not known", caField, leafField, cert.Secret)
		}
		out.Fix = "bring the certificate too:\nspec:\n  certificates:\n    " + leafField + ": <Secret of type kubernetes.io/tls>"
	default:
		out.Origin, out.Certain = leaf.Origin, false
		out.Message = fmt.Sprintf("%s without %s: the operator checks the certificate against a CA that it made itself, and refuses the Cluster unless that one signed it", leafField, caField)
		out.Fix = "name the CA of the certificate too:\nspec:\n  certificates:\n    " + caField + ": <Secret with ca.crt>"
	}
	if !out.Certain && (operatorsOwn(s, ca) != "" || operatorsOwn(s, leaf) != "") {
		return
	}
	p.Report(out)
}

// halfPooler is about Poolers for which the operator has to sign a certificate, too [cnpg
// internal/controller/cluster_create.go@1.30.0].
func halfPooler(p *audit.Pass, s *snapshot.Server) {
	ca, _ := certificate(s, useClientCA)
	pooler, asked := certificate(s, usePooler)
	if !asked || ca.CanSign == verdict.Allow {
		return
	}
	out := audit.Finding{Subject: s.Ref(), Certain: ca.CanSign == verdict.Deny, Origin: pooler.Origin,
		Message: fmt.Sprintf("the operator has to sign a certificate of the Pooler, and Secret %s of the client CA has no ca.key", ca.Secret),
		Fix: "let the Pooler log in with what you bring:\nspec:\n  pgbouncer:\n    serverTLSSecret: {name: <Secret of type kubernetes.io/tls>}\n" +
			"    authQuery: SELECT usename, passwd FROM public.user_search($1)"}
	if !out.Certain {
		out.Message = fmt.Sprintf("the operator has to sign a certificate of the Pooler, and whether Secret %s of the client CA has a ca.key is not known", ca.Secret)
	}
	p.Report(out)
}

// halfCustom is about the server's certificate and the replicas', of which one comes from
// the user and the other of the operator's CA.
func halfCustom(p *audit.Pass, s *snapshot.Server) {
	server, _ := certificate(s, useServer)
	replication, _ := certificate(s, useReplication)
	ownServer, ownReplication := strings.HasPrefix(server.Origin.Field, "spec."), strings.HasPrefix(replication.Origin.Field, "spec.")
	if ownServer == ownReplication {
		return
	}
	here, there := server, "customReplicationTLSSecret"
	if ownReplication {
		here, there = replication, "customTLSSecret"
	}
	section, name := cutLast(here.Origin.Field)
	p.Report(audit.Finding{Subject: s.Ref(), Certain: true, Origin: here.Origin,
		Message: fmt.Sprintf("%s without %s: the server and its replicas have certificates of two CAs, and refuse each other", name, there),
		Fix:     fmt.Sprintf("give both, signed by one CA, and each with its ca.crt: %s.%s: {name: <Secret>}", section, there)})
}

// cutLast cuts a path before its last name.
func cutLast(path string) (section, name string) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}
