package tlsrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An authority is the certificate of a CA in some Secret.
type authority struct {
	secret string
	snapshot.SecretCertificate
	of *snapshot.Secret
}

// authorities lists the certificates of CAs by their subjects.
func authorities(world *snapshot.Snapshot) map[string][]authority {
	out := map[string][]authority{}
	for _, s := range world.Secrets {
		for _, c := range s.Certificates {
			if c.CA && c.Subject != "" {
				out[c.Subject] = append(out[c.Subject], authority{s.Namespace + "/" + s.Name, c, s})
			}
		}
	}
	return out
}

// outdated reports copies of the server's CA that have ended. That a CA of its name is a
// copy of it is likely, and no more, and only where the operator names a CA as its
// cluster: Crunchy's have all one name.
func outdated(p *audit.Pass, s *snapshot.Server, copies map[string][]authority) {
	ca, ok := certificate(s, useServerCA)
	if !ok || ca.Lifetime == 0 || ca.Subject != s.Ref().Name {
		return
	}
	if slices.ContainsFunc(p.World.Secrets, func(x *snapshot.Secret) bool { return x.Partial && !x.Sealed && !holds(s, x) }) {
		p.Useless(s.Ref(), "whether copies of its CA in other Secrets have ended is not known: of some only the metadata was read")
	}
	for _, c := range copies[ca.Subject] {
		if c.secret != ca.Secret {
			copied(p, s, ca, c)
		}
	}
}

// holds reports whether a Secret is one of the server's own.
func holds(s *snapshot.Server, x *snapshot.Secret) bool {
	return slices.ContainsFunc(s.Secrets, func(own snapshot.ServerSecret) bool { return own.Secret == x.Namespace+"/"+x.Name })
}

func copied(p *audit.Pass, s *snapshot.Server, ca snapshot.Certificate, c authority) {
	now := p.World.Facts.Now
	switch {
	case ca.NotAfter != 0 && c.NotAfter >= ca.NotAfter:
		return
	case now == 0:
		p.Skip(s.Ref(), fmt.Sprintf("whether the copy of its CA in Secret %s has ended: %s", c.secret, noTime))
		return
	case c.NotAfter > now:
		return
	}
	p.Report(audit.Finding{Severity: audit.Medium, Subject: s.Ref(), Origin: c.of.Origin,
		Message: fmt.Sprintf("Secret %s holds a CA named %s as that of %s, and it has ended %s ago: clients that verify the server with it refuse it",
			c.secret, ca.Subject, s.Ref(), span(int64(now-c.NotAfter))),
		Fix: "let clients read " + ca.Key + " of Secret " + ca.Secret + " itself, or have something copy it whenever it changes"})
}
