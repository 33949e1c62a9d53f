package draft

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A grant is one thing that a client gets today and that an entry can ask for.
type grant struct {
	role, pooler   string
	authentication intent.Authentication
	plain          bool
	endpoint       intent.Endpoint
	database       string
}

func compareGrants(a, b grant) int {
	return cmp.Or(cmp.Compare(a.role, b.role), cmp.Compare(a.pooler, b.pooler), cmp.Compare(a.authentication, b.authentication),
		cmp.Compare(a.endpoint, b.endpoint), cmp.Compare(a.database, b.database), compareBools(a.plain, b.plain))
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// grants are a set of them.
type grants map[grant]bool

// sorted is in the order of compareGrants.
func (g grants) sorted() []grant {
	out := make([]grant, 0, len(g))
	for one := range g {
		out = append(out, one)
	}
	slices.SortFunc(out, compareGrants)
	return out
}

// without leaves out those of others.
func (g grants) without(others ...grants) grants {
	out := grants{}
	for one := range g {
		if !slices.ContainsFunc(others, func(o grants) bool { return o[one] }) {
			out[one] = true
		}
	}
	return out
}

// A client is members of one workload that get the same, or a part of the outside.
type client struct {
	ref     snapshot.Ref
	pods    []*snapshot.Pod
	outside flow.Addresses
	grants  grants
}

func (c *client) isOutside() bool { return len(c.pods) == 0 }

// read takes the closed list in: what each client gets, and what there are no words for.
func (d *drafter) read(list []reach.Access) {
	byRef := map[snapshot.Ref]*client{}
	for _, a := range list {
		if a.Verdict == verdict.Deny {
			continue
		}
		c := byRef[a.From]
		if c == nil {
			c = &client{ref: a.From, pods: a.Members, outside: a.Outside, grants: grants{}}
			byRef[a.From] = c
			d.clients = append(d.clients, c)
		}
		d.cell(c, a)
	}
}

// cell is one cell of the list.
func (d *drafter) cell(c *client, a reach.Access) {
	here := cell{baseOf(a.From), a.Database, a.Role}
	switch {
	case a.From.Kind == reach.KubectlKind:
		d.lose(lossInside, a.From.Name, here, a.From, verdict.Origin{})
	case a.Verdict == verdict.Unknown:
		d.lose(lossDoubt, "", here, a.From, doubtOf(a))
	case !c.isOutside() && d.own[c.pods[0]]:
		d.lose(lossOwnPods, "", here, a.From, verdict.Origin{})
	case a.Database == reach.PhysicalReplication:
		d.lose(lossReplication, "", here, a.From, verdict.Origin{})
	case a.Database == reach.AnyOther || a.Role == reach.AnyOther:
		d.lose(lossUnnamed, "", here, a.From, verdict.Origin{})
	default:
		for _, door := range d.doors(a) {
			d.door(c, a, door, here)
		}
	}
}

// doubtOf is where to look for what is not known.
func doubtOf(a reach.Access) verdict.Origin {
	for _, l := range a.Logins {
		if !l.Step.Origin.IsZero() {
			return l.Step.Origin
		}
	}
	return verdict.Origin{}
}

// A door is one way of the kind that an entry names: straight, or through a pooler.
type door struct {
	pooler   string
	endpoint intent.Endpoint
	// ways are what a client may present there; others are methods without a word.
	tls, plain, withCertificate, certificate bool
	weak, others                             []string
}

// doors sorts the logins of a cell by the doors that they lead through.
func (d *drafter) doors(a reach.Access) []*door {
	var out []*door
	for _, l := range a.Logins {
		for _, r := range l.Routes {
			if l.Verdict != verdict.Allow {
				continue
			}
			name := r.PoolerName(d.Server)
			i := slices.IndexFunc(out, func(o *door) bool { return o.pooler == name })
			if i < 0 {
				i = len(out)
				out = append(out, &door{pooler: name})
			}
			out[i].add(l)
			out[i].endpoint = joined(out[i].endpoint, d.endpointOf(r))
		}
	}
	for _, o := range out {
		if p := d.Server.PoolerNamed(o.pooler); p != nil {
			o.endpoint = endpoints[p.Part]
		}
	}
	return out
}

func (d *door) add(l reach.Login) {
	switch {
	case l.Method == "cert":
		d.certificate = true
	case l.Method != "scram-sha-256" && l.Method != "md5" && l.Method != "password":
		if !slices.Contains(d.others, l.Method) {
			d.others = append(d.others, l.Method)
		}
		return
	case !l.TLS:
		d.plain = true
	case l.Cert:
		d.withCertificate = true
	default:
		d.tls = true
	}
	if l.Method == "md5" || l.Method == "password" {
		if !slices.Contains(d.weak, l.Method) {
			d.weak = append(d.weak, l.Method)
		}
	}
}

// endpoints are the words for parts of a server.
var endpoints = map[string]intent.Endpoint{snapshot.Primary: intent.ReadWrite, snapshot.Replica: intent.ReadOnly, "": intent.AnyEndpoint}

func (d *drafter) endpointOf(r reach.Route) intent.Endpoint {
	if part, known := d.parts[r.Member]; known {
		return endpoints[part]
	}
	return intent.NoEndpoint
}

func joined(a, b intent.Endpoint) intent.Endpoint {
	switch {
	case a == b || b == intent.NoEndpoint:
		return a
	case a == intent.NoEndpoint:
		return b
	}
	return intent.AnyEndpoint
}

// door makes of a door a grant, and losses of what an entry cannot say of it.
func (d *drafter) door(c *client, a reach.Access, o *door, here cell) {
	for _, method := range o.others {
		d.lose(lossMethod, method, here, a.From, verdict.Origin{})
	}
	g := grant{role: a.Role, database: a.Database, pooler: o.pooler, endpoint: cmp.Or(o.endpoint, intent.ReadWrite)}
	switch {
	case o.tls:
		g.authentication, g.plain = intent.SCRAM, o.plain
	case o.certificate:
		g.authentication = intent.Certificate
	case o.withCertificate:
		g.authentication = intent.SCRAMAndCertificate
	case o.plain && d.withoutTLS(o):
		g.authentication, g.plain = intent.SCRAM, true
	}
	if o.plain && !g.plain {
		d.lose(lossPlain, "", here, a.From, verdict.Origin{})
	}
	if o.certificate && g.authentication != intent.Certificate {
		d.lose(lossCertificate, "", here, a.From, verdict.Origin{})
	}
	if g.authentication == intent.NoAuthentication {
		return
	}
	for _, method := range o.weak {
		d.lose(lossRehash, method, here, a.From, verdict.Origin{})
	}
	c.grants[g] = true
}

// withoutTLS reports whether there is no TLS behind a door, so that asking for either takes
// in nothing else.
func (d *drafter) withoutTLS(o *door) bool {
	if p := d.Server.PoolerNamed(o.pooler); p != nil {
		return p.TLS.Enabled == verdict.Deny
	}
	return d.Server.TLS.Enabled == verdict.Deny
}
