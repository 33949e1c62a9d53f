package hbarules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1021 finds lines that trust the server's own host. Where a session from the
// network is known to arrive there, HBA1001 reports it.
var HBA1021 = &audit.Rule{
	ID:       "HBA1021",
	Title:    "whoever is on the server's host is trusted",
	Severity: audit.Low,
	Why: `Loopback addresses seem to be the server's own, but all containers of a pod share them:
a pooler or an exporter beside the server, kubectl port-forward, and with a service mesh
every client, whose sessions its sidecar brings from 127.0.0.6. With trust each of them
is any role, superusers included. On a host without any of these only its users are.`,
	Bad:   "host all all 127.0.0.1/32 trust\nhost all all all reject\n",
	Good:  "host all all 127.0.0.1/32 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			for _, r := range f.own() {
				own := isLoopback(r) || r.Address.Kind == hba.SameHost
				if !own || r.Method != "trust" || r.ClientCert() != hba.NoClientCert || f.reach(r, probe{}) != never {
					continue
				}
				out := f.about(r, true, "%s in %s trusts whoever is in the server's pod or on its host: "+
					"a sidecar, a port-forward, and behind a mesh every client", words.Quoted(r), f.name())
				out.Fix = "ask for a password there, too:" + f.listed(passworded(r))
				p.Report(out)
			}
		})
	},
}

// passworded is the record with a password, over whatever transport.
func passworded(r *hba.Record) string {
	c := *r
	c.Method, c.Options = "scram-sha-256", nil
	return c.String()
}
