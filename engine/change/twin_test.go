package change

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A twin compares two estates question by question: no list, no block of names, no
// client that stands for others.
type twin struct {
	gen
	engines [2]*reach.Engine
	samples []netip.Addr
	// asked are the cells that were asked about: a few of each server.
	asked map[cell]bool
	all   bool // whatever was asked
}

var samples = []string{"192.0.2.7", "198.51.100.9", "203.0.113.1", "10.1.2.3", "10.9.9.9", "172.16.0.1", "2001:db8::1"}

// A cell is one client, database and role of a server.
type cell struct {
	server         string
	who            string
	database, role string
}

// A way is a way in; Sees is left out of its route.
type twinWay struct {
	verdict   verdict.Verdict
	method    string
	tls, cert bool
	route     reach.Route
}

func (w twinWay) String() string {
	return fmt.Sprintf("%s %s tls=%v cert=%v %s/%s/%s:%d %s", w.verdict, w.method, w.tls, w.cert, w.route.Service, w.route.Pooler, w.route.Member, w.route.Port, w.route.Through)
}

type answer struct {
	verdict verdict.Verdict
	ways    map[twinWay]bool
}

func (a *answer) add(d reach.Decision, s reach.Session) {
	a.verdict = verdict.Any(a.verdict, d.Verdict)
	for _, p := range d.Paths {
		if p.Verdict != verdict.Deny && p.Member != nil {
			a.ways[twinWay{p.Verdict, p.Method, s.TLS, s.Cert != "", routeOf(p)}] = true
		}
	}
}

// ask chooses cells of a server: some clients, databases and roles that either side has.
func (w *twin) ask(server string, names reach.Names) {
	clients := map[string]bool{}
	for v := range w.engines {
		w.each(v, func(who string, _ reach.Question) { clients[who] = true })
	}
	databases := append(slices.Clone(names.Databases), reach.AnyOther, reach.PhysicalReplication)
	roles := append(slices.Clone(names.Roles), reach.AnyOther)
	for range 25 {
		w.asked[cell{server, pick(w.gen, slices.Sorted(maps.Keys(clients))...), pick(w.gen, databases...), pick(w.gen, roles...)}] = true
	}
}

// answers asks one estate for the cells of a server.
func (w *twin) answers(v int, s *snapshot.Server, certs bool) map[cell]*answer {
	out := map[cell]*answer{}
	w.each(v, func(who string, q reach.Question) {
		for k := range w.asked {
			if k.who != who || k.server != s.Ref().String() {
				continue
			}
			if out[k] == nil {
				out[k] = &answer{verdict.Deny, map[twinWay]bool{}}
			}
			for _, session := range sessionsOf(k, certs) {
				q.To, q.Session = reach.Target{Server: s}, session
				out[k].add(w.engines[v].Decide(q), session)
			}
		}
	})
	return out
}

// sessionsOf are the ways to present oneself.
func sessionsOf(k cell, certs bool) []reach.Session {
	out := []reach.Session{{Database: k.database, Role: k.role, Replication: k.database == reach.PhysicalReplication}}
	out = append(out, out[0])
	out[1].TLS = true
	if certs {
		out = append(out, out[1])
		out[2].Cert = k.role
	}
	return out
}

// each visits every client of an estate.
func (w *twin) each(v int, visit func(string, reach.Question)) {
	for _, wl := range w.engines[v].World.Workloads {
		for _, p := range wl.Pods {
			visit(p.Ref().String(), reach.Question{From: network.PodEndpoint(p)})
		}
	}
	for _, a := range w.samples {
		visit(a.String(), reach.Question{From: network.OutsideEndpoint(flow.AddressesOf(netip.PrefixFrom(a, a.BitLen())))})
	}
	visit("kubectl port-forward", reach.Question{Inside: reach.PortForward})
	visit("kubectl exec", reach.Question{Inside: reach.Exec})
}

// asksForCertificates: only then somebody tells a session with one from another.
func asksForCertificates(s *snapshot.Server) bool {
	files := []string{}
	for _, r := range s.HBA.Records {
		files = append(files, r.String())
	}
	for _, p := range s.Poolers {
		for _, r := range p.HBA.Records {
			files = append(files, r.String())
		}
	}
	return slices.ContainsFunc(files, func(l string) bool {
		return strings.HasSuffix(l, " cert") || strings.Contains(l, " cert ") || strings.Contains(l, "clientcert=verify")
	})
}

// A verdictChange is what should be told of a cell.
type verdictChange struct {
	kind         Kind
	was, now     verdict.Verdict
	gained, lost string
}

// twinKinds says the kinds once more.
var twinKinds = map[[2]verdict.Verdict]Kind{
	{verdict.Deny, verdict.Allow}: Opened, {verdict.Unknown, verdict.Allow}: Opened, {verdict.Allow, verdict.Allow}: Changed,
	{verdict.Allow, verdict.Deny}: Cut, {verdict.Deny, verdict.Unknown}: MayOpen, {verdict.Allow, verdict.Unknown}: MayCut,
	{verdict.Unknown, verdict.Deny}: NoDoubt, {verdict.Unknown, verdict.Unknown}: InDoubt,
}

func text(ways map[twinWay]bool, but map[twinWay]bool) string {
	var out []string
	for w := range ways {
		if !but[w] {
			out = append(out, w.String())
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\n\t\t")
}

// expected is the difference cell by cell.
func (w *twin) expected() map[cell]verdictChange {
	pairs := map[string]*serverPair{}
	for v, e := range w.engines {
		for _, s := range e.World.Servers {
			if pairs[s.Ref().String()] == nil {
				pairs[s.Ref().String()] = &serverPair{}
			}
			pairs[s.Ref().String()][v] = s
		}
	}
	out := map[cell]verdictChange{}
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		pair := pairs[name]
		var both []*snapshot.Server
		certs := false
		for _, s := range pair {
			if s != nil {
				both, certs = append(both, s), certs || asksForCertificates(s)
			}
		}
		w.ask(pair.ref().String(), reach.NamesOf(both...))
		var sides [2]map[cell]*answer
		for v, s := range pair {
			if s != nil {
				sides[v] = w.answers(v, s, certs)
			}
		}
		all := maps.Clone(sides[before])
		if all == nil {
			all = map[cell]*answer{}
		}
		maps.Copy(all, sides[after])
		for k := range all {
			two := [2]*answer{sides[before][k], sides[after][k]}
			for v := range two {
				if two[v] == nil {
					two[v] = &answer{verdict: verdict.Deny}
				}
			}
			x := verdictChange{twinKinds[[2]verdict.Verdict{two[before].verdict, two[after].verdict}], two[before].verdict, two[after].verdict,
				text(two[after].ways, two[before].ways), text(two[before].ways, two[after].ways)}
			if x.was != x.now || x.gained != "" || x.lost != "" {
				out[k] = x
			}
		}
	}
	return out
}

// told is the difference as Compare tells it, cell by cell.
func (w *twin) told(t *testing.T, d *Difference) map[cell]verdictChange {
	t.Helper()
	out := map[cell]verdictChange{}
	for _, r := range d.Rows {
		x := verdictChange{r.Kind, r.Was, r.Now, text(ofLogins(r.Gained), nil), text(ofLogins(r.Lost), nil)}
		for _, from := range r.From {
			for _, who := range w.meant(from) {
				for _, database := range r.Databases {
					for _, role := range r.Roles {
						k := cell{r.Server.String(), who, database, role}
						if !w.asked[k] && !w.all {
							continue
						}
						known, twice := out[k]
						switch {
						case !twice:
							out[k] = x
						case x.was == x.now && x.kind == known.kind && x.gained == "" && known.lost == "":
							known.lost = x.lost // of causes of their own
							out[k] = known
						default:
							t.Errorf("%v is told twice", k)
						}
					}
				}
			}
		}
	}
	return out
}

// meant are the clients that a reference stands for.
func (w *twin) meant(ref snapshot.Ref) []string {
	if ref.Kind != "Outside" {
		return []string{ref.String()}
	}
	var out []string
	for _, a := range w.samples {
		if w.covers(ref.Name, a) {
			out = append(out, a.String())
		}
	}
	return out
}

func (w *twin) covers(name string, a netip.Addr) bool {
	for _, e := range w.engines {
		for _, o := range e.World.Facts.Outside {
			if o.Name == name {
				return o.Addresses.Has(a)
			}
		}
	}
	rest, but := strings.CutPrefix(name, "all but ")
	if name == "everywhere" {
		rest, but = "", true
	}
	in := slices.ContainsFunc(strings.FieldsFunc(rest, func(r rune) bool { return r == ',' || r == ' ' }), func(s string) bool {
		if first, last, isRange := strings.Cut(s, "-"); isRange {
			return netip.MustParseAddr(first).Compare(a) <= 0 && a.Compare(netip.MustParseAddr(last)) <= 0
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return netip.MustParseAddr(s) == a
		}
		return p.Contains(a)
	})
	return in != but
}

func ofLogins(list []reach.Login) map[twinWay]bool {
	out := map[twinWay]bool{}
	for _, l := range list {
		for _, r := range l.Routes {
			r.Sees = ""
			out[twinWay{l.Verdict, l.Method, l.TLS, l.Cert, r}] = true
		}
	}
	return out
}

// pairOf makes two estates of a seed, the second with that many edits.
func pairOf(seed uint64, edits int) (old, next *estate, objects []string, names []string) {
	old, next = randomEstate(seed), randomEstate(seed)
	g := gen{rand.New(rand.NewPCG(seed, 2))} //nolint:gosec // worlds, not secrets
	for range edits {
		e := pick(g, everyEdit...)
		objects, names = append(objects, e.do(g, next)...), append(names, e.name)
	}
	return old, next, objects, names
}

func twinOf(seed uint64, old, next *reach.Engine) *twin {
	w := &twin{gen: gen{rand.New(rand.NewPCG(seed, 3))}, engines: [2]*reach.Engine{old, next}, asked: map[cell]bool{}} //nolint:gosec // worlds, not secrets
	for _, s := range samples {
		w.samples = append(w.samples, netip.MustParseAddr(s))
	}
	return w
}

// Compare says of every client, database, role and way what single questions say.
func TestCompareAgreesWithSingleQuestions(t *testing.T) {
	for seed := range uint64(70) {
		old, next, _, names := pairOf(seed, 1+int(seed%3))
		w := twinOf(seed, old.engine(t), next.engine(t))
		want := w.expected()
		got := w.told(t, Compare(w.engines[before], w.engines[after]))
		for k, x := range want {
			if got[k] != x {
				t.Errorf("%v: got\n\t%s %s>%s\n\tgained\t%s\n\tlost\t%s\nwant\n\t%s %s>%s\n\tgained\t%s\n\tlost\t%s", k,
					got[k].kind, got[k].was, got[k].now, got[k].gained, got[k].lost, x.kind, x.was, x.now, x.gained, x.lost)
				break
			}
		}
		for k, x := range got {
			if _, ok := want[k]; !ok {
				t.Errorf("%v: got %v, and nothing differs", k, x)
				break
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d: %v", seed, names)
		}
	}
}

// What one person did is the cause of all that differs, and it stands alone.
func TestOneEditIsTheCause(t *testing.T) {
	for seed := range uint64(80) {
		old, next, objects, names := pairOf(seed, 1)
		if objects == nil {
			objects = []string{"facts", ledger} // whose release they tell
		}
		check := func(what string, causes []Cause, proof network.Proof) {
			if len(causes) == 0 {
				t.Errorf("%s: no cause", what)
			}
			for _, c := range causes {
				if !slices.Contains(objects, c.Object) && c.Object != "facts" {
					t.Errorf("%s: %+v", what, c)
				}
			}
			if proof == network.ProofAmong && len(causes) > 1 && len(objects) == 1 {
				t.Errorf("%s: among %+v", what, causes)
			}
		}
		d := Compare(old.engine(t), next.engine(t))
		for _, r := range d.Rows {
			check(fmt.Sprint(r.Kind, r.Server, r.From, r.Databases, r.Roles, "gained ", ofLogins(r.Gained), "lost ", ofLogins(r.Lost)), r.Causes, r.Proof)
		}
		for _, f := range d.Flows {
			check(fmt.Sprint(f.Kind, f.Server, f.Flow.ID, f.Flow.Phase, f.Flow.What, f.Needed), f.Causes, f.Proof)
		}
		for _, c := range d.Controls {
			check(fmt.Sprint(c.Kind, c.Server, c.From, c.Port.Name), c.Causes, c.Proof)
		}
		if t.Failed() {
			t.Fatalf("seed %d: %v", seed, names)
		}
	}
}

// The other way round everything is the other way round; nothing differs from itself;
// and the same two estates have the same difference.
func TestCompareIsALaw(t *testing.T) {
	for seed := range uint64(25) {
		old, next, _, names := pairOf(seed, 1+int(seed%3))
		w := twinOf(seed, old.engine(t), next.engine(t))
		w.all = true
		forth, back := Compare(w.engines[before], w.engines[after]), Compare(w.engines[after], w.engines[before])
		there, again := w.told(t, forth), w.told(t, back)
		for k, x := range there {
			y := again[k]
			if y.was != x.now || y.now != x.was || y.gained != x.lost || y.lost != x.gained || y.kind != twinKinds[[2]verdict.Verdict{x.now, x.was}] {
				t.Errorf("%v: forth %v, back %v", k, x, y)
			}
		}
		if len(there) != len(again) || len(forth.Removed) != len(back.Added) || len(forth.Added) != len(back.Removed) || len(forth.Causes) != len(back.Causes) {
			t.Errorf("%d cells and %d edits, back %d and %d", len(there), len(forth.Causes), len(again), len(back.Causes))
		}
		if same := Compare(w.engines[after], next.engine(t)); !same.IsEmpty() || len(same.Causes)+len(same.Added)+len(same.Removed) > 0 {
			t.Errorf("differs from itself: %+v", same)
		}
		if a, b := inOrder(forth), inOrder(Compare(old.engine(t), next.engine(t))); a != b {
			t.Errorf("once %s\nthen %s", a, b)
		}
		if t.Failed() {
			t.Fatalf("seed %d: %v", seed, names)
		}
	}
}

// inOrder is all that a difference tells, in its order.
func inOrder(d *Difference) string {
	var b strings.Builder
	for _, r := range d.Rows {
		fmt.Fprintln(&b, r.Kind, r.Server, r.From, r.Databases, r.Roles, r.Was, r.Now, r.Gained, r.Lost, r.Causes, r.Proof, r.Witness.Session, r.Witness.Was, r.Witness.Now)
	}
	for _, f := range d.Flows {
		fmt.Fprintln(&b, f.Kind, f.Server, f.Flow.ID, f.Flow.What, f.Was, f.Now, f.Old, f.New, f.Causes, f.Proof)
	}
	for _, c := range d.Controls {
		fmt.Fprintln(&b, c.Kind, c.Server, c.Port, c.From, c.Was, c.Now, c.Old, c.New, c.Causes, c.Proof)
	}
	fmt.Fprintln(&b, d.Causes)
	return b.String()
}

// What is told of vital flows is what each is asked for by itself, on both sides.
func TestFlowsAgreeWithSingleQuestions(t *testing.T) {
	for seed := range uint64(60) {
		old, next, _, names := pairOf(seed, 2)
		w := twinOf(seed, old.engine(t), next.engine(t))
		got, want := map[string]Kind{}, map[string]Kind{}
		for _, f := range Compare(w.engines[before], w.engines[after]).Flows {
			got[f.Server.String()+twinFlow(f.Flow)] = f.Kind
		}
		for _, s := range w.engines[after].World.Servers {
			was := map[string]verdict.Verdict{}
			for _, o := range w.engines[before].World.Servers {
				if o.Ref() == s.Ref() {
					for _, d := range w.engines[before].Vital(o) {
						was[twinFlow(d.Flow)] = d.Verdict
					}
				}
			}
			for _, d := range w.engines[after].Vital(s) {
				v, known := was[twinFlow(d.Flow)]
				if !known {
					v = verdict.Allow // nobody missed it
				}
				if v != d.Verdict {
					want[s.Ref().String()+twinFlow(d.Flow)] = twinKinds[[2]verdict.Verdict{v, d.Verdict}]
				}
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("seed %d %v: got %v, want %v", seed, names, got, want)
		}
	}
}

func twinFlow(f snapshot.VitalFlow) string {
	return fmt.Sprintf(" %s %s %s %s %s", f.ID, f.Phase, f.What, f.From.Name, f.To.Name)
}

// What is told of control ports is what each pod is asked for by itself, on both sides.
func TestControlsAgreeWithSingleQuestions(t *testing.T) {
	for seed := range uint64(60) {
		old, next, _, names := pairOf(seed, 2)
		w := twinOf(seed, old.engine(t), next.engine(t))
		got, want := map[string]Kind{}, map[string]Kind{}
		for _, c := range Compare(w.engines[before], w.engines[after]).Controls {
			for _, from := range c.From {
				if from.Kind != "Outside" {
					got[fmt.Sprint(c.Server, " ", c.Port.Name, c.Port.Port, " ", from)] = c.Kind
				}
			}
		}
		sides := [2]map[string]verdict.Verdict{w.controlled(before), w.controlled(after)}
		for k := range maps.Keys(sides[before]) {
			if _, has := sides[after][k]; !has {
				sides[after][k] = verdict.Deny
			}
		}
		for k, now := range sides[after] {
			was, has := sides[before][k]
			if !has {
				was = verdict.Deny
			}
			if was != now {
				want[k] = twinKinds[[2]verdict.Verdict{was, now}]
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("seed %d %v: got %v, want %v", seed, names, got, want)
		}
	}
}

// controlled is the best that each client gets at each control port.
func (w *twin) controlled(v age) map[string]verdict.Verdict {
	out := map[string]verdict.Verdict{}
	e := w.engines[v]
	for _, s := range e.World.Servers {
		for _, port := range s.Control {
			for _, wl := range e.World.Workloads {
				for _, p := range wl.Pods {
					for _, m := range s.Members() {
						if m == p && !p.Many || m.Workload == p.Workload && m.Instance != "" && m.Instance == p.Instance {
							continue // itself
						}
						k := fmt.Sprint(s.Ref(), " ", port.Name, port.Port, " ", p.Ref())
						got := e.Network.Pass(network.Attempt{From: network.PodEndpoint(p), To: network.PodEndpoint(m), Protocol: flow.TCP, Port: port.Port})
						if known, has := out[k]; has {
							got = verdict.Any(known, got)
						}
						out[k] = got
					}
				}
			}
		}
	}
	return out
}
