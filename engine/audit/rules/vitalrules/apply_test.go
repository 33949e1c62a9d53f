package vitalrules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const closedNamespace = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 3, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: payments}
spec: {cluster: {name: ledger}, instances: 1, type: rw, pgbouncer: {poolMode: session}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: payments}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
`

// The rules that the family prints, in a policy for each selector as they say, let pass
// all that a closed namespace cut.
func TestPrintedRulesAdmitAll(t *testing.T) {
	before := audit.Run(estate(t, closedNamespace), Rules).Findings
	if len(before) < 5 {
		t.Fatalf("%d findings", len(before))
	}
	manifests := closedNamespace
	for i, f := range before {
		manifests += policies(t, i, f.Fix)
	}
	for _, f := range audit.Run(estate(t, manifests), Rules).Findings {
		t.Errorf("still cut: %s\n%s", f.Message, f.Fix)
	}
}

func estate(t *testing.T, manifests string) *snapshot.Snapshot {
	t.Helper()
	dir := t.TempDir()
	path, facts := filepath.Join(dir, "estate.yaml"), filepath.Join(dir, "facts.yaml")
	for name, text := range map[string]string{path: manifests, facts: "apiServer: {addresses: [192.0.2.1], ports: [6443]}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return audittest.LoadPath(t, path, facts)
}

// policies makes of a fix what a person would: a policy of each selector, with the rules.
func policies(t *testing.T, number int, fix string) string {
	t.Helper()
	var out strings.Builder
	for i, part := range strings.Split("\n"+fix, "\nadmit it where it ")[1:] {
		head, rules, ok := strings.Cut(part, "gress:\n")
		lines := strings.Split(head, "\n")
		if !ok || len(lines) < 3 {
			t.Fatalf("no rules or nothing that selects pods: %s", part)
		}
		word := lines[len(lines)-1] + "gress"
		for j, selector := range lines[1 : len(lines)-1] {
			fmt.Fprintf(&out, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: fix-%d-%d-%d, namespace: payments}\nspec:\n  %s\n  policyTypes: [%s]\n  %s:\n%s\n",
				number, i, j, selector, strings.ToUpper(word[:1])+word[1:], word, "  "+strings.ReplaceAll(rules, "\n", "\n  "))
		}
	}
	return out.String()
}
