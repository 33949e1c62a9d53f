package tlsrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TLS1004 finds old protocols and weak ciphers that a server or a pooler takes.
var TLS1004 = &audit.Rule{
	ID:       "TLS1004",
	Title:    "old TLS or weak ciphers are accepted",
	Severity: audit.Medium,
	Why: `TLS 1.0 and 1.1 are broken and withdrawn (RFC 8996), and so are ciphers with RC4, 3DES,
MD5 or without authentication. One old client is mostly the reason why the setting was
lowered, and then it holds for all. PostgreSQL 12 and older take TLS 1.0 by default.`,
	Bad:   cluster("  postgresql: {parameters: {ssl_min_protocol_version: TLSv1}}\n"),
	Good:  cluster("  postgresql: {parameters: {ssl_min_protocol_version: TLSv1.3}}\n"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(s *snapshot.Server) {
			if s.TLS.Enabled != verdict.Deny {
				serverProtocol(p, s)
			}
			for _, set := range s.Settings {
				switch set.Key {
				case "pgbouncer.client_tls_protocols":
					poolerProtocol(p, s, set)
				case "postgresql.ssl_ciphers", "pgbouncer.client_tls_ciphers", "pgbouncer.server_tls_ciphers":
					ciphers(p, s, set)
				}
			}
		})
	},
}

const enough = "TLSv1.2"

// serverProtocol reports a minimum below TLS 1.2, and one below the operator's own.
func serverProtocol(p *audit.Pass, s *snapshot.Server) {
	least := s.TLS.MinProtocol
	out := audit.Finding{Subject: s.Ref(), Certain: true, Origin: or(s.TLS.MinProtocolOrigin, s.TLS.Origin)}
	switch {
	case slices.Contains([]string{"TLSv1", "TLSv1.1"}, least):
		out.Message = fmt.Sprintf("%s takes clients with %s", s.Ref(), least)
		out.Fix = "write ssl_min_protocol_version: TLSv1.2, or leave it out with PostgreSQL 13 and later"
	case least == enough && s.Operator == snapshot.CloudNativePG:
		out.Severity = audit.Low
		out.Message = fmt.Sprintf("%s takes clients with TLSv1.2, where the operator's default is TLSv1.3", s.Ref())
		out.Fix = "leave ssl_min_protocol_version out, unless a client is known that cannot speak TLS 1.3"
	default:
		return
	}
	p.Report(out)
}

// poolerProtocol reports old protocols in PgBouncer's list (PgBouncer manual,
// client_tls_protocols).
func poolerProtocol(p *audit.Pass, s *snapshot.Server, set snapshot.Setting) {
	old := []string{"all", "legacy", "tlsv1.0", "tlsv1.1"}
	for word := range strings.SplitSeq(strings.ToLower(set.Value), ",") {
		if slices.Contains(old, strings.TrimSpace(word)) {
			p.Report(audit.Finding{Subject: s.Ref(), Certain: true, Origin: set.Origin,
				Message: fmt.Sprintf("the pooler of %s takes clients with TLS older than 1.2: client_tls_protocols is %s", s.Ref(), set.Value),
				Fix:     "write client_tls_protocols: secure, or leave it out"})
			return
		}
	}
}

// weak are the words of OpenSSL's lists that add ciphers which nobody should offer
// (openssl-ciphers manual).
var weak = []string{
	"NULL", "ENULL", "ANULL", "ADH", "AECDH", "EXP", "EXPORT", "LOW", "RC4", "RC2", "DES", "3DES", "MD5", "IDEA", "SEED",
	"COMPLEMENTOFDEFAULT", "COMPLEMENTOFALL",
}

func ciphers(p *audit.Pass, s *snapshot.Server, set snapshot.Setting) {
	bad := weakCiphers(set.Value)
	if len(bad) == 0 {
		return
	}
	_, parameter, _ := strings.Cut(set.Key, ".")
	p.Report(audit.Finding{Subject: s.Ref(), Certain: true, Origin: set.Origin,
		Message: fmt.Sprintf("%s of %s adds weak ciphers: %s", parameter, s.Ref(), words.List(bad)),
		Fix:     "leave " + parameter + " out, or write HIGH:!aNULL"})
}

// weakCiphers are the words that add weak ciphers, unless another word takes them out. A
// word that begins with + only moves what is there already.
func weakCiphers(value string) []string {
	words := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(": ,", r) })
	var out []string
	for _, w := range words {
		if strings.EqualFold(w, "@SECLEVEL=0") || slices.ContainsFunc(strings.Split(strings.ToUpper(w), "+"), isWeak) && w[0] != '+' && !removed(words, w) {
			out = append(out, w)
		}
	}
	return out
}

// isWeak asks about a group of ciphers, or about one cipher by its parts, as
// DES-CBC3-SHA.
func isWeak(word string) bool {
	return slices.ContainsFunc(strings.Split(word, "-"), func(part string) bool { return slices.Contains(weak, part) })
}

func removed(words []string, word string) bool {
	return word[0] == '!' || word[0] == '-' || slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, "!"+word) })
}
