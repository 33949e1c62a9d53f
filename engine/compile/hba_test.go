package compile

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Names that PostgreSQL reads as something else where they are not quoted well.
var oddNames = []string{"app", "Mixed Case", "all", "replication", "sameuser", "samerole", "+group", "@file", `qu"ote`, `"`, "#hash", "a,b",
	"-x", "1a", "ünïcode", `back\slash`, `end\`, "tab\there"[:3], "include", "hostssl", "/slash", "/", "/^.*$", "/a]b{2}", " ", "$(x", "${y:z}"}

// randomNames are some of these, for databases too.
func randomNames(r *rand.Rand, n int) []string {
	var out []string
	for len(out) < n {
		if name := oddNames[r.IntN(len(oddNames))]; !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func randomPeer(r *rand.Rand) intent.Peer {
	apps := []string{"shop", "report", "front"}
	switch r.IntN(4) {
	case 0:
		return rangesOf([]string{"192.0.2.0/24", "192.0.2.128/25", "2001:db8::/32", "198.51.100.7/32"}[r.IntN(4)])
	case 1:
		return podsOf(apps[r.IntN(3)], "web")
	case 2:
		return podsOf(apps[r.IntN(3)], "db", "web")
	}
	return podsOf(apps[r.IntN(2)], "db")
}

func randomEstate(r *rand.Rand) *hbaEstate {
	e := hbaEstateOf(shapes[r.IntN(len(shapes))], 13+r.IntN(6))
	if r.IntN(2) == 0 {
		e.world.Facts.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
	}
	if r.IntN(3) == 0 {
		e.server.OperatorVersion = ""
	}
	e.site.Perimeter.PlainText = r.IntN(2) == 0
	e.site.Perimeter.RemoteSuperuser = r.IntN(4) == 0
	if r.IntN(4) == 0 {
		e.server.Vital = nil
	}
	for range r.IntN(5) {
		var from []intent.Peer
		for range 1 + r.IntN(2) {
			from = append(from, randomPeer(r))
		}
		entry := intent.Entry{Databases: randomNames(r, 1+r.IntN(3)), Role: randomNames(r, 1)[0], PlainText: r.IntN(2) == 0,
			Authentication: []intent.Authentication{intent.SCRAM, intent.SCRAM, intent.Certificate, intent.SCRAMAndCertificate}[r.IntN(4)]}
		if r.IntN(5) == 0 {
			entry.Role = "postgres"
		}
		if len(e.server.Poolers) > 0 && r.IntN(3) == 0 {
			entry.Pooler = "pool"
		}
		e.access(from, entry)
	}
	return e
}

// An attempt is one session over the network.
type hbaAttempt struct {
	from           *snapshot.Pod // nil for an address outside
	outside        netip.Addr
	role, database string
	tls            bool
	replication    bool
}

func (a hbaAttempt) session() hba.Session {
	s := hba.Session{TLS: a.tls, User: hba.Named(a.role), Database: hba.Named(a.database), Replication: a.replication,
		Member: func(string, string) hba.Match { return hba.No }}
	if a.from == nil {
		s.Client = hba.ClientAt(a.outside)
	} else {
		s.Client = hba.ClientAt(a.from.Addresses[0])
		s.Client.Pod, s.Client.Namespace, s.Client.Labels = true, a.from.Namespace, a.from.Labels
	}
	return s
}

func (a hbaAttempt) String() string {
	who := a.outside.String()
	if a.from != nil {
		who = a.from.Workload.String()
	}
	return fmt.Sprintf("%s as %q to %q (TLS %v, replication %v)", who, a.role, a.database, a.tls, a.replication)
}

func (e *hbaEstate) attempts(r *rand.Rand, n int) []hbaAttempt {
	roles := append([]string{"postgres", "replicator", "standby", "nobody"}, oddNames...)
	databases := append([]string{"postgres", "nothing"}, oddNames...)
	for _, a := range e.site.Accesses { // so that many get in
		for range 10 {
			roles, databases = append(roles, a.To[0].Role), append(databases, a.To[0].Databases...)
		}
	}
	keys := sortedKeys(e.pods)
	var out []hbaAttempt
	for range n {
		a := hbaAttempt{role: roles[r.IntN(len(roles))], database: databases[r.IntN(len(databases))], tls: r.IntN(4) > 0, replication: r.IntN(10) == 0}
		if r.IntN(3) > 0 {
			a.from = e.pods[keys[r.IntN(len(keys))]]
		} else {
			a.outside = netip.MustParseAddr([]string{"192.0.2.1", "192.0.2.200", "2001:db8::5", "198.51.100.7", "203.0.113.1"}[r.IntN(5)])
		}
		out = append(out, a)
	}
	return out
}

// is reports whether the client is one of the peer's; coarse as pg_hba.conf knows it,
// where it knows no pods.
func (e *hbaEstate) is(a hbaAttempt, p intent.Peer, coarse bool) bool {
	if p.IsOutside() {
		return a.from == nil && p.Addresses.Has(a.outside)
	}
	exact := a.from != nil && slices.Contains(p.Namespaces, a.from.Namespace) && p.Pods.Match(a.from.Labels) == netpol.Yes
	if !coarse || exact {
		return exact
	}
	if e.selectsPods() && slices.Equal(p.Namespaces, []string{"db"}) {
		return false
	}
	return a.from != nil || len(e.world.Facts.PodCIDRs) == 0
}

func (e *hbaEstate) selectsPods() bool {
	return e.shape.operator == "cloudnative-pg" && e.server.OperatorVersion != ""
}

// asked are the strengths of what the accesses ask of a session that they let in.
func (e *hbaEstate) asked(a hbaAttempt, coarse bool) (out []int) {
	if a.replication {
		return nil
	}
	for _, access := range e.site.Accesses {
		for _, p := range access.From {
			to := access.To[0]
			client := e.is(a, p, coarse)
			if to.Pooler != "" {
				client = coarse && (a.from == e.pods["db/pool"] || !e.selectsPods() && (a.from != nil || len(e.world.Facts.PodCIDRs) == 0))
				if to.Authentication != intent.SCRAM {
					client = false
				}
			}
			plain := to.PlainText && e.site.Perimeter.PlainText && to.Authentication == intent.SCRAM && to.Pooler == ""
			if client && to.Role == a.role && slices.Contains(to.Databases, a.database) && (a.tls || plain) && e.expressible(to) {
				out = append(out, map[intent.Authentication]int{intent.SCRAM: 1, intent.Certificate: 2, intent.SCRAMAndCertificate: 3}[to.Authentication])
			}
		}
	}
	return out
}

// expressible reports whether a gap does not take the entry away.
func (e *hbaEstate) expressible(to intent.Entry) bool {
	if to.Role == "postgres" && !e.site.Perimeter.RemoteSuperuser {
		return false
	}
	for _, n := range append([]string{to.Role}, to.Databases...) {
		if e.shape.operator == "cloudnative-pg" && strings.Contains(n, "${") || e.shape.operator == "zalando" && strings.Contains(n, "$(") {
			return false
		}
	}
	return true
}

// operates reports whether the operator's own sessions are like this one.
func (e *hbaEstate) operates(a hbaAttempt) bool {
	for _, f := range e.server.Vital {
		if f.Role == a.role && f.Replication == a.replication {
			return true
		}
	}
	return false
}

// A session gets in exactly where an access asks for it, as far as the file can tell its
// client from others, or where the operator needs it.
func TestHBAAdmitsWhatIsAsked(t *testing.T) {
	seeds := 600
	if testing.Short() {
		seeds = 100
	}
	admitted := 0
	for seed := range seeds {
		r := rand.New(rand.NewPCG(uint64(seed), 1)) //nolint:gosec // a small number
		e := randomEstate(r)
		out := e.compiled(t, HBA)
		file := e.result(t, out)
		if len(file.Errors) > 0 {
			t.Fatalf("seed %d: %s does not load: %+v", seed, e.shape.operator, file.Errors[0])
		}
		for _, a := range e.attempts(r, 300) {
			got := hba.Decide(file, a.session())
			must, may := e.asked(a, false), e.asked(a, true)
			fail := func(why string) {
				var text []string
				for _, rec := range file.Records {
					text = append(text, rec.String())
				}
				t.Fatalf("seed %d, %s %d: %s: %s\n%v by %v\n%s", seed, e.shape.operator, e.server.Version, a, why, got.Verdict, got.Record, strings.Join(text, "\n"))
			}
			switch {
			case got.Verdict == verdict.Unknown:
				fail("not decided")
			case len(must) > 0 && got.Verdict == verdict.Deny:
				fail("asked for, and refused")
			case got.Verdict == verdict.Allow && len(may) == 0 && !e.operates(a):
				fail("admitted, and nobody asked")
			case got.Verdict == verdict.Allow && len(may) > 0 && !e.operates(a) && !slices.Contains(may, demand(*got.Record)):
				fail(fmt.Sprintf("asks for something else than %v", may))
			}
			if len(must) > 0 {
				admitted++
			}
		}
	}
	if admitted < seeds {
		t.Errorf("only %d attempts were asked for: the test says little", admitted)
	}
}

// What the operator needs gets in as before, also where nothing is asked.
func TestHBAKeepsVitalSessions(t *testing.T) {
	for _, shape := range shapes {
		e := hbaEstateOf(shape, 17)
		file := e.result(t, e.compiled(t, HBA))
		for _, f := range e.server.Vital {
			s := vitalSession(f)
			s.Client = hba.ClientAt(netip.MustParseAddr("10.244.0.1"))
			if got := hba.Decide(file, s); got.Verdict != verdict.Allow {
				t.Errorf("%s: %s is cut by %v", shape.operator, f.ID, got.Record)
			}
		}
		local := hba.Session{Local: true, User: hba.Named("postgres"), Database: hba.Named("postgres")}
		if got := hba.Decide(file, local); got.Verdict != verdict.Allow {
			t.Errorf("%s: the socket is closed by %v", shape.operator, got.Record)
		}
		loop := hba.Session{User: hba.Named("postgres"), Database: hba.Named("postgres"), Client: hba.Loopback(),
			Member: func(string, string) hba.Match { return hba.No }}
		if before := hba.Decide(e.server.HBA, loop); before.Verdict == verdict.Allow && shape.operator != "cloudnative-pg" {
			if got := hba.Decide(file, loop); got.Verdict != verdict.Allow {
				t.Errorf("%s: loopback is closed by %v", shape.operator, got.Record)
			}
		}
	}
}

// Every line that is made is read by every version, as the same record.
func TestHBALinesAreRead(t *testing.T) {
	for seed := range 300 {
		r := rand.New(rand.NewPCG(uint64(seed), 2)) //nolint:gosec // a small number
		e := randomEstate(r)
		out := e.compiled(t, HBA)
		refs := map[string]hba.Address{}
		for _, a := range out.Artefacts {
			for _, f := range a.Fields {
				for _, text := range textsOf(t, f, refs) {
					if a.Ref.Kind == "Pooler" {
						bouncerReads(t, text)
					} else {
						serversRead(t, text)
					}
				}
			}
		}
	}
}

func serversRead(t *testing.T, text string) {
	t.Helper()
	var refs map[string]hba.Address
	if i := strings.Index(text, "${podselector:"); i >= 0 {
		token, _, _ := strings.Cut(text[i:], " ")
		refs = map[string]hba.Address{token: {Kind: hba.Pods, Name: strings.Trim(token, "${}")}}
	}
	for version := 13; version <= 18; version++ {
		f := hba.Parse([]hba.Source{{Text: text, Addresses: refs}, {Text: "local all all reject"}}, version)
		if len(f.Errors) > 0 || len(f.Records) != 2 {
			t.Fatalf("%d does not read %q: %+v", version, text, f)
		}
		if again := f.Records[0].Text(); again != text {
			t.Fatalf("%d reads %q as %q", version, text, again)
		}
	}
}

func bouncerReads(t *testing.T, text string) {
	t.Helper()
	for _, version := range []string{"1.18.0", "1.22.0", "1.25.0", ""} {
		f := hba.ParsePgBouncer([]hba.Source{{Text: text}}, version)
		if len(f.Errors)+len(f.Skipped) > 0 || len(f.Records) != 1 || f.Records[0].Text() != text {
			t.Fatalf("PgBouncer %s does not read %q: %+v", version, text, f)
		}
	}
}

// A name is read as the name, whatever it looks like: nobody else is let in by it.
func TestHBANames(t *testing.T) {
	for version := 13; version <= 18; version++ {
		for _, name := range oddNames {
			token, why := hbaToken(name, version, "")
			if why != "" {
				t.Errorf("%q cannot be written: %s", name, why)
				continue
			}
			r := hba.Record{Type: hba.Host, Databases: []hba.Token{token}, Users: []hba.Token{token}, Address: anyAddress, Method: "md5"}
			f := hba.Parse([]hba.Source{{Text: r.Text()}}, version)
			for _, other := range append([]string{"x", "slash", "group", ""}, oddNames...) {
				s := hba.Session{User: hba.Named(other), Database: hba.Named(other), Client: hba.ClientAt(netip.MustParseAddr("192.0.2.1"))}
				if other == "" {
					s.User, s.Database = hba.AnyOther(), hba.AnyOther()
				}
				got := hba.Decide(f, s).Verdict
				unsure := got == verdict.Unknown && (other != "" || name[0] != '/') // of an expression nobody knows which other names it matches
				if (got == verdict.Allow) != (other == name) || unsure {
					t.Errorf("%d: %q as %q: %v for %q", version, name, r.Text(), got, other)
				}
			}
		}
	}
	for _, name := range []string{"", "a\nb", "a\x00", strings.Repeat("x", 64), "${podselector:x}"} {
		if _, why := hbaToken(name, 17, "${"); why == "" {
			t.Errorf("%q was written", name)
		}
	}
	if _, why := hbaToken("/x", 0, ""); why == "" {
		t.Error("an expression for a version that is not known")
	}
}

func scram(role string, databases ...string) intent.Entry {
	return intent.Entry{Role: role, Databases: databases, Authentication: intent.SCRAM}
}

// Lines that somebody wrote go, and each is told of; the operator's are not.
func TestHBADropsAndTells(t *testing.T) {
	e := hbaEstateOf(shapes[0], 17, "host all all 10.0.0.0/8 md5", "hostssl ledger app ${podselector:old} scram-sha-256", "hostssl ledger app 192.0.2.0/24 scram-sha-256")
	e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, scram("app", "ledger"))
	out := e.compiled(t, HBA)
	var notes []string
	for _, n := range out.Notes {
		if n.Code == "hba/dropped" {
			notes = append(notes, n.Origin.Field+" "+n.Text)
		}
	}
	if len(notes) != 2 || !strings.Contains(notes[0], "spec.postgresql.pg_hba[0]") || !strings.Contains(notes[0], "10.0.0.0/8") {
		t.Errorf("notes are %q", notes)
	}
	want := []string{"hostnossl all all all reject", "host all postgres all reject", "hostssl ledger app 192.0.2.0/24 scram-sha-256", "host all all all reject"}
	if got := fieldTexts(t, out, "Cluster", "spec.postgresql.pg_hba"); !slices.Equal(got, want) {
		t.Errorf("lines are\n%s", strings.Join(got, "\n"))
	}
}

// A Cluster's own pods are selected; those of other namespaces are not told apart, and a
// gap says what carries that.
func TestHBASelectsPods(t *testing.T) {
	e := hbaEstateOf(shapes[0], 17)
	e.access([]intent.Peer{podsOf("shop", "db")}, scram("app", "ledger"))
	account := intent.Peer{Namespaces: []string{"db"}, Pods: &netpol.Selector{}, ServiceAccounts: []string{"report"}}
	e.access([]intent.Peer{account}, scram("report", "ledger"))
	out := e.compiled(t, HBA)
	got := fieldTexts(t, out, "Cluster", "spec.postgresql.pg_hba")
	for _, want := range []string{"hostssl ledger app ${podselector:a0} scram-sha-256", "hostssl ledger report ${podselector:a1} scram-sha-256"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if out.hasGap("hba/pods-alike") {
		t.Errorf("gaps are %+v", out.Gaps)
	}
	e.access([]intent.Peer{podsOf("front", "web")}, scram("front", "ledger"))
	out = e.compiled(t, HBA)
	if i := slices.IndexFunc(out.Gaps, func(g artefact.Gap) bool { return g.Code == "hba/pods-alike" }); i < 0 || out.Gaps[i].Carried != networkBackend {
		t.Errorf("gaps are %+v", out.Gaps)
	}
	e.server.OperatorVersion = "1.28.1"
	for _, text := range fieldTexts(t, e.compiled(t, HBA), "Cluster", "spec.postgresql.pg_hba") {
		if strings.Contains(text, "${") {
			t.Errorf("1.28 takes %q for the name of a host", text)
		}
	}
}

// Behind a pooler the server meets the pooler, and the pooler's own file meets clients.
func TestHBAThroughPooler(t *testing.T) {
	e := hbaEstateOf(shapes[0], 17)
	to := scram("app", "ledger")
	to.Pooler = "pool"
	e.access([]intent.Peer{podsOf("shop", "db"), rangesOf("192.0.2.0/24")}, to)
	out := e.compiled(t, HBA)
	server := fieldTexts(t, out, "Cluster", "spec.postgresql.pg_hba")
	if !slices.Contains(server, "hostssl ledger app ${podselector:pooler-pool} scram-sha-256") || len(server) != 4 {
		t.Errorf("the server's lines are\n%s", strings.Join(server, "\n"))
	}
	want := lines(`
hostssl ledger app 192.0.2.0/24 scram-sha-256
hostssl ledger app 0.0.0.0/0 scram-sha-256
hostssl ledger app ::/0 scram-sha-256
host all all 0.0.0.0/0 reject
host all all ::/0 reject`)
	if got := fieldTexts(t, out, "Pooler", "spec.pgbouncer.pg_hba"); !slices.Equal(got, want) {
		t.Errorf("the pooler's lines are\n%s", strings.Join(got, "\n"))
	}
	to.Authentication = intent.Certificate
	e.site.Accesses[0].To = []intent.Entry{to}
	if !e.compiled(t, HBA).hasGap("hba/certificate-through-pooler") {
		t.Error("a certificate goes through a pooler")
	}
}

// Sessions of a pooler inside the pods come by the socket: no line can be about them.
func TestHBABehindSocket(t *testing.T) {
	e := hbaEstateOf(shapes[1], 17)
	e.server.Ports = append(e.server.Ports, snapshot.ServerPort{Name: "pooled", Port: 6432, Sees: snapshot.SeesSocket, Pooler: &hba.File{}})
	to := scram("app", "ledger")
	to.Pooler = "ledger"
	e.access([]intent.Peer{podsOf("shop", "db")}, to)
	out := e.compiled(t, HBA)
	if !out.hasGap("hba/socket") {
		t.Errorf("gaps are %+v", out.Gaps)
	}
	for _, text := range fieldTexts(t, out, "SGCluster", shapes[1].field) {
		if strings.Contains(text, "app") {
			t.Errorf("%q opens the direct port", text)
		}
	}
}

// Rules have limits; what does not fit goes to Patroni's section, and the rules go.
func TestHBARuleLimits(t *testing.T) {
	crunchy := shapes[3]
	e := hbaEstateOf(crunchy, 17, "hostssl all old all md5")
	e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, scram("app", "ledger"))
	out := e.compiled(t, HBA)
	if got := fieldTexts(t, out, "PostgresCluster", "spec.authentication.rules"); !slices.Equal(got, []string{"hostssl ledger app 192.0.2.0/24 scram-sha-256"}) {
		t.Errorf("rules are %q", got)
	}
	for i := range 11 {
		e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, scram(fmt.Sprintf("app%d", i), "ledger"))
	}
	out = e.compiled(t, HBA)
	patroni := "spec.patroni.dynamicConfiguration.postgresql.pg_hba"
	if got := fieldTexts(t, out, "PostgresCluster", patroni); len(got) != 12 {
		t.Errorf("Patroni's lines are %q", got)
	}
	fields := out.Artefacts[0].Fields
	if len(fields) != 2 || strings.Join(fields[1].Path, ".") != "spec.authentication.rules" || len(fields[1].Value.(artefact.List)) != 0 {
		t.Errorf("the old rules stay: %+v", fields)
	}
	e.site.Accesses = nil
	if got := fieldTexts(t, e.compiled(t, HBA), "PostgresCluster", "spec.authentication.rules"); !slices.Equal(got, []string{"host all all all reject"}) {
		t.Errorf("without accesses the operator's default comes back: %q", got)
	}
}

// A whole file is only written where it is known what it has to keep.
func TestHBAUnknownFile(t *testing.T) {
	e := hbaEstateOf(shapes[5], 17)
	e.server.HBA = hba.File{Errors: []hba.Error{{Message: "not in the snapshot", Missing: true}}}
	out := e.compiled(t, HBA)
	if len(out.Artefacts) > 0 || !out.hasGap("hba/unknown-file") {
		t.Errorf("made of nothing: %+v", out)
	}
}

// A plain server gets a ConfigMap, or the one that it reads is changed.
func TestHBAPlain(t *testing.T) {
	e := hbaEstateOf(shapes[5], 17)
	e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, scram("app", "ledger"))
	out := e.compiled(t, HBA)
	if len(out.Artefacts) != 1 || out.Artefacts[0].Ref.String() != "ConfigMap db/ledger-pg-hba" {
		t.Fatalf("artefacts are %+v", out.Artefacts)
	}
	at := verdict.Origin{Object: "ConfigMap db/conf", Field: "data.pg_hba.conf"}
	e.server.HBA = hba.Parse([]hba.Source{{Text: "local all all peer\nhost all all all md5", Origin: at}}, 17)
	out = e.compiled(t, HBA)
	a := out.Artefacts[0]
	if a.Ref.String() != "ConfigMap db/conf" || !slices.Equal(a.Fields[0].Path, []string{"data", "pg_hba.conf"}) ||
		!strings.Contains(a.Fields[0].Value.(string), "\nlocal all all peer\n") {
		t.Errorf("artefact is %+v", a)
	}
}

// "There is no fall-through or backup": of two methods the one that asks for more decides,
// in whatever order they are asked for.
func TestHBATwoMethods(t *testing.T) {
	both := scram("app", "ledger")
	both.Authentication = intent.SCRAMAndCertificate
	for _, entries := range [][]intent.Entry{{scram("app", "ledger"), both}, {both, scram("app", "ledger")}} {
		e := hbaEstateOf(shapes[1], 17)
		e.access([]intent.Peer{podsOf("shop", "web")}, entries[0])
		e.access([]intent.Peer{podsOf("front", "web")}, entries[1])
		out := e.compiled(t, HBA)
		if !out.hasGap("hba/two-methods") {
			t.Errorf("gaps are %+v", out.Gaps)
		}
		if got := e.decides(t, out, "10.244.2.1"); got == nil || got.ClientCert() != hba.VerifyFull {
			t.Errorf("decides %v", got)
		}
	}
}

// The line about fewer clients decides for them, whatever wider ones ask for.
func TestHBANarrowFirst(t *testing.T) {
	certificate := scram("app", "ledger")
	certificate.Authentication = intent.Certificate
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		e := hbaEstateOf(shapes[0], 17)
		peers := []intent.Peer{rangesOf("192.0.2.0/24"), rangesOf("192.0.2.128/25")}
		entries := []intent.Entry{certificate, scram("app", "ledger")}
		for _, i := range order {
			e.access(peers[i:i+1], entries[i])
		}
		out := e.compiled(t, HBA)
		for address, method := range map[string]string{"192.0.2.1": "cert", "192.0.2.200": "scram-sha-256"} {
			if got := e.decides(t, out, address); got == nil || got.Method != method {
				t.Errorf("%s meets %v", address, got)
			}
		}
	}
}

// decides returns the record that decides a session of app from an address.
func (e *hbaEstate) decides(t *testing.T, out *Output, address string) *hba.Record {
	t.Helper()
	s := hba.Session{TLS: true, User: hba.Named("app"), Database: hba.Named("ledger"), Client: hba.ClientAt(netip.MustParseAddr(address))}
	return hba.Decide(e.result(t, out), s).Record
}

// What lets a vital session in today is not made wider: a line of a person's stays as
// narrow, and its method as it is.
func TestHBAVitalAsToday(t *testing.T) {
	e := hbaEstateOf(shapes[1], 17, "host all all 127.0.0.1/32 scram-sha-256", "hostssl all postgres 10.244.0.0/16 scram-sha-256",
		"host all,replication all all reject")
	out := e.compiled(t, HBA)
	got := fieldTexts(t, out, "SGCluster", shapes[1].field)
	for _, want := range []string{"hostssl all postgres 10.244.0.0/16 scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256", "host all all ::1/128 md5"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	for _, n := range out.Notes {
		if n.Code == "hba/dropped" {
			t.Errorf("told: %s", n.Text)
		}
	}
}
