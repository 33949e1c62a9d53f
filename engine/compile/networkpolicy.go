package compile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NetworkPolicy writes policies of networking.k8s.io/v1: all pods of a server, of every
// phase, are closed, and then opened by one policy a purpose. Policies add up, so that no
// policy needs to know of another.
var NetworkPolicy = Backend{Name: networkPolicyBackend, Compile: compileNetworkPolicies}

const networkPolicyBackend = "networkpolicy"

func compileNetworkPolicies(job *Job, out *Output) {
	n := newNetworks(job, out)
	n.build()
	for _, d := range n.drafts {
		out.Artefacts = append(out.Artefacts, d.artefact())
	}
}

// A networks is the policies of a whole job on the way.
type networks struct {
	job *Job
	out *Output
	// podsIn are the pods of the estate by namespace.
	podsIn map[string][]*snapshot.Pod
	// policiesIn are its policies by namespace.
	policiesIn map[string][]*netpol.Policy
	sites      []*siteNetwork
	// subjectOf is the subject that a pod of a site belongs to.
	subjectOf map[*snapshot.Pod]*subject
	drafts    []*draft
	byKey     map[string]*draft
	told      map[string]bool
	written   map[string]bool // see ours
}

// An opening lets peers through at ports; Why is the comment above it.
type opening struct {
	peers []netpol.Peer
	ports flow.Ports
	why   string
}

// A draft is one policy on the way.
type draft struct {
	name, namespace string
	// Key tells it from all others, also where names come out the same.
	key      string
	selector netpol.Selector
	why      string
	isolates [2]bool
	openings [2][]opening
	because  []verdict.Origin
	// subject is nil for policies that select clients.
	subject *subject
}

func newNetworks(job *Job, out *Output) *networks {
	n := &networks{
		job: job, out: out, podsIn: map[string][]*snapshot.Pod{}, subjectOf: map[*snapshot.Pod]*subject{},
		byKey: map[string]*draft{}, told: map[string]bool{}, policiesIn: map[string][]*netpol.Policy{},
	}
	for _, p := range job.World.Policies {
		n.policiesIn[p.Namespace] = append(n.policiesIn[p.Namespace], p)
	}
	for _, w := range job.World.Workloads {
		for _, p := range w.Pods {
			n.podsIn[p.Namespace] = append(n.podsIn[p.Namespace], p)
		}
	}
	for _, s := range job.Sites {
		site := &siteNetwork{networks: n, Site: s}
		site.findSubjects()
		n.sites = append(n.sites, site)
	}
	return n
}

// build drafts all policies.
func (n *networks) build() {
	for _, s := range n.sites {
		s.enforced()
		s.close()
		s.vital()
		s.monitoring()
		s.destinations()
		for _, a := range s.Accesses {
			s.access(a)
		}
	}
	n.others()
	n.clients()
	// One that isolates nothing would, without types, isolate for ingress.
	n.drafts = slices.DeleteFunc(n.drafts, func(d *draft) bool { return d.isolates == [2]bool{} })
	n.distinct()
}

// enforced tells of a network plugin that does not heed policies.
func (s *siteNetwork) enforced() {
	if facts := s.job.World.Facts; facts.Enforces == verdict.Deny {
		s.gap("not-enforced", s.Perimeter.Origin, "the network plugin ("+cmp.Or(facts.CNI, "by the facts file")+") does not enforce NetworkPolicy",
			"every pod reaches "+s.Server.Ref().String()+": what keeps it out is pg_hba.conf and the credential alone")
	}
}

// distinct gives each policy a name of its own.
func (n *networks) distinct() {
	count := map[string]int{}
	for _, d := range n.drafts {
		count[d.namespace+"/"+d.name]++
	}
	for _, d := range n.drafts {
		if count[d.namespace+"/"+d.name] > 1 {
			d.name = hashed(d.name, d.key)
		}
	}
}

// gap tells once of something that policies cannot say.
func (n *networks) gap(code string, at verdict.Origin, what, consequence string) {
	g := artefact.Gap{Code: "networkpolicy/" + code, Backend: networkPolicyBackend, What: what, Consequence: consequence, Origin: at}
	key := fmt.Sprint(g)
	if !n.told[key] {
		n.told[key] = true
		n.out.Gaps = append(n.out.Gaps, g)
	}
}

func (n *networks) note(code string, at verdict.Origin, format string, args ...any) {
	note := artefact.Note{Code: "networkpolicy/" + code, Text: fmt.Sprintf(format, args...), Origin: at}
	key := fmt.Sprint(note)
	if !n.told[key] {
		n.told[key] = true
		n.out.Notes = append(n.out.Notes, note)
	}
}

// draft returns the policy of an owner for a purpose, in a namespace.
func (n *networks) draft(owner, purpose, namespace, slug string, selector netpol.Selector, because verdict.Origin) *draft {
	key := strings.Join([]string{namespace, owner, slug, purpose}, "\x00")
	d := n.byKey[key]
	if d == nil {
		d = &draft{key: key, name: name(owner, slug, purpose), namespace: namespace, selector: selector}
		n.byKey[key] = d
		n.drafts = append(n.drafts, d)
	}
	if because != (verdict.Origin{}) && !slices.Contains(d.because, because) {
		d.because = append(d.because, because)
	}
	return d
}

// on returns the policy of an owner for a purpose on a subject.
func (s *siteNetwork) on(sub *subject, owner, purpose string, because verdict.Origin) *draft {
	d := s.draft(owner, purpose, sub.namespace, sub.slug, sub.selector, because)
	if d.subject == nil {
		d.subject = sub
		sub.drafts = append(sub.drafts, d)
	}
	return d
}

// perimeter is what policies of the site's perimeter are named by.
func (s *siteNetwork) perimeter() string { return "perimeter-" + s.Perimeter.Name }

// open adds an opening. Without peers it adds nothing: a rule without peers is one for
// everybody.
func (d *draft) open(dir netpol.Direction, o opening) {
	if len(o.peers) == 0 || o.ports.IsEmpty() {
		return
	}
	d.isolates[dir] = true
	o.peers = distinctPeers(o.peers)
	for i, have := range d.openings[dir] {
		if !slices.EqualFunc(have.peers, o.peers, samePeer) {
			continue
		}
		if !strings.Contains(have.why, o.why) {
			o.why = have.why + "\n" + o.why
		} else {
			o.why = have.why
		}
		o.ports = o.ports.Union(have.ports)
		d.openings[dir][i] = o
		return
	}
	d.openings[dir] = append(d.openings[dir], o)
}

func distinctPeers(peers []netpol.Peer) []netpol.Peer {
	out := slices.SortedFunc(slices.Values(peers), comparePeers)
	return slices.CompactFunc(out, samePeer)
}

func samePeer(a, b netpol.Peer) bool { return comparePeers(a, b) == 0 }

func comparePeers(a, b netpol.Peer) int { return cmp.Compare(peerKey(a), peerKey(b)) }

func peerKey(p netpol.Peer) string {
	if p.Block != nil {
		return "1 " + p.Block.Addresses.Text()
	}
	return "0 " + p.Namespaces.String() + " " + p.Pods.String()
}
