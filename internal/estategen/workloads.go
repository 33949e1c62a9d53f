package estategen

import (
	"fmt"
	"maps"
)

// A client is a workload that is no server's.
type client struct {
	kind, namespace, name, account string
	labels                         Tree
}

// spaceLabels are the names and labels of namespaces; one is long, one begins with a digit.
var spaceLabels = map[string]Tree{
	"shop":      {"team": "shop", "env": "prod"},
	"batch":     {"team": "shop", "env": "dev"},
	"web":       {"team": "web", "env": "prod"},
	"2nd-floor": {"env": "dev"},
	"a-namespace-that-is-as-long-as-namespaces-may-be-called-in-full": {"team": "web", "example.org/cost-centre": "a.b_c-1"},
	"data": {"team": "data", "env": "prod"},
	"db":   {"tier": "data"},
}

// space makes sure that a namespace is there, with its object or without.
func (g *generator) space(name string) string {
	if _, known := g.spaces[name]; known {
		return name
	}
	g.spaces[name] = nil
	if g.one(5) {
		return name
	}
	labels := maps.Clone(spaceLabels[name])
	if labels == nil {
		labels = Tree{}
	}
	if g.one(2) {
		labels["kubernetes.io/metadata.name"] = name
	}
	g.spaces[name] = labels
	o := g.add("v1", "Namespace", "", name, nil)
	if len(labels) > 0 {
		o["metadata"].(Tree)["labels"] = labels
	}
	return name
}

// platform adds what every cluster has: DNS, somebody who scrapes, addresses.
func (g *generator) platform() {
	g.isIPv6 = g.one(10)
	g.isDual = !g.isIPv6 && g.one(6)
	g.hasPods = g.one(3)
	for _, name := range some(g, "shop", "web", "batch", "2nd-floor", "a-namespace-that-is-as-long-as-namespaces-may-be-called-in-full") {
		g.home = append(g.home, g.space(name))
	}
	if !g.one(4) {
		g.space("kube-system")
		g.workload(&client{kind: "Deployment", namespace: "kube-system", name: "coredns", labels: Tree{"k8s-app": "kube-dns"}})
		if g.one(2) {
			g.add("v1", "Service", "kube-system", "kube-dns", Tree{"spec": Tree{"clusterIP": "10.96.0.10", "selector": Tree{"k8s-app": "kube-dns"},
				"ports": list(Tree{"name": "dns", "port": 53, "protocol": "UDP"}, Tree{"name": "dns-tcp", "port": 53, "protocol": "TCP"})}})
		}
	}
	if g.one(2) {
		g.space("monitoring")
		g.workload(&client{kind: "StatefulSet", namespace: "monitoring", name: "prometheus", labels: Tree{"app.kubernetes.io/name": "prometheus"}})
	}
}

var (
	clientNames = []string{"web", "report", "7up", "api.v2", "worker", "a-client-with-a-name-of-some-length-that-is-still-legal"}
	accounts    = []string{"", "", "app", "batch", "reporter.sa"}
)

// client adds a workload of those who may want to the servers.
func (g *generator) client() {
	spaces := append([]string(nil), g.home...)
	for _, s := range g.servers {
		spaces = append(spaces, s.namespace)
	}
	c := &client{kind: of(g, "Deployment", "Deployment", "Deployment", "StatefulSet", "CronJob"), namespace: g.space(of(g, spaces...))}
	c.name = g.name("client", c.namespace, clientNames...)
	c.account = of(g, accounts...)
	c.labels = Tree{"app": of(g, "web", "report", "worker")}
	for _, extra := range [][2]string{{"tier", "front"}, {"tier", "back"}, {"app.kubernetes.io/name", c.name[:min(len(c.name), 63)]}, {"example.org/role", "a.b_C-1"}} {
		if g.one(3) {
			c.labels[extra[0]] = extra[1]
		}
	}
	g.workload(c)
	g.clients = append(g.clients, c)
}

// workload adds the objects of a workload.
func (g *generator) workload(c *client) {
	g.space(c.namespace)
	container := Tree{"name": "main", "image": "registry.example/" + c.kind + ":1"}
	if g.one(3) {
		container["ports"] = list(Tree{"name": of(g, "http", "pg"), "containerPort": 8080})
	}
	pod := Tree{"containers": list(container)}
	if c.account != "" {
		pod["serviceAccountName"] = c.account
	}
	if g.one(25) {
		pod["hostNetwork"] = true
	}
	template := Tree{"metadata": Tree{"labels": maps.Clone(c.labels)}, "spec": pod}
	selector := Tree{"matchLabels": maps.Clone(c.labels)}
	switch c.kind {
	case "CronJob":
		pod["restartPolicy"] = "Never"
		g.add("batch/v1", "CronJob", c.namespace, c.name, Tree{"spec": Tree{"schedule": "0 4 * * *", "jobTemplate": Tree{"spec": Tree{"template": template}}}})
	case "StatefulSet":
		g.add("apps/v1", "StatefulSet", c.namespace, c.name, Tree{"spec": Tree{"serviceName": c.name, "replicas": 1, "selector": selector, "template": template}})
		g.live(c, pod, Tree{"statefulset.kubernetes.io/pod-name": c.name + "-0"}, "apps/v1", "StatefulSet", c.name, c.name+"-0")
	default:
		g.add("apps/v1", "Deployment", c.namespace, c.name, Tree{"spec": Tree{"replicas": 1 + g.IntN(2), "selector": selector, "template": template}})
		set := c.name + "-5d4f8c7b9"
		if g.live(c, pod, Tree{"pod-template-hash": "5d4f8c7b9"}, "apps/v1", "ReplicaSet", set, set+"-x7k2p") {
			labels := maps.Clone(c.labels)
			labels["pod-template-hash"] = "5d4f8c7b9"
			owned := maps.Clone(template)
			owned["metadata"] = Tree{"labels": labels}
			o := g.add("apps/v1", "ReplicaSet", c.namespace, set, Tree{"spec": Tree{"replicas": 1, "selector": Tree{"matchLabels": labels}, "template": owned}})
			o["metadata"].(Tree)["ownerReferences"] = list(owner("apps/v1", "Deployment", c.name))
		}
	}
}

func owner(apiVersion, kind, name string) Tree {
	return Tree{"apiVersion": apiVersion, "kind": kind, "name": name, "uid": "5f0f6d5e-0000-4000-8000-000000000000", "controller": true}
}

// live adds a running pod of a workload, in some estates; whether it did.
func (g *generator) live(c *client, spec, more Tree, apiVersion, kind, of, name string) bool {
	if !g.hasPods || g.one(3) {
		return false
	}
	labels := maps.Clone(c.labels)
	maps.Copy(labels, more)
	o := g.add("v1", "Pod", c.namespace, name, Tree{"spec": maps.Clone(spec)})
	o["metadata"].(Tree)["labels"] = labels
	o["metadata"].(Tree)["ownerReferences"] = list(owner(apiVersion, kind, of))
	var ips List
	for _, ip := range g.addresses() {
		ips = append(ips, Tree{"ip": ip})
	}
	if spec["hostNetwork"] == true {
		ips = list(Tree{"ip": "192.168.40.21"})
	}
	o["status"] = Tree{"phase": "Running", "podIP": ips[0].(Tree)["ip"], "podIPs": ips}
	return true
}

// addresses are those of one pod.
func (g *generator) addresses() []string {
	n := len(g.estate.Objects)
	four, six := fmt.Sprintf("10.244.%d.%d", n/200, 2+n%200), fmt.Sprintf("fd00:10:244::%x", 2+n)
	switch {
	case g.isIPv6:
		return []string{six}
	case g.isDual:
		return []string{four, six}
	}
	return []string{four}
}
