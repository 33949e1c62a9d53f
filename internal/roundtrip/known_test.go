package roundtrip

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/reach"
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
	// An entry wants TLS, the server has none, and the perimeter does not require it of all:
	// the line begins with hostssl and never matches, and no gap tells.
	{"tls of an entry at a server without it has no gap", func(_ *trip, f fault) bool {
		return f.class == "open" && f.entry.TLS != "Optional" && refusedTLS(f)
	}},
	// An entry leaves TLS to its clients, and the pooler, or a proxy in the pod, takes nothing
	// else: no gap tells those that come without.
	{"plain text at a pooler that refuses it has no gap", func(_ *trip, f fault) bool {
		return f.class == "open" && f.entry.TLS == "Optional" && f.entry.Pooler != "" && slices.ContainsFunc(f.paths, func(p reach.Path) bool {
			s, ok := stepOf(p, verdict.Pooler)
			return ok && s.Verdict == verdict.Deny && strings.HasPrefix(s.Facts["record"], `"hostnossl all,replication all all reject`)
		})
	}},
	// An access that names all pods names the pooler, too, and its line asks for a certificate,
	// which decides before the line for those who go through the pooler: no gap tells.
	{"a line for all pods decides about the pooler", func(_ *trip, f fault) bool {
		return f.class == "open" && f.entry.Pooler != "" && slices.ContainsFunc(f.paths, func(p reach.Path) bool {
			return slices.ContainsFunc(p.Steps, func(s verdict.Step) bool { return s.Reason == "hba/cert-required" && s.Verdict == verdict.Deny })
		})
	}},
	// That a pooler in the pods lets everybody in by the socket is told of entries that name
	// it, and of no other perimeter.
	{"the socket behind a pooler in the pods has no gap", func(_ *trip, f fault) bool {
		return f.class == "within" && inside(f.server, f.attempt.route.Port) && f.attempt.route.Sees == "the Unix socket"
	}},
	// The method of an operator's session is that of the first line of others that lets it in
	// today; after the first run these lines are gone.
	{"the method of a vital session is md5 the second time", func(_ *trip, f fault) bool {
		return f.class == "again" && f.ref.Kind == "SGCluster"
	}},
	// The replicas of an SGCluster with Envoy come from 127.0.0.1 without TLS, and
	// "hostnossl all,replication all all reject" stands before what lets them in.
	{"replication through Envoy is cut", func(t *trip, f fault) bool {
		loopback := func(s *snapshot.Server) bool {
			return s != nil && slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool { return p.Sees == snapshot.SeesLoopback })
		}
		return (f.class == "vital" || f.class == "prove vital") && loopback(f.server) && strings.Contains(f.text, "on physical replication from 127.0.0.1")
	}},
}

// refusedTLS reports whether on each way the server, or what stands before it, has no TLS.
func refusedTLS(f fault) bool {
	return len(f.paths) > 0 && !slices.ContainsFunc(f.paths, func(p reach.Path) bool {
		return !slices.ContainsFunc(p.Steps, func(s verdict.Step) bool { return s.Reason == "tls/refused" })
	})
}
