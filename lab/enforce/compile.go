//go:build linux

// Package enforce puts policies in the way of real packets. Compile turns them into
// the rules of nftables by the text of their APIs, and by nothing the engine says; a Lab
// holds nodes and pods as network namespaces, loads the rules, and tries who reaches
// whom.
package enforce

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/knftables"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A Refusal is how a rule refuses.
type Refusal uint8

const (
	// Tell sends back an ICMP error that nothing else sends here.
	Tell Refusal = iota
	// Drop says nothing.
	Drop
)

var refusals = map[Refusal]string{Tell: "reject with icmpx type admin-prohibited", Drop: "drop"}

// Compile returns the rules of one node, which police the pods that run there. Every
// pod needs its addresses; what policies say must be certain.
func Compile(world *snapshot.Snapshot, node string, how Refusal) (Ruleset, error) {
	c := &compiler{world: world, node: node, sets: map[string]string{}}
	for _, w := range world.Workloads {
		c.pods = append(c.pods, w.Pods...)
	}
	for _, p := range c.pods {
		if len(p.Addresses) == 0 {
			c.fail("pod %s/%s has no address", p.Namespace, p.Name)
		}
	}
	c.hooks()
	c.chain("refuse", "")
	c.rule("refuse", "", refusals[how])
	for _, dir := range netpol.Directions {
		c.direction(dir)
	}
	return c.Ruleset, errors.Join(c.failed...)
}

type compiler struct {
	Ruleset
	world  *snapshot.Snapshot
	node   string
	pods   []*snapshot.Pod
	sets   map[string]string // names, by what is in the set
	failed []error
}

func (c *compiler) fail(format string, args ...any) {
	c.failed = append(c.failed, fmt.Errorf(format, args...))
}

// hooks asks the egress rules first. What they accept goes on to the next base chain,
// where ingress is asked. A packet to the node itself has no ingress rule to meet, and
// one from the node no egress rule.
func (c *compiler) hooks() {
	for _, h := range []struct {
		name     string
		hook     knftables.BaseChainHook
		priority knftables.BaseChainPriority
		asks     netpol.Direction
	}{
		{"forward-egress", knftables.ForwardHook, knftables.FilterPriority, netpol.Egress},
		{"forward-ingress", knftables.ForwardHook, knftables.FilterPriority + "+1", netpol.Ingress},
		{"to-node", knftables.InputHook, knftables.FilterPriority, netpol.Egress},
		{"from-node", knftables.OutputHook, knftables.FilterPriority, netpol.Ingress},
	} {
		c.hook(h.name, h.hook, h.priority)
		c.rule(h.name, "", "jump", h.asks)
	}
}

// direction writes the chain that finds the pod, and those of each pod. Replies belong
// to a connection that was let through; what comes from the side that began it is
// asked about each time, so that no former rule lives on in a tracked connection.
func (c *compiler) direction(dir netpol.Direction) {
	find := dir.String()
	c.chain(find, "")
	c.rule(find, "", "ct direction reply accept")
	c.rule(find, "", "meta l4proto != { tcp, udp, sctp } accept")
	for _, f := range families {
		c.Maps = append(c.Maps, &knftables.Map{Name: finder(dir, f), Type: types[f] + " : verdict"})
		c.rule(find, "", f, own[dir], "vmap", "@", finder(dir, f))
	}
	for i, p := range c.pods {
		if !c.subject(p) {
			continue
		}
		chain := fmt.Sprintf("pod%d-%s", i, dir)
		for _, a := range p.Addresses {
			c.Elements = append(c.Elements, &knftables.Element{
				Map: finder(dir, family(a)), Key: []string{a.String()}, Value: []string{"goto " + chain}})
		}
		c.pod(chain, dir, p)
	}
}

// finder is the map from a pod's address to its chain.
func finder(dir netpol.Direction, f knftables.Family) string { return fmt.Sprintf("%s-%s", dir, f) }

// subject: host-network pods are under no policy.
func (c *compiler) subject(p *snapshot.Pod) bool { return !p.HostNetwork && p.Node == c.node }

// pod writes the tiers of one pod in one direction. "v1.NetworkPolicy always makes a
// final decision for selected pods"; Pass, and no match, return to the next tier.
func (c *compiler) pod(name string, dir netpol.Direction, p *snapshot.Pod) {
	c.chain(name, fmt.Sprintf("%s %s/%s", dir, p.Namespace, p.Name))
	if dir == netpol.Ingress && c.has(cni.NodeIngressOpen) {
		c.ownNode(name, dir) // past all tiers
	}
	c.rule(name, "", "jump", c.ordered(name, netpol.Admin, dir, p))
	isolating, isolatedAnyhow := c.isolating(dir, p)
	switch {
	case len(isolating) > 0:
		c.rule(name, "", "goto", c.additive(name, dir, p, isolating))
		return
	case !isolatedAnyhow || !c.has(cni.BaselineByPod):
		c.rule(name, "", "jump", c.ordered(name, netpol.Baseline, dir, p))
	}
	c.rule(name, "", "accept")
}

func (c *compiler) has(t cni.Trait) bool { return c.world.Facts.Profile.Has(t) }

// isolating returns the NetworkPolicies that isolate the pod in the direction, and
// whether one does in any.
func (c *compiler) isolating(dir netpol.Direction, p *snapshot.Pod) (of []*netpol.Policy, anyhow bool) {
	for _, policy := range c.world.Policies {
		if !c.selects(policy, p) {
			continue
		}
		anyhow = anyhow || policy.Isolates[netpol.Ingress] || policy.Isolates[netpol.Egress]
		if policy.Isolates[dir] {
			of = append(of, policy)
		}
	}
	return of, anyhow
}

// additive writes the rules of NetworkPolicies: what any of them admits. "Traffic to
// and from the node where a Pod is running is always allowed." It returns the chain.
func (c *compiler) additive(name string, dir netpol.Direction, p *snapshot.Pod, policies []*netpol.Policy) string {
	name += "-netpol"
	c.chain(name, "")
	policed := [2]cni.Trait{netpol.Ingress: cni.NodeIngressPoliced, netpol.Egress: cni.NodeEgressPoliced}
	if !c.has(policed[dir]) {
		c.ownNode(name, dir)
	}
	for _, policy := range policies {
		for i, rule := range policy.Rules[dir] {
			if rule.Action != netpol.Accept {
				c.fail("%s: %s rule %d has the action %s", policy.FullName(), dir, i, rule.Action)
			}
			c.acts(name, dir, p, policy, i, "accept")
		}
	}
	c.rule(name, "", "goto refuse")
	return name
}

// ownNode accepts what the node's own addresses send or get.
func (c *compiler) ownNode(chain string, dir netpol.Direction) {
	for _, n := range c.world.Nodes {
		if n.Name == c.node {
			c.each(chain, "the node", c.peerIs(dir, prefixes(n.Addresses)), "accept")
			return
		}
	}
	c.fail("node %q is not in the snapshot", c.node)
}

// ordered writes the rules of an ordered tier, "with lower priority values … checked
// before", and within a policy "determined by the order in which the rule is written".
// It returns the chain.
func (c *compiler) ordered(name string, tier netpol.Tier, dir netpol.Direction, p *snapshot.Pod) string {
	name += "-" + strings.ToLower(tier.String())
	c.chain(name, "")
	var policies []*netpol.Policy
	for _, policy := range c.world.ClusterPolicies {
		if policy.Tier == tier && !c.ignores(policy) && c.selects(policy, p) {
			policies = append(policies, policy)
		}
	}
	slices.SortStableFunc(policies, func(a, b *netpol.Policy) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, policy := range policies {
		for i, rule := range policy.Rules[dir] {
			verdict, known := verdicts[rule.Action]
			if !known {
				c.fail("%s: %s rule %d has the action %s", policy.FullName(), dir, i, rule.Action)
				continue
			}
			c.acts(name, dir, p, policy, i, verdict)
		}
	}
	return name
}

var verdicts = map[netpol.Action]string{netpol.Accept: "accept", netpol.Deny: "goto refuse", netpol.Pass: "return"}

// ignores reports whether the plugin does not know policies of this kind.
func (c *compiler) ignores(policy *netpol.Policy) bool {
	if policy.Kind == "ClusterNetworkPolicy" {
		return c.has(cni.NoClusterPolicies)
	}
	return c.has(cni.NoAdminPolicies)
}
