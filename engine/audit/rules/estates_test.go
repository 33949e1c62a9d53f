package rules_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/rules"
	"github.com/pgmoat/pgmoat/internal/audittest"
	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

const examples = "../../../examples/"

func audited(t *testing.T, path, facts string) (*snapshot.Snapshot, audit.Result) {
	t.Helper()
	world := audittest.LoadPath(t, path, facts)
	return world, audit.Run(world, rules.All())
}

func ids(fs []audit.Finding) []string {
	var out []string
	for _, f := range fs {
		if f.Certain {
			out = append(out, f.Rule)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Samples that were published as right and are not: what refutes each is found.
func TestRefuted(t *testing.T) {
	tests := map[string][]string{
		"calico-log-denied.yaml":                {"NET1021"},
		"cilium-deny-all.yaml":                  {"NET1016"},
		"cilium-empty-default-deny.yaml":        {"NET1016", "NET1017"},
		"cnpg-networkpolicy-operator-only.yaml": {"VIT1001", "VIT1006", "VIT1007", "VIT1008"},
		"cnpg-hardened-parameters.yaml":         {"HBA1009", "OPR1002"},
		"cnpg-pod-selector-line.yaml":           {"HBA1003", "HBA1004", "HBA1010", "VIT1002", "VIT1008"},
		"cnpg-podselectorrefs.yaml":             {"HBA1003", "HBA1004", "HBA1005"},
		"cnpg-pooler-hba.yaml":                  {"HBA1003", "HBA1004", "HBA1005", "HBA1032"},
		"crunchy-raw-trust.yaml":                {"HBA1001", "HBA1002", "HBA1035"},
		"operator-database-policy.yaml":         {"EXP1001", "NET1001", "NET1003", "NET1007"},
		"stackgres-network-page.yaml":           {"NET1003", "NET1004", "NET1006", "VIT1003", "VIT1004", "VIT1009"},
		"stackgres-pg-hba.yaml":                 {"HBA1002", "HBA1003", "HBA1004", "HBA1032"},
		"stackgres-pod-security.yaml":           {"OPR1001"},
	}
	// What the API server refuses of a sample, too.
	refused := map[string]string{"cnpg-hardened-parameters.yaml": "a number where a string is expected"}
	files, err := filepath.Glob(examples + "refuted/*.yaml")
	if err != nil || len(files) < len(tests) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			wanted, ok := tests[filepath.Base(file)]
			if !ok {
				t.Fatal("nobody says which rules refute this sample")
			}
			world := audittest.LoadAny(t, file, "")
			for _, p := range world.Problems {
				if says := refused[filepath.Base(file)]; says == "" || !strings.Contains(p.Err, says) {
					t.Errorf("cannot be read: %s: %s", world.Locate(p.Origin), p.Err)
				}
			}
			result := audit.Run(world, rules.All())
			for _, id := range wanted {
				if !slices.Contains(ids(result.Findings), id) {
					t.Errorf("%s is not found, only %s", id, ids(result.Findings))
				}
			}
		})
	}
}

// The mistakes of the README of examples/company that rules speak of, by its number.
func TestBrokenCompany(t *testing.T) {
	world, result := audited(t, examples+"company/broken", examples+"company/facts.yaml")
	for _, want := range []struct {
		number         int
		rule, at, what string
	}{
		{1, "VIT1001", "payments/netpol.yaml", "allow-operator"},
		{3, "NET1001", "payments/netpol.yaml", "pooler-clients"},
		{3, "EXP1001", "payments/cluster.yaml", "ledger-pooler"},
		{4, "HBA1004", "payments/cluster.yaml", "Cluster payments/ledger"},
		{4, "HBA1005", "payments/cluster.yaml", "Cluster payments/ledger"},
		{5, "HBA1003", "payments/cluster.yaml", "pg_hba[2]"},
		{6, "HBA1004", "payments/cluster.yaml", "Pooler payments/ledger-pooler"},
		{7, "NET1007", "shop/netpol.yaml", "NetworkPolicy shop/dns"},
		{8, "NET1001", "shop/netpol.yaml", "orders-egress"},
		{9, "NET1006", "analytics/netpol.yaml", "default-deny-egress"},
		{10, "NET1004", "analytics/netpol.yaml", "events-clients"},
		{10, "NET1004", "analytics/netpol.yaml", "analytics/loader"},
		{10, "NET1004", "analytics/netpol.yaml", "analytics/notebook"},
		{11, "VIT1003", "analytics/netpol.yaml", "events-members"},
		{12, "VIT1004", "analytics/netpol.yaml", "events-members"},
		{13, "NET1003", "analytics/netpol.yaml", "events-metrics"},
		{14, "HBA1004", "analytics/sgcluster.yaml", "SGCluster analytics/events"},
		{17, "HBA1001", "legacy/crm-db.yaml", "crm-db"},
		{18, "HBA1002", "legacy/crm-db.yaml", "crm-db"},
		{19, "HBA1003", "legacy/crm-db.yaml", "crm-db"},
		{20, "EXP1005", "legacy/crm-db.yaml", "crm-db-office"},
		{21, "EXP1002", "legacy/netpol.yaml", "crm-db-inside"},
		{22, "EXP1003", "legacy/netpol.yaml", "crm-db-office"},
	} {
		if !slices.ContainsFunc(result.Findings, func(f audit.Finding) bool {
			o := world.Locate(f.Origin)
			return f.Certain && f.Rule == want.rule && strings.HasSuffix(o.File, want.at) && strings.Contains(o.String(), want.what)
		}) {
			t.Errorf("mistake %d: no %s in %s %s", want.number, want.rule, want.at, want.what)
		}
	}
}

func TestMendedCompany(t *testing.T) {
	world, result := audited(t, examples+"company/mended", examples+"company/facts.yaml")
	for _, f := range result.Findings {
		if f.Severity >= audit.High {
			t.Errorf("%s %s certain=%v %s: %s", f.Severity, f.Rule, f.Certain, world.Locate(f.Origin), f.Message)
		}
	}
}

// Same snapshot in, same findings out; none is said twice, and each is whole.
func TestRandomWorlds(t *testing.T) {
	for seed := range uint64(200) {
		world := worldgen.World(seed, worldgen.Taste{Doubt: seed%2 == 1, Strict: seed%5 == 1})
		result := audit.Run(world, rules.All())
		again := audit.Run(world, rules.All())
		if len(again.Findings) != len(result.Findings) {
			t.Fatalf("seed %d: %d findings, then %d", seed, len(result.Findings), len(again.Findings))
		}
		seen := map[string]bool{}
		for i, f := range result.Findings {
			key := f.Rule + f.Origin.String() + f.Subject.String() + f.Message
			if f.Message != again.Findings[i].Message || seen[key] || f.Message == "" || f.Severity == audit.NoSeverity {
				t.Errorf("seed %d: %s %q", seed, f.Rule, f.Message)
			}
			seen[key] = true
			if world.Facts.Strict && f.Certain && len(f.Assumptions) > 0 {
				t.Errorf("seed %d: strict, and %s rests on %s", seed, f.Rule, f.Assumptions)
			}
		}
	}
}

// What could not be read may hold the pod that a policy seems to lack.
func TestUnreadableMakesDoubt(t *testing.T) {
	rule := rules.All()[0]
	world := audittest.Load(t, rule.Setting+"---\n"+rule.Bad)
	world.Problems = []snapshot.Problem{{Origin: verdict.Origin{File: "x.yaml"}, Err: "not YAML", Namespace: "shop"}}
	result := audit.Run(world, []*audit.Rule{rule})
	if result.Found() != 0 || result.Doubtful() != 1 || !result.Unsettled() {
		t.Errorf("%d found, %d doubtful", result.Found(), result.Doubtful())
	}
}

func BenchmarkRun(b *testing.B) {
	world := worldgen.Estate(10000, 1)
	for b.Loop() {
		audit.Run(world, rules.All())
	}
}
