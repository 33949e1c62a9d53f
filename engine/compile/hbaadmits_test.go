package compile

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

const patroniLines = "spec.configurations.patroni.dynamicConfig.postgresql.pg_hba"

// stackGres is an SGCluster called ledger with some of its spec.
func stackGres(t *testing.T, spec string) *snapshot.Snapshot {
	t.Helper()
	return manifests.Servers(t, "operators: {stackgres: {version: 1.18.6}}", `
apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: ledger, namespace: shop}
spec: {postgres: {version: "16"}, `+spec+`}
`)
}

// gapAt finds a gap; it fails the test where there is none.
func gapAt(t *testing.T, out *Output, code string) artefact.Gap {
	t.Helper()
	i := slices.IndexFunc(out.Gaps, func(g artefact.Gap) bool { return g.Code == code })
	if i < 0 {
		t.Fatalf("no gap %s among %s", code, codes(out.Gaps))
	}
	return out.Gaps[i]
}

// Behind Envoy a replica comes from 127.0.0.1 without TLS, and "all does not match
// replication": what is kept for sessions inside the pods does not let it in.
func TestHBAReplicationThroughEnvoy(t *testing.T) {
	world := stackGres(t, "instances: 2, pods: {disableEnvoy: false}")
	p, _ := ask()
	out := compiled(t, world, p, nil, HBA)
	texts := fieldTexts(t, out, "SGCluster", patroniLines)
	var sources []hba.Source
	for _, text := range texts {
		sources = append(sources, hba.Source{Text: text})
	}
	got := hba.Decide(hba.Parse(sources, 16), hba.Session{Client: hba.Loopback(), User: hba.Named("replicator"), Replication: true})
	if got.Verdict != verdict.Allow || got.Record.Method != "md5" {
		t.Errorf("the replica meets %v in\n%s", got.Record, strings.Join(texts, "\n"))
	}
	if g := gapAt(t, out, "hba/loopback"); !strings.Contains(g.Consequence, "replicator copies the whole server") {
		t.Errorf("not told: %s", g.Consequence)
	}
	for _, n := range out.Notes {
		if n.Code == "hba/no-replica" {
			t.Errorf("told: %s", n.Text)
		}
	}
	alone := compiled(t, stackGres(t, "instances: 1, pods: {disableEnvoy: false}"), p, nil, HBA)
	if got := fieldTexts(t, alone, "SGCluster", patroniLines); strings.Contains(strings.Join(got, "\n"), "replicator") {
		t.Errorf("nobody replicates:\n%s", strings.Join(got, "\n"))
	}
}

// An entry that asks for TLS of a server, or a pooler, that has none is told though the
// perimeter does not ask for it.
func TestHBAEntryWithoutTLS(t *testing.T) {
	for spec, poolers := range map[string][]string{
		"pods: {disableEnvoy: true}, ssl: {enabled: false}":  {"", "ledger"},
		"pods: {disableEnvoy: false}, ssl: {enabled: false}": {"", "ledger"},
	} {
		spec, ssl, _ := strings.Cut(spec, ", ssl: ")
		world := manifests.Servers(t, "operators: {stackgres: {version: 1.18.6}}", `
apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: ledger, namespace: shop}
spec: {postgres: {version: "16", ssl: `+ssl+`}, `+spec+`}
`)
		for _, pooler := range poolers {
			p, a := ask()
			p.PlainText, a.To[0].Pooler = true, pooler
			if g := gapAt(t, compiled(t, world, p, []*intent.Access{a}, HBA), "hba/no-tls"); g.Origin != a.To[0].Origin || !strings.Contains(g.Consequence, "role app") {
				t.Errorf("%s, pooler %q: %+v", spec, pooler, g)
			}
			a.To[0].PlainText = true
			if out := compiled(t, world, p, []*intent.Access{a}, HBA); out.hasGap("hba/no-tls") {
				t.Errorf("%s, pooler %q: the entry asks for no TLS: %s", spec, pooler, codes(out.Gaps))
			}
			p.PlainText, a.To[0].PlainText = false, false
			out := compiled(t, world, p, []*intent.Access{a}, HBA)
			if n := strings.Count(codes(out.Gaps), "hba/no-tls"); n != 1 {
				t.Errorf("%s, pooler %q: told %d times", spec, pooler, n)
			}
		}
	}
	for mode, want := range map[string]bool{"require": true, "prefer": false} {
		e := hbaEstateOf(shapes[0], 17)
		e.site.Perimeter.PlainText, e.server.TLS.Enabled, e.server.Poolers[0].ServerTLS = true, verdict.Deny, mode
		to := scram("app", "ledger")
		to.Pooler, to.PlainText = "pool", true
		e.access([]intent.Peer{podsOf("shop", "db")}, to)
		if out := e.compiled(t, HBA); out.hasGap("hba/no-tls") != want {
			t.Errorf("server_tls_sslmode=%s: %s", mode, codes(out.Gaps))
		}
	}
}

// A line for all pods of the namespace that asks for a certificate does not decide about a
// pooler, which has none.
func TestHBALineForAllPodsBesidesPooler(t *testing.T) {
	for _, told := range []bool{false, true} {
		e := hbaEstateOf(shapes[0], 17)
		direct, pooled := scram("app", "ledger"), scram("app", "ledger")
		direct.Authentication, pooled.Pooler = intent.SCRAMAndCertificate, "pool"
		if told { // no labels tell the pooler's pods from those of somebody else
			e.server.Poolers[0].Services = nil
			e.workload("Deployment", "db", "twin", "10.244.9.9").Pods[0].Labels = e.pods["db/pool"].Labels
		}
		e.access([]intent.Peer{{Namespaces: []string{"db"}, Pods: &netpol.Selector{}}}, direct, pooled)
		out := e.compiled(t, HBA)
		if out.hasGap("hba/two-methods") != told {
			t.Errorf("gaps are %s", codes(out.Gaps))
		}
		if told {
			continue
		}
		for pod, certificate := range map[string]bool{"db/pool": false, "db/shop": true} {
			got := hba.Decide(e.result(t, out), hbaAttempt{from: e.pods[pod], role: "app", database: "ledger", tls: true}.session())
			if got.Verdict != verdict.Allow || (got.Record.ClientCert() == hba.VerifyFull) != certificate {
				t.Errorf("%s meets %v", pod, got.Record)
			}
		}
	}
}

// What a run makes of its own result is the same: lines that are kept for sessions inside
// the pods say nothing of how one over the network shows who it is.
func TestHBAVitalMethodStays(t *testing.T) {
	e := hbaEstateOf(shapes[1], 17, "hostssl all all all scram-sha-256")
	first := fieldTexts(t, e.compiled(t, HBA), "SGCluster", shapes[1].field)
	e.server.HBA = e.file(nil, first...)
	second := fieldTexts(t, e.compiled(t, HBA), "SGCluster", shapes[1].field)
	if !slices.Equal(first, second) || !strings.Contains(strings.Join(first, "\n"), " postgres all scram-sha-256") {
		t.Errorf("first\n%s\nthen\n%s", strings.Join(first, "\n"), strings.Join(second, "\n"))
	}
}

// That a pooler in the pods comes by the socket is told though no entry names it: somebody
// else's policy may lead to its port.
func TestHBASocketIsTold(t *testing.T) {
	p, a := ask()
	for name, accesses := range map[string][]*intent.Access{"no access": nil, "straight": {a}} {
		if g := gapAt(t, compiled(t, stackGres(t, "pods: {disableEnvoy: true}"), p, accesses, HBA), "hba/socket"); g.Carried != networkBackend {
			t.Errorf("%s: %+v", name, g)
		}
	}
	if out := compiled(t, stackGres(t, "pods: {disableEnvoy: true, disableConnectionPooling: true}"), p, nil, HBA); out.hasGap("hba/socket") {
		t.Errorf("there is no pooler: %s", codes(out.Gaps))
	}
}

// A pooler that takes nothing but TLS refuses clients to which an entry leaves it.
func TestHBAPoolerTakesOnlyTLS(t *testing.T) {
	at := verdict.Origin{Object: "Pooler db/pool", Field: "client_tls_sslmode"}
	for mode, want := range map[string]bool{"require": true, "verify-full": true, "prefer": false} {
		for _, optional := range []bool{true, false} {
			e := hbaEstateOf(shapes[3], 17)
			pool := e.workload("Deployment", "db", "bouncer", "10.244.8.8")
			e.server.Poolers = []*snapshot.Pooler{{Workload: pool, ServerTLS: "require", AuthUser: "x", HBA: hba.PgBouncerAuthType("md5", "", at).UnderTLSMode(mode, at)}}
			e.site.Perimeter.PlainText = true
			to := scram("app", "ledger")
			to.Pooler, to.PlainText = "bouncer", optional
			e.access([]intent.Peer{podsOf("shop", "db")}, to)
			if out := e.compiled(t, HBA); out.hasGap("hba/tls-only") != (want && optional) {
				t.Errorf("client_tls_sslmode=%s, optional %t: %s", mode, optional, codes(out.Gaps))
			}
		}
	}
}
