package compile

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA writes pg_hba.conf of servers, and of poolers that have one: who gets in is named,
// and a reject closes the file before the operator's lines for everybody.
var HBA = Backend{Name: hbaBackend, Compile: compileHBA}

// The names of backends.
const hbaBackend, identBackend, tlsBackend = "hba", "ident", "tls"

// networkBackend is what carries which pod a client is where pg_hba.conf cannot.
const networkBackend = "networkpolicy"

func compileHBA(job *Job, out *Output) {
	pods, hostPods := podsByNamespace(job.World)
	for _, site := range job.Sites {
		h := &hbaSite{job: job, site: site, out: out, told: map[artefact.Gap]bool{}, pods: pods, hostPods: hostPods}
		if h.begin() {
			h.server()
		}
		h.poolers()
	}
}

// podsByNamespace are all pods, and those of the host network.
func podsByNamespace(world *snapshot.Snapshot) (all, host map[string][]*snapshot.Pod) {
	all, host = map[string][]*snapshot.Pod{}, map[string][]*snapshot.Pod{}
	for _, wl := range world.Workloads {
		for _, p := range wl.Pods {
			all[p.Namespace] = append(all[p.Namespace], p)
			if p.HostNetwork {
				host[p.Namespace] = append(host[p.Namespace], p)
			}
		}
	}
	return all, host
}

// An hbaSite is the file of one server under way.
type hbaSite struct {
	job  *Job
	site *Site
	out  *Output
	way  hbaWay
	// before and after are the operator's lines around those of the field.
	before, after []hba.Record
	// kept are lines that sessions inside the server's own pods need.
	kept []hba.Record
	refs podRefs
	// pods are those of the estate by namespace, hostPods those of the host network.
	pods, hostPods map[string][]*snapshot.Pod
	// told are the gaps that were told already.
	told map[artefact.Gap]bool
}

// begin finds how the server takes lines; false where it takes none, which it says.
func (h *hbaSite) begin() bool {
	s, at := h.site.Server, h.site.Perimeter.Origin
	way, known := hbaWays[s.Operator]
	switch {
	case s.Parent != snapshot.Ref{}:
		h.gap("hba/part", s.Ref().String()+" is a part of "+s.Parent.String()+", whose operator writes over what is changed in it",
			"its pg_hba.conf stays as it is", networkBackend, at)
		return false
	case !known && s.Operator != plainOperator:
		h.gap("hba/no-way", "nothing is known of how "+s.Ref().String()+" takes its pg_hba.conf", "it stays as it is", networkBackend, at)
		return false
	case !known:
		way.whole = true
	}
	h.way = way
	h.around()
	if way.whole && len(h.kept) == 0 {
		h.gap("hba/unknown-file", "the whole pg_hba.conf of "+s.Ref().String()+" would have to be written, and it is not known which lines sessions inside its pods need",
			"it stays as it is", networkBackend, at)
		return false
	}
	return true
}

// plainOperator runs PostgreSQL in a StatefulSet or a Deployment, without an operator.
const plainOperator = "plain"

// gap adds a gap, once.
func (h *hbaSite) gap(code, what, consequence, carried string, at verdict.Origin) {
	if h.job.World.Facts.Enforces == verdict.Deny {
		carried = "" // policies are there, and nobody heeds them
	}
	g := artefact.Gap{Code: code, Backend: hbaBackend, What: what, Consequence: consequence, Carried: carried, Origin: at}
	if !h.told[g] {
		h.told[g] = true
		h.out.Gaps = append(h.out.Gaps, g)
	}
}

// mine reports whether a person wrote the line of an origin into the fields.
func (h *hbaSite) mine(o verdict.Origin) bool {
	return inField(o.Object, o.Field, h.way.lines) || inField(o.Object, o.Field, h.way.rules)
}

// around finds the operator's own lines. Those about sockets and about roles by name stand
// first; from the first line for everybody on, they stand behind the field.
func (h *hbaSite) around() {
	file := h.site.Server.HBA.Records
	if h.way.whole {
		h.kept = slices.DeleteFunc(slices.Clone(file), func(r hba.Record) bool { return !inside(r) })
		if len(h.kept) == 0 && len(file) > 0 {
			h.kept = hba.Parse(hbaSources(h.way.inside), h.site.Server.Version).Records
		}
		return
	}
	fixed := true
	for _, r := range file {
		if h.mine(r.Origin) {
			continue
		}
		fixed = fixed && (r.Type == hba.Local || len(hba.Literals(r.Users, "all")) == len(r.Users))
		switch {
		case fixed:
			h.before = append(h.before, r)
		case h.way.yields:
		default:
			h.after = append(h.after, r)
			if inside(r) && r.Type != hba.Local {
				h.kept = append(h.kept, h.ownInside(r))
			}
		}
	}
}

func hbaSources(texts []string) []hba.Source {
	out := make([]hba.Source, len(texts))
	for i, t := range texts {
		out[i].Text = t
	}
	return out
}

// ownInside is a line of the operator's for sessions inside the pods, or the one that
// somebody wrote before it about the same.
func (h *hbaSite) ownInside(r hba.Record) hba.Record {
	about := func(r hba.Record) string {
		r.Type, r.Method, r.Options = hba.Host, "reject", nil
		return r.Text()
	}
	for _, other := range h.site.Server.HBA.Records {
		if h.mine(other.Origin) && other.Method != "trust" && about(other) == about(r) {
			return other
		}
	}
	return r
}

// inside reports whether only sessions within a pod of the server meet the record.
func inside(r hba.Record) bool {
	p, ok := r.Address.Prefix()
	return r.Type == hba.Local || r.Address.Kind == hba.SameHost || ok && p.Addr().IsLoopback() && p.Bits() >= 8
}

// server makes the artefact of the server's file.
func (h *hbaSite) server() {
	h.warn()
	lines := h.lines()
	h.write(lines)
	h.dropped(lines)
}

// lines are those of the field, in their order.
func (h *hbaSite) lines() []hbaLine {
	var lines []hbaLine
	for _, r := range h.kept {
		lines = append(lines, hbaLine{record: r, comment: "sessions inside the pods, as the operator has them"})
	}
	lines = append(lines, h.vital()...)
	access := h.accesses()
	if h.way.yields {
		lines = merged(append(lines, access...))
		if len(lines) == 0 {
			lines = h.closing()
		}
		return lines
	}
	return merged(slices.Concat(lines, h.refusals(), access, h.closing()))
}

// refusals are who gets in by none of the accesses, with words of their own.
func (h *hbaSite) refusals() []hbaLine {
	var out []hbaLine
	if !h.site.Perimeter.PlainText {
		databases := []string{"all"}
		if slices.ContainsFunc(h.after, func(r hba.Record) bool { return replicates(r) && r.Type != hba.HostSSL }) {
			databases = append(databases, "replication")
		}
		out = append(out, hbaLine{record: refusal(hba.HostNoSSL, keyword("all"), anyAddress, databases...),
			comment: h.perimeter() + ": nobody without TLS"})
	}
	if !h.site.Perimeter.RemoteSuperuser {
		var users []hba.Token
		for _, name := range superusers(h.site.Server) {
			if t, why := hbaToken(name, h.site.Server.Version, h.way.expands); why == "" {
				users = append(users, t)
			}
		}
		out = append(out, hbaLine{record: refusal(hba.Host, users, anyAddress, "all"),
			comment: h.perimeter() + ": superusers log in inside the pods only"})
	}
	return out
}

// closing refuses everybody else, before the operator's lines for everybody. "all" is not
// replication (PostgreSQL manual, "The pg_hba.conf File"): where the operator's lines let
// somebody replicate, that is refused too.
func (h *hbaSite) closing() []hbaLine {
	databases := []string{"all"}
	if slices.ContainsFunc(h.after, replicates) {
		databases = append(databases, "replication")
		if !slices.ContainsFunc(h.site.Server.Vital, func(f snapshot.VitalFlow) bool { return f.Replication && (h.arrives(f) || h.loops(f)) }) {
			h.out.Notes = append(h.out.Notes, artefact.Note{Code: "hba/no-replica", Origin: h.site.Server.Origin,
				Text: h.site.Server.Ref().String() + " has no replica, and nobody may replicate: compile again before it gets one"})
		}
	}
	why := h.perimeter() + ": nobody else"
	if len(h.after) > 0 {
		why += "; what the operator writes below lets everybody in"
	}
	return []hbaLine{{record: refusal(hba.Host, keyword("all"), anyAddress, databases...), comment: why}}
}

// replicates reports whether a record lets somebody replicate over the network.
func replicates(r hba.Record) bool {
	return !inside(r) && r.Method != "reject" && slices.ContainsFunc(r.Databases, func(t hba.Token) bool { return t.Is("replication") })
}

// superusers are the server's, by name.
func superusers(s *snapshot.Server) []string {
	var out []string
	for _, r := range s.Roles {
		if r.Superuser {
			out = append(out, r.Name)
		}
	}
	if len(out) == 0 {
		out = []string{"postgres"}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// perimeter names the perimeter as comments do.
func (h *hbaSite) perimeter() string { return perimeterName(h.site.Perimeter) }

func perimeterName(p *intent.Perimeter) string {
	return "PostgresPerimeter " + p.Namespace + "/" + p.Name
}

func accessName(a *intent.Access) string { return "PostgresAccess " + a.Namespace + "/" + a.Name }

// because are the intents behind a site.
func (s *Site) because() []verdict.Origin {
	out := []verdict.Origin{s.Perimeter.Origin}
	for _, a := range s.Accesses {
		out = append(out, a.Origin)
	}
	return out
}

// warn says what makes the lines say something else than what was asked.
func (h *hbaSite) warn() {
	s, at := h.site.Server, h.site.Perimeter.Origin
	if s.TLS.Enabled == verdict.Deny && !h.site.Perimeter.PlainText {
		h.gap("hba/no-tls", s.Ref().String()+" does not take TLS, which the perimeter asks for", "nobody gets in over the network until it does", "", at)
	}
	h.proxied()
	if method, set := s.Setting("postgresql.password_encryption"); set && method.Value == "md5" || !set && s.Version != 0 && s.Version < 14 {
		h.out.Notes = append(h.out.Notes, artefact.Note{Code: "hba/md5-secrets", Origin: at,
			Text: "passwords of " + s.Ref().String() + " are kept as md5 where nothing else is set: such a role fails at scram-sha-256 until its password is set again with password_encryption = scram-sha-256"})
	}
	if slices.ContainsFunc(h.after, func(r hba.Record) bool { return r.Method == "ldap" }) {
		h.gap("hba/ldap", "who logs in by LDAP is named by the LDAP server, and not by a PostgresAccess", "nobody logs in by LDAP any more", "", at)
	}
}

// proxied tells of ports by which PostgreSQL does not see its clients, whether an access
// names them or not: a policy of somebody else's may lead there.
func (h *hbaSite) proxied() {
	s, at := h.site.Server, h.site.Perimeter.Origin
	sees := func(as snapshot.Sees) bool {
		return slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool { return p.Sees == as })
	}
	if sees(snapshot.SeesSocket) {
		h.gap("hba/socket", "sessions of the pooler in the pods of "+s.Ref().String()+" come by a Unix socket, where the operator lets everybody in",
			"only the passwords of roles limit as which role they come; who comes pg_hba.conf does not limit", networkBackend, at)
	}
	h.plainInside()
	if sees(snapshot.SeesLoopback) {
		gets := "by that port whoever has a role's password gets into every database"
		if i := slices.IndexFunc(s.Vital, func(f snapshot.VitalFlow) bool { return f.Replication && f.Role != "" && h.loops(f) }); i >= 0 {
			gets += ", and with that of " + s.Vital[i].Role + " copies the whole server"
		}
		h.gap("hba/loopback", "a proxy in the pods of "+s.Ref().String()+" stands before PostgreSQL, which sees each of its clients at 127.0.0.1, as it does sessions inside the pod",
			gets, networkBackend, at)
	}
}

// lineTexts are the lines as a list of strings with their reasons.
func lineTexts(lines []hbaLine) artefact.List {
	out := make(artefact.List, len(lines))
	for i, l := range lines {
		out[i] = artefact.Item{Value: l.text(), Comment: l.comment}
	}
	return out
}

// fileText are the lines as a file.
func fileText(lines []hbaLine) string {
	var b strings.Builder
	for _, l := range lines {
		for c := range strings.SplitSeq(l.comment, "\n") {
			b.WriteString("# " + c + "\n")
		}
		b.WriteString(l.text() + "\n")
	}
	return b.String()
}
