package audit

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A run is what the passes over one estate share.
type run struct {
	vital      map[*snapshot.Server][]reach.VitalDecision
	podsIn     map[string][]*snapshot.Pod
	policiesIn map[string][]*netpol.Policy
	namespaces []string // sorted
}

func share(world *snapshot.Snapshot) *run {
	r := &run{
		vital: map[*snapshot.Server][]reach.VitalDecision{}, podsIn: map[string][]*snapshot.Pod{},
		policiesIn: map[string][]*netpol.Policy{}, namespaces: slices.Sorted(maps.Keys(world.Namespaces)),
	}
	for _, p := range world.Policies {
		r.policiesIn[p.Namespace] = append(r.policiesIn[p.Namespace], p)
	}
	for _, w := range world.Workloads {
		for _, p := range w.Pods {
			r.podsIn[p.Namespace] = append(r.podsIn[p.Namespace], p)
		}
	}
	return r
}

// Run checks the rules and returns what they found, the worst first, each once.
func Run(world *snapshot.Snapshot, rules []*Rule) Result {
	var result Result
	shared := share(world)
	engine := reach.New(world)
	for _, rule := range rules {
		if reason, doubt := missing(world, rule); reason != "" {
			result.NotChecked = append(result.NotChecked, NotChecked{Rule: rule.ID, Reason: reason, Doubt: doubt})
			continue
		}
		rule.Run(&Pass{World: world, Reach: engine, rule: rule, run: shared, result: &result})
	}
	settle(world, &result)
	return result
}

// missing says which fact the rule lacks, in words, and whether there may well be
// something to check.
func missing(world *snapshot.Snapshot, rule *Rule) (reason string, doubt bool) {
	for _, fact := range rule.Needs {
		switch {
		case fact == Policies && len(world.Policies) == 0:
			return "no NetworkPolicy was read", len(world.Problems) > 0
		case fact == ClusterPolicies && len(world.ClusterPolicies) == 0:
			return "no ClusterNetworkPolicy, AdminNetworkPolicy or BaselineAdminNetworkPolicy was read", len(world.Problems) > 0
		case fact == CiliumPolicies && len(world.CiliumRules) == 0:
			return "no CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy was read", len(world.Problems) > 0
		case fact == CalicoPolicies && len(world.CalicoPolicies) == 0:
			return "no NetworkPolicy or GlobalNetworkPolicy of Calico was read", len(world.Problems) > 0
		case fact == PluginPolicies && len(world.ClusterPolicies)+len(world.CiliumRules)+len(world.CalicoPolicies) == 0:
			return "no policy of the cluster was read, nor one of Cilium or Calico", len(world.Problems) > 0
		case fact == Predecessors && !slices.ContainsFunc(world.Warnings, func(w snapshot.Warning) bool { return w.Code == snapshot.NotModelled }):
			return "no database of an operator's predecessor was read", len(world.Problems) > 0
		case fact == Servers && len(world.Servers) == 0:
			return "no PostgreSQL server was read", len(world.Problems) > 0
		case fact == Doors && !leadsIn(world):
			return "no LoadBalancer or NodePort Service, no external IP and no route was read", len(world.Problems) > 0
		case fact == Plugin && world.Facts.Enforces == verdict.Unknown:
			return "nobody says which network plugin the cluster has (cni in the facts file)", world.Facts.Strict
		}
	}
	return "", false
}

// leadsIn reports whether the estate has a way in from beyond the cluster.
func leadsIn(world *snapshot.Snapshot) bool {
	return len(world.Routes) > 0 || slices.ContainsFunc(world.Services, func(s *snapshot.Service) bool {
		return s.Type == "LoadBalancer" || s.Type == "NodePort" || len(s.ExternalIPs) > 0
	})
}

// settle gives each finding its assumptions, sorts and drops what was said twice.
func settle(world *snapshot.Snapshot, r *Result) {
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, s := range f.Because {
			f.Assumptions = append(f.Assumptions, s.Assumptions...)
		}
		f.Assumptions = snapshot.Merge(nil, f.Assumptions)
		r.Assumptions = append(r.Assumptions, f.Assumptions...)
	}
	r.Assumptions = snapshot.Merge(nil, r.Assumptions)
	lines := map[verdict.Origin]int{}
	for _, f := range r.Findings {
		if _, ok := lines[f.Origin]; !ok {
			lines[f.Origin] = world.Locate(f.Origin).Line
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(compareFindings(a, b), cmp.Compare(lines[a.Origin], lines[b.Origin]), cmp.Compare(a.Message, b.Message))
	})
	r.Findings = slices.CompactFunc(r.Findings, func(a, b Finding) bool {
		return a.Rule == b.Rule && a.Origin == b.Origin && a.Subject == b.Subject && a.Message == b.Message
	})
	slices.SortStableFunc(r.NotChecked, func(a, b NotChecked) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), a.Subject.Compare(b.Subject), cmp.Compare(a.Reason, b.Reason))
	})
	r.NotChecked = slices.Compact(r.NotChecked)
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		-cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Namespace, b.Namespace),
		a.Subject.Compare(b.Subject),
		cmp.Compare(a.Origin.File, b.Origin.File),
		cmp.Compare(a.Origin.Field, b.Origin.Field))
}
