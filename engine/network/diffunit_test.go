package network

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// told is a difference in short: "added a/x > a/y TCP 1-9 by NetworkPolicy a/p".
func told(d *Difference) string {
	var lines []string
	for _, e := range d.Effects {
		var causes []string
		for _, c := range e.Causes {
			causes = append(causes, strings.TrimSpace(c.Object+" "+c.Field))
		}
		for _, b := range e.Between {
			lines = append(lines, fmt.Sprintf("%s %s > %s %s by %s", e.Kind, shortParty(b.From), shortParty(b.To), e.Ports, strings.Join(causes, " & ")))
		}
	}
	for _, r := range d.Removed {
		lines = append(lines, fmt.Sprintf("gone %s with %d", r.Party.Ref, len(r.Connections)))
	}
	for _, r := range d.Added {
		lines = append(lines, fmt.Sprintf("new %s with %d", r.Party.Ref, len(r.Connections)))
	}
	return strings.Join(lines, "\n")
}

func shortParty(p Party) string {
	if p.CIDR != nil {
		return fmt.Sprint(p.CIDR)
	}
	return p.Namespace + "/" + p.Name
}

func kindOf(kind string) func(*build) {
	return func(b *build) { b.world.Workloads[len(b.world.Workloads)-1].Kind = kind }
}

func TestDiffTellsTheCause(t *testing.T) {
	x, y := pod("a/x", "app=x"), pod("a/y", "app=y")
	closed := isolate("a/p", "app=y", netpol.Ingress)
	fromX := func(from, to uint16) func(*build) {
		r := admit(netpol.Peer{Pods: selector("app=x")})
		r.AnyPort, r.Ports = false, []netpol.Port{{Protocol: flow.TCP, From: from, To: to}}
		return isolate("a/p", "app=y", netpol.Ingress, r)
	}
	named := admit()
	named.AnyPort, named.Ports = false, []netpol.Port{{Protocol: flow.TCP, Name: "pg"}}
	for _, c := range []struct {
		name      string
		old, next *build
		want      string
	}{
		{"a rule is added to a policy", estateOf(x, y, closed), estateOf(x, y, fromX(1, 9)),
			"added a/x > a/y TCP 1-9 by NetworkPolicy a/p spec.ingress"},
		{"a range of ports grows", estateOf(x, y, fromX(1, 9)), estateOf(x, y, fromX(1, 12)),
			"widened a/x > a/y TCP 10-12 by NetworkPolicy a/p spec.ingress[0].ports"},
		{"a range of ports shrinks", estateOf(x, y, fromX(1, 9)), estateOf(x, y, fromX(5, 9)),
			"narrowed a/x > a/y TCP 1-4 by NetworkPolicy a/p spec.ingress[0].ports"},
		{"a range of ports moves", estateOf(x, y, fromX(1, 9)), estateOf(x, y, fromX(2, 10)),
			"changed a/x > a/y TCP 10 by NetworkPolicy a/p spec.ingress[0].ports\nchanged a/x > a/y TCP 1 by NetworkPolicy a/p spec.ingress[0].ports"},
		{"a label that a policy asks for", estateOf(x, y, fromX(1, 9)), estateOf(pod("a/x", "app=z"), y, fromX(1, 9)),
			"removed a/x > a/y TCP 1-9 by Deployment a/x metadata.labels"},
		{"a label that none asks for", estateOf(x, y, fromX(1, 9)), estateOf(pod("a/x", "app=x version=2"), y, fromX(1, 9)), ""},
		{"a policy is renamed", estateOf(x, y, fromX(1, 9)), estateOf(x, y, fromX(1, 9), func(b *build) { b.world.Policies[0].Name = "q" }), ""},
		{"two policies close what one had open", estateOf(x, y), estateOf(x, y, closed, isolate("a/q", "app=y", netpol.Ingress)),
			"removed [0.0.0.0/0 ::/0] > a/y all ports by NetworkPolicy a/p & NetworkPolicy a/q\nremoved a/x > a/y all ports by NetworkPolicy a/p & NetworkPolicy a/q"},
		{"another kind is another workload", estateOf(x), estateOf(x, kindOf("StatefulSet")),
			"gone Deployment a/x with 2\nnew StatefulSet a/x with 2"},
		{"a namespace gets an object", estateOf(x, pod("b/y", "app=y"), isolate("b/p", "", netpol.Ingress, admit(netpol.Peer{Namespaces: selector("team=a")}))),
			estateOf(x, pod("b/y", "app=y"), space("a", "team=a"), isolate("b/p", "", netpol.Ingress, admit(netpol.Peer{Namespaces: selector("team=a")}))),
			"added a/x > b/y all ports by Namespace a metadata.labels"},
		{"a port gets a name", estateOf(x, y, isolate("a/p", "app=y", netpol.Ingress, named)),
			estateOf(x, pod("a/y", "app=y", listens("pg", 5432)), isolate("a/p", "app=y", netpol.Ingress, named)),
			"added a/x > a/y TCP 5432 by Deployment a/y spec.containers.ports\nadded [0.0.0.0/0 ::/0] > a/y TCP 5432 by Deployment a/y spec.containers.ports"},
		{"the plugin stops to enforce", estateOf(x, y, closed), estateOf(x, y, closed, func(b *build) { b.world.Facts.Enforces = verdict.Deny }),
			"added [0.0.0.0/0 ::/0] > a/y all ports by facts cni\nadded a/x > a/y all ports by facts cni"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Split(told(Diff(New(c.old.world), New(c.next.world))), "\n")
			want := strings.Split(c.want, "\n")
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// What was not read of a cluster, or is deployed from elsewhere, is a fact that two estates
// differ in: a strict reader is told that it decides.
func TestDiffTellsWhatWasNotRead(t *testing.T) {
	strict := func(more func(*snapshot.Snapshot)) *Engine {
		return New(estateOf(pod("a/x", "app=x"), pod("a/y", "app=y"), isolate("a/p", "app=y", netpol.Ingress),
			facts(func(f *snapshot.Facts) { f.Strict = true }), func(b *build) { more(b.world) }).world)
	}
	for field, change := range map[string]func(*snapshot.Snapshot){
		factMissing: func(s *snapshot.Snapshot) { s.Missing = []snapshot.Missing{{What: "a chart"}} },
		factCoverage: func(s *snapshot.Snapshot) {
			s.Coverage = &snapshot.Coverage{Kinds: []snapshot.Kind{{Name: "ConfigMap", Listing: snapshot.KindRefused}}}
		},
		factSkipped: func(s *snapshot.Snapshot) { s.Skipped = []string{"x"} },
	} {
		got := told(Diff(strict(func(*snapshot.Snapshot) {}), strict(change)))
		if got == "" || strings.Count(got, " by facts "+field) != strings.Count(got, "\n")+1 {
			t.Errorf("%s: %s", field, got)
		}
	}
}

func TestDiffSeesHowARangeWasWritten(t *testing.T) {
	written := func(endPort bool) *Engine {
		p := tcp(1, 9)
		p.EndPort = endPort
		return New(estateOf(pod("a/x", "app=x"), pod("a/y", "app=y"), isolate("a/p", "app=y", netpol.Ingress, on(admit(pods("app=x")), p)),
			facts(func(f *snapshot.Facts) { f.Profile.Differences = []cni.Difference{{Trait: cni.NoEndPort}} })).world)
	}
	if got := told(Diff(written(true), written(false))); got != "widened a/x > a/y TCP 2-9 by NetworkPolicy a/p spec.ingress[0].ports" {
		t.Error(got)
	}
}

// anything is a rule for all on the way out, and none on the way in.
func anything(dir netpol.Direction) []netpol.Rule {
	if dir == netpol.Egress {
		return []netpol.Rule{admit()}
	}
	return nil
}

// Whether y lets x in depends on a label that nobody knows, before and after; what x may
// send was changed.
func TestUnknownOnBothSidesIsUndecided(t *testing.T) {
	x, y := pod("a/x", "app=x", unknownLabel("hash")), pod("a/y", "app=y")
	entry := isolate("a/in", "app=y", netpol.Ingress, admit(pods("hash=1")))
	for _, c := range []struct {
		dir  netpol.Direction
		pods string
		want bool
	}{{netpol.Egress, "app=x", true}, {netpol.Ingress, "app=y", true}, {netpol.Egress, "app=y", false}} {
		b := estateOf(x, y, entry, isolate("a/more", c.pods, c.dir, anything(c.dir)...))
		d := Diff(New(estateOf(x, y, entry).world), New(b.world))
		if got := d.Undecided != nil; got != c.want || len(d.Effects) > 0 {
			t.Fatalf("%s of %s: undecided %v, %s", c.dir, c.pods, got, told(d))
		}
		if c.want && (shortParty(d.Undecided.From) != "a/x" || d.IsCertain() || d.IsEmpty()) {
			t.Errorf("undecided: %+v", d.Undecided)
		}
	}
}

// Pods of a Deployment get a new name whenever they are made; those of a StatefulSet
// keep theirs.
func TestPodsAreMatchedByWhatTheirNamesMean(t *testing.T) {
	members := func(kind string, names ...string) []*snapshot.Pod {
		w := &snapshot.Workload{Ref: snapshot.Ref{Kind: kind, Namespace: "a", Name: "w"}}
		for _, n := range names {
			w.Pods = append(w.Pods, &snapshot.Pod{Workload: w, Name: n, Namespace: "a", Many: n == ""})
		}
		return w.Pods
	}
	for _, c := range []struct{ old, next, want string }{
		{"w-abc w-def", "w-def w-xyz", "w-def=w-def w-abc=w-xyz"},
		{"w-abc", "w-x w-y", "w-abc=w-x w-abc=w-y"},
		{"", "w-x w-y", "=w-x =w-y"},
	} {
		if got, only := pairText(samePods(members("Deployment", strings.Split(c.old, " ")...), members("Deployment", strings.Split(c.next, " ")...))); got != c.want || only != "" {
			t.Errorf("Deployment %q and %q: pairs %q, alone %q; want %q", c.old, c.next, got, only, c.want)
		}
	}
	got, only := pairText(samePods(members("StatefulSet", "w-0", "w-1"), members("StatefulSet", "w-1", "w-2")))
	if got != "w-1=w-1" || only != "w-0 w-2" {
		t.Errorf("StatefulSet: pairs %q, alone %q", got, only)
	}
}

func pairText(pairs [][2]*snapshot.Pod, only [2][]*snapshot.Pod) (both, alone string) {
	var a, b []string
	for _, p := range pairs {
		a = append(a, p[before].Name+"="+p[after].Name)
	}
	for _, p := range slices.Concat(only[before], only[after]) {
		b = append(b, p.Name)
	}
	return strings.Join(a, " "), strings.Join(b, " ")
}

// What is unknown on both sides may differ unless nothing that matters was changed: then
// both give the same reason.
func TestUndecidedIsToldOrTheReasonsAreTheSame(t *testing.T) {
	found := 0
	worlds(t, 150, func(seed uint64, taste worldgen.Taste) {
		defer tellSeed(t, seed, taste)
		old, next := twoWorlds(seed, taste)
		a, b := New(old), New(next)
		if Diff(a, b).Undecided != nil {
			found++
			return
		}
		tw := &twin{old, rand.New(rand.NewPCG(seed, 3))}
		places := tw.places(flow.AllAddresses().Has)
		x, y := fullLists(old, places), fullLists(next, places)
		for key := range pairsOfBoth(old, next, places) {
			if both := x.at(key)[1].Intersect(y.at(key)[1]); !both.IsEmpty() {
				lowest := both.Ranges()[0]
				for _, dir := range netpol.Directions {
					s, u := a.Decide(dir, attemptOf(old, key, lowest)), b.Decide(dir, attemptOf(next, key, lowest))
					if s.Verdict != u.Verdict || s.Reason != u.Reason || !reflect.DeepEqual(s.Facts, u.Facts) {
						t.Fatalf("%s %s: %s %s %v, and %s %s %v", key, dir, s.Verdict, s.Reason, s.Facts, u.Verdict, u.Reason, u.Facts)
					}
				}
			}
		}
	})
	if found < 10 {
		t.Errorf("only %d worlds had something undecided", found)
	}
}

// attemptOf reads the key of a list.
func attemptOf(w *snapshot.Snapshot, key string, at flow.PortRange) Attempt {
	ends := map[string]Endpoint{}
	for p, name := range roll(w) {
		ends[name] = PodEndpoint(p)
	}
	from, to, _ := strings.Cut(key, " > ")
	a := Attempt{Protocol: at.Protocol, Port: at.From}
	for name, end := range map[string]*Endpoint{from: &a.From, to: &a.To} {
		pod, ok := ends[name]
		if !ok {
			pod = outsideAt(netip.MustParseAddr(name))
		}
		*end = pod
	}
	return a
}

// Where it is too much work to find the cause, all that may be are told.
func TestCausesHaveABudget(t *testing.T) {
	defer func(was int) { mostTrials = was }(mostTrials)
	mostTrials = 0
	worlds(t, 60, func(seed uint64, taste worldgen.Taste) {
		old, next := twoWorlds(seed, taste)
		for _, e := range Diff(New(old), New(next)).Effects {
			if (e.Proof == ProofAmong) != (len(e.Causes) > 1) {
				t.Errorf("proof %s with %d causes", e.Proof, len(e.Causes))
			}
		}
	})
}

// A field that policies get must be compared, or left out for a reason told here.
func TestSamePolicyKnowsEveryField(t *testing.T) {
	known := map[reflect.Type]string{
		reflect.TypeFor[netpol.Policy](): "Kind Namespace Name Tier Priority Namespaces Pods Isolates TypesImplied Rules Origin", // not TypesImplied: it has become Isolates
		reflect.TypeFor[netpol.Rule]():   "Name Action AnyPeer Peers AnyPort Ports FailsClosed Origin",                           // not Name and Origin
		reflect.TypeFor[netpol.Peer]():   "Block Namespaces Pods Nodes Domains Origin",
		reflect.TypeFor[netpol.Port]():   "Protocol Name From To EndPort Origin",
		reflect.TypeFor[netpol.Block]():  "Text Addresses Pods", // Text is written from Addresses
		reflect.TypeFor[snapshot.Pod](): "Workload Name Namespace Part Instance Many Labels Addresses HostNetwork Leaving Node Ports " +
			"Images ServiceAccount Demands Origin", // Leaving, Images and Demands are nothing that policies see
		reflect.TypeFor[snapshot.Node]():       "Name Labels Addresses Origin",
		reflect.TypeFor[snapshot.Unmodelled](): "Ref Layer Directions Namespaces Pods Origin",
		reflect.TypeFor[snapshot.Facts](): "Complete Strict CNI Enforces CNIOrigin Profile Domains PodCIDRs APIServer APIServerPorts " +
			"APIServerOrigin DNS Operators OperatorVersions Now Outside", // from APIServer on of no interest to policies
	}
	for typ, want := range known {
		var names []string
		for i := range typ.NumField() {
			names = append(names, typ.Field(i).Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has the fields %s; the diff knows %s", typ, got, want)
		}
	}
}
