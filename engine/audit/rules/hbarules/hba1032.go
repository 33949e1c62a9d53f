package hbarules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1032 finds lines on clients' addresses that sessions through a pooler never meet.
var HBA1032 = &audit.Rule{
	ID:       "HBA1032",
	Title:    "sessions through the pooler pass by the line on their address",
	Severity: audit.Medium,
	Why: `Behind a pooler the server does not see the client's address: of a PgBouncer in pods of
its own it sees the address of those pods, and of StackGres's, which is in the same pod, the
Unix socket, whose sessions all match "local all all trust". Behind its Envoy everybody
comes from 127.0.0.1. A line on the addresses of
the application is then for direct sessions only. What comes through the pooler, with the
same role and database, is decided by another line.`,
	Bad: clusterWith(twoSelectors, "hostssl ledger app ${podselector:app} scram-sha-256") + "---\n" +
		withPooler("host all all 0.0.0.0/0 reject", "host all all ::/0 reject"),
	Good: clusterWith(twoSelectors, "hostssl ledger app ${podselector:app} scram-sha-256",
		"hostssl ledger app ${podselector:pool} scram-sha-256", "host all all all reject") + "---\n" +
		withPooler("host all all 0.0.0.0/0 reject", "host all all ::/0 reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			if !f.postgres() {
				return
			}
			for _, r := range f.own() {
				f.bypassed(p, r)
			}
		})
	},
}

const twoSelectors = `  podSelectorRefs:
    - {name: app, selector: {matchLabels: {app: app}}}
    - {name: pool, selector: {matchLabels: {cnpg.io/poolerName: pool}}}
`

// bypassed reports a line of the user's on addresses, where a pooler brings the same
// sessions past it.
func (f file) bypassed(p *audit.Pass, r *hba.Record) {
	if !onClients(r) || f.operators(r) || f.behindProxy(r) {
		return
	}
	proxied := func(sees snapshot.Sees) bool {
		return slices.ContainsFunc(f.server.Ports, func(port snapshot.ServerPort) bool { return port.Sees == sees })
	}
	if proxied(snapshot.SeesSocket) {
		f.besides(p, r, "the pooler in the pods", hba.Session{Local: true}, snapshot.SeesSocket)
	}
	if proxied(snapshot.SeesLoopback) {
		f.besides(p, r, "Envoy in the pods", hba.Session{Client: hba.Loopback()}, snapshot.SeesLoopback)
	}
	for _, pooler := range f.server.Poolers {
		if len(pooler.Workload.Pods) > 0 && pooler.Becomes == "" {
			f.besides(p, r, pooler.Ref().String(), hba.Session{TLS: pooler.ServerTLS != "disable", Client: pooled(p, pooler.Workload.Pods[0])}, snapshot.SeesClient)
		}
	}
}

// onClients reports whether the record lets in by address, and not everybody.
func onClients(r *hba.Record) bool {
	named := r.Address.Kind == hba.Pods || r.Address.Kind == hba.Net && !everyAddress(r)
	return named && r.Type != hba.Local && r.Method != "reject" && !isLoopback(r)
}

// behindProxy reports whether the line is for sessions with TLS, and TLS surely ends before
// the server: TLS1008 tells that it matches none.
func (f file) behindProxy(r *hba.Record) bool {
	return r.Type == hba.HostSSL && f.ends && !slices.ContainsFunc(f.server.Ports, func(port snapshot.ServerPort) bool {
		return port.Maybe != "" || port.Pooler == nil && !port.Terminates
	})
}

// operators reports whether the line is about roles that do not come through a pooler:
// superusers and those that replicate.
func (f file) operators(r *hba.Record) bool {
	if slices.ContainsFunc(r.Databases, func(t hba.Token) bool { return t.Is("replication") }) {
		return true
	}
	return !slices.ContainsFunc(r.Users, func(t hba.Token) bool {
		i := slices.IndexFunc(f.server.Roles, func(role snapshot.Role) bool { return role.Name == t.Text })
		return i < 0 && t.Text != "postgres" || i >= 0 && !f.server.Roles[i].Superuser && !f.server.Roles[i].Replication
	})
}

// pooled is how the server sees the pooler.
func pooled(p *audit.Pass, pod *snapshot.Pod) hba.Client {
	return hba.Client{Pod: true, Namespace: pod.Namespace, Labels: pod.Labels, HostNetwork: pod.HostNetwork,
		ServerHost: netpol.No, Prefixes: p.World.Facts.PodCIDRs}
}

// besides decides one of the line's sessions as it comes through the pooler, and reports
// where it ends, unless that is at a line of the user's.
func (f file) besides(p *audit.Pass, r *hba.Record, pooler string, as hba.Session, sees snapshot.Sees) {
	sessions := f.everywhere().sessions(r, probe{})
	if len(sessions) == 0 {
		return
	}
	s := sessions[0]
	s.Local, s.TLS, s.Client = as.Local, as.TLS, as.Client
	result := f.decide(s)
	if result.Verdict != verdict.Allow || words.Written(result.Record) {
		return
	}
	direct := "is for direct sessions only"
	if !slices.ContainsFunc(f.server.Ports, func(port snapshot.ServerPort) bool {
		return port.Sees == snapshot.SeesClient || port.Sees == snapshot.SeesUnknown
	}) {
		direct = "is for nobody over the network"
	}
	certain := sees == snapshot.SeesClient || slices.ContainsFunc(f.server.Ports, func(port snapshot.ServerPort) bool {
		return port.Sees == sees && port.Maybe == ""
	})
	out := f.about(r, certain, "%s in %s %s: through %s the server sees %s, and the same role and database come to %s",
		words.Quoted(r), f.name(), direct, pooler, seen[sees], strings.TrimSuffix(line(result.Record), ","))
	out.Also = []verdict.Origin{result.Record.Origin}
	out.Fix = f.forPooler(r, sees)
	p.Report(out)
}

var seen = map[snapshot.Sees]string{snapshot.SeesSocket: "its own Unix socket", snapshot.SeesClient: "the pooler's address",
	snapshot.SeesLoopback: "127.0.0.1"}

// forPooler is what restricts sessions through the pooler.
func (f file) forPooler(r *hba.Record, sees snapshot.Sees) string {
	const gate = "restrict the pooler's own clients, with a NetworkPolicy for its pods"
	switch {
	case sees == snapshot.SeesSocket:
		return gate + " on the pooled port; pg_hba.conf cannot"
	case sees == snapshot.SeesLoopback:
		return "restrict clients with a NetworkPolicy, or take Envoy out of the pods: spec.pods.disableEnvoy: true"
	case f.server.Operator == snapshot.CloudNativePG:
		same := strings.Replace(r.String(), r.Address.String(), "${podselector:POOLER}", 1)
		return fmt.Sprintf("%s and lines in its pg_hba; for the pooler add a line on its pods (cnpg.io/poolerName) to the Cluster:%s\nand %s",
			gate, f.listed(same), f.closing(r))
	}
	return gate
}
