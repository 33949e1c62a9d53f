package compile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// write makes the artefact of the lines.
func (h *hbaSite) write(lines []hbaLine) {
	if h.site.Server.Operator == plainOperator {
		h.writeFile(lines)
		return
	}
	a := h.site.fields(hbaBackend, h.way.apiVersion)
	why := h.perimeter() + ": the first line that matches a session decides"
	asRules := h.fitRules(lines)
	if asRules {
		a.Fields = append(a.Fields, artefact.Field{Path: h.way.rules, Value: h.ruleList(lines), Comment: why})
	} else {
		a.Fields = append(a.Fields, artefact.Field{Path: h.way.lines, Value: lineTexts(lines), Comment: why})
	}
	if other := h.otherField(asRules); other != nil {
		a.Fields = append(a.Fields, artefact.Field{Path: other, Value: artefact.List{}, Comment: h.perimeter() + ": all lines stand in the other field"})
	}
	if len(h.refs.list) > 0 {
		a.Fields = append(a.Fields, artefact.Field{Path: fieldPath("spec.podSelectorRefs"), Value: h.refs.value(),
			Comment: "the pods that ${podselector:NAME} of spec.postgresql.pg_hba stands for"})
	}
	h.out.Artefacts = append(h.out.Artefacts, a)
}

// fields begins an artefact of fields of the server's object.
func (s *Site) fields(backend, apiVersion string) artefact.Artefact {
	return artefact.Artefact{Backend: backend, APIVersion: apiVersion, Ref: s.Server.Ref(), At: s.Server.Origin, Because: s.because()}
}

// fitRules reports whether the lines may stand in the field of rules, which the object's
// definition limits. Releases before that field drop it silently, and then the default
// that lets everybody in comes back: it is used only of a release that is known.
func (h *hbaSite) fitRules(lines []hbaLine) bool {
	w := h.way
	if w.rules == nil || !releaseIs(h.site.Server, w.rulesSince) || w.ruleLimit > 0 && len(lines) > w.ruleLimit {
		return false
	}
	return !slices.ContainsFunc(lines, func(l hbaLine) bool {
		text := l.text()
		return w.ruleLength > 0 && (len(text) > w.ruleLength || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }))
	})
}

// ruleList are the lines as rules. Percona's definition asks for the parts of a rule beside
// a whole line, which it then takes alone [percona-postgresql-operator
// config/crd/bases/pgv2.percona.com_perconapgclusters.yaml@v3.0.0].
func (h *hbaSite) ruleList(lines []hbaLine) artefact.List {
	out := lineTexts(lines)
	for i := range out {
		rule := artefact.Map{{Key: "hba", Value: out[i].Value}}
		if h.site.Server.Operator == snapshot.Percona {
			rule = append(rule, artefact.Entry{Key: "connection", Value: lines[i].record.Type.String()}, artefact.Entry{Key: "method", Value: lines[i].record.Method})
		}
		out[i].Value = rule
	}
	return out
}

// otherField is the field that is not used, where somebody wrote lines into it; nil where
// nobody did.
func (h *hbaSite) otherField(asRules bool) []string {
	other := h.way.rules
	if asRules {
		other = h.way.lines
	}
	in := func(o verdict.Origin) bool { return inField(o.Object, o.Field, other) }
	file := h.site.Server.HBA
	if slices.ContainsFunc(file.Records, func(r hba.Record) bool { return in(r.Origin) }) ||
		slices.ContainsFunc(file.Errors, func(e hba.Error) bool { return in(e.Origin) }) {
		return other
	}
	return nil
}

// writeFile makes a file of the lines, where nobody but the server itself reads it: in the
// ConfigMap that it is mounted from, else in one of its own.
func (h *hbaSite) writeFile(lines []hbaLine) {
	const key = "pg_hba.conf"
	s := h.site.Server
	text := "# " + h.perimeter() + ": the first line that matches a session decides.\n" + fileText(lines)
	if ref, path, at, ok := mountedFile(s); ok {
		h.out.Artefacts = append(h.out.Artefacts, artefact.Artefact{Backend: hbaBackend, APIVersion: "v1", Ref: ref, At: at, Because: h.site.because(),
			Fields: []artefact.Field{{Path: path, Value: text, Comment: h.perimeter()}}})
		return
	}
	ref := snapshot.Ref{Kind: "ConfigMap", Namespace: s.Ref().Namespace, Name: name(s.Ref().Name, "pg-hba")}
	h.out.Artefacts = append(h.out.Artefacts, artefact.Artefact{Backend: hbaBackend, APIVersion: "v1", Ref: ref, Because: h.site.because(),
		Object: append(object("v1", ref), artefact.Entry{Key: "data", Value: artefact.Map{{Key: key, Value: text}}})})
	h.out.Notes = append(h.out.Notes, artefact.Note{Code: "hba/mount", Origin: s.Origin,
		Text: "nothing reads " + ref.String() + " yet: mount it into the pods of " + s.Ref().String() +
			", at /etc/postgresql, and start PostgreSQL with -c hba_file=/etc/postgresql/" + key})
}

// mountedFile is the entry of a ConfigMap that the server reads its file from.
func mountedFile(s *snapshot.Server) (ref snapshot.Ref, path []string, at verdict.Origin, ok bool) {
	for _, o := range origins(s.HBA) {
		where, found := strings.CutPrefix(o.Object, "ConfigMap ")
		key, isData := strings.CutPrefix(o.Field, "data")
		if !found || !isData {
			continue
		}
		namespace, name, _ := strings.Cut(where, "/")
		key = strings.Trim(strings.TrimPrefix(key, "."), `[]"'`)
		return snapshot.Ref{Kind: "ConfigMap", Namespace: namespace, Name: name}, []string{"data", key}, o, true
	}
	return ref, nil, at, false
}

// origins are those of the lines of a file.
func origins(f hba.File) []verdict.Origin {
	var out []verdict.Origin
	for i := range f.Records {
		out = append(out, f.Records[i].Origin)
	}
	for i := range f.Errors {
		out = append(out, f.Errors[i].Origin)
	}
	return out
}

// dropped tells of each line that goes: the field is the perimeter's as a whole.
func (h *hbaSite) dropped(lines []hbaLine) {
	s := h.site.Server
	h.goes(s.HBA, lines, func(o verdict.Origin) bool { return h.way.whole || h.mine(o) })
	h.standbys(lines)
}

// standbys tells of lines by which somebody lets standbys in that nobody else knows of:
// those of the server's own are among the sessions that it needs.
func (h *hbaSite) standbys(lines []hbaLine) {
	s := h.site.Server
	var roles []hba.Token
	for _, r := range h.before {
		if replicates(r) {
			roles = append(roles, r.Users...)
		}
	}
	for _, l := range lines {
		if replicates(l.record) {
			roles = append(roles, l.record.Users...)
		}
	}
	for _, r := range s.HBA.Records {
		kept := !slices.ContainsFunc(r.Users, func(t hba.Token) bool { return !slices.Contains(roles, t) })
		if replicates(r) && r.Line > 0 && !kept && (h.mine(r.Origin) || s.Operator == plainOperator) {
			h.gap("hba/replication", "`"+r.String()+"` of "+s.Ref().String()+" goes",
				"standbys that come by it are refused: nothing tells which pods they are", "", r.Origin)
		}
	}
}

// goes adds notes for the lines of a file that are not among those that are to be. What
// became of one entry, a line for each address of a pod, is told once.
func (h *hbaSite) goes(f hba.File, lines []hbaLine, ours func(verdict.Origin) bool) {
	type entry struct {
		at   verdict.Origin
		line string
	}
	told := map[entry]bool{}
	stays := map[string]bool{}
	for _, l := range lines {
		stays[l.text()] = true
	}
	note := func(e entry, text string) {
		if ours(e.at) && !told[e] {
			told[e] = true
			h.out.Notes = append(h.out.Notes, artefact.Note{Code: "hba/dropped", Origin: e.at, Text: "this line goes, and what is compiled takes its place: " + text})
		}
	}
	for _, r := range f.Records {
		if stays[r.Text()] || r.Line == 0 { // on line zero stands a setting
			continue
		}
		anywhere := r
		anywhere.Address = hba.Address{}
		note(entry{r.Origin, anywhere.Text()}, r.String())
	}
	for _, e := range slices.Concat(f.Errors, f.Skipped) {
		if e.Line > 0 && e.Raw != "" {
			note(entry{e.Origin, e.Raw}, cmp.Or(e.About(), "one that cannot be read"))
		}
	}
}
