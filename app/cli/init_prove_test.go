package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// initFacts are what no manifest says of the estates below.
const initFacts = `estate: complete
cni: {name: calico, enforces: true, clusterPolicies: true}
podCIDRs: [10.244.0.0/16]
apiServer: {addresses: [192.168.40.10], ports: [6443]}
operators:
  cloudnative-pg: {namespace: operators, version: 1.30.0}
  stackgres: {namespace: operators, version: 1.18.6}
  zalando: {namespace: operators, version: 2.0.1}
  crunchy: {namespace: operators, version: 6.0.3}
  percona: {namespace: operators, version: 2.9.0}
`

// initAround are the applications, one of another namespace, and a stranger.
const initAround = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: batch}
---
apiVersion: v1
kind: Namespace
metadata: {name: operators}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: report, namespace: batch}
spec: {selector: {matchLabels: {app: report}}, template: {metadata: {labels: {app: report}}, spec: {containers: [{name: c, image: x}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: debug, namespace: shop}
spec: {selector: {matchLabels: {app: debug}}, template: {metadata: {labels: {app: debug}}, spec: {containers: [{name: c, image: x}]}}}
---
`

const sgCluster = `
apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: ledger, namespace: shop}
spec: {instances: 2, postgres: {version: "17", ssl: {enabled: true}}, pods: {persistentVolume: {size: 10Gi}, disableEnvoy: `

// initServers are a small server of each operator.
var initServers = map[string]string{
	"cloudnative-pg": `
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: shop}
spec: {instances: 3, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 10Gi}}
`,
	"stackgres": sgCluster + `true}}`,
	"zalando": `
apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: ledger, namespace: shop}
spec: {teamId: shop, numberOfInstances: 2, postgresql: {version: "17"}, volume: {size: 10Gi}}
`,
	"crunchy": `
apiVersion: postgres-operator.crunchydata.com/v1beta1
kind: PostgresCluster
metadata: {name: ledger, namespace: shop}
spec: {postgresVersion: 17, instances: [{name: a, replicas: 2, dataVolumeClaimSpec: {}}]}
`,
	"percona": `
apiVersion: pgv2.percona.com/v2
kind: PerconaPGCluster
metadata: {name: ledger, namespace: shop}
spec: {crVersion: 2.9.0, postgresVersion: 17, instances: [{name: a, replicas: 2, dataVolumeClaimSpec: {}}]}
`,
}

// begun writes an estate, lets init make the documents of it, and returns the statements of
// the proof that are refuted.
func begun(t *testing.T, server, pooler string) (refuted []string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"estate.yaml": initAround + server, "facts.yaml": initFacts} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	estate, out, facts := filepath.Join(dir, "estate.yaml"), filepath.Join(dir, "pgmoat"), filepath.Join(dir, "facts.yaml")
	run := func(args ...string) (string, int) {
		var stdout, stderr bytes.Buffer
		status := Main(t.Context(), append([]string{"pgmoat"}, args...), strings.NewReader(""), &stdout, &stderr)
		if status == 3 {
			t.Fatalf("%s: %s", strings.Join(args, " "), stderr.String())
		}
		return stdout.String(), status
	}
	run("init", "-f", estate, "--facts", facts, "--server", "shop/ledger", "--ci", "none", "--yes", "--out", out,
		"--client", "shop/web=web@ledger"+pooler, "--client", "batch/report=report@ledger", "--outside", "192.0.2.0/24=office@ledger"+pooler)
	if text, status := run("compile", "-f", estate, "-f", out, "--facts", facts); status == 1 && pooler == "" {
		t.Fatalf("what init wrote does not compile:\n%s", text)
	}
	text, _ := run("prove", "-f", estate, "-f", out, "--facts", facts)
	if !strings.Contains(text, "PROVEN   deny") || !strings.Contains(text, "PROVEN   never") {
		t.Fatalf("little is proven:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "REFUTED") {
			refuted = append(refuted, strings.TrimSpace(line))
		}
	}
	return refuted
}

// What init writes states nothing that the server of no operator can keep.
func TestInitIsProven(t *testing.T) {
	for operator, server := range initServers {
		for _, r := range begun(t, server, "") {
			t.Errorf("%s: %s", operator, r)
		}
	}
	for name, server := range map[string]string{"pooled": initServers["stackgres"], "behind Envoy": sgCluster + `false}}`} {
		for _, r := range begun(t, server, ",pooler=ledger") {
			if !strings.HasPrefix(r, "REFUTED  within ") { // which says of the pooler what it is
				t.Errorf("%s: %s", name, r)
			}
		}
	}
}
