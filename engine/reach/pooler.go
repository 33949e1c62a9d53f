package reach

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// throughPooler decides two sessions: the client's at the pooler, by the pooler's own
// file, and the pooler's at the member. The second comes from the pooler's pod, and
// nothing of the client is left in it but the database and, unless the pooler puts a
// role of its own in place, the role.
func (e *Engine) throughPooler(q Question, w way) ([]verdict.Step, string) {
	from := e.met(q, w, snapshot.ServerPort{Sees: snapshot.SeesClient})
	steps := settled([]verdict.Step{e.tlsStep(verdict.Pooler, w.pooler.TLS, q.Session.TLS)})
	hop := e.hbaStep(verdict.Pooler, w.pooler.HBA, from, q.To.Server)
	steps = append(steps, hop.step)
	pooled := network.PodEndpoint(w.hop)
	steps = append(steps, e.marked(e.packets(pooled, w.member, w.port.Port), w.pooler)...)
	steps = append(steps, e.askPasswords(q, w, pooled)...)
	on := Session{Database: q.Session.Database, Role: q.Session.Role, Replication: q.Session.Replication}
	if w.pooler.Becomes != "" {
		on.Role = w.pooler.Becomes
	}
	return append(steps, e.marked(e.onward(q.To, w, pooled, on), w.pooler)...), hop.method
}

// askPasswords is what keeps a pooler from looking passwords up; empty where nothing does, or
// where it does not look any up. It looks them up in the client's database where it was told
// no other (PgBouncer documentation, "auth_dbname").
func (e *Engine) askPasswords(q Question, w way, pooled network.Endpoint) []verdict.Step {
	if w.pooler.AuthUser == "" {
		return nil
	}
	steps := settled(e.onward(q.To, w, pooled, Session{
		Database: cmp.Or(w.pooler.AuthDatabase, q.Session.Database, AnyOther), Role: w.pooler.AuthUser, Cert: w.pooler.AuthUser}))
	for i := range steps {
		steps[i].Facts = with(steps[i].Facts, "session", "the pooler's password lookup as "+w.pooler.AuthUser)
	}
	return steps
}

// onward decides a session of the pooler at a member, with TLS or without as its
// server_tls_sslmode has it (PgBouncer documentation, "server_tls_sslmode"). A mode that
// nobody told may be any.
func (e *Engine) onward(to Target, w way, pooled network.Endpoint, s Session) []verdict.Step {
	at := func(tls bool) []verdict.Step {
		asked := s
		if asked.TLS = tls; !tls {
			asked.Cert = ""
		}
		steps, _ := e.atServer(to.Server, e.client(Question{From: pooled, To: to, Session: asked}, w.port), w.port)
		return steps
	}
	mayDo := to.Server.TLS.Enabled
	if w.port.NoTLS {
		mayDo = verdict.Deny
	}
	switch mode := w.pooler.ServerTLS; {
	case mode == "disable":
		return at(false)
	case mode != "" && mode != "allow" && mode != "prefer":
		return at(true)
	case mode == "": // nobody told
	case mayDo == verdict.Deny: // the server says so, and the pooler does without
		return at(false)
	case mayDo == verdict.Allow && mode == "prefer":
		return at(true)
	}
	plain, tls := at(false), at(true)
	if combined(plain) == combined(tls) {
		return plain
	}
	return []verdict.Step{{Layer: verdict.HBA, Reason: "pooler/tls-unsure", Origin: w.pooler.Origin,
		Facts: map[string]string{"mode": cmp.Or(w.pooler.ServerTLS, "unknown")}}}
}

// marked says of steps that they are about the pooler's own connection.
func (e *Engine) marked(steps []verdict.Step, p *snapshot.Pooler) []verdict.Step {
	if e.isTerse() {
		return steps
	}
	for i := range steps {
		steps[i].Facts = with(steps[i].Facts, "from", p.Ref().String())
	}
	return steps
}

// settled leaves out the steps that let everything pass: they explain nothing.
func settled(steps []verdict.Step) []verdict.Step {
	return slices.DeleteFunc(steps, func(s verdict.Step) bool { return s.Verdict == verdict.Allow })
}
