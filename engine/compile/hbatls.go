package compile

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// directTLS tells of an entry that asks for TLS where nothing that its clients connect to
// takes it: its line would never match, and nobody else's would be left for them.
func (h *hbaSite) directTLS(e *intent.Entry) {
	h.portsTLS(e, slices.DeleteFunc(slices.Clone(h.site.Server.Ports), func(p snapshot.ServerPort) bool { return p.Pooler != nil }))
}

// insideTLS is directTLS of a pooler in the server's own pods, which may also refuse what
// comes without TLS.
func (h *hbaSite) insideTLS(e *intent.Entry) {
	ports := slices.DeleteFunc(slices.Clone(h.site.Server.Ports), func(p snapshot.ServerPort) bool { return p.Pooler == nil })
	h.portsTLS(e, ports)
	refuses := func(p snapshot.ServerPort) bool { return refusesPlain(*p.Pooler) }
	if slices.ContainsFunc(ports, refuses) {
		h.plainRefused(e, "the pooler in the pods of "+h.site.Server.Ref().String())
	}
	if h.site.Perimeter.PlainText && !h.mayPlain(e) {
		h.plainPooled("which the entry of role "+e.Role+" refuses", e.Origin)
	}
}

// plainInside tells of a pooler in the server's own pods that takes sessions without TLS
// where the perimeter refuses them: to PostgreSQL these are sessions by the socket, about
// which its lines for the network say nothing.
func (h *hbaSite) plainInside() {
	if !h.site.Perimeter.PlainText {
		h.plainPooled("which the perimeter refuses", h.site.Perimeter.Origin)
	}
}

// plainPooled tells of the ports of poolers in the pods by which nothing that is known
// refuses sessions without TLS. Behind Envoy, which ends TLS, a pooler that asks for it
// refuses everybody, so that Envoy has to go first.
func (h *hbaSite) plainPooled(who string, at verdict.Origin) {
	s := h.site.Server
	for _, p := range s.Ports {
		if p.Pooler == nil || surelyRefusesPlain(*p.Pooler) {
			continue
		}
		fix := "set client_tls_sslmode=require in its SGPoolingConfig"
		switch {
		case p.Terminates || strings.HasPrefix(p.Name, "envoy"):
			fix = "set spec.pods.disableEnvoy: true in " + s.Ref().String() + ", since Envoy ends TLS before the pooler, and client_tls_sslmode=require in its SGPoolingConfig"
		case s.TLS.Enabled == verdict.Deny:
			fix = "give " + s.Ref().String() + " TLS, and " + fix
		}
		takes := "takes"
		if p.Maybe != "" {
			takes = "may take"
		}
		h.gap("hba/pooler-plain", "the pooler in the pods of "+s.Ref().String()+" "+takes+" sessions without TLS, "+who, fix, "", at)
		return
	}
}

// surelyRefusesPlain is refusesPlain where no fact is missing that would settle it; a
// setting that refuses everybody refuses these too.
func surelyRefusesPlain(f hba.File) bool {
	return slices.ContainsFunc(f.Records, func(r hba.Record) bool {
		return r.Line == 0 && (r.Type == hba.HostNoSSL || r.Type == hba.Host) && r.Method == "reject" && r.Maybe == ""
	})
}

func (h *hbaSite) portsTLS(e *intent.Entry, ports []snapshot.ServerPort) {
	s := h.site.Server
	takes := func(p snapshot.ServerPort) bool {
		return !p.NoTLS && (p.Terminates || s.TLS.Enabled != verdict.Deny)
	}
	if len(ports) > 0 && !slices.ContainsFunc(ports, takes) {
		h.noTLS(e, s.Ref().String())
	}
}

// poolerTLS tells of an entry whose clients do not come to its pooler as that takes them,
// or whose pooler does not come to the server so.
func (h *hbaSite) poolerTLS(p *snapshot.Pooler, e *intent.Entry) {
	s := h.site.Server
	if p.TLS.Enabled == verdict.Deny {
		h.noTLS(e, p.Ref().String())
	}
	if refusesPlain(p.HBA) {
		h.plainRefused(e, p.Ref().String())
	}
	if insistsOnTLS(p) && s.TLS.Enabled == verdict.Deny && h.site.Perimeter.PlainText { // otherwise warn tells of everybody
		h.gap("hba/no-tls", s.Ref().String()+" does not take TLS, without which "+p.Ref().String()+" does not come (server_tls_sslmode="+p.ServerTLS+")",
			"clients of the pooler are refused until it does", "", e.Origin)
	}
}

// insistsOnTLS reports whether a pooler comes to the server with TLS or not at all
// (PgBouncer manual, "server_tls_sslmode").
func insistsOnTLS(p *snapshot.Pooler) bool {
	return slices.Contains([]string{"require", "verify-ca", "verify-full"}, p.ServerTLS)
}

// noTLS tells that what an entry leads to does not take TLS, which the entry asks for. Of a
// server in a perimeter that asks for it of everybody, warn tells.
func (h *hbaSite) noTLS(e *intent.Entry, what string) {
	everybody := !h.site.Perimeter.PlainText && h.site.Server.TLS.Enabled == verdict.Deny && what == h.site.Server.Ref().String()
	if !h.mayPlain(e) && !everybody {
		h.gap("hba/no-tls", what+" does not take TLS, which is asked for", "clients of role "+e.Role+" are refused until it does", "", e.Origin)
	}
}

// plainRefused tells that clients of an entry that leaves TLS to them need it all the same.
func (h *hbaSite) plainRefused(e *intent.Entry, what string) {
	if h.mayPlain(e) {
		h.gap("hba/tls-only", what+" takes nothing but TLS (client_tls_sslmode), which the entry leaves to its clients",
			"clients of role "+e.Role+" that come without TLS are refused", "", e.Origin)
	}
}

// mayPlain reports whether clients of an entry may come without TLS.
func (h *hbaSite) mayPlain(e *intent.Entry) bool {
	return e.PlainText && h.site.Perimeter.PlainText && e.Authentication == intent.SCRAM
}

// refusesPlain reports whether a setting of PgBouncer's, which stands on line zero of its
// file and which nothing written into the file changes, refuses who comes without TLS.
func refusesPlain(f hba.File) bool {
	return slices.ContainsFunc(f.Records, func(r hba.Record) bool { return r.Line == 0 && r.Type == hba.HostNoSSL && r.Method == "reject" })
}
