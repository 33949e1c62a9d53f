package compile

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// pooled are the lines of an entry whose clients go through a pooler: the server meets the
// pooler, and cannot tell whom it comes for.
func (h *hbaSite) pooled(a *intent.Access, e *intent.Entry, r hba.Record) []hbaLine {
	s := h.site.Server
	p := s.PoolerNamed(e.Pooler)
	if p == nil && !poolsInside(s) {
		h.gap("hba/no-pooler", s.Ref().String()+" has no pooler "+e.Pooler, "its clients are refused", "", e.Origin)
		return nil
	}
	if p == nil {
		h.insideTLS(e)
		return nil // of who gets in by the socket, warn tells
	}
	h.poolerTLS(p, e)
	h.gap("hba/pooler", "through "+p.Ref().String()+" pg_hba.conf of the server sees the pooler in the place of its clients",
		"the server cannot tell clients of the pooler apart", networkBackend, e.Origin)
	if p.Becomes != "" {
		role, why := hbaToken(p.Becomes, s.Version, h.way.expands)
		if why != "" {
			return nil
		}
		r.Users = []hba.Token{role}
	}
	r.Type = h.poolerType(p, e)
	var out []hbaLine
	for _, address := range h.poolerAddresses(p, e) {
		r.Address = address
		out = append(out, hbaLine{record: r, origin: e.Origin, pods: p.Workload.Pods,
			comment: accessName(a) + ": " + e.Role + " through " + p.Ref().String()})
	}
	return out
}

// poolsInside reports whether a pooler in the server's own pods stands before PostgreSQL.
func poolsInside(s *snapshot.Server) bool {
	return slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool { return p.Pooler != nil || p.Sees == snapshot.SeesSocket })
}

// poolerType is how the pooler's sessions are encrypted. One that may come without TLS is
// let in without it where the perimeter does not mind.
func (h *hbaSite) poolerType(p *snapshot.Pooler, e *intent.Entry) hba.Type {
	s := h.site.Server
	sure := insistsOnTLS(p) || p.ServerTLS == "prefer" && s.TLS.Enabled == verdict.Allow
	switch {
	case sure:
		return hba.HostSSL
	case h.site.Perimeter.PlainText:
		return hba.Host
	}
	h.gap("hba/pooler-without-tls", p.Ref().String()+" comes, or may come, to the server without TLS (server_tls_sslmode="+cmp.Or(p.ServerTLS, "not known")+"), which the perimeter refuses",
		"clients of the pooler are refused as long as it does", "", e.Origin)
	return hba.HostSSL
}

// poolerAddresses are where the pooler's sessions come from: the labels that its own
// Service selects it by stay the same.
func (h *hbaSite) poolerAddresses(p *snapshot.Pooler, e *intent.Entry) []hba.Address {
	pods := p.Workload.Pods
	if h.selects() && p.Workload.Namespace == h.site.Server.Ref().Namespace {
		for _, svc := range p.Services {
			if svc.Selector != nil && selectsAll(svc.Selector, pods) && len(matched(svc.Selector, h.others(pods))) == 0 {
				return []hba.Address{h.reference("pooler-"+p.Workload.Name, svc.Selector)}
			}
		}
		if s, left := described(pods, h.others(pods)); s != nil && len(left) == 0 {
			return []hba.Address{h.reference("pooler-"+p.Workload.Name, s)}
		}
	}
	return h.anyPod(h.site.Server.Ref(), pods, p.Ref().String(), e.Role, e.Origin)
}
