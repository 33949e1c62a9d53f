package tlsrules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// TLS1001 finds certificates near their end or past it. One that an operator renews is
// late only when it should have been renewed for a while.
var TLS1001 = &audit.Rule{
	ID:       "TLS1001",
	Title:    "a certificate has ended, or ends soon",
	Severity: audit.High,
	Why: `Nothing tells of a certificate's end beforehand. On the day a client that verifies
refuses the server, and the server refuses every client certificate: replicas stop to
stream, poolers to look passwords up. What an operator issues it renews in time, unless
it is down or the Secret is no longer its own; what a person brought, a person renews, and
is told 30 days before. CAs are renewed too, CloudNativePG's every 90 days: a copy of one
ends, and with it the clients that verify by it.`,
	Bad:   expiring("2026-11-20 10:00:00 +0000 UTC"),
	Good:  expiring("2027-01-20 10:00:00 +0000 UTC"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		copies := authorities(p.World)
		each(p, func(s *snapshot.Server) {
			outdated(p, s, copies)
			lifespan(p, s, s.Ref(), s.TLS.Certificates)
			for _, pooler := range s.Poolers {
				lifespan(p, s, pooler.Ref(), shown(pooler.TLS.Certificates))
			}
		})
	},
}

// The ends of certificates are counted in seconds.
const (
	hour = 3600
	day  = 24 * hour
)

// noTime is the fact without which no end is near.
const noTime = "nobody states what time it is (now in the facts file)"

// useListener is the use of what a pooler shows its clients.
const useListener = "listener"

// shown are the certificates that a pooler shows, as such: those it logs in with are the
// server's.
func shown(certs []snapshot.Certificate) []snapshot.Certificate {
	out := slices.Clone(certs)
	for i := range out {
		if out[i].Use == usePooler || out[i].Use == useServer {
			out[i].Use = useListener
		}
	}
	return out
}

// A dated certificate is one file with all that it is used for.
type dated struct {
	snapshot.Certificate
	uses []string
}

// lifespan reports the certificates of a server or a pooler.
func lifespan(p *audit.Pass, s *snapshot.Server, subject snapshot.Ref, certs []snapshot.Certificate) {
	for _, d := range files(certs) {
		switch {
		case d.NotAfter == 0 && d.Lifetime == 0 && d.Secret != "":
			p.Useless(subject, fmt.Sprintf("when the certificate in Secret %s ends is not known: %s", d.Secret,
				cmp.Or(unread(find(p.World, d.Secret), d.Key), notRead)))
		case d.NotAfter == 0:
		case p.World.Facts.Now == 0:
			p.Skip(subject, "whether its certificates have ended: "+noTime)
		default:
			d.report(p, s, subject)
		}
	}
}

// files joins the certificates of one entry of one Secret, such as the CA of both sides.
func files(certs []snapshot.Certificate) []dated {
	var out []dated
	for _, c := range certs {
		i := slices.IndexFunc(out, func(d dated) bool { return d.Secret == c.Secret && d.Key == c.Key && d.Origin == c.Origin })
		if i < 0 {
			out = append(out, dated{c, nil})
			i = len(out) - 1
		}
		out[i].uses = append(out[i].uses, c.Use)
	}
	return out
}

func (d dated) report(p *audit.Pass, s *snapshot.Server, subject snapshot.Ref) {
	left := int64(d.NotAfter - p.World.Facts.Now)
	out := audit.Finding{Subject: subject, Certain: true, Origin: d.Origin, Fix: d.fix(s)}
	switch {
	case left <= 0:
		out.Message = fmt.Sprintf("the certificate %s of Secret %s has ended %s ago: %s", d.Key, d.Secret, span(-left), d.causes())
	case d.late(left):
		out.Severity = audit.Medium
		out.Message = fmt.Sprintf("the certificate %s of Secret %s ends in %s, and the operator should have renewed it %s ago: after that %s",
			d.Key, d.Secret, span(left), span(int64(d.RenewBefore)*hour-left), d.causes())
	case d.RenewBefore == 0 && left < words.Soon:
		out.Severity = audit.Medium
		out.Message = fmt.Sprintf("the certificate %s of Secret %s ends in %s, and nobody renews it unasked: after that %s", d.Key, d.Secret, span(left), d.causes())
	default:
		return
	}
	p.Report(out)
}

// late reports whether the operator has let half of the time pass that it takes for a
// renewal.
func (d dated) late(left int64) bool { return left < int64(d.RenewBefore)*hour/2 }

// span writes a time as people do.
func span(seconds int64) string {
	n, unit := seconds/day, "day"
	if seconds < 2*day {
		n, unit = seconds/hour, "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

var causes = map[string]string{
	useServer:      "clients that verify the server refuse it",
	useServerCA:    "clients that verify the server refuse it",
	useClientCA:    "the server refuses every client certificate, replicas' among them",
	useReplication: "replicas cannot stream from the primary",
	usePooler:      "the pooler cannot look passwords up, and lets nobody in",
	useListener:    "clients that verify the pooler refuse it",
}

// causes says what comes of the end.
func (d dated) causes() string {
	var out []string
	for _, use := range d.uses {
		text, known := causes[use]
		if !known {
			text = "role " + use + " cannot log in with it"
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return strings.Join(out, ", and ")
}

func (d dated) fix(s *snapshot.Server) string {
	switch {
	case d.Lifetime > 0:
		return "find in the operator's log why it does not renew Secret " + d.Secret
	case s.Operator == snapshot.CloudNativePG:
		return "put a new certificate into Secret " + d.Secret + ", and have the instances load it at once:\nmetadata:\n  labels:\n    cnpg.io/reload: \"\""
	}
	return "put a new certificate into Secret " + d.Secret
}
