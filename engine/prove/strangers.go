package prove

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// maxKinds is how many kinds of pods that do not exist yet are asked about for one server;
// maxTold how many are told apart before as many are picked as will do.
const maxKinds, maxTold = 4000, 500

// A selection is pods as somebody calls them, by their namespace and their labels.
type selection struct{ namespaces, pods netpol.Selector }

func inNamespace(names ...string) netpol.Selector {
	return netpol.Selector{{Key: snapshot.MetadataName, Op: netpol.In, Values: names}}
}

func orAll(s *netpol.Selector) netpol.Selector {
	if s == nil {
		return nil
	}
	return *s
}

// selectionOf is a peer of an intent, own being the namespace of the object that it is in;
// empty for all.
func selectionOf(p intent.Peer, own string) selection {
	out := selection{pods: orAll(p.Pods)}
	switch {
	case p.NamespaceSelector != nil:
		out.namespaces = *p.NamespaceSelector
	case len(p.Namespaces) > 0:
		out.namespaces = inNamespace(p.Namespaces...)
	case own != "":
		out.namespaces = inNamespace(own)
	}
	return out
}

// calls are all the ways in which something that decides about the way in to the server
// calls pods: two pods that none of them tells apart get the same answers, where nothing
// closes their way out.
func (s *site) calls() []selection {
	var out []selection
	for _, p := range s.peers() {
		if !p.peer.IsOutside() {
			out = append(out, selectionOf(p.peer, p.own))
		}
	}
	for _, q := range slices.Concat(s.After.World.Policies, s.After.World.ClusterPolicies) {
		if len(q.Rules[netpol.Ingress]) > 0 && s.guards(q) {
			out = append(out, callsOf(q)...)
		}
	}
	for _, file := range s.files() {
		for _, r := range file.Records {
			if r.Address.Kind == hba.Pods {
				out = append(out, selection{inNamespace(r.Address.Namespace), r.Address.Pods})
			}
		}
	}
	for _, f := range s.server.Vital {
		if f.From.Namespace != "" {
			out = append(out, selection{inNamespace(f.From.Namespace), netpol.SelectorOf(f.From.Labels.Set)})
		}
	}
	return distinct(out)
}

// guards reports whether a policy may select a pod of the server or of its poolers.
func (s *site) guards(q *netpol.Policy) bool {
	return slices.ContainsFunc(s.ownPods(), func(p *snapshot.Pod) bool { return s.selects(q, p.Namespace, p.Labels) })
}

// selects reports whether a policy may select pods with the labels in a namespace.
func (p *prover) selects(q *netpol.Policy, namespace string, labels netpol.Labels) bool {
	return p.livesIn(q, namespace) && q.Pods.Match(labels) != netpol.No
}

// livesIn reports whether a policy may select pods of a namespace.
func (p *prover) livesIn(q *netpol.Policy, namespace string) bool {
	if q.Namespaces == nil {
		return q.Namespace == namespace
	}
	return q.Namespaces.Match(p.labelsOf(namespace)) != netpol.No
}

// callsOf are the pods that the rules of a policy for the way in name.
func callsOf(q *netpol.Policy) []selection {
	var out []selection
	for _, r := range q.Rules[netpol.Ingress] {
		for _, peer := range r.Peers {
			if !peer.IsPods() {
				continue
			}
			namespaces := inNamespace(q.Namespace)
			if peer.Namespaces != nil {
				namespaces = *peer.Namespaces
			}
			out = append(out, selection{namespaces, orAll(peer.Pods)})
		}
	}
	return out
}

// files are all that have a say about sessions of the server.
func (s *site) files() []hba.File {
	out := []hba.File{s.server.HBA}
	for _, p := range s.server.Poolers {
		out = append(out, p.HBA)
	}
	return out
}

func distinct(all []selection) []selection {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(s selection) bool {
		key := s.namespaces.String() + "\x00" + s.pods.String()
		was := seen[key]
		seen[key] = true
		return was
	})
}

// strangers are pods that do not exist yet: one of each kind that something tells from
// others, in each namespace that something tells from others and in one that does not exist
// yet either. Pods with the labels by which the server's own are known are not among them:
// who may make one of those has the server's data. False where there are too many to be
// asked.
func (s *site) strangers() (out []network.Virtual, all bool) {
	own, calls := s.ownCalls()
	k := &kinds{site: s, calls: calls, seen: map[string]bool{}}
	for _, namespace := range s.alikeNamespaces(calls) {
		found, ok := s.each(kind{but: s.called(namespace, own)}, s.within(namespace, calls))
		if !ok {
			return k.list(), false
		}
		for _, b := range found {
			k.add(virtualPod(namespace, b.labels(false)))
		}
	}
	found, ok := s.each(kind{in: newNamespace()}, s.anywhere(calls))
	if !ok {
		return k.list(), false
	}
	for _, b := range found {
		k.add(virtualPod(s.namespaceFor(b.labels(true)), b.labels(false)))
	}
	return k.list(), len(k.seen) <= maxKinds
}

// each is a box of pods for every kind, or for as many as will do where policies only add up.
func (s *site) each(all kind, by [][]condition) ([]box, bool) {
	found, ok := divide(all, by)
	if !ok && len(s.After.World.ClusterPolicies) == 0 {
		return pairs(all.in, by)
	}
	var out []box
	for _, k := range found {
		if w, some := k.witness(); some {
			out = append(out, w)
		}
	}
	return out, ok
}

// ownCalls divides the calls into those that only the server's own pods answer to, and all
// others.
func (s *site) ownCalls() (own, others []selection) {
	all := s.calls()
	for _, q := range s.closing[s.server.Ref().Namespace] { // what closes the way out of jobs
		all = append(all, selection{inNamespace(q.Namespace), q.Pods})
	}
	for _, c := range distinct(all) {
		if v := (network.Virtual{Namespace: s.server.Ref().Namespace, Labels: netpol.Labels{Set: c.least()}}); s.isOwn(&v) && c.isIn(v.Namespace) {
			own = append(own, c)
		}
	}
	isOwn := func(c selection) bool { return slices.ContainsFunc(own, c.equals) }
	return own, slices.DeleteFunc(s.calls(), isOwn)
}

func (c selection) equals(o selection) bool {
	return c.namespaces.String() == o.namespaces.String() && c.pods.String() == o.pods.String()
}

// least are the labels that every pod of a selection has.
func (c selection) least() map[string]string {
	out := map[string]string{}
	for _, r := range c.pods {
		if r.Op == netpol.In && len(r.Values) == 1 {
			out[r.Key] = r.Values[0]
		}
	}
	return out
}

// isIn reports whether a selection is of one namespace alone.
func (c selection) isIn(namespace string) bool {
	return slices.ContainsFunc(c.namespaces, func(r netpol.Requirement) bool {
		return r.Key == snapshot.MetadataName && r.Op == netpol.In && len(r.Values) == 1 && r.Values[0] == namespace
	})
}

// called are the conditions of the calls that are about a namespace.
func (s *site) called(namespace string, calls []selection) [][]condition {
	var out [][]condition
	for _, c := range calls {
		if c.namespaces.Match(s.labelsOf(namespace)) != netpol.No {
			out = append(out, conditions(c.pods, false))
		}
	}
	return out
}

// kinds are strangers, one for each set of calls that name it. Of those whose way out is
// closed one is enough, and none where one of the same calls is not closed and nothing was
// declared for it: it gets further.
type kinds struct {
	*site
	calls        []selection
	free, closed []network.Virtual
	// freeBy and closedBy are the calls of each.
	freeBy, closedBy []string
	seen             map[string]bool
}

func (k *kinds) add(v network.Virtual) {
	if k.isOwn(&v) {
		return
	}
	var key strings.Builder
	for _, c := range k.calls {
		key.WriteString(strconv.Itoa(int(k.selected(c, v.Namespace, v.Labels))))
	}
	isClosed := slices.ContainsFunc(k.closing[v.Namespace], func(q *netpol.Policy) bool { return q.Pods.Match(v.Labels) != netpol.No })
	for _, q := range k.ordered {
		key.WriteString(strconv.FormatBool(k.selects(q, v.Namespace, v.Labels)))
	}
	id := key.String() + strconv.FormatBool(isClosed)
	switch {
	case k.seen[id] && !isClosed:
	case isClosed:
		k.closed, k.closedBy = append(k.closed, v), append(k.closedBy, key.String())
	default:
		k.free, k.freeBy = append(k.free, v), append(k.freeBy, key.String())
	}
	k.seen[id] = true
}

// list are those that have to be asked.
func (k *kinds) list() []network.Virtual {
	out := slices.Clone(k.free)
	for i := range k.closed {
		if v := k.closed[i]; !slices.Contains(k.freeBy, k.closedBy[i]) || len(k.rightsOfStranger(&v).accesses) > 0 {
			out = append(out, v)
		}
	}
	return out
}

func virtualPod(namespace string, labels map[string]string) network.Virtual {
	return network.Virtual{Name: "a pod that does not exist yet", Namespace: namespace, Labels: netpol.Labels{Set: labels}}
}

// within are the conditions on the labels of pods of a namespace: those of calls that are
// about the namespace, and of policies that decide about the way out of some of its pods.
func (s *site) within(namespace string, calls []selection) [][]condition {
	out := s.called(namespace, calls)
	for _, q := range slices.Concat(s.closing[namespace], s.ordered) {
		if s.livesIn(q, namespace) {
			out = append(out, conditions(q.Pods, false))
		}
	}
	return out
}

// anywhere are the conditions on pods of a namespace that does not exist yet and may have
// any labels.
func (s *site) anywhere(calls []selection) [][]condition {
	var out [][]condition
	add := func(namespaces, pods netpol.Selector) {
		if namespaces, some := s.ofNew(namespaces); some {
			out = append(out, slices.Concat(conditions(namespaces, true), conditions(pods, false)))
		}
	}
	for _, c := range calls {
		add(c.namespaces, c.pods)
	}
	for _, q := range s.ordered {
		add(orAll(q.Namespaces), q.Pods)
	}
	return out
}

// ofNew is what a selector of namespaces asks of one that does not exist yet: no name that
// another has. False where it asks for nothing else.
func (s *site) ofNew(namespaces netpol.Selector) (netpol.Selector, bool) {
	out := slices.Clone(namespaces)
	for i, r := range out {
		if r.Key != snapshot.MetadataName || r.Op != netpol.In {
			continue
		}
		out[i].Values = slices.DeleteFunc(slices.Clone(r.Values), func(name string) bool {
			_, exists := slices.BinarySearch(s.namespaces, name)
			return exists
		})
		if len(out[i].Values) == 0 {
			return nil, false
		}
	}
	return out, true
}

// newNamespace is every namespace that is not there yet: each has a name.
func newNamespace() box { return box{{place{true, snapshot.MetadataName}, domain{except: true}}} }

// alikeNamespaces are the namespaces of the estate, one for all that nothing tells apart.
// Policies of the NetworkPolicy tier only ever close the way out: where a namespace has
// none, its pods get wherever pods of the others that are alike get, and a namespace that
// does not exist yet has none either.
func (s *site) alikeNamespaces(calls []selection) []string {
	var order []string
	alike := map[string][]string{}
	for _, name := range s.namespaces {
		key := s.namespaceKey(name, calls)
		if alike[key] == nil {
			order = append(order, key)
		}
		alike[key] = append(alike[key], name)
	}
	var out []string
	unlabelled := s.namespaceKey(s.namespaceFor(nil), calls)
	for _, key := range order {
		names := alike[key]
		free := slices.IndexFunc(names, func(name string) bool { return len(s.closing[name]) == 0 })
		switch {
		case free >= 0:
			out = append(out, names[free])
		case key != unlabelled:
			out = append(out, names...)
		}
	}
	return out
}

// namespaceKey is all that decides about pods of a namespace, apart from their labels and
// what closes their way out.
func (s *site) namespaceKey(name string, calls []selection) string {
	var key strings.Builder
	labels := s.labelsOf(name)
	for _, c := range calls {
		key.WriteString(strconv.Itoa(int(c.namespaces.Match(labels))))
	}
	for _, q := range s.ordered {
		key.WriteString(strconv.FormatBool(s.livesIn(q, name)))
	}
	return key.String()
}
