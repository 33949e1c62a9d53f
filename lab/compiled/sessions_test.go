//go:build linux

package compiled

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A session is one attempt to log in.
type session struct {
	from end
	reach.Session
}

func (s session) String() string {
	return fmt.Sprintf("%s (%s) %+v", s.from, s.from.at, s.Session)
}

// sessions are some attempts, every other one of which is near to what was declared,
// through the pooler where one is named.
func (d *desk) sessions(n int, through string) []session {
	g := &gen{d.random}
	var out []session
	for i := range n {
		s := session{from: pick(g, d.clients...), Session: reach.Session{Role: pick(g, d.roles()...), Database: pick(g, d.databases()...), TLS: !g.one(3)}}
		if s.TLS && g.one(2) {
			s.Cert = pick(g, s.Role, pick(g, d.roles()...), issuedTo)
		}
		if i%2 == 0 {
			d.near(g, &s, through)
		}
		s.Replication = g.one(12)
		if through == "" && i%8 == 1 {
			d.vital(g, &s)
		}
		out = append(out, s)
	}
	return out
}

// vital makes of a session one that the server needs, where it needs any.
func (d *desk) vital(g *gen, s *session) {
	var all []session
	for _, f := range d.Server.Vital {
		for _, c := range d.clients {
			if f.Role == "" || c.pod() == nil || !slices.Contains(f.From.Pods, c.pod()) {
				continue
			}
			all = append(all, session{c, reach.Session{Role: f.Role, Database: cmp.Or(f.Database, "postgres"), Replication: f.Replication,
				TLS: d.served.SSL, Cert: f.Cert}})
		}
	}
	if len(all) > 0 {
		*s = pick(g, all...)
	}
}

// near makes of a session one that an access asks for, mostly.
func (d *desk) near(g *gen, s *session, through string) {
	type asked struct {
		*intent.Access
		intent.Entry
	}
	var all []asked
	for _, a := range d.Accesses {
		for _, e := range a.To {
			if through == "" || e.Pooler == through {
				all = append(all, asked{a, e})
			}
		}
	}
	if len(all) == 0 {
		return
	}
	one := pick(g, all...)
	a, e := one.Access, one.Entry
	s.Role, s.Database = e.Role, pick(g, e.Databases...)
	if e.Authentication != intent.SCRAM {
		s.TLS, s.Cert = true, pick(g, d.issuedTo(&e), e.Role, issuedTo)
	}
	if g.one(4) {
		return
	}
	var those []end
	for _, c := range d.clients {
		if p := c.pod(); anyPeer(d.world, a.From, a.Namespace, c) || through == "" && p != nil && d.pooler(p) != nil && d.pooler(p).Ref().Name == e.Pooler {
			those = append(those, c)
		}
	}
	if len(those) > 0 {
		s.from = pick(g, those...)
	}
}

// escaped is for what would mean something in a subject.
var escaped = strings.NewReplacer(`\`, `\\`, "/", `\/`, "+", `\+`)

// attempt is the session as PostgreSQL meets it.
func (d *desk) attempt(s session) *hbacase.Attempt {
	out := &hbacase.Attempt{Type: "host", TLS: s.TLS && !d.port.Terminates, User: s.Role, Database: &s.Database, Address: s.from.at.String(),
		Replication: hbacase.Replication{Sent: s.Replication, Text: "true"}}
	if d.port.Sees == snapshot.SeesLoopback {
		out.Address = "127.0.0.1"
	}
	if s.Cert != "" && out.TLS {
		out.ClientCert = &hbacase.ClientCert{Subject: "/CN=" + escaped.Replace(s.Cert), Trusted: true}
	}
	return out
}

// endpoint is the client as the engine has it.
func (s session) endpoint() network.Endpoint {
	if s.from.runner == nil {
		return network.OutsideEndpoint(hostOf(s.from.at))
	}
	only := *s.from.later // by this one of its addresses
	only.Addresses = []netip.Addr{s.from.at}
	return network.PodEndpoint(&only)
}

// predicted are the outcomes of which the engine says that one it will be; nil where it does
// not know.
func (d *desk) predicted(s session) (outcomes []string, steps []verdict.Step) {
	q := reach.Question{From: s.endpoint(), To: reach.Target{Server: d.later}, Session: s.Session, Port: d.port.Port}
	for _, p := range d.engine.Decide(q).Paths {
		if p.Service == nil && p.Pooler == nil && p.Through == "" {
			return outcomesOf(p), p.Steps
		}
	}
	if p := s.from.pod(); p != nil && p.Workload == d.Server.Workload {
		return nil, nil // the only member, to itself
	}
	return []string{"there is no path"}, nil
}

var refusedBy = map[verdict.Reason]string{"hba/no-record": "no-entry", "hba/rejected": "reject", "hba/cert-required": "cert-required",
	"hba/cert-no-ca": "no-root-store", "tls/refused": "ssl-refused"}

var askedBy = map[string][]string{"scram-sha-256": {"scram"}, "md5": {"md5", "scram"}, "password": {"password"}, "trust": {"trust"}, "cert": {"cert-ok"}}

func outcomesOf(p reach.Path) []string {
	for _, s := range p.Steps {
		if s.Layer != verdict.HBA && s.Layer != verdict.Ident {
			continue
		}
		switch {
		case s.Verdict == verdict.Unknown:
			return nil
		case s.Verdict == verdict.Deny && s.Layer == verdict.Ident && p.Method == "cert":
			return []string{"cert-fail"}
		case s.Verdict == verdict.Deny && s.Layer == verdict.Ident:
			return askedBy[p.Method] // the name is looked at after the password (auth.c ClientAuthentication)
		case s.Verdict == verdict.Deny:
			return []string{refusedBy[s.Reason]}
		}
	}
	var out []string
	for method := range strings.SplitSeq(p.Method, " or ") {
		out = append(out, askedBy[method]...)
	}
	return out
}
