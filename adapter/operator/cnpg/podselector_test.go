package cnpg

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const selecting = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: pay}
spec:
  podSelectorRefs: [{name: web, selector: {matchLabels: {app: web}}}]
  postgresql: {pg_hba: ["host app app ${podselector:web} md5", "host app rep ${podselector:web} md5"]}
`

// pods are a running one with two addresses, one that has finished, one that is being
// deleted, one of another name and one of another namespace.
const selectedPods = `---
apiVersion: v1
kind: Pod
metadata: {name: runs, namespace: pay, labels: {app: web}}
spec: {containers: [{name: c, image: x}]}
status: {phase: Running, podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}, {ip: "fd00::5"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: done, namespace: pay, labels: {app: web}}
spec: {containers: [{name: c, image: x}]}
status: {phase: Succeeded, podIPs: [{ip: 10.1.0.9}]}
---
apiVersion: v1
kind: Pod
metadata: {name: leaves, namespace: pay, labels: {app: web}, deletionTimestamp: "2026-01-01T00:00:00Z"}
spec: {containers: [{name: c, image: x}]}
status: {phase: Running, podIPs: [{ip: 10.1.0.20}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: pay, labels: {app: other}}
spec: {containers: [{name: c, image: x}]}
status: {phase: Running, podIPs: [{ip: 10.1.0.30}]}
---
apiVersion: v1
kind: Pod
metadata: {name: far, namespace: far, labels: {app: web}}
spec: {containers: [{name: c, image: x}]}
status: {phase: Running, podIPs: [{ip: 10.1.0.40}]}
`

// "Phase and readiness are not asked for": a pod that has finished keeps its line, which
// whoever has its address by now uses too, and one that is being deleted has none. What a
// list in the status lacks or has too much is in doubt, and told once.
func TestSelectedPods(t *testing.T) {
	for _, c := range []struct {
		name, status string
		lines        []string // of the first entry, those in doubt with a question mark
		differ       []string
	}{
		{"no status", "", []string{"${podselector:web}", "10.1.0.9/32"}, nil},
		{"up to date", "[10.1.0.5, 'fd00::5', 10.1.0.9]", []string{"10.1.0.5/32", "fd00::5/128", "10.1.0.9/32"}, nil},
		{"behind", "[10.1.0.5, 10.1.0.40, 10.1.0.20, 10.1.0.77]",
			[]string{"10.1.0.5/32", "10.1.0.40/32?", "10.1.0.20/32?", "10.1.0.77/32", "fd00::5/128?", "10.1.0.9/32?"},
			[]string{"fd00::5, 10.1.0.9 absent", "10.1.0.40, 10.1.0.20 present"}},
	} {
		text := selecting
		if c.status != "" {
			text += "status: {podSelectorRefs: [{name: web, ips: " + c.status + "}]}\n"
		}
		w := worldtest.World(t, text+selectedPods)
		w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "1.30.0"}
		s := adapted(t, w)
		var lines, differ []string
		for _, r := range s.HBA.Records {
			if len(r.Users) == 1 && r.Users[0].Text == "app" {
				line := r.Address.String()
				if r.Maybe != "" {
					line += "?"
				}
				lines = append(lines, line)
			}
		}
		for _, d := range s.Disagreements {
			if ips, found := strings.CutSuffix(d.What, " in the list of podSelectorRefs web of Cluster pay/pg"); found {
				differ = append(differ, ips+" "+d.Live)
			}
		}
		if !slices.Equal(lines, c.lines) || !slices.Equal(differ, c.differ) {
			t.Errorf("%s: %q, want %q; %q, want %q", c.name, lines, c.lines, differ, c.differ)
		}
	}
}

func TestLeavingPod(t *testing.T) {
	var leaving []string
	for _, wl := range worldtest.World(t, selectedPods).Snapshot.Workloads {
		for _, p := range wl.Pods {
			if p.Leaving {
				leaving = append(leaving, fmt.Sprint(p.Ref()))
			}
		}
	}
	if want := []string{snapshot.Ref{Kind: "Pod", Namespace: "pay", Name: "leaves"}.String()}; !slices.Equal(leaving, want) {
		t.Errorf("%q", leaving)
	}
}
