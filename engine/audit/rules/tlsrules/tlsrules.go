// Package tlsrules holds the rules about the certificates and the TLS of servers, poolers and their clients.
package tlsrules

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Rules are the family's, in the order of their numbers.
var Rules = []*audit.Rule{
	TLS1001, TLS1002, TLS1003, TLS1004, TLS1005, TLS1006, TLS1007, TLS1008, TLS1009, TLS1010,
	TLS1011, TLS1012, TLS1013,
}

// The uses of certificates that are no role's.
const (
	useServer      = "server"
	useServerCA    = "server CA"
	useClientCA    = "client CA"
	useReplication = "replication"
	usePooler      = "pooler"
)

// each visits the servers that manifests tell of. Of a bare pg_hba.conf nobody knows
// what TLS its server offers.
func each(p *audit.Pass, visit func(*snapshot.Server)) {
	for _, s := range p.World.Servers {
		if s.Operator != snapshot.BareFile {
			visit(s)
		}
	}
}

// certificate returns the server's first certificate of a use.
func certificate(s *snapshot.Server, use string) (snapshot.Certificate, bool) {
	i := slices.IndexFunc(s.TLS.Certificates, func(c snapshot.Certificate) bool { return c.Use == use })
	if i < 0 {
		return snapshot.Certificate{}, false
	}
	return s.TLS.Certificates[i], true
}

// settingOf returns the setting of a key that an object has: poolers of one server
// share its list of settings.
func settingOf(s *snapshot.Server, object, key string) (snapshot.Setting, bool) {
	for _, set := range s.Settings {
		if set.Key == key && set.Origin.Object == object {
			return set, true
		}
	}
	return snapshot.Setting{}, false
}

// or returns the first origin that names something.
func or(origins ...verdict.Origin) verdict.Origin {
	for _, o := range origins {
		if !o.IsZero() {
			return o
		}
	}
	return verdict.Origin{}
}
