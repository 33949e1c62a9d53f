package compile

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// poolerLines is the field of a Pooler that takes lines of PgBouncer's own pg_hba.conf
// [cnpg pkg/management/pgbouncer/config/config.go@1.30.0].
var poolerLines = fieldPath("spec.pgbouncer.pg_hba")

// poolers write the file of each pooler that has one.
func (h *hbaSite) poolers() {
	for _, p := range h.site.Server.Poolers {
		switch {
		case p.Workload.Kind != "Pooler":
			h.gap("hba/pooler-file", p.Ref().String()+" has no pg_hba.conf of its own: it asks everybody for a password of whatever role",
				"only the server's file says which roles and databases are let in through it", networkBackend, h.site.Perimeter.Origin)
		case !readsFile(p):
			h.gap("hba/pooler-file", p.Ref().String()+" does not read its pg_hba.conf: auth_type is not hba",
				"only the server's file says which roles and databases are let in through it", networkBackend, h.site.Perimeter.Origin)
		default:
			h.pooler(p)
		}
		if p.AuthUser == "" && p.Workload.Kind == "Pooler" {
			h.gap("hba/pooler-user", "the role as which "+p.Ref().String()+" looks passwords up is not known",
				"the server may refuse it, and then all clients of the pooler are cut", "", p.Origin)
		}
	}
}

// readsFile reports whether the pooler reads its file; another auth_type asks everybody
// for the same.
func readsFile(p *snapshot.Pooler) bool {
	return !slices.ContainsFunc(origins(p.HBA), func(o verdict.Origin) bool { return strings.HasSuffix(o.Field, "auth_type") })
}

// pooler makes the artefact of one pooler. What PgBouncer compares are addresses: nothing
// stands for pods in its file, and only from 1.23 on "all" for everybody [pgbouncer
// NEWS.md@1.23.0].
func (h *hbaSite) pooler(p *snapshot.Pooler) {
	var lines []hbaLine
	for _, a := range h.site.Accesses {
		for i := range a.To {
			if e := &a.To[i]; e.Pooler == p.Workload.Name {
				lines = append(lines, h.poolerEntry(p, a, e)...)
			}
		}
	}
	slices.SortStableFunc(lines, narrowFirst)
	h.plainAlike(p.Ref(), lines)
	for _, every := range everyNet {
		lines = append(lines, hbaLine{record: refusal(hba.Host, keyword("all"), every, "all"),
			comment: h.perimeter() + ": nobody else; what the operator writes below lets everybody in"})
	}
	lines = merged(lines)
	a := artefact.Artefact{Backend: hbaBackend, APIVersion: hbaWays["cloudnative-pg"].apiVersion, Ref: p.Ref(), At: p.Origin, Because: h.site.because(),
		Fields: []artefact.Field{{Path: poolerLines, Value: lineTexts(lines), Comment: h.perimeter() + ": the first line that matches a session decides"}}}
	h.out.Artefacts = append(h.out.Artefacts, a)
	h.goes(p.HBA, lines, func(o verdict.Origin) bool { return inField(o.Object, o.Field, poolerLines) })
}

// everyNet is everybody, in words that each release of PgBouncer reads.
var everyNet = []hba.Address{netAddress(netip.PrefixFrom(netip.IPv4Unspecified(), 0)), netAddress(netip.PrefixFrom(netip.IPv6Unspecified(), 0))}

// poolerVersion is one before expressions: a name that begins with a slash is a name to
// PgBouncer.
const poolerVersion = 13

// poolerEntry are the lines of an access in the pooler's file.
func (h *hbaSite) poolerEntry(p *snapshot.Pooler, a *intent.Access, e *intent.Entry) []hbaLine {
	role, why := hbaToken(e.Role, poolerVersion, "")
	databases, whyNot := hbaTokens(e.Databases, poolerVersion, "")
	if why+whyNot != "" {
		h.gap("hba/name", "role "+e.Role+": "+why+whyNot, "its clients are refused", "", e.Origin)
		return nil
	}
	if e.Authentication != intent.SCRAM || !h.site.Perimeter.RemoteSuperuser && slices.Contains(superusers(h.site.Server), e.Role) {
		return nil // which the server's lines tell
	}
	r := hba.Record{Type: hba.HostSSL, Databases: databases, Users: []hba.Token{role}, Method: "scram-sha-256"}
	if h.mayPlain(e) {
		r.Type = hba.Host
	}
	h.poolerTLS(p, e)
	var out []hbaLine
	for i := range a.From {
		from := &a.From[i]
		for _, address := range h.poolerClients(p.Ref(), from, e.Role) {
			r.Address = address
			out = append(out, hbaLine{record: r, origin: e.Origin, comment: accessName(a) + ": " + e.Role + " from " + hbaPeerText(from)})
		}
	}
	return out
}

// poolerClients are the addresses of a peer without a word for pods or for everybody.
func (h *hbaSite) poolerClients(pooler snapshot.Ref, p *intent.Peer, role string) []hba.Address {
	if p.IsOutside() {
		return h.outside(p)
	}
	got := h.anyPod(pooler, peerPods(h.job.World, h.hostPods, *p, h.site.Server.Ref().Namespace), hbaPeerText(p), role, p.Origin)
	if slices.ContainsFunc(got, func(a hba.Address) bool { return a.Kind == hba.AnyAddress }) {
		return everyNet
	}
	return got
}
