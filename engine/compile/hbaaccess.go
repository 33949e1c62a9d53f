package compile

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// accesses are the lines that let clients in, narrow ones first.
func (h *hbaSite) accesses() []hbaLine {
	var out []hbaLine
	for _, a := range h.site.Accesses {
		for i := range a.To {
			out = append(out, h.entry(a, &a.To[i])...)
		}
	}
	slices.SortStableFunc(out, narrowFirst)
	h.contradictions(out)
	h.plainAlike(h.site.Server.Ref(), out)
	return out
}

// entry are the lines of one entry of an access: of its clients, or of the pooler that
// they go through.
func (h *hbaSite) entry(a *intent.Access, e *intent.Entry) []hbaLine {
	r, ok := h.asked(e)
	if !ok {
		return nil
	}
	if e.Pooler != "" {
		return h.pooled(a, e, r)
	}
	h.directTLS(e)
	if !seesClients(h.site.Server) {
		return nil // which warn tells
	}
	var out []hbaLine
	for i := range a.From {
		p := &a.From[i]
		comment := accessName(a) + ": " + e.Role + " from " + hbaPeerText(p)
		for _, address := range h.addresses(p, hbaPeerText(p), e.Role, name(a.Name)) {
			r.Address = address
			out = append(out, hbaLine{record: r, comment: comment, origin: e.Origin})
		}
	}
	return out
}

// seesClients reports whether by some port the server sees clients as they are.
func seesClients(s *snapshot.Server) bool {
	return slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool {
		return p.Pooler == nil && (p.Sees == snapshot.SeesClient || p.Sees == snapshot.SeesUnknown)
	})
}

// asked is the record of an entry but for its address; false where there can be none.
func (h *hbaSite) asked(e *intent.Entry) (hba.Record, bool) {
	s := h.site.Server
	refused := func(code, what string) (hba.Record, bool) {
		h.gap(code, what, "its clients are refused", "", e.Origin)
		return hba.Record{}, false
	}
	role, why := hbaToken(e.Role, s.Version, h.way.expands)
	if why != "" {
		return refused("hba/name", "role "+e.Role+": "+why)
	}
	databases, why := hbaTokens(e.Databases, s.Version, h.way.expands)
	if why != "" {
		return refused("hba/name", why)
	}
	if !h.site.Perimeter.RemoteSuperuser && slices.Contains(superusers(s), e.Role) {
		return refused("hba/superuser", "role "+e.Role+" is a superuser, and the perimeter lets none in over the network")
	}
	r := hba.Record{Type: hba.HostSSL, Databases: databases, Users: []hba.Token{role}}
	if h.mayPlain(e) {
		r.Type = hba.Host
	}
	return h.method(e, r)
}

// method says how the role shows who it is. A certificate is only asked for over TLS.
func (h *hbaSite) method(e *intent.Entry, r hba.Record) (hba.Record, bool) {
	s := h.site.Server
	certificate := e.Authentication == intent.Certificate || e.Authentication == intent.SCRAMAndCertificate
	refused := func(code, what string) (hba.Record, bool) {
		h.gap(code, what, "clients of role "+e.Role+" are refused", "", e.Origin)
		return hba.Record{}, false
	}
	switch {
	case certificate && e.Pooler != "":
		return refused("hba/certificate-through-pooler", "the certificate of a client ends at the pooler, which has none of role "+e.Role+" to show to the server")
	case certificate && s.TLS.ClientCA == verdict.Deny:
		return refused("hba/no-client-ca", s.Ref().String()+" has no CA for certificates of clients")
	}
	maps := certificateMap(h.job.World, s, e)
	switch e.Authentication {
	case intent.SCRAM:
		r.Method = "scram-sha-256"
	case intent.Certificate:
		r.Method = "cert"
		if maps.name != "" && h.way.maps == nil && h.way.lines != nil {
			return refused("hba/no-map", "the certificate of role "+e.Role+" is issued to "+strings.Join(maps.subjects, ", ")+", and "+s.Ref().String()+" takes no pg_ident.conf")
		}
		if maps.name != "" {
			r.Options = []hba.Option{{Name: "map", Value: maps.name}}
		}
	case intent.SCRAMAndCertificate:
		if maps.name != "" {
			return refused("hba/no-map", "the certificate of role "+e.Role+" is issued to "+strings.Join(maps.subjects, ", ")+
				", and beside a password its name has to be the role's: a map is for cert alone")
		}
		r.Method, r.Options = "scram-sha-256", []hba.Option{{Name: "clientcert", Value: "verify-full"}}
	default:
		return refused("hba/no-method", "nothing says how role "+e.Role+" shows who it is")
	}
	return r, true
}

// contradictions tells of clients that two lines are about which ask for different things:
// "there is no fall-through or backup", and the first of them, which asks for more, decides.
func (h *hbaSite) contradictions(lines []hbaLine) {
	byRole := map[string][]hbaLine{}
	for _, l := range lines {
		role := l.record.Users[0].Text
		for _, first := range byRole[role] {
			if demand(first.record) != demand(l.record) && sameAsked(first.record, l.record) && h.meets(l, first) {
				h.gap("hba/two-methods", "pg_hba.conf cannot tell clients of `"+first.text()+"` from those of `"+l.text()+"`",
					"all of them have to do what the first asks for", "", l.origin)
			}
		}
		byRole[role] = append(byRole[role], l)
	}
}

// plainAlike tells of clients that are to come with TLS and may come without it: a session
// without is none of their own line's, and meets the one of others to which TLS is left.
func (h *hbaSite) plainAlike(of snapshot.Ref, lines []hbaLine) {
	told := map[[2]verdict.Origin]bool{} // addresses of both families are two lines
	for _, plain := range lines {
		if plain.record.Type != hba.Host {
			continue
		}
		for _, l := range lines {
			pair := [2]verdict.Origin{l.origin, plain.origin}
			if !told[pair] && l.record.Type == hba.HostSSL && l.pods == nil && l.origin != plain.origin &&
				sameAsked(plain.record, l.record) && h.meets(l, plain) {
				told[pair] = true
				h.gap("hba/plain-alike", "pg_hba.conf of "+of.String()+" cannot tell clients of `"+l.text()+"` from those of `"+plain.text()+"`, to which TLS is left",
					"the former get in without TLS too; ask for it in both, or give each a role of its own", "", l.origin)
			}
		}
	}
}

// meets reports whether clients that a line is for may meet another one, which stands before
// it. The pods of a pooler are not taken for clients that come straight, whoever selects
// them.
func (h *hbaSite) meets(l, first hbaLine) bool {
	a, b := first.record.Address, l.record.Address
	switch {
	case a.Kind == hba.Pods && l.pods != nil:
		return len(matched(a.Pods, l.pods)) > 0
	case a.Kind != hba.Pods || b.Kind != hba.Pods:
		return overlap(a, b)
	case a.Name == b.Name:
		return true
	}
	return first.pods == nil && len(matched(a.Pods, matched(b.Pods, h.pods[h.site.Server.Ref().Namespace]))) > 0
}

// hbaPeerText names a peer for people.
func hbaPeerText(p *intent.Peer) string {
	if p.IsOutside() {
		return strings.Join(p.Names, ", ")
	}
	who := "pods"
	if p.Pods != nil && len(*p.Pods) > 0 {
		who += " " + p.Pods.String()
	}
	if len(p.ServiceAccounts) > 0 {
		who += " of service account " + strings.Join(p.ServiceAccounts, ", ")
	}
	switch {
	case len(p.Namespaces) > 0:
		return who + " in " + strings.Join(p.Namespaces, ", ")
	case p.NamespaceSelector != nil && len(*p.NamespaceSelector) > 0:
		return who + " in namespaces " + p.NamespaceSelector.String()
	}
	return who + " in every namespace"
}
