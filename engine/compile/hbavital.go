package compile

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// vital are lines for the sessions that the server needs to stay alive, where the
// operator's own lines before the field do not let them in already.
func (h *hbaSite) vital() []hbaLine {
	var out []hbaLine
	for _, f := range h.site.Server.Vital {
		if f.Role == "" || f.Optional || !h.arrives(f) || h.fixed(f) {
			continue
		}
		out = append(out, h.vitalLines(f)...)
	}
	return merged(out)
}

// arrives reports whether the flow is a session at the server's members that comes as its
// client.
func (h *hbaSite) arrives(f snapshot.VitalFlow) bool {
	s := h.site.Server
	if !slices.ContainsFunc(f.To.Pods, func(p *snapshot.Pod) bool { return p.Workload == s.Workload }) {
		return false
	}
	return slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool {
		asked := slices.ContainsFunc(f.Ports, func(r flow.PortRange) bool { return r.From <= p.Port && p.Port <= r.To })
		return asked && p.Pooler == nil && (p.Sees == snapshot.SeesClient || p.Sees == snapshot.SeesUnknown)
	})
}

// session is the flow as pg_hba.conf sees it, from anywhere.
func vitalSession(f snapshot.VitalFlow) hba.Session {
	database := hba.AnyOther()
	if f.Database != "" {
		database = hba.Named(f.Database)
	}
	return hba.Session{TLS: true, Client: hba.Client{Pod: true}, Database: database, User: hba.Named(f.Role), Replication: f.Replication,
		// Roles of the operator's are no members of roles that people have.
		Member: func(string, string) hba.Match { return hba.No }}
}

// fixed reports whether the operator's lines before the field let the session in.
func (h *hbaSite) fixed(f snapshot.VitalFlow) bool {
	got := hba.Decide(hba.File{Records: h.before}, vitalSession(f))
	return got.Verdict == verdict.Allow && got.Certain()
}

// vitalLines let a session in by TLS where the server has it, and as it gets in today. A
// superuser of one database is one of all, and a session without a known database may be
// in any.
func (h *hbaSite) vitalLines(f snapshot.VitalFlow) []hbaLine {
	s := h.site.Server
	users, why := hbaTokens([]string{f.Role}, s.Version, h.way.expands)
	databases := keyword("all")
	switch {
	case f.Replication:
		databases = keyword("replication")
	case f.Database != "" && !slices.Contains(superusers(s), f.Role):
		var whyNot string
		databases, whyNot = hbaTokens([]string{f.Database}, s.Version, h.way.expands)
		why = cmp.Or(why, whyNot)
	}
	if why != "" {
		h.gap("hba/name", why, "cut: "+f.What, "", f.Origin)
		return nil
	}
	r := hba.Record{Type: hba.Host, Databases: databases, Users: users}
	if s.TLS.Enabled == verdict.Allow {
		r.Type = hba.HostSSL
	}
	r.Method, r.Options = h.vitalMethod(f)
	if r.Method == "cert" {
		r.Type = hba.HostSSL
	}
	var out []hbaLine
	for _, address := range h.vitalAddresses(f) {
		r.Address = address
		out = append(out, hbaLine{record: r, comment: "to stay alive (" + string(f.Phase) + "): " + f.What})
	}
	return out
}

// today are the lines that let the session in as the file is now, and whether they let it
// in from everywhere.
func (h *hbaSite) today(f snapshot.VitalFlow) (admit []*hba.Record, everywhere bool) {
	got := hba.Decide(hba.File{Records: h.site.Server.HBA.Records}, vitalSession(f))
	for _, r := range got.Candidates {
		if r.Method != "reject" {
			admit = append(admit, r)
		}
	}
	return admit, got.Verdict != verdict.Unknown
}

// vitalMethod is how the session shows who it is today; where that is not known, a
// password as the server keeps it.
func (h *hbaSite) vitalMethod(f snapshot.VitalFlow) (method string, options []hba.Option) {
	admit, _ := h.today(f)
	for _, r := range admit {
		if slices.Contains([]string{"scram-sha-256", "md5", "cert"}, r.Method) {
			return r.Method, r.Options
		}
	}
	for _, r := range h.site.Server.HBA.Records {
		if r.Method == "md5" { // which takes secrets of both kinds
			return "md5", nil
		}
	}
	return "scram-sha-256", nil
}

// vitalAddresses are where the session comes from. Where nobody knows which addresses pods
// have, ranges that let it in today stay as they are.
func (h *hbaSite) vitalAddresses(f snapshot.VitalFlow) []hba.Address {
	if s := h.vitalSelector(f.From); s != nil {
		return []hba.Address{h.reference("vital-"+f.ID, s)}
	}
	var out []hba.Address
	for _, p := range f.From.Outside.Prefixes() {
		out = append(out, netAddress(p))
	}
	if f.From.OutsideUnknown {
		out = append(out, anyAddress)
	}
	if len(f.From.Pods) == 0 && f.From.Namespace == "" {
		return out
	}
	at := cmp.Or(f.Origin, h.site.Perimeter.Origin)
	if ranges := h.rangesToday(f); len(h.job.World.Facts.PodCIDRs) == 0 && len(ranges) > 0 {
		h.alike(h.site.Server.Ref(), f.From.Name, f.Role, "the ranges that are let in today", at)
		return append(out, ranges...)
	}
	return append(out, h.anyPod(h.site.Server.Ref(), f.From.Pods, f.From.Name, f.Role, at)...)
}

// rangesToday are the ranges from which the session gets in now; nil where it gets in from
// everywhere, or not only by ranges.
func (h *hbaSite) rangesToday(f snapshot.VitalFlow) []hba.Address {
	admit, everywhere := h.today(f)
	if everywhere {
		return nil
	}
	var out []hba.Address
	for _, r := range admit {
		switch {
		case inside(*r):
		case r.Address.Kind != hba.Net, r.Address.Mask.IsUnspecified(): // a whole family
			return nil
		default:
			out = append(out, r.Address)
		}
	}
	return out
}

// vitalSelector selects the pods of a flow; nil where the operator cannot, or no labels
// do.
func (h *hbaSite) vitalSelector(from snapshot.VitalPeer) netpol.Selector {
	elsewhere := func(p *snapshot.Pod) bool { return p.Namespace != h.site.Server.Ref().Namespace }
	if !h.selects() || len(from.Pods) == 0 || from.OutsideUnknown || !from.Outside.IsEmpty() || slices.ContainsFunc(from.Pods, elsewhere) {
		return nil
	}
	s, left := described(from.Pods, h.others(from.Pods))
	if len(left) > 0 {
		return nil
	}
	return s
}

// others are the pods of the server's namespace but some.
func (h *hbaSite) others(but []*snapshot.Pod) []*snapshot.Pod {
	return slices.DeleteFunc(slices.Clone(h.pods[h.site.Server.Ref().Namespace]), func(p *snapshot.Pod) bool { return slices.Contains(but, p) })
}

// pooled are the lines of an entry whose clients go through a pooler: the server meets the
// pooler, and cannot tell whom it comes for.
func (h *hbaSite) pooled(a *intent.Access, e *intent.Entry, r hba.Record) []hbaLine {
	s := h.site.Server
	p := poolerNamed(s, e.Pooler)
	if p == nil && !poolsInside(s) {
		h.gap("hba/no-pooler", s.Ref().String()+" has no pooler "+e.Pooler, "its clients are refused", "", e.Origin)
		return nil
	}
	if p == nil {
		h.gap("hba/socket", "sessions of the pooler in the pods of "+s.Ref().String()+" come by a Unix socket, where the operator lets everybody in",
			"pg_hba.conf does not limit who gets in through the pooler, nor as which role", networkBackend, e.Origin)
		return nil
	}
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
		out = append(out, hbaLine{record: r, origin: e.Origin,
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
	sure := slices.Contains([]string{"require", "verify-ca", "verify-full"}, p.ServerTLS) || p.ServerTLS == "prefer" && s.TLS.Enabled == verdict.Allow
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
