package compile

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// poolerFile is the complete file of the Pooler, as CloudNativePG writes it.
func (e *hbaEstate) poolerFile(t *testing.T, out *Output, release string) hba.File {
	t.Helper()
	sources := []hba.Source{{Text: "local pgbouncer pgbouncer peer"}}
	for _, text := range fieldTexts(t, out, "Pooler", "spec.pgbouncer.pg_hba") {
		sources = append(sources, hba.Source{Text: text})
	}
	return hba.ParsePgBouncer(append(sources, hba.Source{Text: "host all all 0.0.0.0/0 md5"}, hba.Source{Text: "host all all ::/0 md5"}), release)
}

// A client gets in at a pooler exactly where an access leads through it, whatever release
// of PgBouncer reads the file.
func TestHBAPoolerAdmitsWhatIsAsked(t *testing.T) {
	for seed := range 200 {
		r := rand.New(rand.NewPCG(uint64(seed), 3)) //nolint:gosec // a small number
		e := randomEstate(r)
		if len(e.server.Poolers) == 0 {
			continue
		}
		out := e.compiled(t, HBA)
		for _, release := range []string{"1.18.0", "1.25.0", ""} {
			file := e.poolerFile(t, out, release)
			if len(file.Errors)+len(file.Skipped) > 0 {
				t.Fatalf("seed %d: PgBouncer %s does not read %+v%+v", seed, release, file.Errors, file.Skipped)
			}
			for _, a := range e.attempts(r, 100) {
				a.replication = false
				got := hba.Decide(file, a.session())
				must, may := e.pooled(a, false), e.pooled(a, true)
				if got.Verdict == verdict.Unknown || must && got.Verdict == verdict.Deny || !may && got.Verdict == verdict.Allow {
					t.Fatalf("seed %d, PgBouncer %s: %s: %v by %v, must %v, may %v", seed, release, a, got.Verdict, got.Record, must, may)
				}
			}
		}
	}
}

// pooled reports whether an access through the pooler asks for the session; PgBouncer
// knows no pods.
func (e *hbaEstate) pooled(a hbaAttempt, coarse bool) bool {
	for _, access := range e.site.Accesses {
		to := access.To[0]
		superuser := to.Role == "postgres" && !e.site.Perimeter.RemoteSuperuser
		plain := to.PlainText && e.site.Perimeter.PlainText
		if to.Pooler == "" || to.Authentication != intent.SCRAM || superuser || to.Role != a.role || !slices.Contains(to.Databases, a.database) || !a.tls && !plain {
			continue
		}
		for _, p := range access.From {
			anyPod := coarse && !p.IsOutside() && (a.from != nil || len(e.world.Facts.PodCIDRs) == 0)
			if e.is(a, p, false) || anyPod {
				return true
			}
		}
	}
	return false
}

// A pooler comes to the server with TLS, or says that it may not.
func TestHBAPoolerWithoutTLS(t *testing.T) {
	for mode, want := range map[string]string{"verify-ca": "hostssl", "prefer": "hostssl", "disable": "gap", "allow": "gap", "": "gap"} {
		e := hbaEstateOf(shapes[0], 17)
		e.server.Poolers[0].ServerTLS = mode
		to := scram("app", "ledger")
		to.Pooler = "pool"
		e.access([]intent.Peer{podsOf("shop", "db")}, to)
		if out := e.compiled(t, HBA); out.hasGap("hba/pooler-without-tls") != (want == "gap") {
			t.Errorf("%q: gaps are %+v", mode, out.Gaps)
		}
		e.site.Perimeter.PlainText = true
		out := e.compiled(t, HBA)
		line := "host ledger app ${podselector:pooler-pool} scram-sha-256"
		if want == "hostssl" {
			line = strings.Replace(line, "host", "hostssl", 1)
		}
		if got := fieldTexts(t, out, "Cluster", "spec.postgresql.pg_hba"); !slices.Contains(got, line) {
			t.Errorf("%q: lines are %q", mode, got)
		}
	}
}

// A pooler that puts a role of its own in place comes as that one.
func TestHBAPoolerBecomes(t *testing.T) {
	e := hbaEstateOf(shapes[0], 17)
	e.server.Poolers[0].Becomes = "owner"
	to := scram("app", "ledger")
	to.Pooler = "pool"
	e.access([]intent.Peer{podsOf("shop", "db")}, to)
	if got := fieldTexts(t, e.compiled(t, HBA), "Cluster", "spec.postgresql.pg_hba"); !slices.Contains(got, "hostssl ledger owner ${podselector:pooler-pool} scram-sha-256") {
		t.Errorf("lines are %q", got)
	}
}

// Each thing that pg_hba.conf cannot say is said.
func TestHBAGaps(t *testing.T) {
	shop := []intent.Peer{podsOf("shop", "db")}
	account := intent.Peer{Namespaces: []string{"db"}, ServiceAccounts: []string{"nobody"}}
	twin := intent.Peer{Namespaces: []string{"db"}, ServiceAccounts: []string{"shop"}}
	for code, change := range map[string]func(*hbaEstate){
		"hba/part":            func(e *hbaEstate) { e.server.Parent = snapshot.Ref{Kind: "SGShardedCluster", Name: "all"} },
		"hba/no-way":          func(e *hbaEstate) { e.server.Operator = snapshot.BareFile },
		"hba/no-tls":          func(e *hbaEstate) { e.server.TLS.Enabled = verdict.Deny },
		"hba/loopback":        func(e *hbaEstate) { e.server.Ports[0].Sees = snapshot.SeesLoopback },
		"hba/name":            func(e *hbaEstate) { e.access(shop, scram("a\nb", "ledger")) },
		"hba/superuser":       func(e *hbaEstate) { e.access(shop, scram("postgres", "ledger")) },
		"hba/no-method":       func(e *hbaEstate) { e.access(shop, intent.Entry{Role: "app", Databases: []string{"ledger"}}) },
		"hba/service-account": func(e *hbaEstate) { e.access([]intent.Peer{account}, scram("app", "ledger")) },
		"hba/host-network": func(e *hbaEstate) {
			e.pods["db/shop"].HostNetwork = true
			e.access(shop, scram("app", "ledger"))
		},
		"hba/node-source": func(e *hbaEstate) {
			e.server.Services = []*snapshot.Service{{Namespace: "db", Name: "ledger-rw", Type: "LoadBalancer"}}
			e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, scram("app", "ledger"))
		},
		"hba/no-pooler": func(e *hbaEstate) {
			to := scram("app", "ledger")
			to.Pooler = "other"
			e.access(shop, to)
		},
		"hba/pooler-user": func(e *hbaEstate) { e.server.Poolers[0].AuthUser = "" },
		"hba/pooler-file": func(e *hbaEstate) {
			e.server.Poolers[0].HBA = hba.PgBouncerAuthType("md5", "", verdict.Origin{Object: "Pooler db/pool", Field: "spec.pgbouncer.parameters.auth_type"})
		},
		"hba/ldap": func(e *hbaEstate) {
			e.shape.after = append(lines("host all all 0.0.0.0/0 ldap ldapserver=ldap.example ldapprefix=uid= ldapsuffix=x"), e.shape.after...)
			e.server.HBA = e.file(nil)
		},
	} {
		e := hbaEstateOf(shapes[0], 17)
		change(e)
		if out := e.compiled(t, HBA); !out.hasGap(code) {
			t.Errorf("%s: gaps are %+v", code, out.Gaps)
		}
	}
	// Labels that pods of another account have too select nobody.
	e := hbaEstateOf(shapes[0], 17)
	e.workload("Deployment", "db", "other", "10.244.9.9").Pods[0].Labels = netpol.Labels{Set: map[string]string{"app": "shop"}}
	e.access([]intent.Peer{twin}, scram("app", "ledger"))
	out := e.compiled(t, HBA)
	if !out.hasGap("hba/service-account") {
		t.Errorf("gaps are %+v", out.Gaps)
	}
	for _, text := range fieldTexts(t, out, "Cluster", "spec.postgresql.pg_hba") {
		if strings.Contains(text, "app") {
			t.Errorf("%q lets in pods of another account", text)
		}
	}
}
