package compile

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// ClusterNetworkPolicy closes by policies of the Admin tier what NetworkPolicies of others
// leave open: whom the perimeter's own policies admit is passed on to them, and every other
// pod is denied, whatever else selects the server's pods.
var ClusterNetworkPolicy = Backend{Name: clusterPolicyBackend, Compile: compileClusterPolicies}

const (
	clusterPolicyBackend = "clusternetworkpolicy"
	clusterPolicyKind    = "ClusterNetworkPolicy"
	clusterPolicyAPI     = "policy.networking.k8s.io/v1alpha2"
	// maxItems is how many rules a policy has, and peers or protocols a rule
	// [network-policy-api apis/v1alpha2/clusternetworkpolicy_types.go@066a945].
	maxItems = 25
)

func compileClusterPolicies(job *Job, out *Output) {
	var n *networks
	for i, s := range job.Sites {
		if s.Perimeter.AdminTier == nil {
			continue
		}
		if n == nil {
			n = newNetworks(job, &Output{}) // the gaps are told by the backend of NetworkPolicy
			n.build()
		}
		if clusterPoliciesWork(job.World, s, out) {
			n.sites[i].admin(out)
		}
	}
}

// clusterPoliciesWork reports whether the cluster may enforce the kind.
func clusterPoliciesWork(world *snapshot.Snapshot, s *Site, out *Output) bool {
	enforced, why := world.Facts.Profile.Implements(clusterPolicyKind)
	if enforced == verdict.Deny {
		adminGap(s, out, "not-enforced", "the cluster's network plugin does not enforce "+clusterPolicyKind+" "+why.Source)
		return false
	}
	known := slices.ContainsFunc(world.ClusterPolicies, func(p *netpol.Policy) bool { return p.Kind == clusterPolicyKind })
	if enforced != verdict.Allow && !known {
		out.Notes = append(out.Notes, artefact.Note{
			Code: clusterPolicyBackend + "/unseen", Origin: s.Perimeter.AdminTier.Origin,
			Text: "nothing tells whether the cluster has the kind " + clusterPolicyKind + " of " + clusterPolicyAPI + ", and a network plugin that enforces it",
		})
	}
	return true
}

func adminGap(s *Site, out *Output, code, what string) {
	out.Gaps = append(out.Gaps, artefact.Gap{
		Code: clusterPolicyBackend + "/" + code, Backend: clusterPolicyBackend, What: what, Origin: s.Perimeter.AdminTier.Origin,
		Consequence: "what NetworkPolicies of others leave open stays open",
	})
}

// admin writes a policy for each of the site's groups of pods. They select no pod in
// common, so that they may share a priority.
func (s *siteNetwork) admin(out *Output) {
	for _, sub := range s.subjects {
		if why := s.unnamed(sub); why != "" {
			adminGap(s.Site, out, "vital-peer", why+", and a rule that denies everybody else would cut what "+sub.what+" need")
			continue
		}
		rules := s.adminRules(sub)
		if len(rules) > maxItems {
			adminGap(s.Site, out, "too-many-rules", fmt.Sprintf("%s need %d rules, and a policy has %d", sub.what, len(rules), maxItems))
			continue
		}
		out.Artefacts = append(out.Artefacts, s.adminPolicy(sub, rules))
	}
	out.Notes = append(out.Notes, artefact.Note{
		Code: clusterPolicyBackend + "/pods-only", Origin: s.Perimeter.AdminTier.Origin,
		Text: "policies of the Admin tier know no addresses outside on the way in: whom a NetworkPolicy of others admits from outside still gets in",
	})
}

// unnamed says which pods the subject needs to hear from and no rule can name; empty for
// none.
func (s *siteNetwork) unnamed(sub *subject) string {
	for _, f := range s.Server.Vital {
		if f.Optional || !s.touches(f.To, sub) || f.From.OutsideUnknown {
			continue
		}
		if _, missing := s.vitalPeers(f.From); len(missing) > 0 {
			return missing[0]
		}
	}
	return ""
}

// adminRules pass on whom the policies of the site admit, by ports, and deny every other
// pod.
func (s *siteNetwork) adminRules(sub *subject) artefact.List {
	type group struct {
		ports flow.Ports
		peers []netpol.Peer
		why   string
	}
	var groups []*group
	for _, d := range sub.drafts {
		for _, o := range d.openings[netpol.Ingress] {
			i := slices.IndexFunc(groups, func(g *group) bool { return g.ports.Equal(o.ports) })
			if i < 0 {
				i = len(groups)
				groups = append(groups, &group{ports: o.ports, why: o.why})
			} else {
				groups[i].why += "\n" + o.why
			}
			groups[i].peers = append(groups[i].peers, slices.DeleteFunc(slices.Clone(o.peers), func(p netpol.Peer) bool { return p.Block != nil })...)
		}
	}
	var rules artefact.List
	for _, g := range groups {
		for peers := range slices.Chunk(distinctPeers(g.peers), maxItems) {
			for ports := range slices.Chunk(g.ports.Ranges(), maxItems) {
				rules = append(rules, artefact.Item{Value: passRule(len(rules)+1, peers, ports), Comment: g.why})
			}
		}
	}
	return append(rules, artefact.Item{
		Value: artefact.Map{
			{Key: "name", Value: "deny-others"}, {Key: "action", Value: netpol.Deny.String()},
			{Key: "from", Value: artefact.List{{Value: artefact.Map{{Key: "namespaces", Value: artefact.Map{}}}}}},
		},
		Comment: "No other pod gets in, whatever NetworkPolicies say.",
	})
}

func passRule(number int, peers []netpol.Peer, ports []flow.PortRange) artefact.Map {
	var from, protocols artefact.List
	for _, p := range peers {
		from = append(from, artefact.Item{Value: podsTree(p)})
	}
	for _, r := range ports {
		to := artefact.Map{{Key: "number", Value: int64(r.From)}}
		if r.To > r.From {
			to = artefact.Map{{Key: "range", Value: artefact.Map{{Key: "start", Value: int64(r.From)}, {Key: "end", Value: int64(r.To)}}}}
		}
		key := map[flow.Protocol]string{flow.TCP: "tcp", flow.UDP: "udp", flow.SCTP: "sctp"}[r.Protocol]
		protocols = append(protocols, artefact.Item{Value: artefact.Map{{Key: key, Value: artefact.Map{{Key: "destinationPort", Value: to}}}}})
	}
	return artefact.Map{
		{Key: "name", Value: fmt.Sprintf("declared-%d", number)}, {Key: "action", Value: netpol.Pass.String()},
		{Key: "from", Value: from}, {Key: "protocols", Value: protocols},
	}
}

// podsTree is a peer, or a subject, that is pods.
func podsTree(p netpol.Peer) artefact.Map {
	return artefact.Map{{Key: "pods", Value: artefact.Map{
		{Key: "namespaceSelector", Value: selectorTree(*p.Namespaces)}, {Key: "podSelector", Value: selectorTree(*p.Pods)},
	}}}
}

func (s *siteNetwork) adminPolicy(sub *subject, rules artefact.List) artefact.Artefact {
	ref := snapshot.Ref{Kind: clusterPolicyKind, Name: adminName(s.Perimeter, sub.slug)}
	spec := artefact.Map{
		{Key: "tier", Value: netpol.Admin.String()}, {Key: "priority", Value: int64(s.Perimeter.AdminTier.Priority)},
		{Key: "subject", Value: podsTree(sub.peer())}, {Key: "ingress", Value: rules},
	}
	return artefact.Artefact{
		Backend: clusterPolicyBackend, APIVersion: clusterPolicyAPI, Ref: ref,
		Because: []verdict.Origin{s.Perimeter.AdminTier.Origin},
		Object: append(object(clusterPolicyAPI, ref), artefact.Entry{
			Key: "spec", Value: spec, Comment: "Keeps pods away from " + sub.what + " but for those that the perimeter's policies admit.",
		}),
	}
}

// adminName names a policy of the cluster, where perimeters of all namespaces meet.
func adminName(p *intent.Perimeter, slug string) string {
	parts := []string{"perimeter", p.Namespace, p.Name, slug}
	return hashed(name(parts...), parts...)
}
