//go:build linux

package compiled

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A claim is what the intents say of a session, by no file and no engine.
type claim struct {
	// must are outcomes of which one has to be there; may says that the session may get in.
	must []string
	may  bool
	// loose says that another line may ask the session for something else.
	loose bool
	// alive says that the server dies where the session does not get in.
	alive bool
}

func (d *desk) claim(s session) claim {
	switch {
	case d.port.Sees == snapshot.SeesClient && d.lively(s):
		return claim{may: true, alive: true}
	case d.port.Sees != snapshot.SeesClient, s.Replication, s.TLS && !d.served.SSL:
		return claim{may: true}
	}
	operators := d.operators(s)
	out := claim{may: operators || d.told(s, d.Server.Ref()), loose: operators || d.twice()}
	for _, a := range d.Accesses {
		if excused(d.out.Gaps, "hba", d.world, a, s.from) {
			out.may = true
			continue
		}
		for i := range a.To {
			if e := &a.To[i]; !d.refused(e) && slices.Contains(e.Databases, s.Database) {
				out.must = append(out.must, d.entry(a, e, s)...)
			}
		}
	}
	return out
}

// lively reports whether the server dies without the session, and no gap says that it is cut.
func (d *desk) lively(s session) bool {
	return slices.ContainsFunc(d.Server.Vital, func(f snapshot.VitalFlow) bool {
		is := f.Role == s.Role && f.Replication == s.Replication && f.Cert == s.Cert && s.TLS == d.served.SSL && !f.Optional &&
			(f.Replication || f.Database == "" || f.Database == s.Database)
		here := slices.ContainsFunc(f.To.Pods, func(p *snapshot.Pod) bool { return p.Workload == d.Server.Workload }) &&
			flow.PortsOf(f.Ports...).Has(flow.TCP, d.port.Port)
		cut := slices.ContainsFunc(d.out.Gaps, func(g gap) bool { return g.Backend == "hba" && g.Consequence == "cut: "+f.What })
		return is && here && !cut && s.from.pod() != nil && slices.Contains(f.From.Pods, s.from.pod())
	})
}

// twice reports whether a gap says that some have to do what is asked of others.
func (d *desk) twice() bool {
	return slices.ContainsFunc(d.out.Gaps, func(g gap) bool { return g.Code == "hba/two-methods" })
}

// entry are the outcomes that one entry asks for; none where it is not about the session.
func (d *desk) entry(a *intent.Access, e *intent.Entry, s session) []string {
	pooler := slices.IndexFunc(d.Server.Poolers, func(p *snapshot.Pooler) bool { return p.Ref().Name == e.Pooler })
	if pooler >= 0 {
		p, role := d.Server.Poolers[pooler], e.Role
		if p.Becomes != "" {
			role = p.Becomes
		}
		if s.Role == role && s.TLS && e.Authentication == intent.SCRAM && s.from.pod() != nil && d.pooler(s.from.pod()) == p {
			return []string{"scram"}
		}
		return nil
	}
	plain := e.PlainText && d.Perimeter.PlainText && e.Authentication == intent.SCRAM
	if e.Pooler != "" || s.Role != e.Role || !s.TLS && !plain || !anyPeer(d.world, a.From, a.Namespace, s.from) {
		return nil
	}
	switch {
	case e.Authentication != intent.SCRAM && s.Cert == "":
		return []string{"cert-required"}
	case e.Authentication != intent.Certificate:
		return []string{"scram"} // and of the certificate it asks afterwards
	case s.Cert != d.issuedTo(e), d.Server.Operator == snapshot.Plain && s.Cert != s.Role: // where nobody reads its pg_ident.conf yet
		return []string{"cert-fail"}
	}
	return []string{"cert-ok"}
}

// issuedTo is the name on the certificate of an entry's role.
func (d *desk) issuedTo(e *intent.Entry) string {
	if e.Secret == issued {
		return issuedTo
	}
	return e.Role
}

// refused reports whether a gap says that clients of the entry are refused.
func (d *desk) refused(e *intent.Entry) bool {
	return slices.ContainsFunc(d.out.Gaps, func(g gap) bool {
		return g.Backend == "hba" && g.Origin == e.Origin && strings.Contains(g.Consequence, "refused")
	})
}

// operators reports whether the session is by a role that the operator has lines of its own
// for, or that the server needs to stay alive.
func (d *desk) operators(s session) bool {
	for _, r := range d.later.HBA.Records {
		if !d.ours(r) && r.Type != hba.Local && slices.Contains(hba.Literals(r.Users, "all"), s.Role) {
			return true
		}
	}
	pod := s.from.pod()
	return pod != nil && slices.ContainsFunc(d.Server.Vital, func(f snapshot.VitalFlow) bool {
		return f.Role == s.Role && d.isVital(f.From, s.from)
	})
}

// told reports whether a gap says that a file of the server or a pooler cannot tell the session from one that was
// asked for.
func (d *desk) told(s session, of snapshot.Ref) bool {
	inRange := slices.ContainsFunc(d.world.Facts.PodCIDRs, func(p netip.Prefix) bool { return p.Contains(s.from.at) })
	vital := slices.ContainsFunc(d.Server.Vital, func(f snapshot.VitalFlow) bool { return f.Role == s.Role })
	return slices.ContainsFunc(d.out.Gaps, func(g gap) bool {
		alike := g.Code == "hba/pods-alike" && strings.HasPrefix(g.What, "pg_hba.conf of "+of.String()+" ") &&
			strings.Contains(g.Consequence, "with the credentials of role "+s.Role+" is let in") &&
			(inRange || !strings.Contains(g.Consequence, "from every pod of the cluster"))
		nodes := g.Code == "hba/host-network" && slices.ContainsFunc(nodesAre, func(n *snapshot.Node) bool { return slices.Contains(n.Addresses, s.from.at) })
		return (alike || nodes) && (vital || d.named(s))
	})
}

// named reports whether an entry is about the role and the database, straight or through a
// pooler that puts its own role in the place.
func (d *desk) named(s session) bool {
	for _, a := range d.Accesses {
		for _, e := range a.To {
			becomes := slices.ContainsFunc(d.Server.Poolers, func(p *snapshot.Pooler) bool { return p.Ref().Name == e.Pooler && p.Becomes == s.Role })
			if (e.Role == s.Role || becomes) && slices.Contains(e.Databases, s.Database) {
				return true
			}
		}
	}
	return false
}

// shutOut are the outcomes for whom nothing was declared.
var shutOut = []string{"reject", "no-entry", "ssl-refused"}

// broken says how an outcome breaks the claim; empty where it does not.
func (c claim) broken(outcomes []string) string {
	isIn := func(of []string) bool {
		return slices.ContainsFunc(outcomes, func(o string) bool { return slices.Contains(of, o) })
	}
	switch {
	case c.alive && !isIn([]string{"scram", "md5", "cert-ok", "trust", "password"}):
		return "the server needs it to stay alive"
	case len(c.must) > 0 && !isIn(c.must) && (!c.loose || isIn(shutOut)):
		return fmt.Sprintf("it is asked for, with the outcome %q", c.must)
	case len(c.must) == 0 && !c.may && !isIn(shutOut):
		return "nobody asks for it"
	}
	return ""
}
