package starter

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Limits are what no layer can keep of a server, so that no test and no invariant states it.
type Limits struct {
	// Superuser says that what keeps the server alive logs in as a superuser over the
	// network, by lines that cannot tell it from clients.
	Superuser bool
	// Proxied says that PostgreSQL sees clients that come straight as sessions inside its
	// own pods, whoever they are and whether they came with TLS.
	Proxied bool
	// PoolerRefusesPlain says that the pooler in the server's pods is known to refuse
	// sessions without TLS.
	PoolerRefusesPlain bool
}

// LimitsOf are those of a server that was read.
func LimitsOf(s *snapshot.Server) Limits {
	var out Limits
	superusers := Superusers(s)
	for _, f := range s.Vital {
		logsIn := slices.ContainsFunc(f.To.Pods, func(p *snapshot.Pod) bool { return p.Workload == s.Workload })
		if logsIn && !f.Optional && f.Cert == "" && slices.Contains(superusers, f.Role) {
			out.Superuser = true
		}
	}
	out.PoolerRefusesPlain = true
	for _, p := range s.Ports {
		if p.Pooler == nil {
			out.Proxied = out.Proxied || p.Sees == snapshot.SeesLoopback
		} else if !refusesPlain(*p.Pooler) {
			out.PoolerRefusesPlain = false
		}
	}
	return out
}

// refusesPlain reports whether a setting of the pooler, on line zero of its file, surely
// refuses sessions without TLS.
func refusesPlain(f hba.File) bool {
	return slices.ContainsFunc(f.Records, func(r hba.Record) bool {
		return r.Line == 0 && (r.Type == hba.HostNoSSL || r.Type == hba.Host) && r.Method == "reject" && r.Maybe == ""
	})
}

// isPooledInside reports whether an entry goes through the pooler in the server's own pods,
// which has the server's name: that lets in every role whose password it is shown, and
// pg_hba.conf sees all of its clients as one.
func (a Answers) isPooledInside(e Entry) bool { return e.Pooler == a.Server.Name }

// mayBeSuperuser reports whether nothing but the superuser's password keeps a client from
// being one.
func (a Answers) mayBeSuperuser(c Client) bool {
	return a.Limits.Superuser || slices.ContainsFunc(c.To, func(e Entry) bool {
		return a.isPooledInside(e) || e.Pooler == "" && a.Limits.Proxied
	})
}

// mayBePlain reports whether nothing is known to refuse an entry's sessions without TLS.
func (a Answers) mayBePlain(e Entry) bool {
	return a.isPooledInside(e) && !a.Limits.PoolerRefusesPlain || e.Pooler == "" && a.Limits.Proxied
}

// mayComePlain is mayBePlain of some entry of a client.
func (a Answers) mayComePlain(c Client) bool { return slices.ContainsFunc(c.To, a.mayBePlain) }

// superuserLimit says why clients may be superusers, in words for a comment.
func (a Answers) superuserLimit() string {
	pooled := slices.ContainsFunc(a.Clients, func(c Client) bool { return slices.ContainsFunc(c.To, a.isPooledInside) })
	switch {
	case a.Limits.Superuser:
		return "the server's own members, or its operator, log in as superuser over the network, and pg_hba.conf cannot tell them from clients"
	case pooled:
		return "the pooler in the server's pods lets in every role whose password it is shown"
	}
	return "a proxy in the server's pods stands before PostgreSQL, which cannot tell its clients apart"
}

// plainLimit says why clients may come without TLS, and what would change it.
func (a Answers) plainLimit() string {
	if a.Limits.Proxied {
		return "a proxy ends TLS before PostgreSQL, and nothing tells that it refuses sessions without (StackGres: spec.pods.disableEnvoy: true runs without it)"
	}
	return "the pooler in the server's pods takes sessions without TLS (StackGres: client_tls_sslmode: require in its SGPoolingConfig refuses them)"
}

// leftOut are the namespaces of clients of which a statement cannot hold, and whether some
// of them are outside.
func (a Answers) leftOut(is func(Client) bool) (namespaces []string, outside bool) {
	for _, c := range a.Clients {
		switch {
		case !is(c):
		case c.Range != "":
			outside = true
		case c.Pods.Namespace != a.Server.Namespace && !slices.Contains(namespaces, c.Pods.Namespace):
			namespaces = append(namespaces, c.Pods.Namespace)
		}
	}
	return namespaces, outside
}
