package change

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	baseFacts = "estate: complete\ncni: {name: calico, enforces: true}\npodCIDRs: [10.1.0.0/16]\noperators: {cloudnative-pg: {namespace: data, version: 1.30.0}}\n"
	route     = `
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: {name: edge, namespace: data}
spec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: crm, port: 5432}]}]}
`
	office = `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: office, namespace: data}
spec:
  selector: {matchLabels: {app: office}}
  template: {metadata: {labels: {app: office}}, spec: {containers: [{name: c, image: c}]}}
`
	second = `
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: second, namespace: data}
spec: {instances: 1, storage: {size: 1Gi}}
`
)

// causes are one edit of each sort: what stands in the old file, and what in its place in
// the new one.
var causes = []struct{ name, old, new string }{
	{"a line of pg_hba is edited", "hostssl ledger app 10.1.0.0/16 scram", "hostssl ledger app 10.1.0.0/16 md5 #"},
	{"a line of pg_hba is added", "    - hostssl ledger +staff all", "    - hostssl ledger report all cert\n    - hostssl ledger +staff all"},
	{"a line of pg_hba is taken away", "    - host all all all reject\n---", "---"},
	{"lines of pg_hba change places", "    - hostssl ledger +staff all scram-sha-256\n    - host all all all reject", "    - host all all all reject\n    - hostssl ledger +staff all scram-sha-256"},
	{"a pod is relabelled", "metadata: {labels: {app: job}}", "metadata: {labels: {app: web}}"},
	{"a pod that a line selects is relabelled", "metadata: {labels: {app: pay}}", "metadata: {labels: {app: paid}}"},
	{"what a line selects", "selector: {matchLabels: {app: pay}}}]", "selector: {matchLabels: {app: paid}}}]"},
	{"a workload is added", "", office},
	{"a namespace is relabelled", "labels: {team: web}", "labels: {team: other}"},
	{"a peer of a policy is another", "      podSelector: {matchLabels: {app: web}}\n    - podSelector: {}", "      podSelector: {matchLabels: {app: site}}\n    - podSelector: {}"},
	{"a policy selects nothing", "podSelector: {matchLabels: {cnpg.io/cluster: ledger}}", "podSelector: {matchLabels: {cnpg.io/cluster: ledgre}}"},
	{"a policy's port moves", "ports: [{port: 5432}]\n---\napiVersion: policy", "ports: [{port: 5433}]\n---\napiVersion: policy"},
	{"a policy is taken away", "kind: NetworkPolicy", "kind: ConfigMap"},
	{"a policy of the cluster accepts", "action: Deny", "action: Accept"},
	{"a Service's targetPort moves", "targetPort: 5432", "targetPort: 5433"},
	{"a Service is exposed", "type: ClusterIP", "type: LoadBalancer"},
	{"a Service's pods are relabelled", "labels: {app: crm, tier: db}", "labels: {app: crm, tier: data}"},
	{"a route is added", "", route},
	{"TLS is turned off", "ssl=on", "ssl=off"},
	{"TLS of an SGCluster is turned off", "ssl: {enabled: true}", "ssl: {enabled: false}"},
	{"a line of a ConfigMap", "hostnossl all all all reject", "# hostnossl all all all reject"},
	{"a pooler's line", "- hostssl ledger app all scram-sha-256\n    - host all all 0.0.0.0/0", "- host ledger app all scram-sha-256\n    - host all all 0.0.0.0/0"},
	{"a pooler's parameters", "client_tls_sslmode: prefer", "client_tls_sslmode: disable"},
	{"a pooler is taken away", "kind: Pooler", "kind: ConfigMap"},
	{"the pooler of an SGCluster is turned on", "disableConnectionPooling: true", "disableConnectionPooling: false"},
	{"Envoy of an SGCluster is turned on", "disableEnvoy: true", "disableEnvoy: false"},
	{"a role leaves a group", "inRoles: [staff]", "inRoles: []"},
	{"a role may not log in", "login: true", "login: false"},
	{"superuser access", "enableSuperuserAccess: false", "enableSuperuserAccess: true"},
	{"a server is added", "", second},
	{"a server is taken away", "kind: SGCluster", "kind: ConfigMap"},
	{"the facts: pod addresses", "podCIDRs: [10.1.0.0/16]", "podCIDRs: [10.2.0.0/16]"},
	{"the facts: the operator's release", "version: 1.30.0", "version: 1.24.0"},
}

// Each sort of edit is found as the cause of what it changes, where it stands.
func TestCauses(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "estate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	old := engineOf(t, "old.yaml", string(text), baseFacts)
	var b strings.Builder
	for _, c := range causes {
		next, facts := strings.Replace(string(text), c.old, c.new, 1), strings.Replace(baseFacts, c.old, c.new, 1)
		if c.old == "" {
			next, facts = string(text)+c.new, baseFacts
		}
		if next == string(text) && facts == baseFacts {
			t.Errorf("%s: nothing was edited", c.name)
		}
		fmt.Fprintf(&b, "# %s\n", c.name)
		d := Compare(old, engineOf(t, "new.yaml", next, facts))
		summary(&b, d)
	}
	golden := filepath.Join("testdata", "causes.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func engineOf(t *testing.T, name, text, facts string) *reach.Engine {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	world := manifests.File(t, facts, path)
	for _, p := range world.Problems {
		t.Error(p)
	}
	return reach.New(world)
}

// summary tells a difference in short: the first row of each kind and cause.
func summary(b *strings.Builder, d *Difference) {
	for v, list := range [][]*snapshot.Server{d.Removed, d.Added} {
		for _, s := range list {
			fmt.Fprintf(b, "server %s %s\n", []string{"removed", "added"}[v], s.Ref())
		}
	}
	known := map[string]bool{}
	for _, r := range d.Rows {
		because := proved(string(r.Proof), r.Causes)
		if key := fmt.Sprint(r.Kind, r.Server, because); !known[key] {
			known[key] = true
			fmt.Fprintf(b, "%s %s: %s as %s on %s%s, %s\n", r.Kind, r.Server.Name, few(r.From), few(r.Roles), few(r.Databases), told(r), because)
		}
	}
	for _, f := range d.Flows {
		fmt.Fprintf(b, "flow %s %s: %s %s, %s\n", f.Kind, f.Server.Name, f.Flow.ID, f.Flow.Phase, proved(string(f.Proof), f.Causes))
	}
	for _, c := range d.Controls {
		fmt.Fprintf(b, "port %s %s: %d %s from %s, %s\n", c.Kind, c.Server.Name, c.Port.Port, c.Port.Name, few(c.From), proved(string(c.Proof), c.Causes))
	}
	b.WriteString("\n")
}

func few[T any](list []T) string {
	if len(list) > 2 {
		return fmt.Sprintf("%v and %d more", list[0], len(list)-1)
	}
	return strings.Trim(fmt.Sprint(list), "[]")
}

// told says what changed in the ways, and what the witness comes to on its way.
func told(r Row) string {
	var out string
	for _, list := range []struct {
		word   string
		logins []reach.Login
	}{{"gains", r.Gained}, {"loses", r.Lost}} {
		if len(list.logins) > 0 {
			l := list.logins[0]
			out += fmt.Sprintf(", %s %s%s", list.word, l.Method, map[bool]string{true: " over TLS"}[l.TLS])
		}
	}
	way := func(p reach.Path) string {
		if len(p.Steps) == 0 {
			return "no way"
		}
		return [...]string{verdict.Unknown: "unknown", verdict.Deny: "refused", verdict.Allow: "allowed"}[p.Verdict]
	}
	return out + fmt.Sprintf(" (%s then %s)", way(r.Witness.Old), way(r.Witness.New))
}

func proved(proof string, causes []Cause) string {
	out := "because " + proof
	for _, c := range causes {
		out += fmt.Sprintf("\n    %s %s %s %s: %q -> %q (old %s new %s)", c.Kind, c.Object, c.Change, c.Field, c.Was, c.Is, at(c.Old), at(c.New))
	}
	return out
}

func at(o verdict.Origin) string {
	if o.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%s:%d", filepath.Base(o.File), o.Line)
}
