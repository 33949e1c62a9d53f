package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An Access is one cell of the closed list: whether a client gets a session on a
// database as a role, over any path and in any way of presenting itself.
type Access struct {
	// From are the members of one workload that get the same answer, or outside
	// addresses with a name.
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
}

// WhoCan answers for one server, closed-world: every client that the snapshot
// holds and everybody outside, every database and role that a manifest names and
// all others as one class, over every path. What is not in the list is refused.
func (e *Engine) WhoCan(s *snapshot.Server) []Access {
	quick := *e
	quick.decided = map[hop]verdict.Step{}
	b := &book{Engine: &quick, server: s, sessions: sessions(s), talks: map[talk]spoken{}, clients: map[string][]Access{}}
	var out []Access
	for _, w := range e.World.Workloads {
		out = append(out, b.workload(w)...)
	}
	return append(out, b.outside()...)
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
		if slices.EqualFunc(g.list, list, sameAnswer) {
			groups[i].pods = append(g.pods, p)
			return groups
		}
	}
	return append(groups, memberGroup{[]*snapshot.Pod{p}, list})
}

// sameAnswer compares cells of the same question from two clients.
func sameAnswer(a, b Access) bool {
	return a.Database == b.Database && a.Role == b.Role && a.Verdict == b.Verdict &&
		slices.EqualFunc(a.Logins, b.Logins, func(x, y Login) bool {
			return x.Verdict == y.Verdict && x.Method == y.Method && x.TLS == y.TLS && x.Cert == y.Cert &&
				slices.Equal(x.Routes, y.Routes)
		})
}
