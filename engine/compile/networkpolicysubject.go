package compile

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A siteNetwork is the pods of one site.
type siteNetwork struct {
	*networks
	*Site
	subjects []*subject
}

// A subject is pods of a site that one selector selects.
type subject struct {
	// What names it for people: "the members"; slug is its part of a policy's name, empty
	// for the members.
	what, slug string
	namespace  string
	selector   netpol.Selector
	pods       []*snapshot.Pod
	// Pooler is the one that the pods are of; nil for pods of the server's own object.
	pooler  *snapshot.Pooler
	members bool
	site    *siteNetwork
	// Drafts are the policies that select the subject.
	drafts []*draft
	// Closed says that the pods' way out is closed, by us or by somebody else.
	closed bool
}

// peer is the subject as a peer of somebody else.
func (s *subject) peer() netpol.Peer {
	namespaces, pods := namespaceNamed(s.namespace), s.selector
	return netpol.Peer{Namespaces: &namespaces, Pods: &pods}
}

// findSubjects divides the site's pods by the selectors that policies can use.
func (s *siteNetwork) findSubjects() {
	members := s.Server.Members()
	s.add(&subject{what: "the members of " + s.Server.Ref().String(), pods: members, members: true}, s.Server.Selector)
	var order []string
	byPart := map[string][]*snapshot.Pod{}
	for _, p := range s.Server.Workload.Pods {
		if slices.Contains(members, p) {
			continue
		}
		if byPart[p.Part] == nil {
			order = append(order, p.Part)
		}
		byPart[p.Part] = append(byPart[p.Part], p)
	}
	for _, part := range order {
		s.addAlike(part, byPart[part])
	}
	for _, p := range s.Server.Poolers {
		var selectors []netpol.Selector
		for _, svc := range p.Services {
			selectors = append(selectors, svc.Selector)
		}
		s.add(&subject{what: p.Ref().String(), slug: p.Ref().Name, pods: p.Workload.Pods, pooler: p}, selectors...)
	}
}

// addAlike adds the pods of a part. Where they have no label in common that tells them
// from others, each kind is a subject of its own.
func (s *siteNetwork) addAlike(part string, pods []*snapshot.Pod) {
	if sel, left := described(pods, s.strangers(pods)); sel != nil && len(s.foreign(left, pods)) == 0 {
		s.add(&subject{what: "the pods of the " + part, slug: part, pods: pods})
		return
	}
	for i, p := range pods {
		slug := part
		if i > 0 {
			slug = fmt.Sprintf("%s-%d", part, i+1)
		}
		s.add(&subject{what: "the pods of the " + part, slug: slug, pods: []*snapshot.Pod{p}})
	}
}

// strangers are the other pods of the namespace.
func (s *siteNetwork) strangers(pods []*snapshot.Pod) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range s.podsIn[s.Server.Ref().Namespace] {
		if !slices.Contains(pods, p) {
			out = append(out, p)
		}
	}
	return out
}

// foreign leaves out pods of the site itself, and those that are the same ones seen as part
// of another object.
func (s *siteNetwork) foreign(left, pods []*snapshot.Pod) []*snapshot.Pod {
	return slices.DeleteFunc(slices.Clone(left), func(p *snapshot.Pod) bool {
		if s.Server.Owns(p.Workload) {
			return true
		}
		return slices.ContainsFunc(pods, func(q *snapshot.Pod) bool {
			return len(q.Labels.Set) > 0 && implies(netpol.SelectorOf(p.Labels.Set), netpol.SelectorOf(q.Labels.Set)) && implies(netpol.SelectorOf(q.Labels.Set), netpol.SelectorOf(p.Labels.Set))
		})
	})
}

// add adds a subject with the first of the selectors that selects its pods and nobody
// else's, or with one that is found.
func (s *siteNetwork) add(sub *subject, selectors ...netpol.Selector) {
	sub.namespace, sub.site = s.Server.Ref().Namespace, s
	if len(sub.pods) == 0 {
		if sub.members {
			s.gap("no-pods", s.Perimeter.Origin, "no pods are known of "+s.Server.Ref().String(), "no policy is written around it")
		}
		return
	}
	if slices.ContainsFunc(sub.pods, func(p *snapshot.Pod) bool { return p.HostNetwork }) {
		s.gap("host-network", s.Perimeter.Origin, sub.what+" share the network of their nodes",
			"no policy selects them: whoever reaches a node reaches them")
		return
	}
	if !s.choose(sub, selectors) {
		s.gap("no-labels", s.Perimeter.Origin, "no labels tell "+sub.what+" from other pods of namespace "+sub.namespace,
			"no policy is written for them: whoever may reach them today still does")
		return
	}
	s.subjects = append(s.subjects, sub)
	for _, p := range sub.pods {
		s.subjectOf[p] = sub
	}
}

// choose gives the subject its selector: one of those that its operator or a Service keeps,
// or one that is found, which selects nobody else. Where somebody has given other pods the
// labels that the operator keeps, it is that one all the same: otherwise such a pod would
// take the protection from the server's.
func (s *siteNetwork) choose(sub *subject, selectors []netpol.Selector) bool {
	strangers := s.strangers(sub.pods)
	kept := slices.DeleteFunc(slices.Clone(selectors), func(sel netpol.Selector) bool {
		return len(sel) == 0 || !selectsAll(sel, sub.pods) || slices.ContainsFunc(sel, s.passing(sub))
	})
	found, _ := described(sub.pods, strangers)
	for i, sel := range kept {
		kept[i], _ = without(sel, sub.pods, matched(sel, strangers))
	}
	all := kept
	if found != nil {
		all = append(slices.Clone(kept), found)
	}
	tellsAll := func(sel netpol.Selector) bool { return len(matched(sel, strangers)) == 0 }
	tellsOthers := func(sel netpol.Selector) bool { return len(s.foreign(matched(sel, strangers), sub.pods)) == 0 }
	for _, tells := range []func(netpol.Selector) bool{tellsAll, tellsOthers} {
		if i := slices.IndexFunc(all, tells); i >= 0 {
			sub.selector = sortedSelector(slices.Clone(all[i]))
			return true
		}
	}
	if len(kept) == 0 {
		return false
	}
	sub.selector = sortedSelector(slices.Clone(kept[0]))
	other := s.foreign(matched(kept[0], strangers), sub.pods)[0]
	s.gap("same-labels", other.Origin, other.Ref().String()+" has the labels of "+sub.what,
		"policies cannot tell them apart: it is closed as they are, and it gets in where they do; take the labels from it")
	return true
}

// passing reports whether a requirement is about a label that changes.
func (s *siteNetwork) passing(sub *subject) func(netpol.Requirement) bool {
	return func(r netpol.Requirement) bool {
		return r.Op != netpol.In || len(r.Values) != 1 || sub.pods[0].Passes(r.Key, r.Values[0])
	}
}

// close drafts the policies that isolate the site's pods and admit nobody.
func (s *siteNetwork) close() {
	for _, sub := range s.subjects {
		d := s.on(sub, s.perimeter(), "closed", s.Perimeter.Origin)
		d.why = "Closes " + sub.what + ": nobody gets in but by another policy."
		d.isolates[netpol.Ingress] = true
		if s.closesOutwards() {
			d.isolates[netpol.Egress] = true
			d.why = "Closes " + sub.what + " both ways: nothing passes but by another policy."
		}
		sub.closed = s.closesOutwards() || s.isClosed(sub)
	}
}

// closesOutwards reports whether the perimeter closes the way out.
func (s *siteNetwork) closesOutwards() bool {
	return s.Perimeter.EgressIsolated || s.Perimeter.Owned != nil && s.Perimeter.Owned.DefaultDeny
}

// isClosed reports whether policies of the estate close the way out of all pods of the
// subject: then what the pods need is opened, which isolates nobody anew.
func (s *siteNetwork) isClosed(sub *subject) bool {
	return !slices.ContainsFunc(sub.pods, func(p *snapshot.Pod) bool {
		return !slices.ContainsFunc(s.policiesIn[p.Namespace], func(q *netpol.Policy) bool {
			return q.Isolates[netpol.Egress] && q.Pods.Match(p.Labels) == netpol.Yes && !s.ours()[q.FullName()]
		})
	})
}

// purposes are what policies of a perimeter are for.
var purposes = []string{
	"closed", "default-deny", "monitoring", "backup", "egress",
	string(snapshot.Steady), string(snapshot.Bootstrap), string(snapshot.Join), string(snapshot.Failover), string(snapshot.Backup),
	string(snapshot.Restore), string(snapshot.Upgrade), string(snapshot.Monitoring),
}

// ours are the names of all policies that perimeters may have written in an earlier run:
// what those close is not closed by anybody else.
func (n *networks) ours() map[string]bool {
	if n.written == nil {
		n.written = map[string]bool{}
		for _, s := range n.sites {
			for _, sub := range s.subjects {
				for _, purpose := range purposes {
					n.written[sub.namespace+"/"+name(s.perimeter(), sub.slug, purpose)] = true
				}
			}
		}
	}
	return n.written
}
