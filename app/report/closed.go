package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Closed is the closed list of who-can and matrix.
type Closed struct {
	World   *snapshot.Snapshot
	Servers []*snapshot.Server
	Access  []reach.Access
	Control []reach.ControlAccess
}

// The JSON of who-can and matrix; docs/json.md is its description.
type closedJSON struct {
	Servers     []snapshot.Ref        `json:"servers"`
	Access      []accessJSON          `json:"access"`
	Control     []controlJSON         `json:"control"`
	AsFarAs     verdict.Layer         `json:"asFarAs"`
	NotDecided  []verdict.Layer       `json:"notDecided"`
	Assumptions []snapshot.Assumption `json:"assumptions"`
	Warnings    []snapshot.Warning    `json:"warnings"`
	Problems    []problemJSON         `json:"problems"`
}

type accessJSON struct {
	From     snapshot.Ref    `json:"from"`
	CIDR     []string        `json:"cidr,omitempty"`
	Server   snapshot.Ref    `json:"server"`
	Database string          `json:"database"`
	Role     string          `json:"role"`
	Verdict  verdict.Verdict `json:"verdict"`
	Logins   []loginJSON     `json:"logins"`
}

type loginJSON struct {
	reach.Login
	Because *stepJSON `json:"because,omitempty"`
}

type controlJSON struct {
	From   snapshot.Ref `json:"from"`
	Server snapshot.Ref `json:"server"`
	Port   uint16       `json:"port"`
	Name   string       `json:"name"`
	Why    string       `json:"why"`
	// Through is what leads a client outside there; empty for clients in the cluster and
	// for the pod's own address.
	Through string          `json:"through,omitempty"`
	Verdict verdict.Verdict `json:"verdict"`
	Because stepJSON        `json:"because"`
}

// Write prints the list in the format: table, md, csv or json.
func (c Closed) Write(out io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(out, c.json())
	case "csv":
		return writeCSV(out, c.csv())
	}
	t := newText(out, format == "md")
	for i, s := range c.Servers {
		if i > 0 {
			t.line("")
		}
		c.server(t, s)
	}
	if len(c.Servers) == 0 {
		t.line("no PostgreSQL server was recognised; annotate its workload with pgmoat.dev/postgresql: \"true\" if there is one")
	}
	t.footer(c.World, c.undecided(), c.assumptions())
	if c.kubectl() {
		t.line("%s", kubectlRows)
	}
	return t.err
}

func (c Closed) json() closedJSON {
	u := c.undecided()
	out := closedJSON{
		Servers: []snapshot.Ref{}, Access: []accessJSON{}, Control: []controlJSON{},
		AsFarAs: u.AsFarAs, NotDecided: u.NotDecided,
		Assumptions: snapshot.Assumptions(c.assumptions()...), Warnings: warnings(c.World), Problems: problems(c.World),
	}
	for _, s := range c.Servers {
		out.Servers = append(out.Servers, s.Ref())
	}
	for _, a := range c.Access {
		out.Access = append(out.Access, c.accessJSON(a))
	}
	for _, a := range c.Control {
		out.Control = append(out.Control, controlJSON{a.From, a.Server.Ref(), a.Port.Port, a.Port.Name, a.Port.Why, a.Through,
			a.Verdict, stepped(c.World, a.Step)})
	}
	return out
}

// kubectlRows says what the rows of kubectl rest on.
const kubectlRows = "kubectl rows are for whoever RBAC lets create pods/portforward or pods/exec in the server's namespace; no policy stops them"

// kubectl reports whether somebody gets in by kubectl.
func (c Closed) kubectl() bool {
	return slices.ContainsFunc(c.Access, func(a reach.Access) bool { return a.From.Kind == reach.KubectlKind })
}

// undecided says how far the list goes. Who may use kubectl is for RBAC to say.
func (c Closed) undecided() reach.Decision {
	u := reach.Undecided()
	if c.kubectl() {
		u.NotDecided = append([]verdict.Layer{verdict.RBAC}, u.NotDecided...)
	}
	return u
}

func (c Closed) accessJSON(a reach.Access) accessJSON {
	out := accessJSON{From: a.From, Server: a.Server.Ref(), Database: a.Database, Role: a.Role, Verdict: a.Verdict, Logins: []loginJSON{}}
	for _, p := range a.Outside.Prefixes() {
		out.CIDR = append(out.CIDR, p.String())
	}
	for _, l := range a.Logins {
		j := loginJSON{Login: l}
		if l.Verdict != verdict.Allow {
			step := stepped(c.World, l.Step)
			j.Because = &step
		}
		out.Logins = append(out.Logins, j)
	}
	return out
}

// assumptions are what the lists rest on, and with them that everybody else is refused: where
// policies were read, some of that rests on their being enforced.
func (c Closed) assumptions() []string {
	codes := c.World.Standing()
	if c.World.Facts.Enforces == verdict.Unknown && len(c.World.Policies)+len(c.World.ClusterPolicies) > 0 {
		codes = snapshot.Merge(codes, []string{snapshot.AssumeCNIEnforces})
	}
	for _, a := range c.Access {
		codes = snapshot.Merge(codes, a.Assumptions)
	}
	for _, a := range c.Control {
		codes = snapshot.Merge(codes, a.Step.Assumptions)
	}
	return codes
}

// A row is a line of the table: roles and databases that get the same answer.
type row struct {
	from, databases, roles, answer, how, through string
	verdict                                      verdict.Verdict
}

func (c Closed) server(t *text, s *snapshot.Server) {
	t.line("%s (%s%s)", s.Ref(), s.Operator, versionOf(s))
	rows := c.rows(s)
	if len(rows) == 0 {
		t.line("  nobody reaches it")
	} else {
		table := [][]string{{"FROM", "DATABASE", "ROLE", "ANSWER", "HOW", "THROUGH"}}
		for _, r := range rows {
			table = append(table, []string{r.from, r.databases, r.roles, r.answer, r.how, r.through})
		}
		t.table(table)
		t.line("  everybody else is refused")
		c.doubts(t, s)
	}
	c.control(t, s)
}

func versionOf(s *snapshot.Server) string {
	if s.Version == 0 {
		return ", version unknown"
	}
	return fmt.Sprintf(", PostgreSQL %d", s.Version)
}

func (c Closed) control(t *text, s *snapshot.Server) {
	table := [][]string{{"CONTROL PORT", "FROM", "ANSWER", "THROUGH", "WHY IT MATTERS"}}
	at := map[string]int{}
	for _, a := range c.Control {
		if a.Server != s {
			continue
		}
		port := fmt.Sprintf("%d %s", a.Port.Port, a.Port.Name)
		through := cmp.Or(a.Through, podAddress)
		key := port + a.Verdict.String() + through
		if i, known := at[key]; known {
			table[i][1] += ", " + shortRef(a.From)
			continue
		}
		at[key] = len(table)
		table = append(table, []string{port, shortRef(a.From), answerWord[a.Verdict], through, a.Port.Why})
	}
	if len(table) > 1 {
		t.line("")
		t.table(table)
	}
}

// doubts tells why some answers cannot be given.
func (c Closed) doubts(t *text, s *snapshot.Server) {
	var seen []string
	for _, a := range c.Access {
		for _, l := range a.Logins {
			if a.Server != s || a.Verdict != verdict.Unknown || l.Verdict != verdict.Unknown {
				continue
			}
			why := fmt.Sprintf("%s (%s)", Words(l.Step), c.World.Locate(l.Step.Origin))
			if len(seen) == 0 {
				t.line("  cannot tell because:")
			}
			if !slices.Contains(seen, why) {
				seen = append(seen, why)
				t.line("    - %s", why)
			}
		}
	}
}

// shortRef writes namespace/name, which is enough beside its fellows.
func shortRef(r snapshot.Ref) string {
	if r.Namespace == "" {
		return strings.ToLower(r.Kind) + " " + r.Name
	}
	return r.Namespace + "/" + r.Name
}

// rows joins cells that differ in role only, then those that differ in database
// only: the closed list stays readable.
func (c Closed) rows(s *snapshot.Server) []row {
	var rows []row
	for _, a := range c.Access {
		if a.Server == s {
			rows = append(rows, rowOf(a))
		}
	}
	rows = joinRows(rows, func(r *row) *string { return &r.roles })
	rows = joinRows(rows, func(r *row) *string { return &r.databases })
	rows = joinRows(rows, func(r *row) *string { return &r.from })
	everything(rows, append(reach.Databases(s), reach.AnyOther, reach.PhysicalReplication), func(r *row) *string { return &r.databases })
	everything(rows, append(reach.Roles(s), reach.AnyOther), func(r *row) *string { return &r.roles })
	slices.SortStableFunc(rows, func(a, b row) int { return int(b.verdict) - int(a.verdict) })
	return rows
}

func rowOf(a reach.Access) row {
	how, through := logins(a)
	return row{shortRef(a.From), a.Database, a.Role, answerWord[a.Verdict], how, through, a.Verdict}
}

// everything writes "any" where a column lists all there is, and "any but" where
// it lists nearly all.
func everything(rows []row, all []string, column func(*row) *string) {
	for i := range rows {
		listed := strings.Split(*column(&rows[i]), ", ")
		var missing []string
		for _, name := range all {
			if !slices.Contains(listed, name) {
				missing = append(missing, name)
			}
		}
		switch {
		case len(all) > 1 && len(missing) == 0:
			*column(&rows[i]) = "any"
		case len(missing) > 0 && len(missing)*2 < len(listed) && !slices.Contains(missing, reach.AnyOther):
			*column(&rows[i]) = "any but " + strings.Join(missing, ", ")
		}
	}
}

// joinRows joins rows that are equal but for one column.
func joinRows(rows []row, column func(*row) *string) []row {
	var out []row
	at := map[row]int{}
	for _, r := range rows {
		value := *column(&r)
		*column(&r) = ""
		if i, known := at[r]; known {
			*column(&out[i]) += ", " + value
			continue
		}
		at[r] = len(out)
		*column(&r) = value
		out = append(out, r)
	}
	return out
}

// logins words the ways in that have the cell's verdict.
func logins(a reach.Access) (how, through string) {
	var methods, routes []string
	transports := map[string][]string{}
	for _, l := range a.Logins {
		if l.Verdict != a.Verdict {
			continue
		}
		method := l.Method
		if method == "" {
			method = "undecided"
		}
		methods = appendNew(methods, method)
		transports[method] = appendNew(transports[method], transportText(l))
		for _, r := range l.Routes {
			routes = appendNew(routes, routeText(r))
		}
	}
	for i, m := range methods {
		methods[i] = m + " (" + strings.Join(without(transports[m]), " or ") + ")"
	}
	return strings.Join(methods, ", "), strings.Join(routes, ", ")
}

const withCertificate = "TLS with certificate"

func transportText(l reach.Login) string {
	switch {
	case l.Cert:
		return withCertificate
	case l.TLS:
		return "TLS"
	}
	return "plain text"
}

// without leaves out the certificate where the same works with none.
func without(transports []string) []string {
	if !slices.Contains(transports, "TLS") {
		return transports
	}
	return slices.DeleteFunc(transports, func(s string) bool { return s == withCertificate })
}

// podAddress is the way straight to a pod, without a Service.
const podAddress = "pod address"

func routeText(r reach.Route) string {
	switch {
	case r.Service != "":
		return "svc " + r.Service[strings.Index(r.Service, "/")+1:]
	case r.Pooler != "":
		return "pooler pods"
	}
	return podAddress
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (c Closed) csv() [][]string {
	rows := [][]string{{"from_kind", "from_namespace", "from_name", "server", "database", "role", "verdict", "how", "through"}}
	for _, a := range c.Access {
		how, through := logins(a)
		rows = append(rows, []string{a.From.Kind, a.From.Namespace, a.From.Name, a.Server.Ref().String(),
			a.Database, a.Role, a.Verdict.String(), how, through})
	}
	return rows
}
