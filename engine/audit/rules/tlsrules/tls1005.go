package tlsrules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TLS1005 compares the names of certificates with the Services that clients use. Within
// the cluster that is worth knowing; from outside the way is longer.
var TLS1005 = &audit.Rule{
	ID:       "TLS1005",
	Title:    "the certificate lacks the name that clients use",
	Severity: audit.Low,
	Why: `Only sslmode=verify-full compares the name in the certificate with the one that the
client asked for, and only it keeps somebody in between from answering in the server's
place. Where the certificate lacks the name, no client can ask for that. StackGres and
Zalando make certificates that name no Service; CloudNativePG's do not name Poolers; and
no operator knows the name that a load balancer has outside.`,
	Setting: pooler(""),
	Bad:     cluster(""),
	Good: cluster(`  certificates:
    serverAltDNSNames: [ledger-pooler, ledger-pooler.payments, ledger-pooler.payments.svc]
`),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(s *snapshot.Server) {
			listener{server: s, ref: s.Ref(), tls: s.TLS, services: offering(s.Services, s.Members(), serverPorts(s))}.check(p)
			for _, pooler := range s.Poolers {
				services := offering(pooler.Services, pooler.Workload.Pods, []uint16{pooler.Port})
				listener{server: s, ref: pooler.Ref(), tls: pooler.TLS, services: services, pooler: pooler}.check(p)
			}
		})
	},
}

// A listener shows one certificate to clients that come through its Services.
type listener struct {
	server   *snapshot.Server
	ref      snapshot.Ref
	tls      snapshot.TLS
	services []*snapshot.Service
	pooler   *snapshot.Pooler // nil for the server itself
}

func serverPorts(s *snapshot.Server) []uint16 {
	var out []uint16
	for _, port := range s.Ports {
		out = append(out, port.Port)
	}
	return out
}

// offering are the Services that lead to one of the ports, apart from those that only
// operators use.
func offering(services []*snapshot.Service, pods []*snapshot.Pod, ports []uint16) []*snapshot.Service {
	var out []*snapshot.Service
	for _, svc := range services {
		if slices.ContainsFunc(svc.Ports, func(sp snapshot.ServicePort) bool {
			return slices.ContainsFunc(pods, func(p *snapshot.Pod) bool { return slices.Contains(ports, sp.PodPort(p)) })
		}) {
			out = append(out, svc)
		}
	}
	return out
}

func (l listener) check(p *audit.Pass) {
	switch {
	case l.tls.Enabled == verdict.Deny || len(l.services) == 0:
		return
	case l.tls.Enabled == verdict.Unknown:
		p.Useless(l.ref, "whether it shows a certificate is not known")
		return
	case !l.tls.NamesKnown:
		shown := l.first(useServer)
		p.Useless(l.ref, "the names in its certificate are not known: "+
			cmp.Or(unread(find(p.World, shown.Secret), shown.Key), notRead))
		return
	}
	var missing []*snapshot.Service
	for _, svc := range l.services {
		switch {
		case svc.Type == "LoadBalancer" && !l.outside():
			out := l.finding(svc)
			out.Severity, out.Certain, out.Also = audit.Medium, !l.server.InDoubt(svc.Ref()), []verdict.Origin{svc.Origin}
			out.Message = fmt.Sprintf("clients from outside come through %s, and the certificate of %s has no name of the outside (%s): none of them can verify the server",
				svc.Ref(), l.ref, l.shows())
			p.Report(out)
		case !names(l.tls.Names, svc) && !l.internal(svc):
			missing = append(missing, svc)
		}
	}
	if len(missing) > 0 {
		out := l.finding(missing...)
		out.Message = fmt.Sprintf("the certificate of %s has no name of %s (%s): clients there cannot verify the server, sslmode=verify-full fails",
			l.ref, words.List(refs(missing)), l.shows())
		p.Report(out)
	}
}

// finding is one about Services that the certificate does not name.
func (l listener) finding(services ...*snapshot.Service) audit.Finding {
	return audit.Finding{Subject: l.ref, Certain: true, Origin: l.origin(), Fix: l.fix(services)}
}

func refs(services []*snapshot.Service) []string {
	var out []string
	for _, svc := range services {
		out = append(out, svc.Ref().String())
	}
	return out
}

// shows says which names the certificate has.
func (l listener) shows() string {
	if len(l.tls.Names) == 0 {
		return "it has none"
	}
	return "it has " + words.List(l.tls.Names)
}

// origin is the field that the certificate is chosen in.
func (l listener) origin() verdict.Origin {
	at, fields := or(l.first(useServer).Origin, l.tls.Origin), certificateFields
	if l.pooler != nil {
		at, fields = or(l.first(usePooler).Origin, l.first(useServer).Origin, l.pooler.Origin), poolerFields
	}
	if at.Field == "" {
		at.Field = fields[l.server.Operator]
	}
	return at
}

// first is the listener's first certificate of a use; zero for none.
func (l listener) first(use string) snapshot.Certificate {
	for _, c := range l.tls.Certificates {
		if c.Use == use {
			return c
		}
	}
	return snapshot.Certificate{}
}

// The fields in which a certificate, or its names, are chosen where nobody has yet.
var (
	certificateFields = map[string]string{
		snapshot.CloudNativePG: "spec.certificates.serverAltDNSNames", snapshot.Crunchy: "spec.customTLSSecret", snapshot.Percona: "spec.secrets.customTLSSecret",
	}
	poolerFields = map[string]string{snapshot.CloudNativePG: "spec.pgbouncer.clientTLSSecret"}
)

// names reports whether a client that uses the Service's name, with its namespace or
// without, finds it in the list.
func names(list []string, svc *snapshot.Service) bool {
	return slices.ContainsFunc(list, func(n string) bool {
		first, rest, _ := strings.Cut(strings.ToLower(n), ".")
		if first != "*" && first != svc.Name {
			return false
		}
		return rest == "" && first != "*" || rest == svc.Namespace || rest == svc.Namespace+".svc" || strings.HasPrefix(rest, svc.Namespace+".svc.")
	})
}

// dummy is the name that Spilo gives its own certificate.
const dummy = "spilo.dummy.org"

// outside reports whether one of the names is none of the cluster's.
func (l listener) outside() bool {
	return slices.ContainsFunc(l.tls.Names, func(n string) bool {
		parts := strings.Split(n, ".")
		switch {
		case len(parts) == 1 && !strings.Contains(n, ":"), n == dummy:
			return false
		case len(parts) == 2 && parts[1] == l.ref.Namespace:
			return false
		}
		return len(parts) < 3 || parts[2] != "svc"
	})
}

// internal reports whether only the operator uses the Service: Crunchy's and Percona's
// C-ha carries the address of C-primary, and clients are told the latter.
func (l listener) internal(svc *snapshot.Service) bool {
	return slices.Contains([]string{snapshot.Crunchy, snapshot.Percona}, l.server.Operator) && l.pooler == nil && svc.Name == l.server.Ref().Name+"-ha"
}

func (l listener) fix(services []*snapshot.Service) string {
	var names []string
	for _, svc := range services {
		in := svc.Name + "." + svc.Namespace
		names = append(names, svc.Name, in, in+".svc")
		if svc.Type == "LoadBalancer" {
			names = append(names, "<the name outside>")
		}
	}
	all := strings.Join(names, ", ")
	if secret := l.brought(); secret != "" {
		return "issue the certificate in Secret " + secret + " with the names " + all
	}
	switch l.server.Operator {
	case snapshot.CloudNativePG:
		fix := "spec:\n  certificates:\n    serverAltDNSNames: [" + all + "]"
		if l.pooler != nil {
			return "add the names to the Cluster's certificate, or bring one in spec.pgbouncer.clientTLSSecret of the Pooler:\n" + fix
		}
		return "add the names:\n" + fix
	case snapshot.StackGres:
		return "bring a certificate with the names " + all + ":\nspec:\n  postgres:\n    ssl:\n      certificateSecretKeySelector: {name: <Secret>, key: tls.crt}\n" +
			"      privateKeySecretKeySelector: {name: <Secret>, key: tls.key}"
	case snapshot.Zalando:
		return "bring a certificate with the names " + all + ":\nspec:\n  tls:\n    secretName: <Secret>\n    caFile: ca.crt"
	case snapshot.Crunchy:
		return "bring certificates with the names " + all + ":\nspec:\n  customTLSSecret: {name: <Secret>}\n  customReplicationTLSSecret: {name: <Secret of the same CA>}"
	case snapshot.Percona:
		return "bring certificates with the names " + all + ":\nspec:\n  secrets:\n    customTLSSecret: {name: <Secret>}\n    customReplicationTLSSecret: {name: <Secret of the same CA>}"
	}
	return "give the server a certificate with the names " + all
}

// brought is the Secret of a certificate that somebody brings; empty for the operator's.
// A pooler without one of its own shows the server's.
func (l listener) brought() string {
	shown := l.first(useServer)
	if l.pooler != nil {
		if c := l.first(usePooler); c.Use != "" {
			shown = c
		} else if shown.Use == "" {
			shown, _ = certificate(l.server, useServer)
		}
	}
	if shown.Lifetime > 0 {
		return ""
	}
	return shown.Secret
}
