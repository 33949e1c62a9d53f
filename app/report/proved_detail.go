package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// details are the lines below a statement: where it stands, what is against it and what
// leaves it open; none where it is proven. They are not yet printable.
func (p *Proved) details(s prove.Statement) []string {
	if s.Result == prove.Proven {
		return nil
	}
	var out []string
	if o := p.located(s.Origin); !o.IsZero() {
		out = append(out, "stated at "+o.String())
	}
	if s.Words != "" && claim(s) != s.Words {
		out = append(out, s.Words)
	}
	var against, doubts []remark
	for _, c := range s.Against {
		against = append(against, p.againstRemark(s.Kind, c))
	}
	for _, d := range s.Doubts {
		doubts = append(doubts, p.doubtRemark(d))
	}
	return append(append(out, remarkLines(against)...), remarkLines(doubts)...)
}

// againstText is a counterexample in one line.
func againstText(k prove.Kind, c prove.Counterexample) string {
	switch {
	case c.Flow != nil:
		return flowWhat(change.Flow{Flow: *c.Flow})
	case c.Change != "" || len(c.To) > 0:
		return fmt.Sprintf("%s → %s: %s %s", clients(c.From), clients(c.To), c.Ports, c.Change)
	}
	text := who(c.From, c.Future)
	if len(c.Roles) > 0 {
		text += " as " + names(c.Roles)
	}
	if len(c.Databases) > 0 {
		text += " on " + names(c.Databases)
	}
	way := wayText(c.Login, c.Route)
	switch {
	case admits(k) && way == "":
		return text + " gets a session"
	case admits(k):
		return text + ": " + way
	case way == "":
		return text + " gets no session"
	}
	return text + " gets no session by " + way
}

// who are clients, or pods that do not exist yet.
func who(from []snapshot.Ref, future *network.Virtual) string {
	if future == nil {
		return clients(from)
	}
	text := "a pod that does not exist yet"
	if future.Namespace != "" {
		text += " in namespace " + future.Namespace
	}
	labels := future.Labels
	if len(labels.Set)+len(labels.Unknown) == 0 {
		return text + ", without labels"
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(labels.Set)) {
		pairs = append(pairs, key+"="+labels.Set[key])
	}
	for _, key := range labels.Unknown {
		pairs = append(pairs, key+" of any value")
	}
	return text + ", with labels " + strings.Join(pairs, ", ")
}

// wayText is one way in: "scram-sha-256 (TLS) through Service payments/ledger-rw to ledger
// port 5432"; empty for none.
func wayText(l reach.Login, r reach.Route) string {
	how := l.Method
	switch {
	case how == "" && r == (reach.Route{}):
		return ""
	case how == "":
		how = "undecided"
	}
	return fmt.Sprintf("%s (%s) %s", how, transportText(l), routeWords(r))
}

func routeWords(r reach.Route) string {
	var parts []string
	if r.Service != "" {
		parts = append(parts, "through Service "+r.Service)
	}
	switch {
	case r.Through == "":
	case r.Through == reach.PortForward.String() || r.Through == reach.Exec.String():
		parts = append(parts, "by kubectl "+r.Through)
	case r.Service != "":
		parts = append(parts, "by its "+r.Through)
	default:
		parts = append(parts, "by the node's "+r.Through)
	}
	if r.Pooler != "" {
		parts = append(parts, "through the pooler "+r.Pooler)
	}
	if len(parts) == 0 {
		parts = append(parts, "straight")
	}
	if r.Member != "" {
		parts = append(parts, "to "+r.Member)
	}
	if r.Port != 0 {
		parts = append(parts, fmt.Sprintf("port %d", r.Port))
	}
	if r.Sees != "" {
		parts = append(parts, "(pg_hba.conf sees "+r.Sees+")")
	}
	return strings.Join(parts, " ")
}

// decidesLines name the object that admits, or refuses.
func (p *Proved) decidesLines(c prove.Counterexample) []string {
	if c.Decides.Reason == "" {
		return nil
	}
	line := fmt.Sprintf("  because %s: %s", c.Decides.Layer, decidesWords(c.Decides))
	if c.Ours {
		line += " (this is compiled)"
	}
	out := []string{line}
	if o := p.located(c.Decides.Origin); !o.IsZero() {
		out = append(out, "    → "+o.String())
	}
	return out
}

// decidesWords name the one policy that admits, and not all that isolate.
func decidesWords(s verdict.Step) string {
	if s.Reason == network.Allowed && s.Origin.Object != "" {
		return "admitted by " + s.Origin.Object
	}
	return Words(s)
}

// fixes are edits in words.
func (p *Proved) fixes(list []network.Fix) []fixJSON {
	out := []fixJSON{}
	for _, f := range list {
		layer := verdict.Egress
		if f.Direction == "ingress" {
			layer = verdict.Ingress
		}
		one := policyFix(f, p.World)
		one.Layer, one.Origin = layer, p.located(one.Origin)
		if one.Origin.File == artefact.Compiled {
			one.Text += "; it is compiled: change what asks for it"
		}
		if !slices.ContainsFunc(out, one.sameEdit) {
			out = append(out, one)
		}
	}
	return out
}

// closeLines say what would turn a counterexample around.
func (p *Proved) closeLines(k prove.Kind, list []network.Fix) []string {
	fixes := p.fixes(list)
	if len(fixes) == 0 {
		return nil
	}
	what := "what would let it through"
	if admits(k) {
		what = "what would close it"
	}
	if len(fixes) > 1 {
		what += ", all of this"
	}
	out := []string{"  " + what + ":"}
	for _, f := range fixes {
		out = append(out, "    - "+f.place()+f.Text)
		for l := range strings.Lines(f.Patch) {
			out = append(out, "        "+strings.TrimRight(l, "\n"))
		}
	}
	return out
}

func doubtSubject(d prove.Doubt) string {
	text := ""
	if len(d.From) > 0 || d.Future != nil {
		text = who(d.From, d.Future)
	}
	if len(d.Roles) > 0 {
		text += " as " + names(d.Roles)
	}
	if len(d.Databases) > 0 {
		text += " on " + names(d.Databases)
	}
	return strings.TrimSpace(text)
}

// doubtWords say which fact is missing.
func doubtWords(d prove.Doubt) string {
	switch d.Reason {
	case prove.NoCatalogue:
		return "nothing that was read says which privileges roles have in the databases"
	case prove.ClientUnsure:
		return "whether this client is one of those that are meant is not known"
	case prove.Unresolved:
		text := "the estate has nobody who is meant by the client of this test"
		if e := d.Step.Facts["error"]; e != "" {
			text += ": " + e
		}
		return text
	case prove.Vacuous:
		return "nobody, or no server, of the estate is what it speaks of"
	case prove.Assumed:
		return "nothing is to be assumed, and it rests on " + d.Step.Facts["code"] + ": " + d.Step.Facts["assumption"]
	case prove.TooMany:
		return "the pods that might come are of too many kinds to be asked one by one"
	}
	step := d.Step
	if step.Reason == "" {
		step.Reason = d.Reason
	}
	if step.Layer == "" {
		return Words(step)
	}
	return fmt.Sprintf("%s: %s", step.Layer, Words(step))
}

// settles says where to state the missing fact; empty where the words say it, or nobody
// can.
func settles(d prove.Doubt) string {
	switch d.Reason {
	case prove.NoCatalogue:
		return "the catalogue of the server, which pgmoat does not read yet; \\dp and \\du of psql show it"
	case prove.ClientUnsure:
		return "the labels and the service account of the pod, in its manifest"
	case prove.Unresolved:
		return "the workload's manifest, or a range of that name under outside in the facts file"
	case prove.TooMany:
		return "simpler selectors in the policies and in the lines of pg_hba.conf that select pods"
	}
	if f, ok := sessionFix(d.Step); ok && f.Text != d.Step.Facts["depends"] {
		return f.Text
	}
	return ""
}
