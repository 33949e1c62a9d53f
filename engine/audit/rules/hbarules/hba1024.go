package hbarules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// HBA1024 finds lines that trust the Unix socket. Where a proxy in the pod brings
// sessions from the network there, HBA1001 reports it.
var HBA1024 = &audit.Rule{
	ID:       "HBA1024",
	Title:    "whoever reaches the Unix socket is trusted",
	Severity: audit.Medium,
	Why: `The socket is a file. In a pod its directory is often a volume that several containers
share, on a host /tmp, and unix_socket_permissions lets everybody in by default. With
trust whoever opens it is any role, superusers included. With peer the kernel says who
it is, and a map says which role that may be.`,
	Bad:   "local all all trust\nhost all all all reject\n",
	Good:  "local all all peer\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			if f.needsSocket() {
				return
			}
			for _, r := range f.own() {
				if r.Type != hba.Local || r.Method != "trust" || f.reach(r, probe{}) != never {
					continue
				}
				out := f.about(r, true, "%s in %s lets whoever can open the server's socket log in as any role of the line", words.Quoted(r), f.name())
				peer := *r
				peer.Method, peer.Options = "peer", nil
				out.Fix = "let the kernel say who it is, with a map where names differ:" + f.listed(peer.String())
				p.Report(out)
			}
		})
	},
}

// needsSocket reports whether the operator's own pods log in over a socket that trusts
// them, as roles that no process is named like. PgBouncer of StackGres brings every
// application there, and the operator ends each file with "local all all trust"
// [sg PatroniConfigEndpoints.java@1.18.6]; Patroni of Zalando's image replicates there as
// standby, and its file begins with the same line
// [spilo postgres-appliance/scripts/configure_spilo.py@7cb50bd].
func (f file) needsSocket() bool {
	return f.server.Operator == snapshot.StackGres || f.server.Operator == snapshot.Zalando
}
