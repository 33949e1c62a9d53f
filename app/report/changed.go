package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Changed is what two estates answer differently over all layers, as the user named
// them.
type Changed struct {
	Old, New EstateSide
	// OldFlags and NewFlags are what a command about one side repeats of the flags:
	// "--facts", "facts.yaml".
	OldFlags, NewFlags []string
	// Base is the source that New was laid over; empty where it stands alone.
	Base string
	*change.Difference
	// rows are sorted by server and by kind, those that open something first.
	rows []change.Row
	// idle are the edits that changed no answer.
	idle []change.Cause
}

// kindOrder is the order in which lists have the kinds.
var kindOrder = []change.Kind{change.Opened, change.MayOpen, change.Changed, change.MayCut, change.Cut, change.InDoubt, change.NoDoubt}

// NewChanged makes a difference ready to be printed. What the sides rest on is taken
// from the steps that decide.
func NewChanged(old, next EstateSide, d *change.Difference) *Changed {
	c := &Changed{Old: old, New: next, Difference: d, rows: slices.Clone(d.Rows)}
	slices.SortStableFunc(c.rows, func(a, b change.Row) int {
		if byServer := a.Server.Compare(b.Server); byServer != 0 {
			return byServer
		}
		return slices.Index(kindOrder, a.Kind) - slices.Index(kindOrder, b.Kind)
	})
	used := map[change.Cause]bool{}
	for _, list := range c.causes() {
		for _, cause := range list {
			used[cause] = true
		}
	}
	for _, cause := range d.Causes {
		if !used[cause] {
			c.idle = append(c.idle, cause)
		}
	}
	c.Old.Assumptions = snapshot.Assumptions(c.Old.restsOn(c.steps(true))...)
	c.New.Assumptions = snapshot.Assumptions(c.New.restsOn(c.steps(false))...)
	return c
}

// causes are those of each answer that differs.
func (c *Changed) causes() [][]change.Cause {
	var out [][]change.Cause
	for _, r := range c.Rows {
		out = append(out, r.Causes)
	}
	for _, f := range c.Flows {
		out = append(out, f.Causes)
	}
	for _, p := range c.Controls {
		out = append(out, p.Causes)
	}
	return out
}

// steps are all that decide on one side.
func (c *Changed) steps(old bool) []verdict.Step {
	var out []verdict.Step
	for _, r := range c.Rows {
		out = append(out, either(old, r.Witness.Old.Steps, r.Witness.New.Steps)...)
	}
	for _, f := range c.Flows {
		out = append(out, either(old, f.Old, f.New)...)
	}
	for _, p := range c.Controls {
		out = append(out, either(old, p.Old, p.New))
	}
	return out
}

func either[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// restsOn are the codes of what must be assumed of a side.
func (s EstateSide) restsOn(steps []verdict.Step) []string {
	codes := s.World.Standing()
	for _, step := range steps {
		codes = snapshot.Merge(codes, step.Assumptions)
	}
	return codes
}

// Write prints the difference in the format: table, md, github or json.
func (c *Changed) Write(out io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(out, c.json())
	case "md":
		return c.markdown(out)
	case "github":
		return c.annotations(out)
	}
	t := newText(out, false)
	c.text(t)
	return t.err
}

// IsCertain reports whether some answer differs that is known on both sides, or is
// known to be open now.
func (c *Changed) IsCertain() bool {
	return slices.ContainsFunc(c.kinds(), func(k change.Kind) bool {
		return k == change.Opened || k == change.Cut || k == change.Changed
	}) || len(c.Removed) > 0 || len(c.Added) > 0
}

// IsEmpty reports whether no answer differs and both sides have the same servers.
func (c *Changed) IsEmpty() bool {
	return c.Difference.IsEmpty() && len(c.Removed) == 0 && len(c.Added) == 0
}

func (c *Changed) kinds() []change.Kind {
	var out []change.Kind
	for _, r := range c.Rows {
		out = append(out, r.Kind)
	}
	for _, f := range c.Flows {
		out = append(out, f.Kind)
	}
	for _, p := range c.Controls {
		out = append(out, p.Kind)
	}
	return out
}

// verdict is how the difference looks at a glance: Deny where somebody may get in who
// did not or something is cut, Unknown where that may be, Allow where nothing differs.
func (c *Changed) verdict() verdict.Verdict {
	opens, mayOpen := c.Opens()
	cuts, mayCut := c.Cuts()
	switch {
	case opens || cuts:
		return verdict.Deny
	case c.IsEmpty():
		return verdict.Allow
	case mayOpen || mayCut:
		return verdict.Unknown
	}
	return verdict.Allow
}

// headline counts what differs: "3 opened, 1 cut, 2 changed; 1 vital flow cut". What
// stands for one line of the closed list is counted once.
func (c *Changed) headline() string {
	if c.IsEmpty() {
		return "no answer differs"
	}
	rows := map[change.Kind]int{}
	for _, r := range c.Rows {
		rows[r.Kind]++
	}
	parts := []string{counts(rows, func(n int, k change.Kind) string { return fmt.Sprintf("%d %s", n, k) })}
	flows := map[change.Kind]int{}
	for _, f := range c.Flows {
		flows[f.Kind]++
	}
	parts = append(parts, counts(flows, func(n int, k change.Kind) string { return counted(n, "vital flow") + " " + flowWord(k) }))
	ports := map[change.Kind]int{}
	for _, p := range c.Controls {
		ports[p.Kind]++
	}
	if text := counts(ports, func(n int, k change.Kind) string { return fmt.Sprintf("%d %s", n, k) }); text != "" {
		parts = append(parts, "control ports: "+text)
	}
	parts = append(parts, serverCount(len(c.Removed), "removed"), serverCount(len(c.Added), "added"))
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

func serverCount(n int, what string) string {
	if n == 0 {
		return ""
	}
	return counted(n, "server") + " " + what
}

// counts words how many there are of each kind.
func counts(of map[change.Kind]int, word func(int, change.Kind) string) string {
	var parts []string
	for _, k := range kindOrder {
		if of[k] > 0 {
			parts = append(parts, word(of[k], k))
		}
	}
	return strings.Join(parts, ", ")
}

// flowWord is what became of a vital flow.
func flowWord(k change.Kind) string {
	if k == change.Opened {
		return "restored"
	}
	return string(k)
}

// signs mark the kinds in lists.
var signs = map[change.Kind]string{change.Opened: "+", change.Cut: "−", change.Changed: "~", change.NoDoubt: "~",
	change.MayOpen: "?", change.MayCut: "?", change.InDoubt: "?"}

// servers are those that something is told about, sorted.
func (c *Changed) servers() []snapshot.Ref {
	var out []snapshot.Ref
	for _, r := range c.rows {
		out = append(out, r.Server)
	}
	for _, f := range c.Flows {
		out = append(out, f.Server)
	}
	for _, p := range c.Controls {
		out = append(out, p.Server)
	}
	slices.SortFunc(out, snapshot.Ref.Compare)
	return slices.Compact(out)
}

// rowBlocks are the rows of a server, those of one kind and with the same causes
// together.
func (c *Changed) rowBlocks(server snapshot.Ref) [][]change.Row {
	var out [][]change.Row
next:
	for _, r := range c.rows {
		if r.Server != server {
			continue
		}
		for i, block := range out {
			if block[0].Kind == r.Kind && block[0].Proof == r.Proof && slices.Equal(block[0].Causes, r.Causes) {
				out[i] = append(block, r)
				continue next
			}
		}
		out = append(out, []change.Row{r})
	}
	return out
}

// ofServer picks what is about a server.
func ofServer[T any](list []T, server snapshot.Ref, of func(T) snapshot.Ref) []T {
	return slices.DeleteFunc(slices.Clone(list), func(one T) bool { return of(one) != server })
}

func (c *Changed) flowsOf(server snapshot.Ref) []change.Flow {
	return ofServer(c.Flows, server, func(f change.Flow) snapshot.Ref { return f.Server })
}

func (c *Changed) controlsOf(server snapshot.Ref) []change.Control {
	return ofServer(c.Controls, server, func(p change.Control) snapshot.Ref { return p.Server })
}

// lines are rows as the closed list has them, with what changed in the ways.
func (c *Changed) lines(rows []change.Row) []row {
	out := make([]row, len(rows))
	for i, r := range rows {
		out[i] = row{from: clients(r.From), databases: strings.Join(r.Databases, ", "), roles: strings.Join(r.Roles, ", "), how: waysText(r)}
	}
	databases, roles := []string{}, []string{}
	for _, s := range c.bothOf(rows[0].Server) {
		for _, name := range reach.Databases(s) {
			databases = appendNew(databases, name)
		}
		for _, name := range reach.Roles(s) {
			roles = appendNew(roles, name)
		}
	}
	everything(out, append(databases, reach.AnyOther, reach.PhysicalReplication), func(r *row) *string { return &r.databases })
	everything(out, append(roles, reach.AnyOther), func(r *row) *string { return &r.roles })
	return out
}

// bothOf are the server as the new side has it, and as the old one does.
func (c *Changed) bothOf(ref snapshot.Ref) []*snapshot.Server {
	var out []*snapshot.Server
	for _, world := range []*snapshot.Snapshot{c.New.World, c.Old.World} {
		for _, s := range world.Servers {
			if s.Ref() == ref {
				out = append(out, s)
			}
		}
	}
	return out
}

// mostClients is how many clients one line names.
const mostClients = 12

func clients(refs []snapshot.Ref) string {
	var names []string
	for _, r := range refs[:min(len(refs), mostClients)] {
		names = append(names, shortRef(r))
	}
	if more := len(refs) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// waysText says what changed in the ways in.
func waysText(r change.Row) string {
	var parts []string
	for _, w := range []struct {
		word    string
		list    []reach.Login
		verdict verdict.Verdict
	}{{"gains", r.Gained, verdict.Allow}, {"may gain", r.Gained, verdict.Unknown}, {"loses", r.Lost, verdict.Allow}, {"may lose", r.Lost, verdict.Unknown}} {
		if how, through := logins(reach.Access{Verdict: w.verdict, Logins: w.list}); how != "" {
			parts = append(parts, fmt.Sprintf("%s %s through %s", w.word, how, through))
		}
	}
	if len(parts) == 0 {
		return standing[r.Was] + " → " + standing[r.Now]
	}
	return strings.Join(parts, "; ")
}

// sides lends the words that both comparisons share.
func (c *Changed) sides() *ConnectionsDiff { return &ConnectionsDiff{Old: c.Old, New: c.New} }

// causeLines say what was edited, and where.
func (c *Changed) causeLines(causes []change.Cause) []string {
	out := make([]string, len(causes))
	for i, e := range causes {
		out[i] = e.Object + " " + string(e.Change)
		if e.Field != "" {
			out[i] += ": " + e.Field
		}
		if e.Was != "" || e.Is != "" {
			out[i] += fmt.Sprintf(" %s → %s", orNothing(e.Was), orNothing(e.Is))
		}
		out[i] += at(c.causePlaces(e))
	}
	return out
}

// causePlaces are where an edit stands, without the object, which is told already.
func (c *Changed) causePlaces(e change.Cause) string {
	was, is := c.Old.place(e.Old), c.New.place(e.New)
	switch {
	case was == "" || was == is:
		return is
	case is == "":
		return was
	}
	return was + " → " + is
}
