package draft

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A group is clients that get the same, and are no others.
type group struct {
	grants  grants
	clients []*client
	// spaces are namespaces of which all pods are meant; "" is all of them.
	spaces []string
}

// accesses drafts an access for each group.
func (d *drafter) accesses() {
	d.everybody()
	for _, g := range d.groups() {
		if a := d.access(g); a != nil {
			d.Accesses = append(d.Accesses, a)
		}
	}
	slices.SortStableFunc(d.Accesses, func(a, b *Access) int { return cmp.Or(a.breadth-b.breadth, cmp.Compare(a.Name, b.Name)) })
}

// groups joins clients by what they get besides what everybody does.
func (d *drafter) groups() []*group {
	var order []string
	byGrants := map[string]*group{}
	of := func(g grants) *group {
		key := fmt.Sprint(g.sorted())
		if byGrants[key] == nil {
			byGrants[key] = &group{grants: g}
			order = append(order, key)
		}
		return byGrants[key]
	}
	for _, namespace := range slices.Sorted(maps.Keys(d.common)) {
		if got := d.common[namespace]; len(got) > 0 {
			g := of(got)
			g.spaces = append(g.spaces, namespace)
		}
	}
	for _, c := range d.clients {
		if left := d.residue(c); len(left) > 0 {
			g := of(left)
			g.clients = append(g.clients, c)
		}
	}
	out := make([]*group, len(order))
	for i, key := range order {
		out[i] = byGrants[key]
	}
	return out
}

// residue is what a client gets that its neighbours do not; nothing where it is the
// perimeter's to let it in, or nobody's.
func (d *drafter) residue(c *client) grants {
	if c.isOutside() {
		return c.grants
	}
	left := c.grants.without(d.common[""], d.common[c.pods[0].Namespace])
	var why lossKind
	switch {
	case slices.ContainsFunc(c.pods, func(p *snapshot.Pod) bool { return p.HostNetwork }):
		why = lossHost
	case d.vital[c.pods[0]]:
		why = lossVital
	default:
		return left
	}
	for _, g := range left.sorted() {
		d.lose(why, "", cell{baseOf(c.ref), g.database, g.role}, c.ref, verdict.Origin{})
	}
	return nil
}

// access drafts the access of a group; nil where none of its clients can be named.
func (d *drafter) access(g *group) *Access {
	a := &Access{}
	a.Namespace = d.Server.Ref().Namespace
	a.Access.Server = d.serverRef()
	a.Client.Isolation = intent.WhereIsolated
	for _, namespace := range g.spaces {
		a.Access.From = append(a.Access.From, wholeNamespace(namespace))
		a.breadth = max(a.breadth, breadthOf(namespace, a.Namespace))
	}
	if len(g.spaces) > 0 {
		// Pods of these whose way out is closed keep it closed.
		a.Client.Isolation = intent.NeverIsolate
	}
	a.Access.From = append(a.Access.From, d.podPeers(g, a)...)
	a.Access.From = append(a.Access.From, d.outsidePeers(g, a)...)
	if len(a.Access.From) == 0 {
		return nil
	}
	a.Name = d.nameOf(g)
	a.To = entries(g.grants)
	a.witnesses = d.witnesses(g)
	return a
}

func (d *drafter) serverRef() intent.ServerRef {
	ref := d.Server.Ref()
	return intent.ServerRef{Namespace: ref.Namespace, Kind: ref.Kind, Name: ref.Name}
}

// wholeNamespace is the peer of all pods of a namespace, or of all.
func wholeNamespace(namespace string) intent.Peer {
	p := intent.Peer{Pods: &netpol.Selector{}}
	if namespace == "" {
		p.NamespaceSelector = &netpol.Selector{}
	} else {
		p.Namespaces = []string{namespace}
	}
	return p
}

// breadthOf is Access.breadth of a namespace's pods.
func breadthOf(namespace, own string) int {
	switch namespace {
	case "":
		return 3
	case own:
		return 0
	}
	return 1
}

// podPeers are the clients of a group that are pods, a workload each.
func (d *drafter) podPeers(g *group, a *Access) []intent.Peer {
	var out []intent.Peer
	words := describer{spokenKeys(slices.Concat(d.Drawn, d.Shared))}
	for _, c := range g.clients {
		if c.isOutside() {
			continue
		}
		namespace := c.pods[0].Namespace
		s := words.describe(c.pods, d.lesser(namespace, g.grants))
		if s == nil {
			for _, one := range g.grants.sorted() {
				d.lose(lossLabels, "", cell{baseOf(c.ref), one.database, one.role}, c.ref, c.pods[0].Origin)
			}
			continue
		}
		a.Clients = append(a.Clients, c.ref)
		a.breadth = max(a.breadth, breadthOf(namespace, a.Namespace))
		same := slices.IndexFunc(out, func(p intent.Peer) bool { return p.Pods.String() == s.String() })
		switch {
		case same < 0:
			out = append(out, intent.Peer{Namespaces: []string{namespace}, Pods: &s})
		default:
			out[same].Namespaces = with(out[same].Namespaces, namespace)
		}
	}
	return out
}

// lesser are the pods of a namespace that do not get all of the grants, and those of the
// server itself.
func (d *drafter) lesser(namespace string, all grants) []*snapshot.Pod {
	return slices.DeleteFunc(slices.Clone(d.podsIn[namespace]), func(p *snapshot.Pod) bool {
		return slices.ContainsFunc(d.clients, func(c *client) bool {
			return !d.own[p] && !p.HostNetwork && slices.Contains(c.pods, p) && len(all.without(c.grants)) == 0
		})
	})
}

// entries are what the grants of a group ask for: databases of one role together.
func entries(of grants) []intent.Entry {
	var out []intent.Entry
	for _, g := range of.sorted() {
		i := slices.IndexFunc(out, func(e intent.Entry) bool {
			return e.Role == g.role && e.Pooler == g.pooler && e.Authentication == g.authentication && e.PlainText == g.plain && e.Endpoint == g.endpoint
		})
		if i < 0 {
			i = len(out)
			out = append(out, intent.Entry{Role: g.role, Pooler: g.pooler, Authentication: g.authentication, PlainText: g.plain, Endpoint: g.endpoint})
		}
		out[i].Databases = with(out[i].Databases, g.database)
	}
	return out
}

// explain says what each access was drawn from, and what is worth a second look.
func (r *Result) explain() {
	for _, s := range r.Sites {
		d := &drafter{Engine: s.engine, Site: s}
		for _, a := range s.Accesses {
			d.explain(a)
		}
	}
}

func (d *drafter) explain(a *Access) {
	a.From, a.Why = nil, nil
	for _, from := range a.witnesses {
		for _, e := range a.To {
			one := grant{role: e.Role, pooler: e.Pooler, authentication: e.Authentication, plain: e.PlainText, endpoint: e.Endpoint, database: e.Databases[0]}
			if p, ok := d.wayOf(from, one); ok {
				a.From = drawnFrom(a.From, p.Steps)
			}
		}
	}
	for _, p := range a.Access.From {
		switch {
		case p.NamespaceSelector != nil:
			a.Why = append(a.Why, "TODAY EVERY POD OF THE CLUSTER gets this, and each that will ever be: narrow it to those that need it.")
		case p.Pods != nil && len(*p.Pods) == 0:
			a.Why = append(a.Why, "Today every pod of namespace "+p.Namespaces[0]+" gets this: narrow it to those that need it.")
		case slices.Contains(p.Names, anyIPv4) || slices.Contains(p.Names, anyIPv6):
			a.Why = append(a.Why, "TODAY THE WHOLE WORLD gets this: narrow it to the ranges that need it.")
		}
	}
	for _, role := range rolesOf(a.To) {
		if d.superuser(role) {
			a.Why = append(a.Why, fmt.Sprintf("%q is a superuser: give these clients a role with what they need.", role))
		}
	}
}

func rolesOf(entries []intent.Entry) []string {
	var out []string
	for _, e := range entries {
		out = with(out, e.Role)
	}
	return out
}

// witnesses stand for the clients of a group: one of each.
func (d *drafter) witnesses(g *group) []network.Endpoint {
	var out []network.Endpoint
	for _, namespace := range g.spaces {
		out = append(out, stranger(cmp.Or(namespace, nowhere)))
	}
	for _, c := range g.clients {
		switch {
		case c.isOutside():
			out = append(out, network.OutsideEndpoint(c.outside))
		default:
			out = append(out, network.PodEndpoint(c.pods[0]))
		}
	}
	return out[:min(len(out), mostWitnesses)]
}

// mostWitnesses is for how many clients of an access the lines are looked up that let them
// in: the others of a large group mostly come by the same.
const mostWitnesses = 8

// drawnFrom adds where the deciding lines and policies of the server stand.
func drawnFrom(have []verdict.Origin, steps []verdict.Step) []verdict.Origin {
	for _, s := range steps {
		ours := s.Layer == verdict.Ingress || s.Layer == verdict.HBA || s.Layer == verdict.Pooler || s.Layer == verdict.Ident
		if ours && !s.Origin.IsZero() && !slices.Contains(have, s.Origin) {
			have = append(have, s.Origin)
		}
	}
	return have
}

// superuser reports whether a role is one.
func (s *Site) superuser(role string) bool {
	return role == "postgres" || slices.ContainsFunc(s.Server.Roles, func(r snapshot.Role) bool { return r.Name == role && r.Superuser })
}

// nameOf names an access by who its clients are.
func (d *drafter) nameOf(g *group) string {
	var names []string
	outside := ""
	for _, namespace := range g.spaces {
		if namespace == "" {
			return "everybody"
		}
		names = append(names, "all-of-"+namespace)
	}
	for _, c := range g.clients {
		if c.isOutside() {
			outside = d.outsideName(c)
			continue
		}
		names = append(names, c.pods[0].Workload.Name)
	}
	slices.Sort(names)
	if names = slices.Compact(names); outside != "" {
		names = append(names, outside)
	}
	switch {
	case len(names) <= 2:
		return slug(strings.Join(names, "-and-"))
	case len(entries(g.grants)) == 1:
		return slug(entries(g.grants)[0].Role + "-clients")
	}
	return slug(d.Server.Ref().Name + "-clients")
}
