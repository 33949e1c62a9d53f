package netpolrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NET1010 finds policies that the network plugin does not implement: those of the
// cluster, and those of another plugin's dialect.
var NET1010 = &audit.Rule{
	ID:       "NET1010",
	Title:    "the network plugin does not implement this kind of policy",
	Severity: audit.Critical,
	Why: `ClusterNetworkPolicy and its older forms AdminNetworkPolicy and
BaselineAdminNetworkPolicy are CustomResourceDefinitions. Whoever installs the
definitions can create the objects; whether anything enforces them is up to the
network plugin, its version and often a switch that is off. The kinds of Cilium and of
Calico are nobody's but their own: definitions that were left behind, or came with a
chart, take objects that nothing reads. A policy of a form that the plugin does not
implement closes nothing, and nobody is told.`,
	Setting: `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: databases}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {matchLabels: {databases: "yes"}}}
  ingress:
    - action: Deny
      from: [{namespaces: {}}]
`,
	Bad: `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: calico-node}}
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec: {hostNetwork: true, containers: [{name: calico-node, image: quay.io/calico/node:v3.31.5}]}
`,
	Good: `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: calico-node}}
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec: {hostNetwork: true, containers: [{name: calico-node, image: quay.io/calico/node:v3.32.2}]}
`,
	Needs: []audit.Fact{audit.PluginPolicies, audit.Plugin},
	Run: func(p *audit.Pass) {
		for _, policy := range p.World.ClusterPolicies {
			checkImplemented(p, policy)
		}
		daemons := daemonSets(p.World)
		for _, d := range ofDialects(p) {
			checkDialect(p, d, daemons)
		}
	},
}

// A foreign policy is one in the dialect of a plugin.
type foreign struct {
	ref     snapshot.Ref
	origin  verdict.Origin
	dialect string
	plugins []string // that implement it
	perhaps []string // that implement a part of it, or did in a version
	daemons []string // that run beside another plugin and implement it
}

// ofDialects lists the policies of Cilium and Calico, each object once.
func ofDialects(p *audit.Pass) []foreign {
	var out []foreign
	add := func(f foreign) {
		if len(out) == 0 || out[len(out)-1].ref != f.ref {
			out = append(out, f)
		}
	}
	eachCiliumRule(p, func(r snapshot.CiliumRule) {
		add(foreign{r.Ref, r.Origin, "Cilium", []string{"cilium", "azure-cni-cilium"}, []string{"gke-dataplane-v2"}, []string{"cilium"}})
	})
	eachCalicoPolicy(p, func(c snapshot.CalicoPolicy) {
		add(foreign{c.Ref, c.Origin, "Calico", []string{"calico", "canal"}, nil, []string{"calico-node", "canal", "rke2-canal"}})
	})
	return out
}

// checkDialect is about one policy; daemons are those of the estate: a plugin for policies
// can stand beside one that connects the pods.
func checkDialect(p *audit.Pass, f foreign, daemons map[string]bool) {
	facts := p.World.Facts
	switch {
	case slices.Contains(f.plugins, facts.CNI) || slices.ContainsFunc(f.daemons, func(name string) bool { return daemons[name] }):
	case facts.CNI == "" || slices.Contains(f.perhaps, facts.CNI):
		unsettled(p)(f.ref, fmt.Sprintf("nothing read here says whether %s implements policies of %s", plugin(facts.CNI), f.dialect))
	default:
		p.Report(audit.Finding{
			Subject: f.ref, Origin: f.origin, Also: also(facts.CNIOrigin), Certain: true,
			Message: fmt.Sprintf("%s is not in force: it is a policy of %s, and the cluster has %s", f.ref, f.dialect, plugin(facts.CNI)),
			Fix: fmt.Sprintf("write it as a kind that the plugin implements (apiVersion: networking.k8s.io/v1, kind: NetworkPolicy), or, where %s does run beside the plugin, say so in the facts file: cni.name",
				f.dialect),
		})
	}
}

// daemonSets are the names of those that were read.
func daemonSets(world *snapshot.Snapshot) map[string]bool {
	out := map[string]bool{}
	for _, w := range world.Workloads {
		if w.Kind == "DaemonSet" {
			out[w.Name] = true
		}
	}
	return out
}

// unsettled says that something was not told: a doubt where nothing may be assumed.
func unsettled(p *audit.Pass) func(snapshot.Ref, string) {
	if p.World.Facts.Strict {
		return p.Skip
	}
	return p.Useless
}

func checkImplemented(p *audit.Pass, policy *netpol.Policy) {
	subject := snapshot.Ref{Kind: policy.Kind, Name: policy.Name}
	facts := p.World.Facts
	implements, d := facts.Profile.Implements(policy.Kind)
	why := d.Text
	if facts.Enforces == verdict.Deny {
		implements, why = verdict.Deny, "it enforces no policy"
	}
	switch implements {
	case verdict.Deny:
		p.Report(audit.Finding{
			Subject: subject, Origin: policy.Origin, Also: also(facts.CNIOrigin), Certain: true,
			Message: fmt.Sprintf("%s is not in force, since %s does not implement it here: %s", subject, plugin(facts.CNI), why),
			Fix:     "bring the network plugin to a version that implements this kind, and switch it on where it has a switch (docs/cni.md), or write the policy in a kind that the plugin does implement",
		})
	case verdict.Unknown:
		unsettled(p)(subject, fmt.Sprintf("nothing read here says whether %s implements %s (cni.version or cni.clusterPolicies in the facts file)", plugin(facts.CNI), policy.Kind))
	}
}

// also is the place as a list; none where nobody knows it.
func also(o verdict.Origin) []verdict.Origin {
	if o.IsZero() {
		return nil
	}
	return []verdict.Origin{o}
}
