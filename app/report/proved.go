package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// ProvedFormats are what Proved.Write knows, the first by default.
var ProvedFormats = []string{"table", "md", "json", "tap", "junit"}

// Proved is what became of each statement, and what that was known from.
type Proved struct {
	// Proof is nil where nothing was proven: for Errors, or because of Unread.
	Proof *prove.Proof
	// World is the estate that the proof is about.
	World *snapshot.Snapshot
	// AsIs says that the estate is proven as it stands, and not as it would be with what
	// is compiled.
	AsIs bool
	// Job and Output are what was compiled; nil where errors kept from it.
	Job    *compile.Job
	Output *compile.Output
	Errors []compile.Error
	// Unread says that a document could not be read.
	Unread bool
	// Inputs are the files that were read, Artefacts the SHA-256 of what -o yaml of compile
	// prints; empty where nothing was compiled.
	Inputs    []object.Input
	Artefacts string
	Version   string // of this program
	// Flags read the same estate again: "-f", "k8s".
	Flags []string
}

// Failed reports whether an intent could not be compiled; warnings do not count.
func (p *Proved) Failed() bool { return p.compiled().Failed() }

// Write prints in one of ProvedFormats.
func (p *Proved) Write(out io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(out, p.json())
	case "tap":
		return p.tap(out)
	case "junit":
		return writeJUnit(out, p.junit())
	case "md":
		return p.markdown(out)
	}
	t := newText(out, false)
	p.text(t)
	return t.err
}

// compiled lends the words that compile has for the same things.
func (p *Proved) compiled() *Compiled {
	return &Compiled{Job: p.Job, Output: p.Output, Errors: p.Errors, Unread: p.Unread, Locate: p.World.Locate}
}

// statements are none where nothing was proven.
func (p *Proved) statements() []prove.Statement {
	if p.Proof == nil {
		return nil
	}
	return p.Proof.Statements
}

// result is Unknown where nothing was proven.
func (p *Proved) result() prove.Result {
	if p.Proof == nil {
		return prove.Unknown
	}
	return p.Proof.Result()
}

// unproven says why nothing was proven; empty where something was.
func (p *Proved) unproven() string {
	switch {
	case p.Proof != nil:
		return ""
	case p.Failed():
		return counted(p.compiled().summary().Errors, "error") + "; nothing was proven"
	case p.Unread:
		return "nothing was proven: something could not be read"
	}
	return "nothing was proven"
}

// provedSummaryJSON counts statements; Open are the gaps that no other layer carries.
type provedSummaryJSON struct {
	Proven  int `json:"proven"`
	Refuted int `json:"refuted"`
	Unknown int `json:"unknown"`
	Open    int `json:"open"`
	Expired int `json:"expired"`
}

func (p *Proved) summary() provedSummaryJSON {
	c := p.compiled()
	s := provedSummaryJSON{Open: len(p.gaps()), Expired: len(c.expired())}
	for _, one := range p.statements() {
		switch one.Result {
		case prove.Proven:
			s.Proven++
		case prove.Refuted:
			s.Refuted++
		default:
			s.Unknown++
		}
	}
	return s
}

// summaryLine counts what became of the statements.
func (p *Proved) summaryLine() string {
	if text := p.unproven(); text != "" {
		return text
	}
	s := p.summary()
	text := p.counts()
	if s.Open > 0 {
		text += fmt.Sprintf("; %s carried by no layer", counted(s.Open, "gap"))
	}
	if s.Expired > 0 {
		text += fmt.Sprintf("; %d ended", s.Expired)
	}
	if p.AsIs {
		text += "; of the estate as it stands"
	}
	return text
}

func (p *Proved) counts() string {
	s := p.summary()
	return fmt.Sprintf("%d proven, %d refuted, %d unknown", s.Proven, s.Refuted, s.Unknown)
}

// assumptions are the codes of all that some answer rests on.
func (p *Proved) assumptions() []string {
	var codes []string
	for _, s := range p.statements() {
		codes = snapshot.Merge(codes, s.Assumptions)
	}
	return codes
}

// located leads an origin to its line in the estate that the proof is about.
func (p *Proved) located(o verdict.Origin) verdict.Origin { return p.World.Locate(o) }

// resultColour is the colour of a result.
func resultColour(r prove.Result) verdict.Verdict {
	switch r {
	case prove.Proven:
		return verdict.Allow
	case prove.Refuted:
		return verdict.Deny
	}
	return verdict.Unknown
}

// admits reports whether what refutes such a statement is admitted; else it is refused.
func admits(k prove.Kind) bool {
	return !slices.Contains([]prove.Kind{prove.Open, prove.Accept, prove.Vital}, k)
}

// title is a statement in one line: "closed PostgresPerimeter payments/ledger: nobody …".
func title(s prove.Statement) string {
	text := string(s.Kind)
	if s.Of != (snapshot.Ref{}) {
		text += " " + s.Of.String()
	}
	return text + ": " + claim(s)
}

// claim is what is to be true.
func claim(s prove.Statement) string {
	server := s.Server.String()
	switch s.Kind {
	case prove.Closed:
		return "nobody but who was declared gets a session at " + server
	case prove.Within:
		return "who was declared gets at " + server + " what was declared for him, and nothing else"
	case prove.Open:
		return "each client that is declared gets a session at " + server + " in each way that is declared"
	case prove.Vital:
		return "what " + server + " needs to stay alive passes"
	case prove.Unchanged:
		return "no other connection changes"
	case prove.Accept, prove.Deny:
		return attemptSentence(s)
	case prove.Privileges:
		return "the roles have the privileges at " + server + " that are declared for them, and no others"
	}
	return s.Words
}

// attemptSentence is an entry of the tests of an access.
func attemptSentence(s prove.Statement) string {
	a := s.Attempt
	if a == nil {
		return s.Words
	}
	text := a.From + " gets a session at "
	if s.Kind == prove.Deny {
		text = a.From + " gets no session at "
	}
	text += s.Server.String() + " as " + anyOr(a.Role, "role") + " on " + anyOr(a.Database, "database")
	if a.Plain {
		text += " without TLS"
	}
	return text
}

func anyOr(name, what string) string {
	if name == "" {
		return "any " + what
	}
	return name
}

// effort counts what was decided for a statement; empty for nothing.
func effort(s prove.Statement) string {
	what := "attempt"
	switch s.Kind {
	case prove.Unchanged:
		what = "pair"
	case prove.Vital:
		what = "flow"
	}
	if s.Asked == 0 {
		return ""
	}
	return counted(s.Asked, what)
}

// mostNamed is how many counterexamples, doubts and names a list for people has.
const mostNamed = 5

// names writes some names, and how many more there are.
func names(list []string) string {
	shown := slices.Clone(list[:min(len(list), mostClients)])
	if more := len(list) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(shown, ", ")
}
