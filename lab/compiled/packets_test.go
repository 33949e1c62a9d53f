//go:build linux

package compiled

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/lab/enforce"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// How many random estates packets are sent in, and how many packets in each.
const (
	someStages  = 16
	packetsEach = 2500
)

// TestPackets: under the compiled policies what was declared arrives, and beside it only
// what objects say that were there before; what is not about a perimeter's pods arrives as
// before. The engine says the same of each packet.
func TestPackets(t *testing.T) {
	lab, err := enforce.Start(ground())
	f := &packets{T: t, lab: begun(t, lab, err)}
	m := exampleOf(t, "company/mended")
	m.intents = allOf(t, "../../examples/company/access")
	st, errs := m.told(t)
	if st == nil {
		t.Fatal(errs)
	}
	for leader := range 3 {
		f.compare(st.stage(t, leader), rand.New(rand.NewPCG(0, 1)), 1<<20)
	}
	first, n := seeds(t, someStages)
	for seed := first; seed < first+uint64(n); seed++ { //nolint:gosec // a small number
		if st := randomStory(t, seed, examples); st != nil {
			f.compare(st.stage(t, int(seed%3)), rand.New(rand.NewPCG(seed, 18)), packetsEach)
		}
	}
	f.report()
}

// packets counts what arrived and why.
type packets struct {
	*testing.T
	lab                                        *enforce.Lab
	stages, sent, declared, before, same, open int
}

// A trial is one TCP connection.
type trial struct {
	from, to end
	port     uint16
}

func (a trial) String() string {
	return fmt.Sprintf("%s > %s (%s:%d)", a.from, a.to, a.to.at, a.port)
}

func (f *packets) report() {
	f.Helper()
	f.Logf("%d estates, %d packets: %d arrived that were declared, %d by what was there before, %d as before; the engine that knows no addresses was unsure of %d",
		f.stages, f.sent, f.declared, f.before, f.same, f.open)
	if f.declared < 100 || f.before == 0 || f.same == 0 {
		f.Error("hardly anything was compared")
	}
}

func (f *packets) compare(s *stage, r *rand.Rand, most int) {
	f.Helper()
	trials := s.trials(r, most)
	attempts := make([]enforce.Attempt, len(trials))
	for i, a := range trials {
		attempts[i] = enforce.Attempt{From: a.from.at, To: a.to.at, Protocol: flow.TCP, Port: a.port}
	}
	was, is := f.observe(s.name, s.was, attempts), f.observe(s.name, s.is, attempts)
	f.stages++
	f.sent += len(trials)
	j := newJudge(s)
	var wrong []string
	for i, a := range trials {
		for _, what := range slices.Concat(j.engines(f, a, is[i]), j.declared(f, a, was[i], is[i])) {
			wrong = append(wrong, fmt.Sprintf("  %s: %s, was %s: %s", a, is[i], was[i], what))
		}
	}
	if len(wrong) > 0 {
		f.Errorf("%s: %d packets are not as they should be, among them\n%s\n%s", s.name, len(wrong), strings.Join(wrong[:min(len(wrong), 12)], "\n"), s.texts)
	}
}

func (f *packets) observe(name string, world *snapshot.Snapshot, attempts []enforce.Attempt) []enforce.Outcome {
	f.Helper()
	out, err := f.lab.Observe(rules(f.T, name, world), attempts, enforce.Tell)
	if err != nil {
		f.Fatalf("%s: %v", name, err)
	}
	return out
}

// trials are those that lead to a pod of a site, from everybody at every port, first what is
// asked for, and half as many others.
func (s *stage) trials(r *rand.Rand, most int) []trial {
	var wanted, at, others []trial
	ends := s.ends()
	for _, from := range ends {
		for _, to := range ends {
			if from.at.Is4() != to.at.Is4() || from.at == to.at || from.runner == nil && to.runner == nil {
				continue
			}
			for _, port := range ports {
				a := trial{from, to, port}
				switch w := s.wardOf(to.pod()); {
				case w == nil:
					others = append(others, a)
				case w.asks(from, to, port) != nil || w.lives(from, to, port) || w.scrapes(from, to, port):
					wanted = append(wanted, a)
				default:
					at = append(at, a)
				}
			}
		}
	}
	for _, list := range [][]trial{wanted, at, others} {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	out := append(wanted, at...)
	out = out[:min(len(out), most)]
	return append(out, others[:min(len(others), len(out)/2)]...)
}

func (s *stage) ends() []end {
	var out []end
	for _, r := range s.runners {
		for _, a := range r.is.Addresses {
			out = append(out, end{r, a})
		}
	}
	for _, a := range outside {
		out = append(out, end{at: a})
	}
	return out
}

// wardOf is the site that a pod belongs to; nil for none.
func (s *stage) wardOf(p *snapshot.Pod) *ward {
	for _, site := range s.job.Sites {
		if w := (ward{site, s.before}); w.holds(p) {
			return &w
		}
	}
	return nil
}

// A judge knows what has to become of packets of a stage.
type judge struct {
	*stage
	// knowing has the pods that run, reading the estate as it was read.
	knowing, reading *network.Engine
}

func newJudge(s *stage) *judge {
	return &judge{stage: s, knowing: network.New(s.is), reading: network.New(s.after)}
}

// engines compares the packet with both engines: the first is sure, the second never wrong.
func (j *judge) engines(f *packets, a trial, got enforce.Outcome) []string {
	family := network.IPv4
	if a.to.at.Is6() {
		family = network.IPv6
	}
	want := map[enforce.Outcome]verdict.Verdict{enforce.Connected: verdict.Allow, enforce.Refused: verdict.Deny}[got]
	var out []string
	sure := network.Attempt{From: a.from.endpoint(true), To: a.to.endpoint(true), Protocol: flow.TCP, Port: a.port, Family: family}
	if v := both(j.knowing, sure); v != want {
		out = append(out, "the engine says "+explained(j.knowing, sure))
	}
	if a.from.runner != nil && a.to.runner != nil && (a.from.model == a.to.model || a.from.model.Instance != "" && a.from.model.Instance == a.to.model.Instance) {
		return out // of these one stands for two
	}
	blind := sure
	blind.From, blind.To = a.from.endpoint(false), a.to.endpoint(false)
	switch v := both(j.reading, blind); {
	case v == want:
	case v == verdict.Unknown, slices.Contains(assumptions(j.reading, blind), snapshot.AssumeBlockOutside):
		f.open++ // of blocks it assumes that they are not about pods, which here they are
	default:
		out = append(out, "the engine that knows no addresses says "+explained(j.reading, blind))
	}
	return out
}

func (e end) endpoint(running bool) network.Endpoint {
	switch {
	case e.runner == nil:
		return network.OutsideEndpoint(hostOf(e.at))
	case running:
		return network.PodEndpoint(e.is)
	}
	return network.PodEndpoint(e.later)
}

func both(e *network.Engine, a network.Attempt) verdict.Verdict {
	return verdict.All(e.Decide(netpol.Egress, a).Verdict, e.Decide(netpol.Ingress, a).Verdict)
}

func assumptions(e *network.Engine, a network.Attempt) []string {
	return slices.Concat(e.Decide(netpol.Egress, a).Assumptions, e.Decide(netpol.Ingress, a).Assumptions)
}

func explained(e *network.Engine, a network.Attempt) string {
	var out []string
	for _, dir := range []netpol.Direction{netpol.Egress, netpol.Ingress} {
		s := e.Decide(dir, a)
		out = append(out, fmt.Sprintf("%s %s (%s, %s)", dir, s.Verdict, s.Reason, s.Origin))
	}
	return strings.Join(out, ", ")
}

// declared holds the packet against what was asked and what was there before.
func (j *judge) declared(f *packets, a trial, was, is enforce.Outcome) []string {
	w := j.wardOf(a.to.pod())
	if w == nil {
		return j.untouched(f, a, was, is)
	}
	if a.from.runner != nil && a.from.runner == a.to.runner || a.to.is.HostNetwork || j.ownNode(a) {
		return nil
	}
	asked := w.asks(a.from, a.to, a.port)
	wanted := asked != nil || w.lives(a.from, a.to, a.port) || w.scrapes(a.from, a.to, a.port)
	says, _ := foreign(j.was, netpol.Ingress, a.to, a.from, a.port)
	switch {
	case is == enforce.Connected && wanted:
		f.declared++
	case is == enforce.Connected && (says && !j.overruled(w, a) || clusterSays(j.was, netpol.Accept, a)):
		f.before++
	case is == enforce.Connected:
		return []string{"nobody asks for it, and nothing that was there says so"}
	case wanted && j.wayOut(w, asked, a) && !clusterSays(j.was, netpol.Deny, a):
		return []string{"it is asked for, and its way out is open"}
	}
	return nil
}

// ownNode: "Traffic to and from the node where a Pod is running is always allowed".
func (j *judge) ownNode(a trial) bool {
	return a.from.runner != nil && a.from.is.HostNetwork && a.from.is.Node == a.to.is.Node
}

// overruled reports whether the perimeter's tier decides before policies of others.
func (j *judge) overruled(w *ward, a trial) bool {
	told := slices.ContainsFunc(j.out.Gaps, func(g gap) bool { return strings.HasPrefix(g.Code, "clusternetworkpolicy/") })
	return w.Perimeter.AdminTier != nil && !told && a.from.runner != nil && !a.from.is.HostNetwork
}

// wayOut reports whether the way out of the client is open for sure: nothing closes it, or
// what closes it says so, or policies may be written for it.
func (j *judge) wayOut(w *ward, asked *intent.Access, a trial) bool {
	if a.from.runner == nil || a.from.is.HostNetwork {
		return true
	}
	says, closes := foreign(j.was, netpol.Egress, a.from, a.to, a.port)
	switch {
	case asked != nil && excused(j.out.Gaps, "networkpolicy", j.before, asked, a.from):
		return false
	case says:
		return true
	case w.holds(a.from.model) && w.lives(a.from, a.to, a.port): // its own pods always have that way
		return true
	case asked != nil && asked.Client.Isolation != intent.NeverIsolate:
		return w.writes(asked, a.from.model.Namespace)
	}
	return !closes && !j.shut(a.from)
}

// writes reports whether policies for clients may be written in a namespace.
func (w ward) writes(a *intent.Access, namespace string) bool {
	c := w.Perimeter.ClientNamespaces
	return namespace == a.Namespace || c != nil && c.Match(w.world.NamespaceOf(namespace).Labels) == netpol.Yes
}

// shut reports whether what was compiled closes the way out of a pod.
func (j *judge) shut(e end) bool {
	if e.runner == nil {
		return false
	}
	for _, site := range j.job.Sites {
		w := ward{site, j.before}
		if w.holds(e.model) && w.Perimeter.EgressIsolated {
			return true
		}
		for _, a := range w.Accesses {
			if a.Client.Isolation == intent.Isolate && anyPeer(j.before, a.From, a.Namespace, e) {
				return true
			}
		}
	}
	return false
}

// untouched: a packet to somebody else arrives as it did, unless an access or the perimeter
// was asked to close the way out of who sends it.
func (j *judge) untouched(f *packets, a trial, was, is enforce.Outcome) []string {
	switch {
	case was == is:
		f.same++
		return nil
	case is != enforce.Connected && j.shut(a.from), a.from.runner != nil && j.wardOf(a.from.model) != nil, j.needs(a):
		return nil
	}
	return []string{"it is nothing of the perimeter's"}
}

// needs reports whether a client that an access isolates keeps the way, by what it lists or
// to resolve names.
func (j *judge) needs(a trial) bool {
	resolver := a.to.runner != nil && a.to.model.Namespace == "kube-system" && a.to.model.Labels.Set["k8s-app"] == "kube-dns"
	for _, site := range j.job.Sites {
		for _, access := range site.Accesses {
			if access.Client.Isolation != intent.Isolate || !anyPeer(j.before, access.From, access.Namespace, a.from) {
				continue
			}
			if resolver && a.port == 53 || slices.ContainsFunc(access.Client.Needs, func(d intent.Destination) bool {
				at := slices.ContainsFunc(d.Ports, func(p intent.Port) bool { return p.From <= a.port && a.port <= p.To })
				return at && isPeer(j.before, d.To, access.Namespace, a.to)
			}) {
				return true
			}
		}
	}
	return false
}
