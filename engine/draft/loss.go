package draft

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Loss is something that is let in today and that the draft does not ask for.
type Loss struct {
	// Code is stable: "import/unnamed".
	Code   string
	Server snapshot.Ref
	// What is not expressed, and Consequence what that means, in words.
	What, Consequence string
	Origin            verdict.Origin
	State             State
	// cells are all that it is about, real those of them that are lost.
	cells, real map[cell][]snapshot.Ref
}

// A State says what becomes of a loss. The zero value is that nobody has looked.
type State uint8

// The states.
const (
	Unchecked State = iota
	// Real losses are those that the estate shows, had the draft been compiled and applied.
	Real
	// Kept are not: lines or policies that stay let in what the draft does not ask for.
	Kept
	// ByHand is what answers do not show and somebody has to do.
	ByHand
	// Doubtful is what nobody knows today, either.
	Doubtful
)

// A cell is a client, by the object that it is of, with a database and a role; of a control
// port the role is its name and the database empty.
type cell struct {
	from           snapshot.Ref
	database, role string
}

// baseOf is the workload of a client that may be some of its pods; all of the outside is one.
func baseOf(ref snapshot.Ref) snapshot.Ref {
	ref.Name, _, _ = strings.Cut(ref.Name, " (")
	if ref.Kind == outsideKind {
		ref.Name = ""
	}
	return ref
}

// outsideKind is the Kind of parts of the outside, as package reach has it.
const outsideKind = "Outside"

// A lossKind is a reason for losses. A percent sign stands for a detail.
type lossKind struct {
	code, what, consequence string
	state                   State
}

// The reasons.
var (
	lossDoubt = lossKind{code: "import/doubt", state: Doubtful, what: "sessions of which it is not known whether they are let in",
		consequence: "the draft does not ask for them: state the missing fact, and import again"}
	lossInside = lossKind{code: "import/inside", what: "sessions by kubectl %",
		consequence: "whoever comes that way meets the lines for everybody else"}
	lossOwnPods = lossKind{code: "import/own-pods", what: "sessions between the server's own pods that it does not need to live",
		consequence: "they are refused"}
	lossVital = lossKind{code: "import/vital-peer", what: "sessions of pods that the server needs for something else",
		consequence: "the perimeter lets them do that, and nothing more"}
	lossReplication = lossKind{code: "import/replication", what: "physical replication by clients",
		consequence: "a standby or a base backup that is not the operator's own is refused"}
	lossUnnamed = lossKind{code: "import/unnamed", what: "databases and roles that nothing names, where lines say all",
		consequence: "whoever uses one is refused: name it in an access"}
	lossMethod = lossKind{code: "import/method", what: "logging in by %",
		consequence: "these clients are refused: give them a password or a certificate, and an access"}
	lossPlain = lossKind{code: "import/plain", what: "sessions without TLS where those with TLS are refused, or ask for a certificate",
		consequence: "they are refused"}
	lossCertificate = lossKind{code: "import/either", what: "a certificate in place of a password",
		consequence: "a client that has the one and not the other is refused: an entry asks for one of them"}
	lossRehash = lossKind{code: "import/rehash", what: "logging in by %, which becomes SCRAM",
		consequence: "a role whose password is kept as md5 fails until it is set again with password_encryption = scram-sha-256"}
	lossLabels = lossKind{code: "import/no-labels", what: "clients that no labels tell from pods which get less",
		consequence: "they are refused: give them a label that the others have not, and an access"}
	lossHost = lossKind{code: "import/host-network", what: "clients that share the network of their nodes",
		consequence: "they are refused: no policy can call them by labels; name the addresses of their nodes"}
	lossRefused = lossKind{code: "import/refused", what: "an entry that cannot be compiled: %",
		consequence: "the draft does not ask for it"}
	lossWouldOpen = lossKind{code: "import/would-open", what: "an entry that would %",
		consequence: "the draft does not ask for it, so that it opens nothing"}
	lossControl = lossKind{code: "import/control", what: "the port of %, which gives more than SQL or tells about it",
		consequence: "they do not reach it any more"}
	lossMonitoring = lossKind{code: "import/monitoring", what: "whoever reads metrics: as monitoring they would reach the port of %, too",
		consequence: "the perimeter does not name them: they are cut once the policies of today go"}
	lossEgress = lossKind{code: "import/egress", what: "a way out that % leaves to the server",
		consequence: "the server does not get there"}
	lossOpenEgress = lossKind{code: "import/egress-open", what: "the way out of the server's pods, which is closed today: %",
		consequence: "the perimeter leaves it open; whatever closes it today goes on doing so", state: ByHand}
	lossTaken = lossKind{code: "import/has-perimeter", what: "nothing is drafted: %", state: ByHand,
		consequence: "what is asked for there stays as it is"}
	lossNotCarried = lossKind{code: "import/not-carried", what: "what the draft asks for, and no layer carries",
		consequence: "it is refused, or asked for more"}
	lossFlow = lossKind{code: "import/vital", what: "a flow that the server needs: %",
		consequence: "it is cut"}
)

// lose adds a cell to the loss of its reason and detail.
func (d *drafter) lose(k lossKind, detail string, c cell, from snapshot.Ref, at verdict.Origin) {
	l := d.byKey[k.code+detail]
	if l == nil {
		l = d.add(k, detail, at)
		d.byKey[k.code+detail] = l
	}
	l.take(c, from)
}

// add adds a loss without cells.
func (s *Site) add(k lossKind, detail string, at verdict.Origin) *Loss {
	what := strings.Replace(k.what, "%", detail, 1)
	l := &Loss{Code: k.code, Server: s.Server.Ref(), What: what, Consequence: k.consequence, Origin: at, State: k.state,
		cells: map[cell][]snapshot.Ref{}, real: map[cell][]snapshot.Ref{}}
	s.Lost = append(s.Lost, l)
	return l
}

// take adds a cell.
func (l *Loss) take(c cell, from snapshot.Ref) { addTo(l.cells, c, from) }

func addTo(cells map[cell][]snapshot.Ref, c cell, from snapshot.Ref) {
	if !slices.Contains(cells[c], from) {
		cells[c] = append(cells[c], from)
	}
}

// with is a sorted list with one more.
func with(list []string, s string) []string {
	if i, known := slices.BinarySearch(list, s); !known && s != "" {
		return slices.Insert(list, i, s)
	}
	return list
}
