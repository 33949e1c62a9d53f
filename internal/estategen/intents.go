package estategen

import "fmt"

const group = "pgmoat.dev/v1alpha1"

// intents asks for something of each server.
func (g *generator) intents() {
	for i, s := range g.servers {
		if i > 0 && g.one(4) {
			continue // a server without a perimeter
		}
		tlsRequired := g.perimeter(s, i)
		for n := range g.IntN(4) {
			g.access(s, n, tlsRequired)
		}
	}
	if g.one(4) {
		g.ask("AccessInvariant", "", "dev-stays-out", Tree{"never": Tree{"from": list(Tree{"namespaceSelector": Tree{"matchLabels": Tree{"env": "dev"}}})}, "message": "development never reaches a server"})
	}
}

func (g *generator) ask(kind, namespace, name string, spec Tree) {
	g.estate.Intents = append(g.estate.Intents, object(group, kind, namespace, name, Tree{"spec": spec}))
}

func (g *generator) ref(s *server) Tree {
	out := Tree{"name": s.name}
	if g.one(3) {
		out["kind"] = s.kind
	}
	return out
}

// perimeter adds the perimeter of a server; whether it requires TLS.
func (g *generator) perimeter(s *server, i int) bool {
	spec := Tree{"server": g.ref(s)}
	network := Tree{}
	if g.one(3) {
		network["egress"] = "Isolated"
	}
	if !g.one(3) {
		network["clientNamespaces"] = of(g, Tree{}, g.spaceSelector())
	}
	if g.one(4) {
		network["adminTier"] = Tree{"priority": of(g, 40, 900) + i}
	}
	if len(network) > 0 {
		spec["network"] = network
	}
	if g.one(4) && g.alone(s) {
		spec["namespace"] = Tree{"defaultDeny": true, "podSecurity": of(g, "privileged", "baseline")}
	}
	required := s.tls && !g.one(4)
	if !required {
		spec["tls"] = Tree{"required": false}
	} else if g.one(4) {
		spec["tls"] = Tree{"minProtocol": "TLSv1.3"}
	}
	if g.one(8) {
		spec["superuser"] = "Remote"
	}
	if g.one(3) {
		spec["monitoring"] = list(Tree{"namespaces": list("monitoring"), "podSelector": Tree{"matchLabels": Tree{"app.kubernetes.io/name": "prometheus"}}})
	}
	if network["egress"] != nil || g.one(4) {
		spec["backup"] = list(Tree{"name": "object store", "to": Tree{"cidrs": list("203.0.113.0/24")}, "ports": list(Tree{"port": 443}, Tree{"port": 9000})})
		spec["egress"] = list(Tree{"name": "all else", "to": Tree{"cidrs": list("198.18.0.0/15")}, "ports": list(Tree{"port": 443})})
	}
	g.ask("PostgresPerimeter", s.namespace, s.name, spec)
	return required
}

// alone reports whether nobody but the server lives in its namespace.
func (g *generator) alone(s *server) bool {
	for _, c := range g.clients {
		if c.namespace == s.namespace {
			return false
		}
	}
	for _, o := range g.servers {
		if o != s && o.namespace == s.namespace {
			return false
		}
	}
	return true
}

// access adds an access to a server.
func (g *generator) access(s *server, n int, tlsRequired bool) {
	name := g.name("PostgresAccess", s.namespace, fmt.Sprintf("access-%d", n), "0.odd.name", "web", "an-access-whose-name-is-so-long-that-nothing-can-be-appended-to-it")
	spec := Tree{"server": g.ref(s)}
	from := List{}
	for range 1 + g.pick(3, 1) {
		from = append(from, g.peer())
	}
	spec["from"] = from
	to := List{}
	for range 1 + g.pick(3, 1) {
		to = append(to, g.entry(s, tlsRequired))
	}
	spec["to"] = to
	if g.one(4) {
		spec["until"] = of(g, "2026-11-20T00:00:00Z", "2027-03-31T18:00:00+02:00")
	}
	switch g.IntN(6) {
	case 0:
		spec["clientEgress"] = Tree{"isolation": "Never"}
	case 1:
		egress := Tree{"isolation": "Isolate"}
		if g.one(2) {
			egress["needs"] = list(Tree{"name": "mail", "to": Tree{"cidrs": list("192.0.2.0/24")}, "ports": list(Tree{"port": 25})})
		}
		spec["clientEgress"] = egress
	case 2:
		spec["clientEgress"] = Tree{"isolation": "WhereIsolated"}
	}
	if g.one(4) && len(g.clients) > 0 {
		c := of(g, g.clients...)
		attempt := Tree{"from": c.kind + "/" + c.namespace + "/" + c.name, "role": of(g, s.roles...), "database": of(g, s.databases...)}
		spec["tests"] = Tree{of(g, "accept", "deny"): list(attempt)}
	}
	g.ask("PostgresAccess", s.namespace, name, spec)
}

// peer is one group of clients.
func (g *generator) peer() Tree {
	switch g.IntN(7) {
	case 0:
		if g.estate.Facts != nil && g.one(2) {
			return Tree{"outside": list(of(g, "bastion", "vpn"))}
		}
		return Tree{"cidrs": some(g, "203.0.113.0/24", "198.51.100.16/28", "2001:db8:40::/48")}
	case 1:
		return Tree{"podSelector": g.selector()}
	case 2:
		return Tree{"namespaceSelector": g.spaceSelector(), "podSelector": g.selector()}
	case 3:
		return Tree{"namespaces": some(g, g.home...), "podSelector": g.selector()}
	}
	if len(g.clients) == 0 {
		return Tree{"podSelector": Tree{}}
	}
	c := of(g, g.clients...)
	out := Tree{"namespaces": list(c.namespace)}
	if c.account != "" && g.one(3) {
		out["serviceAccounts"] = list(c.account)
		return out
	}
	out["podSelector"] = Tree{"matchLabels": Tree{"app": c.labels["app"]}}
	return out
}

func (g *generator) entry(s *server, tlsRequired bool) Tree {
	out := Tree{"databases": some(g, s.databases...), "role": of(g, s.roles...)}
	if len(s.poolers) > 0 && g.one(2) {
		p := of(g, s.poolers...)
		out["pooler"] = p.name
		if p.part == "ro" {
			out["endpoint"] = of(g, "ReadOnly", "Any")
		}
	}
	if out["endpoint"] == nil && g.one(4) && out["pooler"] == nil {
		out["endpoint"] = of(g, "ReadOnly", "Any")
	}
	switch {
	case out["pooler"] == nil && s.tls && g.one(s.certificates()):
		out["authentication"] = of(g, "Certificate", "SCRAMAndCertificate")
	case !tlsRequired && g.one(2):
		out["tls"] = "Optional"
	}
	if g.one(5) {
		out["secret"] = s.name + "-app"
	}
	if g.one(6) {
		out["privileges"] = list(Tree{"schema": "public", "tables": list("t"), "verbs": list("SELECT")})
	}
	return out
}

// certificates is how seldom clients of the server show some: it may have no CA for them.
func (s *server) certificates() int {
	switch s.operator {
	case "cloudnative-pg", "crunchy", "percona":
		return 4
	}
	return 20
}
