package cli

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/spelling"
)

// A reference is [NAMESPACE/][KIND/]NAME, NAME.NAMESPACE for a Service, or an
// address, everywhere.
type reference struct {
	namespace, kind, name string
	text                  string
}

// kinds maps what people type to the kind, as kubectl's short names do.
var kinds = map[string]string{
	"po": "Pod", "pod": "Pod", "pods": "Pod",
	"deploy": "Deployment", "deployment": "Deployment", "deployments": "Deployment",
	"sts": "StatefulSet", "statefulset": "StatefulSet", "statefulsets": "StatefulSet",
	"ds": "DaemonSet", "daemonset": "DaemonSet", "daemonsets": "DaemonSet",
	"rs": "ReplicaSet", "replicaset": "ReplicaSet", "replicasets": "ReplicaSet",
	"rc": "ReplicationController", "replicationcontroller": "ReplicationController",
	"job": "Job", "jobs": "Job", "cj": "CronJob", "cronjob": "CronJob", "cronjobs": "CronJob",
	"svc": "Service", "service": "Service", "services": "Service",
	"cluster": "Cluster", "clusters": "Cluster", "pooler": "Pooler", "poolers": "Pooler",
	"sgcluster": "SGCluster", "sgclusters": "SGCluster",
	"outside": "Outside", "kubectl": "kubectl",
}

// parseReference reads a reference; of two parts the first is a kind when it is
// one we know and no namespace has that name.
func parseReference(text string, world *snapshot.Snapshot) (reference, error) {
	r := reference{text: text}
	parts := strings.Split(text, "/")
	if slices.Contains(parts, "") || len(parts) > 3 {
		return r, fmt.Errorf("reference %q: want [NAMESPACE/][KIND/]NAME, NAME.NAMESPACE or an address", text)
	}
	r.name = parts[len(parts)-1]
	switch len(parts) {
	case 3:
		r.namespace = parts[0]
		if r.kind = kindOf(parts[1]); r.kind == "" {
			return r, fmt.Errorf("reference %q: %q is no kind that pgmoat knows", text, parts[1])
		}
	case 2:
		_, isNamespace := world.Namespaces[parts[0]]
		if kind := kindOf(parts[0]); kind != "" && !isNamespace {
			r.kind = kind
		} else {
			r.namespace = parts[0]
		}
	}
	return r, nil
}

func kindOf(word string) string {
	if k, ok := kinds[strings.ToLower(word)]; ok {
		return k
	}
	return ""
}

func (r reference) names(ref snapshot.Ref) bool {
	return r.name == ref.Name &&
		(r.namespace == "" || r.namespace == ref.Namespace) &&
		(r.kind == "" || r.kind == ref.Kind)
}

// A client is whom a question is asked about: one endpoint for each member.
type client struct {
	ref       snapshot.Ref
	endpoints []network.Endpoint
}

// findClient resolves FROM: a workload, some of its members, one pod, a named
// outside range, or an address.
func findClient(world *snapshot.Snapshot, text string) (client, error) {
	if addresses, ok := parseAddresses(text); ok {
		return clientAt(world, text, addresses), nil
	}
	r, err := parseReference(text, world)
	if err != nil {
		return client{}, err
	}
	var found []client
	for _, w := range world.Workloads {
		found = append(found, clientsOf(r, w)...)
	}
	for _, o := range world.Facts.Outside {
		if ref := (snapshot.Ref{Kind: "Outside", Name: o.Name}); r.names(ref) {
			found = append(found, client{ref, []network.Endpoint{network.OutsideEndpoint(o.Addresses)}})
		}
	}
	return single(found, func(c client) snapshot.Ref { return c.ref }, text, "workload", clientNames(world))
}

// findInsider resolves a FROM that is a way into pods by kubectl; false for any other.
func findInsider(world *snapshot.Snapshot, text string) (reach.Insider, bool) {
	r, err := parseReference(text, world)
	if err != nil || r.kind != "kubectl" {
		return reach.Insider{}, false
	}
	for _, i := range reach.Insiders() {
		if r.names(i.Ref) {
			return i, true
		}
	}
	return reach.Insider{}, false
}

// clientsOf returns what a reference names in a workload: all of it, the members
// of one part, or one pod.
func clientsOf(r reference, w *snapshot.Workload) []client {
	if r.names(w.Ref) {
		return []client{{w.Ref, endpointsOf(w.Pods)}}
	}
	var parts, pods []*snapshot.Pod
	var partRef, podRef snapshot.Ref
	for _, p := range w.Pods {
		if r.names(p.Ref()) {
			parts, partRef = append(parts, p), p.Ref()
		}
		ref := snapshot.Ref{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}
		if p.Name != "" && r.names(ref) {
			pods, podRef = append(pods, p), ref
		}
	}
	var out []client
	if parts != nil {
		out = append(out, client{partRef, endpointsOf(parts)})
	}
	if pods != nil {
		out = append(out, client{podRef, endpointsOf(pods)})
	}
	return out
}

func endpointsOf(pods []*snapshot.Pod) []network.Endpoint {
	out := make([]network.Endpoint, len(pods))
	for i, p := range pods {
		out[i] = network.PodEndpoint(p)
	}
	return out
}

// parseAddresses reads an address or a prefix.
func parseAddresses(text string) (flow.Addresses, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return flow.AddressesOf(netip.PrefixFrom(a, a.BitLen())), true
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return flow.AddressesOf(p), true
	}
	return flow.Addresses{}, false
}

// clientAt is the pod that has the address, or the outside.
func clientAt(world *snapshot.Snapshot, text string, addresses flow.Addresses) client {
	if pods := podsAt(world, text); pods != nil {
		return client{pods[0].Ref(), endpointsOf(pods)}
	}
	return client{snapshot.Ref{Kind: "Outside", Name: text}, []network.Endpoint{network.OutsideEndpoint(addresses)}}
}

func podsAt(world *snapshot.Snapshot, text string) []*snapshot.Pod {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return nil
	}
	var out []*snapshot.Pod
	for _, w := range world.Workloads {
		for _, p := range w.Pods {
			if slices.Contains(p.Addresses, address.Unmap()) && !p.HostNetwork {
				out = append(out, p)
			}
		}
	}
	return out
}

func clientNames(world *snapshot.Snapshot) []snapshot.Ref {
	var out []snapshot.Ref
	for _, w := range world.Workloads {
		out = append(out, w.Ref)
	}
	for _, o := range world.Facts.Outside {
		out = append(out, snapshot.Ref{Kind: "Outside", Name: o.Name})
	}
	return out
}

// findServer resolves SERVER: a database, by its own name.
func findServer(world *snapshot.Snapshot, text string) (*snapshot.Server, error) {
	r, err := parseReference(text, world)
	if err != nil {
		return nil, err
	}
	var found []*snapshot.Server
	for _, s := range world.Servers {
		if r.names(s.Ref()) {
			found = append(found, s)
		}
	}
	return single(found, (*snapshot.Server).Ref, text, "PostgreSQL server", serverNames(world))
}

func serverNames(world *snapshot.Snapshot) []snapshot.Ref {
	var out []snapshot.Ref
	for _, s := range world.Servers {
		out = append(out, s.Ref())
	}
	return out
}

// A place is a target with its name.
type place struct {
	ref    snapshot.Ref
	target reach.Target
}

// findTarget resolves TO: a server, a Service, a pooler, one of the server's pods,
// or the address of one. A Service that has its server's name means the server:
// asking for that asks through the Service too; NAME.NAMESPACE and svc/NAME mean
// the Service alone.
func findTarget(world *snapshot.Snapshot, text string) (place, error) {
	places := targets(world)
	if pods := podsAt(world, text); pods != nil {
		return single(placesOf(places, pods), func(p place) snapshot.Ref { return p.ref }, text, "PostgreSQL server", serverNames(world))
	}
	if _, isAddress := parseAddresses(text); isAddress {
		return place{}, fmt.Errorf("no PostgreSQL server that was read has the address %s", text)
	}
	r, err := parseReference(text, world)
	if err != nil {
		return place{}, err
	}
	if svc, ok := serviceName(world, r); ok {
		r = svc
	}
	var found []place
	var all []snapshot.Ref
	for _, p := range places {
		all = append(all, p.ref)
		if r.names(p.ref) && !shadowed(p, found) {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		found = strayServices(world, r)
	}
	if len(found) == 0 {
		if ref, ok := notDatabase(world, r); ok {
			return place{}, fmt.Errorf("%s is not in front of a PostgreSQL server that pgmoat recognises; "+
				"annotate its workload with pgmoat.dev/postgresql: \"true\" if it is one, or ask what policies let through with connections explain; the servers are %s",
				ref, list(serverNames(world)))
		}
	}
	return single(found, func(p place) snapshot.Ref { return p.ref }, text, "PostgreSQL server or Service", all)
}

// shadowed says that a Service or pod bears the name of its server, found before.
func shadowed(p place, found []place) bool {
	return p.target.Service != nil && slices.ContainsFunc(found, func(f place) bool {
		return f.target.Server == p.target.Server && f.ref.Namespace == p.ref.Namespace && f.target.Service == nil
	})
}

// placesOf picks the place that is one of the pods, in all of its parts.
func placesOf(places []place, pods []*snapshot.Pod) []place {
	for _, p := range places {
		other := func(m *snapshot.Pod) bool { return !slices.Contains(pods, m) }
		if p.ref.Kind == "Pod" && !slices.ContainsFunc(p.target.Members, other) {
			return []place{p}
		}
	}
	return nil
}

// serviceName reads NAME.NAMESPACE, also with .svc and the cluster's domain.
func serviceName(world *snapshot.Snapshot, r reference) (reference, bool) {
	parts := strings.Split(r.name, ".")
	if r.namespace != "" || len(parts) < 2 || len(parts) > 2 && parts[2] != "svc" {
		return r, false
	}
	for _, s := range world.Services {
		if s.Name == parts[0] && s.Namespace == parts[1] {
			return reference{namespace: parts[1], kind: "Service", name: parts[0], text: r.text}, true
		}
	}
	return r, false
}

// targets lists everything a client can connect to, servers first.
func targets(world *snapshot.Snapshot) []place {
	var out []place
	for _, s := range world.Servers {
		out = append(out, place{s.Ref(), reach.Target{Server: s}})
	}
	for _, s := range world.Servers {
		for _, svc := range s.Services {
			out = append(out, place{svc.Ref(), reach.Target{Server: s, Service: svc}})
		}
		for _, p := range s.Poolers {
			out = append(out, place{p.Ref(), reach.Target{Server: s, Pooler: p}})
			for _, svc := range p.Services {
				out = append(out, place{svc.Ref(), reach.Target{Server: s, Pooler: p, Service: svc}})
			}
		}
		out = append(out, memberPlaces(s)...)
	}
	return out
}

// memberPlaces are the parts of a server and its pods. A pod is a member in each of
// its parts: whichever it is in today, it may be in the other tomorrow.
func memberPlaces(s *snapshot.Server) []place {
	var out []place
	at := map[snapshot.Ref]int{}
	for _, m := range s.Members() {
		for _, ref := range []snapshot.Ref{m.Ref(), {Kind: "Pod", Namespace: m.Namespace, Name: m.Name}} {
			if ref.Name == "" || ref == s.Ref() {
				continue
			}
			i, known := at[ref]
			if !known {
				i = len(out)
				at[ref] = i
				out = append(out, place{ref, reach.Target{Server: s}})
			}
			out[i].target.Members = append(out[i].target.Members, m)
		}
	}
	return out
}

func notDatabase(world *snapshot.Snapshot, r reference) (snapshot.Ref, bool) {
	for _, w := range world.Workloads {
		if r.names(w.Ref) {
			return w.Ref, true
		}
	}
	for _, s := range world.Services {
		if r.names(s.Ref()) {
			return s.Ref(), true
		}
	}
	return snapshot.Ref{}, false
}

// single returns the only one found; several are an error that lists them, none
// one that names the nearest.
func single[T any](found []T, ref func(T) snapshot.Ref, text, what string, all []snapshot.Ref) (T, error) {
	var zero T
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return zero, unknown(text, what, all)
	}
	refs := make([]snapshot.Ref, len(found))
	for i, f := range found {
		refs[i] = ref(f)
	}
	return zero, fmt.Errorf("%q is ambiguous: %s; name one as NAMESPACE/KIND/NAME", text, list(refs))
}

func unknown(text, what string, all []snapshot.Ref) error {
	near := nearest(text, all)
	switch {
	case len(all) == 0:
		return fmt.Errorf("no %s %q: none was read", what, text)
	case len(near) == 0:
		return fmt.Errorf("no %s %q among the %d read", what, text, len(all))
	}
	return fmt.Errorf("no %s %q; did you mean %s?", what, text, list(near))
}

func list(refs []snapshot.Ref) string {
	if len(refs) == 0 {
		return "none"
	}
	texts := make([]string, len(refs))
	for i, r := range refs {
		texts[i] = qualified(r)
	}
	return strings.Join(texts, ", ")
}

// qualified writes a reference that a person can paste back.
func qualified(r snapshot.Ref) string {
	s := strings.ToLower(r.Kind) + "/" + r.Name
	if r.Namespace != "" {
		s = r.Namespace + "/" + s
	}
	return s
}

// nearest returns up to three names that a slip of the finger away could be meant.
func nearest(text string, all []snapshot.Ref) []snapshot.Ref {
	type scored struct {
		ref      snapshot.Ref
		distance int
	}
	qualified := strings.Contains(text, "/")
	var near []scored
	for _, r := range all {
		d := spelling.Distance(text, r.Name)
		switch {
		case qualified:
			d = spelling.Distance(text, r.Namespace+"/"+r.Name)
		case strings.Contains(text, "."): // NAME.NAMESPACE
			d = min(d, spelling.Distance(text, r.Name+"."+r.Namespace))
		}
		if d <= max(2, len(text)/3) || strings.HasSuffix(text, "/"+r.Name) {
			near = append(near, scored{r, d})
		}
	}
	slices.SortStableFunc(near, func(a, b scored) int { return a.distance - b.distance })
	var out []snapshot.Ref
	for _, s := range near[:min(3, len(near))] {
		out = append(out, s.ref)
	}
	return out
}
