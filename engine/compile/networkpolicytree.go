package compile

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// managedBy is the label of whole objects that are ours.
var managedBy = artefact.Map{{Key: "app.kubernetes.io/managed-by", Value: "pgmoat"}}

// object begins the tree of a whole object.
func object(apiVersion string, ref snapshot.Ref) artefact.Map {
	meta := artefact.Map{{Key: "name", Value: ref.Name}}
	if ref.Namespace != "" {
		meta = append(meta, artefact.Entry{Key: "namespace", Value: ref.Namespace})
	}
	meta = append(meta, artefact.Entry{Key: "labels", Value: managedBy})
	return artefact.Map{
		{Key: "apiVersion", Value: apiVersion}, {Key: "kind", Value: ref.Kind}, {Key: "metadata", Value: meta},
	}
}

const networkingV1 = "networking.k8s.io/v1"

// artefact is the policy as an object.
func (d *draft) artefact() artefact.Artefact {
	ref := snapshot.Ref{Kind: "NetworkPolicy", Namespace: d.namespace, Name: d.name}
	spec := artefact.Map{{Key: "podSelector", Value: selectorTree(d.selector)}}
	types := artefact.List{}
	for _, dir := range netpol.Directions {
		if d.isolates[dir] {
			types = append(types, artefact.Item{Value: map[netpol.Direction]string{netpol.Ingress: "Ingress", netpol.Egress: "Egress"}[dir]})
		}
	}
	spec = append(spec, artefact.Entry{Key: "policyTypes", Value: types})
	for _, dir := range netpol.Directions {
		if len(d.openings[dir]) > 0 {
			spec = append(spec, artefact.Entry{Key: dir.String(), Value: ruleTrees(dir, d.openings[dir])})
		}
	}
	return artefact.Artefact{
		Backend: networkPolicyBackend, APIVersion: networkingV1, Ref: ref, Because: d.because,
		Object: append(object(networkingV1, ref), artefact.Entry{Key: "spec", Value: spec, Comment: d.why}),
	}
}

func ruleTrees(dir netpol.Direction, openings []opening) artefact.List {
	key := map[netpol.Direction]string{netpol.Ingress: "from", netpol.Egress: "to"}[dir]
	var out artefact.List
	for _, o := range openings {
		var peers artefact.List
		for _, p := range o.peers {
			peers = append(peers, peerTrees(p)...)
		}
		out = append(out, artefact.Item{
			Value:   artefact.Map{{Key: key, Value: peers}, {Key: "ports", Value: portTrees(o.ports)}},
			Comment: o.why,
		})
	}
	return out
}

// peerTrees are the entries of from or to that a peer comes to: an ipBlock holds one range.
func peerTrees(p netpol.Peer) artefact.List {
	if p.Block == nil {
		return artefact.List{{Value: artefact.Map{
			{Key: "namespaceSelector", Value: selectorTree(*p.Namespaces)}, {Key: "podSelector", Value: selectorTree(*p.Pods)},
		}}}
	}
	var out artefact.List
	for _, prefix := range p.Block.Addresses.Prefixes() {
		out = append(out, artefact.Item{Value: artefact.Map{
			{Key: "ipBlock", Value: artefact.Map{{Key: "cidr", Value: prefix.String()}}},
		}})
	}
	return out
}

func portTrees(ports flow.Ports) artefact.List {
	var out artefact.List
	for _, r := range ports.Ranges() {
		entry := artefact.Map{{Key: "protocol", Value: r.Protocol.String()}, {Key: "port", Value: int64(r.From)}}
		if r.To > r.From {
			entry = append(entry, artefact.Entry{Key: "endPort", Value: int64(r.To)})
		}
		out = append(out, artefact.Item{Value: entry})
	}
	return out
}

// selectorTree writes a label selector: matchLabels where that says it all.
func selectorTree(s netpol.Selector) artefact.Map {
	labels, expressions := artefact.Map{}, artefact.List{}
	seen := map[string]bool{}
	for _, r := range s {
		if r.Op == netpol.In && len(r.Values) == 1 && !seen[r.Key] {
			seen[r.Key] = true
			labels = append(labels, artefact.Entry{Key: r.Key, Value: r.Values[0]})
			continue
		}
		expressions = append(expressions, artefact.Item{Value: requirementTree(r)})
	}
	out := artefact.Map{}
	if len(labels) > 0 {
		out = append(out, artefact.Entry{Key: "matchLabels", Value: labels})
	}
	if len(expressions) > 0 {
		out = append(out, artefact.Entry{Key: "matchExpressions", Value: expressions})
	}
	return out
}

// operators are those of label selectors, as the API writes them.
var operators = map[netpol.Op]string{
	netpol.In: "In", netpol.NotIn: "NotIn", netpol.Exists: "Exists", netpol.DoesNotExist: "DoesNotExist",
}

func requirementTree(r netpol.Requirement) artefact.Map {
	out := artefact.Map{{Key: "key", Value: r.Key}, {Key: "operator", Value: operators[r.Op]}}
	if len(r.Values) > 0 {
		out = append(out, artefact.Entry{Key: "values", Value: artefact.Strings(slices.Sorted(slices.Values(r.Values))...)})
	}
	return out
}
