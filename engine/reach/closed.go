package reach

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An Access is one cell of the closed list: whether a client gets a session on a
// database as a role, over any path and in any way of presenting itself.
type Access struct {
	// From are the members of one workload that get the same answer, outside addresses
	// with a name, or an Insider.
	From     snapshot.Ref
	Members  []*snapshot.Pod
	Outside  flow.Addresses
	Server   *snapshot.Server
	Database string // AnyOther for all that no manifest names
	Role     string
	Verdict  verdict.Verdict
	// Logins are the ways in, those allowed first; empty when refused.
	Logins      []Login
	Assumptions []string
}

// A Login is one way to present oneself, with the routes it works on.
type Login struct {
	Verdict verdict.Verdict `json:"verdict"`
	// Method is what the record asks for: "scram-sha-256", "trust", "cert".
	Method string `json:"method"`
	TLS    bool   `json:"tls"`
	Cert   bool   `json:"cert"`
	// Routes are the Services, poolers and pods it works through, as people name them.
	Routes []Route `json:"routes"`
	// Step is what keeps the login from being known to work; zero when it does.
	Step verdict.Step `json:"-"`
}

// A Route is a way to a server without the member at its end.
type Route struct {
	Service string `json:"service,omitempty"` // namespace/name; empty for straight to the pod
	Pooler  string `json:"pooler,omitempty"`
	Member  string `json:"member"` // "ledger (primary)"
	Port    uint16 `json:"port"`
	// Through is Path.Through; Sees is whose address pg_hba.conf sees, in words, empty
	// for the client's own.
	Through string `json:"through,omitempty"`
	Sees    string `json:"sees,omitempty"`
}

// PoolerName is how an access names the pooler of a route to a server: one in the server's own
// pods by the server's name; empty for straight.
func (r Route) PoolerName(s *snapshot.Server) string {
	if r.Pooler != "" {
		return r.Pooler[strings.LastIndexByte(r.Pooler, '/')+1:]
	}
	for _, p := range s.Ports {
		if p.Port == r.Port && p.Pooler != nil {
			return s.Ref().Name
		}
	}
	return ""
}

// WhoCan answers for one server, closed-world: every client that the snapshot
// holds and everybody outside, every database and role that a manifest names and
// all others as one class, over every path. What is not in the list is refused.
func (e *Engine) WhoCan(s *snapshot.Server) []Access {
	b := newBook(e, s, NamesOf(s))
	var out []Access
	for _, w := range e.World.Workloads {
		out = append(out, b.workload(w)...)
	}
	out = append(out, b.outside()...)
	for _, in := range Insiders() {
		for _, a := range b.insider(in.Inside) {
			a.From = in.Ref
			out = append(out, a)
		}
	}
	return e.runAgain(s, out)
}

// workload answers for each member, and joins the members that agree.
func (b *book) workload(w *snapshot.Workload) []Access {
	var groups []memberGroup
	for _, p := range w.Pods {
		groups = joinMember(groups, p, b.pod(p))
	}
	var out []Access
	for _, g := range groups {
		for _, a := range g.list {
			a.From, a.Members = network.GroupRef(w, g.pods), g.pods
			if w.Passes != "" { // whoever comes through it is not in the list
				a.Assumptions = snapshot.Merge(a.Assumptions, []string{snapshot.AssumePoolersKeep})
			}
			out = append(out, a)
		}
	}
	return out
}

type memberGroup struct {
	pods []*snapshot.Pod
	list []Access
}

func joinMember(groups []memberGroup, p *snapshot.Pod, list []Access) []memberGroup {
	for i, g := range groups {
		if sameList(g.list, list) {
			groups[i].pods = append(g.pods, p)
			return groups
		}
	}
	return append(groups, memberGroup{[]*snapshot.Pod{p}, list})
}

// sameList compares the lists of two clients, which most share.
func sameList(a, b []Access) bool {
	if len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) {
		return true
	}
	return slices.EqualFunc(a, b, sameAnswer)
}

// sameAnswer compares cells of the same question from two clients.
func sameAnswer(a, b Access) bool {
	return a.Database == b.Database && a.Role == b.Role && a.Verdict == b.Verdict && slices.EqualFunc(a.Logins, b.Logins, sameLogin)
}

func sameLogin(x, y Login) bool {
	return x.Verdict == y.Verdict && x.Method == y.Method && x.TLS == y.TLS && x.Cert == y.Cert && slices.Equal(x.Routes, y.Routes)
}
