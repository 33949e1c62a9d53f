package exposurerules

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/audittest"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// vital are the verdicts of all flows that something dies without, and of the others whose
// beginning is known, in their order.
func vital(world *snapshot.Snapshot) (flows []string, verdicts []verdict.Verdict) {
	e := reach.New(world)
	for _, s := range world.Servers {
		for _, d := range e.Vital(s) {
			if d.Flow.Optional && len(d.Flow.From.Pods) == 0 && d.Flow.From.Namespace == "" {
				continue
			}
			flows, verdicts = append(flows, s.Ref().String()+": "+d.Flow.What), append(verdicts, d.Verdict)
		}
	}
	return flows, verdicts
}

// The policies that EXP1001 prints, applied as they are, isolate the databases and cut no
// flow, whichever operator made them.
func TestPrintedPoliciesCutNothing(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "apply.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		t.Run(f.Name, func(t *testing.T) { applied(t, string(f.Data)) })
	}
}

func applied(t *testing.T, manifests string) {
	before := audittest.Load(t, manifests)
	findings := audit.Run(before, []*audit.Rule{EXP1001}).Findings
	if len(findings) == 0 {
		t.Fatal("EXP1001 finds nothing")
	}
	for _, f := range findings {
		_, policy, _ := strings.Cut(f.Fix, "\n")
		manifests += "---\n" + policy + "\n"
	}
	after := audittest.Load(t, manifests)
	if left := audit.Run(after, []*audit.Rule{EXP1001}).Findings; len(left) > 0 {
		t.Errorf("still found: %s", left[0].Message)
	}
	flows, was := vital(before)
	_, is := vital(after)
	if len(flows) < 5 || len(is) != len(was) {
		t.Fatalf("%d flows, then %d", len(was), len(is))
	}
	for i := range flows {
		if was[i] != is[i] {
			t.Errorf("%s: %s, then %s", flows[i], was[i], is[i])
		}
	}
}

// Who sends to a control port of another server's is among those that its fix admits.
func TestFixAdmitsOtherServers(t *testing.T) {
	world := audittest.Load(t, `apiVersion: stackgres.io/v1
kind: SGDistributedLogs
metadata: {name: logs, namespace: analytics}
spec: {persistentVolume: {size: 1Gi}}
---
apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: events, namespace: analytics}
spec: {instances: 1, postgres: {version: "17"}, pods: {persistentVolume: {size: 1Gi}}, distributedLogs: {sgDistributedLogs: logs}}
`)
	for _, f := range audit.Run(world, []*audit.Rule{EXP1004}).Findings {
		if strings.Contains(f.Message, "12225") && !strings.Contains(f.Fix, `stackgres.io/cluster-name: "events"`) {
			t.Errorf("%s\n%s", f.Message, f.Fix)
		}
	}
}
