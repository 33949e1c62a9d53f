package estate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/rules"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A dumped cluster is what kubectl tells of one, file by file. It is read as a cluster is:
// with a coverage that lists every kind, and of Secrets the metadata.
type dumped struct {
	t     *testing.T
	files map[string]string
	// facts is the facts file; empty for none.
	facts string
	// coverage changes what was listed; nil leaves all of it.
	coverage func(*snapshot.Coverage)
	missing  []snapshot.Missing
	warnings []snapshot.Warning
}

func dumpOf(t *testing.T, name string) dumped {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d := dumped{t: t, files: map[string]string{}}
	for _, f := range archive.Files {
		d.files[f.Name] = string(f.Data)
	}
	return d
}

// with returns the cluster with texts replaced, each of which has to be there.
func (d dumped) with(pairs ...string) dumped {
	d.t.Helper()
	d.files = maps.Clone(d.files)
	for i := 0; i < len(pairs); i += 2 {
		found := false
		for name, text := range d.files {
			found = found || strings.Contains(text, pairs[i])
			d.files[name] = strings.ReplaceAll(text, pairs[i], pairs[i+1])
		}
		if !found {
			d.t.Fatalf("%q is not in the dump", pairs[i])
		}
	}
	return d
}

func (d dumped) read() *snapshot.Snapshot {
	d.t.Helper()
	d.t.Chdir(d.t.TempDir())
	opts := Options{Adapters: known.Adapters(), Paths: []string{"cluster"}}
	for name, text := range d.files {
		write(d.t, "cluster/"+name, []byte(text))
	}
	if d.facts != "" {
		write(d.t, "facts.yaml", []byte(d.facts))
		opts.FactsFile = "facts.yaml"
	}
	s, err := From(context.Background(), d.source(Files(opts)), opts)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// source reads the files as if a kube-apiserver told of them.
func (d dumped) source(files Source) Source {
	return func(ctx context.Context, wants Wants) (object.Batch, error) {
		batch, err := files(ctx, wants)
		batch.Coverage = &snapshot.Coverage{Cluster: "test", Kinds: listed()}
		for i := range batch.Objects {
			o := &batch.Objects[i]
			o.Source = object.Source{}
			o.Partial = o.Type() == secretType
		}
		batch.Locate = nil
		if d.coverage != nil {
			d.coverage(batch.Coverage)
		}
		batch.Missing, batch.Warnings = d.missing, d.warnings
		return batch, err
	}
}

// listed are the kinds that a cluster is asked for.
func listed() []snapshot.Kind {
	var out []snapshot.Kind
	for _, t := range Types(known.Adapters(), false) {
		out = append(out, snapshot.Kind{Name: t.String(), Listing: snapshot.KindListed, Decides: t.Decides})
	}
	return out
}

// assumed are the assumptions of all answers about the snapshot: who can, the ways of each
// pod, what keeps servers alive, and what the rules find; each with an answer that has it.
func assumed(s *snapshot.Snapshot) map[string]string {
	out := map[string]string{}
	note := func(where string, codes []string) {
		for _, c := range codes {
			if out[c] == "" {
				out[c] = where
			}
		}
	}
	e := reach.New(s)
	for _, server := range s.Servers {
		for _, a := range e.WhoCan(server) {
			note(fmt.Sprintf("who-can %s from %s", server.Ref(), a.From), a.Assumptions)
		}
		for _, f := range e.Vital(server) {
			note(fmt.Sprintf("vital %s %s %s", server.Ref(), f.Flow.ID, f.Flow.What), f.Assumptions)
		}
		for _, w := range s.Workloads {
			for _, p := range w.Pods {
				d := e.Decide(reach.Question{From: network.PodEndpoint(p), To: reach.Target{Server: server},
					Session: reach.Session{Database: "app", Role: "app", TLS: true}})
				note(fmt.Sprintf("explain %s from %s", server.Ref(), w.Ref), d.Assumptions)
			}
		}
	}
	for _, f := range audit.Run(s, rules.All()).Findings {
		note("audit "+f.Rule+" "+f.Subject.String(), f.Assumptions)
	}
	return out
}

// beyond are the assumptions about what no object of a cluster tells.
var beyond = []string{snapshot.AssumePodsRoutable, snapshot.AssumeNodeAddress}

func wantAssumed(t *testing.T, s *snapshot.Snapshot, want ...string) {
	t.Helper()
	got := assumed(s)
	for _, code := range slices.Sorted(maps.Keys(got)) {
		if !slices.Contains(want, code) && !slices.Contains(beyond, code) {
			t.Errorf("%s is assumed: %s", code, got[code])
		}
	}
	for _, code := range want {
		if got[code] == "" {
			t.Errorf("%s is not assumed", code)
		}
	}
}

// A cluster that was listed leaves nothing to assume that it could have told.
func TestLiveAssumesNothing(t *testing.T) {
	s := dumpOf(t, "testdata/live/full.txtar").read()
	for _, p := range s.Problems {
		t.Errorf("problem %s: %s", p.Origin, p.Err)
	}
	if len(s.Servers) != 5 {
		t.Fatalf("%d servers", len(s.Servers))
	}
	wantAssumed(t, s)
	if s.Facts.Enforces != verdict.Allow || s.Facts.CNI != "cilium" {
		t.Errorf("the network plugin %q enforces %s", s.Facts.CNI, s.Facts.Enforces)
	}
	for _, server := range s.Servers {
		if server.OperatorVersion == "" {
			t.Errorf("the release of the operator of %s is not known", server.Ref())
		}
		for _, u := range server.Unsettled {
			t.Errorf("%s: %s is not settled: %s", server.Ref(), u.What, u.Fact)
		}
	}
}

// What a cluster does not show is assumed all the same: each thing that settles an assumption
// does so by itself.
func TestLiveSettlesByWhatItShows(t *testing.T) {
	calico := []string{"name: cilium\n", "name: calico-node\n", "quay.io/cilium/cilium:v1.18.2", "quay.io/calico/node:v3.31.0"}
	for _, c := range []struct {
		name    string
		changed []string
		want    []string
	}{
		{"no Namespaces", []string{"kind: Namespace\n", "kind: Other\n"}, []string{snapshot.AssumeNamespaceLabels}},
		{"definitions of a plugin, and nothing that runs", []string{"kind: DaemonSet\n  metadata:\n    name: cilium\n", "kind: Other\n  metadata:\n    name: cilium\n"},
			[]string{snapshot.AssumeCNIEnforces}},
		{"a plugin that no node runs", []string{"status: {numberReady: 3}", "status: {observedGeneration: 4, desiredNumberScheduled: 0}"},
			[]string{snapshot.AssumeCNIEnforces}},
		{"no resolver", []string{"name: kube-dns\n", "name: other\n", "k8s-app: kube-dns", "k8s-app: other"}, []string{snapshot.AssumeClusterDNS}},
		{"no endpoints of the kube-apiserver", []string{"kind: Endpoints\n", "kind: Other\n", "kubernetes.io/service-name: kubernetes", "kubernetes.io/service-name: other"},
			[]string{snapshot.AssumeAPIServer}},
		{"a plugin whose ranges nobody tells", append(calico, "--cluster-cidr=10.244.0.0/16", "--v=2"), []string{snapshot.AssumeBlockOutside}},
		{"a plugin that does not use the cluster's range", append(calico, "--cluster-cidr=10.244.0.0/16", "--cluster-cidr=10.99.0.0/16"),
			[]string{snapshot.AssumeBlockOutside}},
		{"a plugin that uses the cluster's range", calico, nil},
		{"another that does", []string{"name: cilium\n", "name: kindnet\n", "quay.io/cilium/cilium:v1.18.2", "docker.io/kindest/kindnetd:v20250512-df8de77b"}, nil},
		{"a plugin that enforces nothing", []string{"name: cilium\n", "name: kube-flannel-ds\n", "quay.io/cilium/cilium:v1.18.2", "docker.io/flannel/flannel:v0.27.0"}, nil},
		{"a control plane that somebody else runs", []string{"component: kube-apiserver", "component: x", "name: etcd-cp-1\n", "name: x\n"}, nil},
	} {
		s := dumpOf(t, "testdata/live/full.txtar").with(c.changed...)
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			wantAssumed(t, s.read(), c.want...)
		})
	}
}

// Operators are found wherever they run, and one that is nowhere is assumed.
func TestLiveOperators(t *testing.T) {
	labels := map[string]string{
		"cloudnative-pg": "app.kubernetes.io/name: cloudnative-pg", "stackgres": "app: stackgres-operator", "zalando": "app.kubernetes.io/name: postgres-operator",
		"crunchy": "postgres-operator.crunchydata.com/control-plane: postgres-operator", "percona": "app.kubernetes.io/name: percona-postgresql-operator",
	}
	for name, label := range labels {
		t.Run(name, func(t *testing.T) {
			d := dumpOf(t, "testdata/live/full.txtar")
			text := d.files["operators.yaml"]
			if !strings.Contains(text, label) {
				t.Fatalf("no %s", label)
			}
			d.files["operators.yaml"] = strings.ReplaceAll(text, label, "app: other")
			if name == "zalando" { // its Deployment is found by its image, too
				d = d.with("ghcr.io/zalando/postgres-operator", "registry/other", "POSTGRES_OPERATOR_CONFIGURATION_OBJECT", "X")
			}
			s := d.read()
			got := assumed(s)[snapshot.AssumeOperator]
			if !strings.HasPrefix(got, "vital ") || !strings.Contains(got, map[string]string{
				"cloudnative-pg": "Cluster db/pg", "stackgres": "SGCluster", "zalando": "postgresql", "crunchy": "PostgresCluster", "percona": "PerconaPGCluster"}[name]) {
				t.Errorf("%q", got)
			}
		})
	}
}

// The ranges of Calico are those of its pools for pods.
func TestLivePools(t *testing.T) {
	const pools = `
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: {name: default-ipv4-ippool}
spec: {cidr: 10.244.0.0/16}
---
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: {name: more}
spec: {cidr: 10.245.0.0/16, allowedUses: [Workload]}
---
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: {name: tunnels}
spec: {cidr: 10.246.0.0/16, allowedUses: [Tunnel]}
`
	d := dumpOf(t, "testdata/live/full.txtar").with("name: cilium\n", "name: calico-node\n", "quay.io/cilium/cilium:v1.18.2", "quay.io/calico/node:v3.31.0")
	d.files["pools.yaml"] = pools
	s := d.read()
	if got := fmt.Sprint(s.Facts.PodCIDRs); got != "[10.244.0.0/16 10.245.0.0/16]" || len(s.Problems) > 0 {
		t.Errorf("%s %v", got, s.Problems)
	}
	if s.Namespaces["default"] == nil || len(s.Facts.PodCIDRs) != 2 {
		t.Error("pools live in no namespace")
	}
	d.facts = "podCIDRs: [10.244.0.0/17]\n"
	d.t = t
	if got := fmt.Sprint(d.read().Facts.PodCIDRs); got != "[10.244.0.0/17]" {
		t.Errorf("what is stated counts: %s", got)
	}
}

// The release of an operator is that of its image's tag, and where that is a digest what the
// Operator Lifecycle Manager calls it.
func TestLiveReleases(t *testing.T) {
	want := map[string]string{"cloudnative-pg": "1.30.0", "stackgres": "1.18.6", "zalando": "1.15.1", "crunchy": "6.0.3", "percona": "3.0.0"}
	tagged := dumpOf(t, "testdata/live/full.txtar").with("stackgres.io/operatorVersion", "other/operatorVersion")
	managed := tagged.with(
		"cloudnative-pg/cloudnative-pg:1.30.0", "cloudnative-pg/cloudnative-pg@sha256:00",
		"stackgres/operator:1.18.6", "stackgres/operator@sha256:00",
		"zalando/postgres-operator:v1.15.1", "zalando/postgres-operator@sha256:00",
		"crunchydata/postgres-operator:ubi9-6.0.3-0", "mirror/operator@sha256:00",
		"percona/percona-postgresql-operator:3.0.0", "mirror/operator@sha256:00")
	for label, owner := range map[string]string{
		"app.kubernetes.io/name: cloudnative-pg": "cloudnative-pg.v1.30.0", "app: stackgres-operator": "stackgres.v1.18.6",
		"app.kubernetes.io/name: postgres-operator": "postgres-operator.v1.15.1", "postgres-operator.crunchydata.com/control-plane": "postgresoperator.v6.0.3",
		"app.kubernetes.io/name: percona-postgresql-operator": "percona-postgresql-operator.v3.0.0",
	} {
		managed = managed.with("labels: {"+label, "labels: {olm.owner: "+owner+", olm.owner.kind: ClusterServiceVersion, "+label)
	}
	for name, d := range map[string]dumped{"tagged": tagged, "managed": managed} {
		for _, server := range d.read().Servers {
			if server.OperatorVersion != want[server.Operator] {
				t.Errorf("%s: %s is of %q, want %s", name, server.Operator, server.OperatorVersion, want[server.Operator])
			}
		}
	}
}

// store is what a Cluster says of where its backups go, in place of a field that changes
// nothing here.
func store(url string) []string {
	return []string{"enableSuperuserAccess: true", "backup: {barmanObjectStore: {destinationPath: 's3://x', endpointURL: '" + url + "'}}"}
}

// Somebody outside whose address nobody wrote down has one of the family that pods have.
func TestLiveFamily(t *testing.T) {
	calico := []string{"name: cilium\n", "name: calico-node\n", "quay.io/cilium/cilium:v1.18.2", "quay.io/calico/node:v3.31.0"}
	world := []string{"    - to:\n      - podSelector: {}\n", "    - to:\n      - ipBlock: {cidr: 0.0.0.0/0}\n    - to:\n      - podSelector: {}\n"}
	d := dumpOf(t, "testdata/live/full.txtar").with(slices.Concat(calico, world, store("https://s3.example.com"))...)
	wantAssumed(t, d.read())
	d = d.with("    - {ip: 10.244.", "    - {ip: 'fd00::1'}\n    - {ip: 10.244.")
	wantAssumed(t, d.read(), snapshot.AssumePodIPv4, snapshot.AssumeBlockOutside)
}

// A Service that a cluster did not list is not there; one of a namespace that nobody read
// may be.
func TestLiveServiceUnread(t *testing.T) {
	answer := func(d dumped) reach.VitalDecision {
		s := d.read()
		for _, f := range reach.New(s).Vital(s.Servers[0]) {
			if f.Flow.ID == "backup" {
				return f
			}
		}
		t.Fatal("no backup")
		return reach.VitalDecision{}
	}
	d := dumpOf(t, "testdata/live/full.txtar").with(store("http://minio.shop.svc:9000")...)
	got := answer(d)
	if got.Verdict == verdict.Allow || slices.Contains(got.Assumptions, snapshot.AssumeServiceUnread) ||
		!slices.ContainsFunc(got.Steps, func(s verdict.Step) bool { return s.Reason == "service/not-read" }) {
		t.Errorf("%s %v %v", got.Verdict, got.Assumptions, got.Steps)
	}
	d.coverage = func(c *snapshot.Coverage) { c.Namespaces = []string{"db"} }
	if got := answer(d); !slices.Contains(got.Assumptions, snapshot.AssumeServiceUnread) {
		t.Errorf("of a namespace that was not read: %s %v", got.Verdict, got.Assumptions)
	}
}
