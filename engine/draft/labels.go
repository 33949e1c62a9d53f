package draft

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A describer finds labels for pods. Keys that policies before the server ask for already
// come first.
type describer struct{ spoken map[string]bool }

// spokenKeys are those of the labels that policies ask their clients for.
func spokenKeys(policies []*netpol.Policy) map[string]bool {
	out := map[string]bool{}
	for _, p := range policies {
		for _, r := range p.Rules[netpol.Ingress] {
			for _, peer := range r.Peers {
				if peer.Pods == nil {
					continue
				}
				for _, req := range *peer.Pods {
					out[req.Key] = true
				}
			}
		}
	}
	return out
}

// describe finds the fewest labels that surely select the pods and surely none of the
// strangers; nil where there are none.
func (d describer) describe(pods, strangers []*snapshot.Pod) netpol.Selector {
	lasting := lastingLabels(pods)
	keys := slices.SortedFunc(maps.Keys(lasting), func(a, b string) int {
		return cmp.Or(d.preference(a, lasting[a], pods[0])-d.preference(b, lasting[b], pods[0]), cmp.Compare(a, b))
	})
	if len(keys) == 0 {
		return nil
	}
	chosen := []string{keys[0]}
	for left := meeting(lasting, chosen, strangers); len(left) > 0; {
		best, rest := "", left
		for _, k := range keys {
			if after := meeting(lasting, []string{k}, left); len(after) < len(rest) {
				best, rest = k, after
			}
		}
		if best == "" {
			return nil
		}
		chosen, left = append(chosen, best), rest
	}
	slices.Sort(chosen)
	out := netpol.Selector{}
	for _, k := range chosen {
		out = append(out, netpol.Requirement{Key: k, Op: netpol.In, Values: []string{lasting[k]}})
	}
	return out
}

// meeting are the pods that may have all labels of the keys.
func meeting(labels map[string]string, keys []string, pods []*snapshot.Pod) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range pods {
		if !slices.ContainsFunc(keys, func(k string) bool {
			v, has := p.Labels.Set[k]
			return !slices.Contains(p.Labels.Unknown, k) && (!has || v != labels[k])
		}) {
			out = append(out, p)
		}
	}
	return out
}

// lastingLabels are those that all pods have with one value, and keep.
func lastingLabels(pods []*snapshot.Pod) map[string]string {
	out := maps.Clone(pods[0].Labels.Set)
	maps.DeleteFunc(out, func(k, v string) bool {
		return pods[0].Passes(k, v) || slices.ContainsFunc(pods, func(p *snapshot.Pod) bool {
			have, ok := p.Labels.Set[k]
			return !ok || have != v
		})
	})
	return out
}

// naming are the keys by which Services and Deployments mostly select.
var naming = []string{"app.kubernetes.io/name", "app", "k8s-app", "name", "app.kubernetes.io/component", "component", "app.kubernetes.io/instance"}

// preference orders labels: those that policies ask for, those that name the workload,
// those that people name workloads by, others.
func (d describer) preference(key, value string, p *snapshot.Pod) int {
	at := slices.Index(naming, key)
	switch {
	case d.spoken[key] && value == p.Workload.Name:
		return 0
	case d.spoken[key]:
		return 1
	case at >= 0 && value == p.Workload.Name:
		return 2 + at
	case at >= 0:
		return 21 + at
	case value == p.Workload.Name:
		return 40
	}
	return 41
}
