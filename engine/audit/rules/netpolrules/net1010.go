package netpolrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NET1010 finds policies of the cluster that the network plugin does not implement.
var NET1010 = &audit.Rule{
	ID:       "NET1010",
	Title:    "the network plugin does not implement this policy of the cluster",
	Severity: audit.Critical,
	Why: `ClusterNetworkPolicy and its older forms AdminNetworkPolicy and
BaselineAdminNetworkPolicy are CustomResourceDefinitions. Whoever installs the
definitions can create the objects; whether anything enforces them is up to the
network plugin, its version and often a switch that is off. A policy of a form that
the plugin does not implement closes nothing, and nobody is told.`,
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
	Needs: []audit.Fact{audit.ClusterPolicies, audit.Plugin},
	Run: func(p *audit.Pass) {
		for _, policy := range p.World.ClusterPolicies {
			checkImplemented(p, policy)
		}
	},
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
		unsettled := p.Useless
		if facts.Strict {
			unsettled = p.Skip
		}
		unsettled(subject, fmt.Sprintf("nothing read here says whether %s implements %s (cni.version or cni.clusterPolicies in the facts file)", plugin(facts.CNI), policy.Kind))
	}
}

// also is the place as a list; none where nobody knows it.
func also(o verdict.Origin) []verdict.Origin {
	if o.IsZero() {
		return nil
	}
	return []verdict.Origin{o}
}
