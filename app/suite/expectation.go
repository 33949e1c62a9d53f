package suite

import (
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An expectation is one file, read: what its author says of the manifests beside it.
type expectation struct {
	settings
	statements []statement
	questions  []question
	refusals   []refusal
	absent     []absence
}

// isEmpty reports whether the file expects nothing.
func (e expectation) isEmpty() bool {
	return len(e.statements)+len(e.questions)+len(e.refusals)+len(e.absent) == 0
}

// settings are the headers of a file. The zero value compares everything.
type settings struct {
	// partial compares only what a statement names.
	partial bool
	// manifests are paths below the folder; the folder itself where there are none.
	manifests  []string
	facts      string
	cni        string
	namespace  string
	strict     bool
	outside    scope
	ignoreSelf bool
	protocols  flow.Ports // empty for all
	// seen are the lines of the headers.
	seen map[string]int
}

// A scope is the part of the outside that is compared.
type scope uint8

const (
	scopeAll scope = iota
	scopeIPv4
	scopeNone
)

var scopes = map[string]scope{"all": scopeAll, "ipv4": scopeIPv4, "ignore": scopeNone}

// addresses are those of the scope.
func (s scope) addresses() flow.Addresses {
	switch s {
	case scopeIPv4:
		return flow.IPv4()
	case scopeNone:
		return flow.Addresses{}
	default:
		return flow.AllAddresses()
	}
}

// compared cuts a set of ports to the protocols that the file is about.
func (s settings) compared(p flow.Ports) flow.Ports {
	if s.protocols.IsEmpty() {
		return p
	}
	return p.Intersect(s.protocols)
}

// A statement says all that may pass from one party to another; with unknown, all
// of which nobody can tell.
type statement struct {
	line     int
	from, to party
	unknown  bool
	ports    flow.Ports
}

// A question asks about one port.
type question struct {
	line     int
	from, to party
	port     flow.PortRange
	want     verdict.Verdict
}

// A refusal says that a manifest is one the API server refuses.
type refusal struct {
	line    int
	subject string // a file below the folder, or "Kind namespace/name"
	words   string
}

// An absence says that a party names no pod that can run.
type absence struct {
	line int
	party
}

// A party is one side, as written.
type party struct {
	text string
	// addresses are ranges outside; outside says that there are some, or with rest
	// that all others are meant.
	outside, rest bool
	addresses     flow.Addresses
	// namespace, kind and name choose workloads; empty for any of them.
	namespace, kind, name string
	// members are words for some pods of the workload; empty for all.
	members []string
}

// rank orders parties from the most particular; of two statements about the same
// pair the one of the lower rank counts.
func (p party) rank() int {
	switch {
	case p.rest:
		return 100 // below every range, whatever is on the other side
	case p.outside, len(p.members) > 0:
		return 0
	case p.name != "":
		return 1
	case p.namespace != "":
		return 2
	default:
		return 4
	}
}

func (s statement) rank() int { return s.from.rank() + s.to.rank() }
