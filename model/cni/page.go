package cni

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// Effects say what a trait changes in an answer, in the order of docs/cni.md.
var Effects = []Effect{
	{BlockSkipsPods, "an `ipBlock` (and `networks`) matches no pod, known address or not; `ipblock-outside` need not be assumed"},
	{BlockMatchesPods, "an `ipBlock` matches pods by their addresses, as the text of the API says"},
	{BlockSkipsNodes, "an `ipBlock` matches no node of the cluster and no host-network pod"},
	{BaselineByPod, "the Baseline tier is not asked of a pod that any NetworkPolicy selects; `baseline-by-direction` need not be assumed"},
	{BaselineByDirection, "the Baseline tier is asked in each direction that no NetworkPolicy isolates; `baseline-by-direction` need not be assumed"},
	{NodeIngressOpen, "the node a pod runs on, with its host-network pods, reaches the pod past every policy"},
	{NodeIngressPoliced, "the node a pod runs on is a peer as any other"},
	{NodeEgressPoliced, "what a pod sends to its own node needs a rule that admits it"},
	{NoEndPort, "of a range of ports only the first is admitted"},
	{NoSCTP, "rules for SCTP admit nothing"},
	{HostPodsAsPeers, "a peer with a `namespaceSelector` and an empty `podSelector` may also mean host-network pods"},
	{BarePodsOpen, "a refusal of a pod that nothing owns is unknown"},
	{ClusterPolicies, "ClusterNetworkPolicy is in force; `cni-enforces-cluster-policies` need not be assumed"},
	{NoClusterPolicies, "ClusterNetworkPolicy is not in force, and NET1010 reports each"},
	{AdminPolicies, "AdminNetworkPolicy and BaselineAdminNetworkPolicy are in force; `cni-enforces-cluster-policies` need not be assumed"},
	{NoAdminPolicies, "AdminNetworkPolicy and BaselineAdminNetworkPolicy are not in force, and NET1010 reports each"},
	{NoNodePeers, "a rule of a ClusterNetworkPolicy with the peer `nodes` may or may not act"},
	{NoDomainPeers, "a rule of a ClusterNetworkPolicy with the peer `domainNames` may or may not act"},
	{Note, "nothing"},
}

// An Effect is what a trait changes in an answer.
type Effect struct {
	Trait Trait
	Text  string
}

//go:generate go test . -run TestPageIsFresh -count=1 -update

// Page is docs/cni.md.
func Page() string {
	var b strings.Builder
	b.WriteString(`# Network plugins

Written by ` + "`go test ./model/cni -update`" + ` from the data; a test notices when it is stale.

Policies are enforced by the network plugin, and each reads them a little differently. pgmoat knows what is documented of
the plugins below, each fact with its source. What it knows of yours takes the place of an assumption, or changes an answer;
what nobody documented stays an assumption. Which plugin it is comes from, the first that says it: ` + "`--cni NAME`" + `; ` + "`cni`" + ` in
the [facts file](facts.md); the objects that were read. Where two of them contradict each other the first one counts, and a
warning tells of it.

Of objects these tell of the plugin: its DaemonSet, by name or by image, whose tag is the version; OpenShift's ` + "`Network`" + `;
Calico's ` + "`Installation`" + `; the ConfigMaps ` + "`cilium-config`, `antrea-config` and `amazon-vpc-cni`" + `, which are also the settings; and
where there is none of these, the CustomResourceDefinitions of one plugin, which tell its name and not that it enforces.

A fact of some versions counts only where the version is known: from the image, or as ` + "`cni.version`" + ` in the facts file. A fact
with *where* counts only where the setting was read; one with *unless* counts until a setting that was read ends it.

## What a difference changes

| trait | effect on answers |
|--|--|
`)
	for _, e := range Effects {
		fmt.Fprintf(&b, "| `%s` | %s |\n", e.Trait, e.Text)
	}
	b.WriteString("\n## The plugins\n")
	for _, p := range Catalogue() {
		p.write(&b)
	}
	return b.String()
}

func (p Profile) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", p.Name, enforcement[p.Enforces])
	if len(p.Differences) == 0 {
		return
	}
	b.WriteString("\n| trait | fact | holds | source |\n|--|--|--|--|\n")
	for _, d := range p.Differences {
		fmt.Fprintf(b, "| `%s` | %s | %s | <%s> |\n", d.Trait, d.Text, d.extent(), d.Source)
	}
}

var enforcement = map[verdict.Verdict]string{
	verdict.Allow:   "Enforces NetworkPolicy.",
	verdict.Deny:    "Does not enforce NetworkPolicy.",
	verdict.Unknown: "Enforces NetworkPolicy or does not: that depends on its settings or version.",
}

// extent says for which versions and settings the difference holds.
func (d Difference) extent() string {
	var parts []string
	if d.Since != "" {
		parts = append(parts, "since "+d.Since)
	}
	if d.Until != "" {
		parts = append(parts, "before "+d.Until)
	}
	for _, s := range []struct {
		word string
		Setting
	}{{"where", d.When}, {"unless", d.Unless}} {
		if s.Key != "" {
			parts = append(parts, fmt.Sprintf("%s `%s: %s`", s.word, s.Key, s.Value))
		}
	}
	if len(parts) == 0 {
		return "always"
	}
	return strings.Join(parts, ", ")
}
