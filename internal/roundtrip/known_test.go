package roundtrip

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A fault is something that is not as it was asked.
type fault struct {
	// class names the check: again, unchanged, vital, open, closed, within, path.
	class, text string
	server      *snapshot.Server
	entry       entry
	attempt     *attempt
	paths       []reach.Path
	ref         snapshot.Ref
	// doubtful says that an answer that was asked for is not known.
	doubtful bool
}

func (f fault) String() string { return f.class + ": " + f.text }

// An exception is a fault that is known. It goes when what it says is mended: what it lets
// through is counted in the log of the test.
type exception struct {
	name string
	is   func(t *trip, f fault) bool
}

var exceptions = []exception{
	// An entry leaves TLS to its clients, and the pooler takes nothing else: the gap tells
	// those that come without.
	{"plain text at a pooler that refuses it", func(t *trip, f fault) bool {
		return f.class == "open" && f.entry.TLS == "Optional" && f.entry.Pooler != "" && t.gap(f.server, "hba/tls-only") &&
			slices.ContainsFunc(f.paths, func(p reach.Path) bool {
				s, ok := stepOf(p, verdict.Pooler)
				return ok && s.Verdict == verdict.Deny && strings.HasPrefix(s.Facts["record"], `"hostnossl all,replication all all reject`)
			})
	}},
	// A certificate of the estate that is issued to another name than the role's logs in by a
	// map; the attempts of this package show the role's own name.
	{"a certificate of another name", func(_ *trip, f fault) bool {
		if f.class == "prove open" {
			return strings.Contains(f.text, "it is PROVEN") && strings.Contains(f.text, "does not get") &&
				slices.ContainsFunc(f.server.Maps.Mappings, func(m ident.Mapping) bool { return strings.HasPrefix(m.Map, "pgmoat-") })
		}
		return f.class == "open" && strings.Contains(f.entry.Authentication, "Certificate") && slices.ContainsFunc(f.paths, func(p reach.Path) bool {
			s, ok := stepOf(p, verdict.Ident)
			return ok && s.Verdict == verdict.Deny && strings.Contains(s.Facts["map"], "pgmoat-")
		})
	}},
}
