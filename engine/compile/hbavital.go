package compile

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// vital are lines for the sessions that the server needs to stay alive, where the
// operator's own lines before the field do not let them in already.
func (h *hbaSite) vital() []hbaLine {
	var out []hbaLine
	for _, f := range h.site.Server.Vital {
		if f.Role == "" || f.Optional {
			continue
		}
		if h.arrives(f) && !h.fixed(vitalSession(f)) {
			out = append(out, h.vitalLines(f)...)
		}
		if h.loops(f) && !h.fixed(loopedSession(f)) {
			out = append(out, h.loopedLines(f)...)
		}
	}
	return merged(out)
}

// arrives reports whether the flow is a session at the server's members that comes as its
// client.
func (h *hbaSite) arrives(f snapshot.VitalFlow) bool {
	return h.seen(f, snapshot.SeesClient, snapshot.SeesUnknown)
}

// loops reports whether the flow is a session that a proxy in the members' pods passes on
// over loopback.
func (h *hbaSite) loops(f snapshot.VitalFlow) bool { return h.seen(f, snapshot.SeesLoopback) }

// seen reports whether the flow is a session at the server's members whose client the
// server sees in one of these ways.
func (h *hbaSite) seen(f snapshot.VitalFlow, as ...snapshot.Sees) bool {
	s := h.site.Server
	if !slices.ContainsFunc(f.To.Pods, func(p *snapshot.Pod) bool { return p.Workload == s.Workload }) {
		return false
	}
	return slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool {
		asked := slices.ContainsFunc(f.Ports, func(r flow.PortRange) bool { return r.From <= p.Port && p.Port <= r.To })
		return asked && p.Pooler == nil && slices.Contains(as, p.Sees)
	})
}

// vitalSession is the flow as pg_hba.conf sees it, from anywhere but the server's own pods.
func vitalSession(f snapshot.VitalFlow) hba.Session {
	database := hba.AnyOther()
	if f.Database != "" {
		database = hba.Named(f.Database)
	}
	return hba.Session{TLS: true, Client: hba.Client{Pod: true}, Database: database, User: hba.Named(f.Role), Replication: f.Replication,
		// Roles of the operator's are no members of roles that people have.
		Member: func(string, string) hba.Match { return hba.No }}
}

// loopedSession is the flow as pg_hba.conf sees it behind a proxy in the pod, which ends
// TLS.
func loopedSession(f snapshot.VitalFlow) hba.Session {
	s := vitalSession(f)
	s.TLS, s.Client = false, hba.Loopback()
	return s
}

// fixed reports whether the operator's lines before the field, or those that are kept for
// sessions inside the pods, let the session in.
func (h *hbaSite) fixed(s hba.Session) bool {
	got := hba.Decide(hba.File{Records: slices.Concat(h.before, h.kept)}, s)
	return got.Verdict == verdict.Allow && got.Certain()
}

// vitalLines let a session in by TLS where the server has it, and as it gets in today.
func (h *hbaSite) vitalLines(f snapshot.VitalFlow) []hbaLine {
	r, ok := h.vitalRecord(f)
	if !ok {
		return nil
	}
	if h.site.Server.TLS.Enabled == verdict.Allow {
		r.Type = hba.HostSSL
	}
	r.Method, r.Options = h.vitalMethod(vitalSession(f))
	if r.Method == "cert" {
		r.Type = hba.HostSSL
	}
	var out []hbaLine
	for _, address := range h.vitalAddresses(f) {
		r.Address = address
		out = append(out, hbaLine{record: r, comment: vitalComment(f)})
	}
	return out
}

// loopedLines let a session in that a proxy in the pod passes on, without TLS and from
// 127.0.0.1. Lines kept for sessions inside the pods may be about all databases, and "all"
// is not replication: the line that refuses plain text would cut the replicas off.
func (h *hbaSite) loopedLines(f snapshot.VitalFlow) []hbaLine {
	r, ok := h.vitalRecord(f)
	if !ok {
		return nil
	}
	r.Address = netAddress(netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 32))
	r.Method, r.Options = h.vitalMethod(loopedSession(f))
	return []hbaLine{{record: r, comment: vitalComment(f) + ", by the proxy in the pod"}}
}

func vitalComment(f snapshot.VitalFlow) string {
	return "to stay alive (" + string(f.Phase) + "): " + f.What
}

// vitalRecord is the record of a flow but for where it comes from and how it shows who it
// is. A superuser of one database is one of all, and a session without a known database may
// be in any.
func (h *hbaSite) vitalRecord(f snapshot.VitalFlow) (r hba.Record, ok bool) {
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
		return r, false
	}
	return hba.Record{Type: hba.Host, Databases: databases, Users: users}, true
}

// today are the lines that let the session in as the file is now, and whether they let it
// in from everywhere. Those for sessions inside the pods say nothing about one over the
// network: a run puts them first, and the next one would take their method for its.
func (h *hbaSite) today(s hba.Session) (admit []*hba.Record, everywhere bool) {
	file := h.site.Server.HBA.Records
	if !loopback(s) {
		file = slices.DeleteFunc(slices.Clone(file), inside)
	}
	got := hba.Decide(hba.File{Records: file}, s)
	for _, r := range got.Candidates {
		if r.Method != "reject" {
			admit = append(admit, r)
		}
	}
	return admit, got.Verdict != verdict.Unknown
}

// loopback reports whether a session comes from its own pod.
func loopback(s hba.Session) bool { return s.Client.ServerHost == hba.Yes }

// vitalMethod is how the session shows who it is today; where that is not known, a
// password as the server keeps it.
func (h *hbaSite) vitalMethod(s hba.Session) (method string, options []hba.Option) {
	admit, _ := h.today(s)
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
	admit, everywhere := h.today(vitalSession(f))
	if everywhere {
		return nil
	}
	var out []hba.Address
	for _, r := range admit {
		if r.Address.Kind != hba.Net || r.Address.Mask.IsUnspecified() { // a whole family
			return nil
		}
		out = append(out, r.Address)
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
