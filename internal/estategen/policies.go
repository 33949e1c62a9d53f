package estategen

import "maps"

// policies adds what others have written already.
func (g *generator) policies() {
	if g.one(4) {
		return
	}
	for range g.IntN(5) {
		g.policy()
	}
	if g.one(3) {
		for range 1 + g.IntN(2) {
			g.clusterPolicy()
		}
	}
}

// policy adds a NetworkPolicy, in a namespace of a server or of clients.
func (g *generator) policy() {
	namespace := of(g, append([]string{g.servers[0].namespace, g.servers[len(g.servers)-1].namespace}, g.home...)...)
	spec := Tree{"podSelector": g.subject(namespace)}
	switch g.IntN(6) {
	case 0: // closes
		spec["policyTypes"] = some(g, "Ingress", "Egress")
	case 1: // closes the way out but for DNS
		spec["policyTypes"] = list("Egress")
		spec["egress"] = list(Tree{"to": list(Tree{"namespaceSelector": Tree{}, "podSelector": Tree{"matchLabels": Tree{"k8s-app": "kube-dns"}}}),
			"ports": list(Tree{"port": 53, "protocol": "UDP"}, Tree{"port": 53, "protocol": "TCP"})})
	case 2: // everything
		spec[of(g, "ingress", "egress")] = list(Tree{})
	case 3, 4:
		spec["ingress"] = list(g.rule("from"))
	default:
		spec["policyTypes"] = list("Egress")
		spec["egress"] = list(g.rule("to"))
	}
	if spec["egress"] != nil && spec["policyTypes"] == nil {
		spec["policyTypes"] = list("Egress")
	}
	g.add("networking.k8s.io/v1", "NetworkPolicy", namespace, g.name("NetworkPolicy", namespace, "allow", "default-deny", "0.legacy", "theirs"), Tree{"spec": spec})
}

// subject selects pods of a namespace: all, a server's, clients.
func (g *generator) subject(namespace string) Tree {
	choices := []Tree{{}, g.selector()}
	for _, s := range g.servers {
		if s.namespace == namespace {
			choices = append(choices, Tree{"matchLabels": maps.Clone(s.labels)})
		}
	}
	return of(g, choices...)
}

// selector selects clients by their labels.
func (g *generator) selector() Tree {
	switch g.IntN(6) {
	case 0:
		return Tree{}
	case 1:
		return Tree{"matchExpressions": list(Tree{"key": "app", "operator": "In", "values": some(g, "web", "report", "worker")})}
	case 2:
		return Tree{"matchExpressions": list(Tree{"key": of(g, "app", "tier"), "operator": "NotIn", "values": some(g, "web", "report", "front")})}
	case 3:
		return Tree{"matchExpressions": list(Tree{"key": of(g, "tier", "example.org/role"), "operator": of(g, "Exists", "DoesNotExist")})}
	}
	labels := Tree{"app": of(g, "web", "report", "worker")}
	if g.one(4) {
		labels["tier"] = of(g, "front", "back")
	}
	return Tree{"matchLabels": labels}
}

// spaceSelector selects namespaces.
func (g *generator) spaceSelector() Tree {
	switch g.IntN(5) {
	case 0:
		return Tree{}
	case 1:
		return Tree{"matchLabels": Tree{"kubernetes.io/metadata.name": of(g, g.home...)}}
	case 2:
		return Tree{"matchExpressions": list(Tree{"key": "env", "operator": of(g, "In", "NotIn"), "values": list("dev")})}
	}
	return Tree{"matchLabels": Tree{"team": of(g, "shop", "web", "data")}}
}

func (g *generator) rule(side string) Tree {
	out := Tree{}
	if !g.one(5) {
		peers := List{}
		for range 1 + g.IntN(2) {
			peers = append(peers, g.policyPeer())
		}
		out[side] = peers
	}
	if !g.one(3) {
		out["ports"] = of(g,
			list(Tree{"port": 5432}),
			list(Tree{"port": of(g, "postgres", "postgresql", "pgbouncer", "http"), "protocol": "TCP"}),
			list(Tree{"port": 5432, "endPort": 6432}),
			list(Tree{"port": 443}, Tree{"port": 6443}))
	}
	return out
}

func (g *generator) policyPeer() Tree {
	switch g.IntN(6) {
	case 0:
		return Tree{"ipBlock": of(g, Tree{"cidr": "0.0.0.0/0"}, Tree{"cidr": "203.0.113.0/24"}, Tree{"cidr": "10.244.0.0/16"},
			Tree{"cidr": "::/0"}, Tree{"cidr": "2001:db8::/32", "except": list("2001:db8:1::/48")})}
	case 1:
		return Tree{"namespaceSelector": g.spaceSelector()}
	case 2, 3:
		return Tree{"podSelector": g.selector()}
	}
	return Tree{"namespaceSelector": g.spaceSelector(), "podSelector": g.selector()}
}

// clusterPolicy adds a policy of an ordered tier.
func (g *generator) clusterPolicy() {
	tier, priority := "Admin", 5+g.IntN(60)
	name := g.name("ClusterNetworkPolicy", "", "platform", "guard.1")
	if g.one(3) {
		tier = "Baseline"
	}
	if g.seen[tier+string(rune(priority))] { // which of two decides is not defined
		return
	}
	g.seen[tier+string(rune(priority))] = true
	subject := Tree{"namespaces": g.spaceSelector()}
	if g.one(2) {
		subject = Tree{"pods": Tree{"namespaceSelector": g.spaceSelector(), "podSelector": g.selector()}}
	}
	spec := Tree{"tier": tier, "priority": priority, "subject": subject}
	rule := func(side string) Tree {
		action := of(g, "Deny", "Accept", "Pass")
		if tier == "Baseline" {
			action = of(g, "Deny", "Accept")
		}
		peer := Tree{"namespaces": g.spaceSelector()}
		if g.one(2) {
			peer = Tree{"pods": Tree{"namespaceSelector": g.spaceSelector(), "podSelector": g.selector()}}
		}
		out := Tree{"action": action, side: list(peer)}
		if g.one(2) {
			out["protocols"] = list(Tree{"tcp": Tree{"destinationPort": Tree{"number": 5432}}})
		}
		return out
	}
	if g.one(3) {
		spec["egress"] = list(rule("to"))
	} else {
		spec["ingress"] = list(rule("from"))
	}
	g.add("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "", name, Tree{"spec": spec})
}
