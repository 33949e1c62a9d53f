package layer

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// TwoClusters is the Code of a Warning about sources that are of different clusters: nothing
// is known to be absent from what both together would be.
const TwoClusters = "sources/two-clusters"

// sameCluster reports whether both were read from one cluster. Its namespace kube-system says
// so, which is made once and never again. The address is that of many clusters: of all that
// are read from a pod of theirs, or through a tunnel.
func sameCluster(a, b object.Batch) bool {
	if x, y := mark(a), mark(b); x != "" && y != "" {
		return x == y
	}
	if a.Coverage.Server != "" && b.Coverage.Server != "" {
		return a.Coverage.Server == b.Coverage.Server
	}
	return a.Coverage.Cluster == b.Coverage.Cluster
}

// mark is what no other cluster has; empty where nobody was let see it.
func mark(b object.Batch) string {
	for _, o := range b.Objects {
		if o.Name == "kube-system" && o.Type() == (object.Type{Kind: "Namespace"}) {
			return o.UID
		}
	}
	return ""
}

// merged is what both together looked at. It is as old as the older of them. Of one cluster
// a kind is listed where one of the two listed it in all namespaces that either read; of two
// clusters none is.
func merged(below, above object.Batch) (*snapshot.Coverage, *snapshot.Warning) {
	base, next := below.Coverage, above.Coverage
	switch {
	case base == nil:
		return next, nil
	case next == nil:
		return base, nil
	}
	out := &snapshot.Coverage{
		Cluster: cmp.Or(next.Cluster, base.Cluster), Server: cmp.Or(next.Server, base.Server),
		Version: cmp.Or(next.Version, base.Version), Taken: min(base.Taken, next.Taken),
	}
	if !base.Whole() && !next.Whole() {
		out.Namespaces = slices.Compact(slices.Sorted(slices.Values(slices.Concat(base.Namespaces, next.Namespaces))))
	}
	same := sameCluster(below, above)
	for _, name := range kindsOf(base, next) {
		k := snapshot.Kind{Name: name, Decides: kindOf(base, name).Decides || kindOf(next, name).Decides}
		if same {
			k = together(base, next, k)
		}
		out.Kinds = append(out.Kinds, k)
	}
	if same {
		return out, nil
	}
	return out, &snapshot.Warning{Code: TwoClusters, Text: fmt.Sprintf(
		"the sources are of two clusters, %s and %s: objects of the same name take each other's place, and what neither has is not known to be absent",
		shown(base), shown(next))}
}

func shown(c *snapshot.Coverage) string { return cmp.Or(c.Cluster, c.Server) }

// kindsOf are the names of all kinds, sorted.
func kindsOf(cs ...*snapshot.Coverage) []string {
	var out []string
	for _, c := range cs {
		for _, k := range c.Kinds {
			out = append(out, k.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// kindOf is what came of asking for a kind; nobody knows of one that was not asked for.
func kindOf(c *snapshot.Coverage, name string) snapshot.Kind {
	if i := slices.IndexFunc(c.Kinds, func(k snapshot.Kind) bool { return k.Name == name }); i >= 0 {
		return c.Kinds[i]
	}
	return snapshot.Kind{Name: name}
}

func settled(l snapshot.Listing) bool {
	return l == snapshot.KindListed || l == snapshot.KindAbsent
}

// together says of a kind what both found: where one was refused, the other may have looked.
func together(base, next *snapshot.Coverage, k snapshot.Kind) snapshot.Kind {
	b, n := kindOf(base, k.Name), kindOf(next, k.Name)
	holes := append(holesOf(base, b, next, n), holesOf(next, n, base, b)...)
	switch {
	case len(holes) > 0:
		worse := b
		if !settled(n.Listing) {
			worse = n
		}
		k.Listing, k.Why = worse.Listing, worse.Why
		if !slices.Contains(holes, everywhere) {
			slices.Sort(holes)
			k.Namespaces = slices.Compact(holes)
		}
	case b.Listing == snapshot.KindListed || n.Listing == snapshot.KindListed:
		k.Listing = snapshot.KindListed
	default:
		k.Listing = snapshot.KindAbsent
	}
	return k
}

// everywhere stands for all namespaces.
const everywhere = ""

// holesOf are the namespaces in which c did not see the objects of the kind and o did not
// either.
func holesOf(c *snapshot.Coverage, k snapshot.Kind, o *snapshot.Coverage, by snapshot.Kind) []string {
	if settled(k.Listing) {
		return nil
	}
	in := k.Namespaces
	if len(in) == 0 {
		in = c.Namespaces
	}
	if len(in) == 0 {
		in = []string{everywhere}
	}
	return slices.DeleteFunc(slices.Clone(in), func(ns string) bool { return sees(o, by, ns) })
}

// sees reports whether all objects of the kind in a namespace were looked at.
func sees(c *snapshot.Coverage, k snapshot.Kind, namespace string) bool {
	if !c.Whole() && (namespace == everywhere || !slices.Contains(c.Namespaces, namespace)) {
		return false
	}
	switch {
	case settled(k.Listing):
		return true
	case k.Listing != snapshot.KindRefused || len(k.Namespaces) == 0:
		return false
	}
	return namespace != everywhere && !slices.Contains(k.Namespaces, namespace)
}

// vanished are the places of objects that base read from the cluster which next looked at,
// and that are there no more.
func (l *layers) vanished(now *snapshot.Coverage) []int {
	if now == nil || l.base.Coverage == nil || !sameCluster(l.base, l.next) {
		return nil
	}
	kinds := make(map[string]snapshot.Kind, len(now.Kinds))
	for _, k := range now.Kinds {
		kinds[k.Name] = k
	}
	var out []int
	for i, o := range l.objects {
		if o.UID != "" && !l.fresh[i] && sees(now, kinds[o.Type().String()], o.Namespace) {
			out = append(out, i)
		}
	}
	return out
}
