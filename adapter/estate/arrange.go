package estate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// arrange sorts every list, so that the same estate gives the same snapshot in
// whatever order its files were read, and finds the lines of what people will be
// told of.
func arrange(s *snapshot.Snapshot) {
	slices.SortStableFunc(s.Workloads, func(a, b *snapshot.Workload) int { return a.Ref.Compare(b.Ref) })
	for _, w := range s.Workloads {
		slices.SortStableFunc(w.Pods, comparePods)
	}
	slices.SortStableFunc(s.Services, func(a, b *snapshot.Service) int { return a.Ref().Compare(b.Ref()) })
	slices.SortStableFunc(s.Policies, func(a, b *netpol.Policy) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(s.ClusterPolicies, compareOrdered)
	slices.SortStableFunc(s.Nodes, func(a, b *snapshot.Node) int { return compareNames(a.Name, b.Name) })
	slices.SortStableFunc(s.Servers, func(a, b *snapshot.Server) int { return a.Ref().Compare(b.Ref()) })
	// Those of one object stay as they stand in it.
	slices.SortStableFunc(s.Routes, func(a, b *snapshot.Route) int { return a.Compare(b.Ref) })
	slices.SortStableFunc(s.Secrets, func(a, b *snapshot.Secret) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(s.Unmodelled, func(a, b snapshot.Unmodelled) int { return a.Ref.Compare(b.Ref) })
	slices.SortStableFunc(s.CiliumRules, func(a, b snapshot.CiliumRule) int { return a.Ref.Compare(b.Ref) })
	slices.SortStableFunc(s.CalicoPolicies, func(a, b snapshot.CalicoPolicy) int { return a.Ref.Compare(b.Ref) })
	for i := range s.Problems {
		s.Problems[i].Origin = s.Locate(s.Problems[i].Origin)
	}
	for i := range s.Warnings {
		s.Warnings[i].Origin = s.Locate(s.Warnings[i].Origin)
	}
	slices.SortStableFunc(s.Problems, func(a, b snapshot.Problem) int { return compareOrigins(a.Origin, b.Origin) })
	slices.SortStableFunc(s.Warnings, func(a, b snapshot.Warning) int { return compareOrigins(a.Origin, b.Origin) })
}

// compareOrdered puts policies of the ordered tiers in the order they are asked, and
// those that share a priority in that of their names.
func compareOrdered(a, b *netpol.Policy) int {
	return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Priority, b.Priority),
		strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
}

// comparePods orders by namespace and name, numbers by their value: db-2 comes
// before db-10.
func comparePods(a, b *snapshot.Pod) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), compareNames(a.Name, b.Name), strings.Compare(a.Part, b.Part), compareOrigins(a.Origin, b.Origin))
}

func compareNames(a, b string) int {
	stemA, numberA := cutNumber(a)
	stemB, numberB := cutNumber(b)
	return cmp.Or(strings.Compare(stemA, stemB), cmp.Compare(len(numberA), len(numberB)), strings.Compare(numberA, numberB))
}

func cutNumber(name string) (stem, number string) {
	stem = strings.TrimRight(name, "0123456789")
	return stem, name[len(stem):]
}

func compareOrigins(a, b verdict.Origin) int {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
		strings.Compare(a.Object, b.Object), strings.Compare(a.Field, b.Field))
}
