package cnpg

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The dump is of a real cluster; what the adapter makes of the manifests is held against
// what the operator made of them.

func dump(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/dump/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var status = regexp.MustCompile(`(?m)^status:\n(?: .*\n)*`)

// fromManifests is the server that the manifests alone make, without status as in git.
func fromManifests(t *testing.T) *snapshot.Server {
	t.Helper()
	text := status.ReplaceAllString(dump(t, "manifests"), "")
	if strings.Contains(text, "currentPrimary") {
		t.Fatal("there is status left")
	}
	w := worldtest.World(t, text)
	w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "1.30.0"}
	return adapted(t, w)
}

func adapted(t *testing.T, w *operator.World) *snapshot.Server {
	t.Helper()
	Adapt(w)
	if len(w.Snapshot.Problems) > 0 || len(w.Snapshot.Warnings) > 0 || len(w.Snapshot.Servers) != 1 {
		t.Fatal(w.Snapshot.Problems, w.Snapshot.Warnings, len(w.Snapshot.Servers))
	}
	return w.Snapshot.Servers[0]
}

// live is the estate that runs, before any adapter.
func live(t *testing.T) *operator.World { return worldtest.World(t, dump(t, "live")) }

func TestManifestsMakeTheServices(t *testing.T) {
	s := fromManifests(t)
	made := slices.Concat(s.Services, s.Poolers[0].Services)
	want := live(t).Snapshot.Services
	for _, m := range made {
		i := slices.IndexFunc(want, func(l *snapshot.Service) bool { return l.Ref() == m.Ref() })
		if i < 0 {
			t.Errorf("%s: the operator made none", m.Ref())
			continue
		}
		l := want[i]
		if m.Type != l.Type || m.Selector.String() != l.Selector.String() || portsText(m.Ports) != portsText(l.Ports) {
			t.Errorf("%s: %s %s %s, the operator made %s %s %s", m.Ref(), m.Type, m.Selector, portsText(m.Ports), l.Type, l.Selector, portsText(l.Ports))
		}
	}
	if len(made) != 4 {
		t.Errorf("%d Services", len(made))
	}
}

// The pods are as the operator makes them, in the role that they have.
func TestManifestsMakeThePods(t *testing.T) {
	s := fromManifests(t)
	for _, wl := range live(t).Snapshot.Workloads {
		for _, want := range wl.Pods {
			if want.Namespace != "db" {
				continue
			}
			made := alike(s, want)
			if made == nil {
				t.Errorf("no pod like %s", want.Name)
				continue
			}
			for k, v := range want.Labels.Set {
				if made.Labels.Set[k] != v && !slices.Contains(made.Labels.Unknown, k) {
					t.Errorf("%s: label %s is %q, the operator gave %q", want.Name, k, made.Labels.Set[k], v)
				}
			}
			for k := range made.Labels.Set {
				if _, has := want.Labels.Set[k]; !has {
					t.Errorf("%s: the operator gave no label %s", want.Name, k)
				}
			}
			if fmt.Sprint(made.Ports) != fmt.Sprint(want.Ports) || made.ServiceAccount != want.ServiceAccount {
				t.Errorf("%s: %v %s, the operator made %v %s", want.Name, made.Ports, made.ServiceAccount, want.Ports, want.ServiceAccount)
			}
		}
	}
}

// alike returns the pod of the server that stands for a live one.
func alike(s *snapshot.Server, live *snapshot.Pod) *snapshot.Pod {
	if live.Labels.Set[poolerLabel] != "" {
		return s.Poolers[0].Workload.Pods[0]
	}
	for _, p := range s.Workload.Pods {
		if p.Name == live.Name && p.Part == live.Labels.Set[roleLabel] {
			return p
		}
	}
	return nil
}

// What pg_hba_file_rules showed on the primary.
func TestManifestsMakeTheRules(t *testing.T) {
	want := `local all cnpg_metrics_exporter peer map=cnpg_metrics_exporter
local all all peer map=local
hostssl postgres streaming_replica all cert map=cnpg_streaming_replica
hostssl replication streaming_replica all cert map=cnpg_streaming_replica
hostssl all cnpg_pooler_pgbouncer all cert map=cnpg_pooler_pgbouncer
host all all all scram-sha-256`
	var got []string
	for _, r := range fromManifests(t).HBA.Records {
		got = append(got, r.String())
		if r.Maybe != "" {
			t.Errorf("%s hangs on %s", r, r.Maybe)
		}
	}
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// What pg_roles showed, where superuser and replication are told.
func TestManifestsMakeTheRoles(t *testing.T) {
	want := []string{
		"app false false true", "cnpg_metrics_exporter false false true", "cnpg_pooler_pgbouncer false false true",
		"postgres true false true", "reporting false false true", "streaming_replica false true true",
	}
	var got []string
	for _, r := range fromManifests(t).Roles {
		got = append(got, fmt.Sprint(r.Name, " ", r.Superuser, " ", r.Replication, " ", !r.NoLogin))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// liveSecrets are the Secrets of the dump that the operator made.
func liveSecrets(t *testing.T, w *operator.World) []*snapshot.Secret {
	t.Helper()
	var out []*snapshot.Secret
	for _, s := range w.Snapshot.Secrets {
		if s.Namespace == "db" {
			out = append(out, s)
		}
	}
	if len(out) != 6 {
		t.Fatalf("%d Secrets were read", len(out))
	}
	return out
}

func TestManifestsMakeTheSecrets(t *testing.T) {
	s := fromManifests(t)
	var made []string
	for _, x := range s.Secrets {
		made = append(made, x.Secret)
		if x.Read {
			t.Errorf("%s was read, from nowhere", x.Secret)
		}
	}
	slices.Sort(made)
	var want []string
	for _, l := range liveSecrets(t, live(t)) {
		want = append(want, l.Namespace+"/"+l.Name)
	}
	slices.Sort(want)
	if !slices.Equal(made, want) {
		t.Errorf("%q, the operator made %q", made, want)
	}
}

func TestManifestsMakeTheCertificates(t *testing.T) {
	w := live(t)
	secrets := liveSecrets(t, w)
	for _, made := range fromManifests(t).TLS.Certificates {
		i := slices.IndexFunc(secrets, func(l *snapshot.Secret) bool { return l.Namespace+"/"+l.Name == made.Secret })
		if i < 0 {
			t.Errorf("%s: the operator made no Secret %s", made.Use, made.Secret)
			continue
		}
		held := certificateIn(secrets[i], made.Key)
		if held == nil {
			t.Errorf("%s: no certificate in %s of %s", made.Use, made.Key, made.Secret)
			continue
		}
		if made.Subject != held.Subject || !slices.Equal(made.Names, held.Names) && !held.CA {
			t.Errorf("%s: %s %v, the operator made %s %v", made.Use, made.Subject, made.Names, held.Subject, held.Names)
		}
	}
}

// The operator's own word for the names of the server's certificate.
func TestManifestsMakeTheNames(t *testing.T) {
	var in struct {
		Status struct {
			Certificates struct {
				Names []string `json:"serverAltDNSNames"`
			} `json:"certificates"`
		} `json:"status"`
	}
	o := worldtest.World(t, dump(t, "manifests")).Objects["Cluster.postgresql.cnpg.io"][0]
	if err := json.Unmarshal(o.JSON, &in); err != nil {
		t.Fatal(err)
	}
	if got := fromManifests(t).TLS; !slices.Equal(got.Names, in.Status.Certificates.Names) || !got.NamesKnown {
		t.Errorf("%v, the operator has %v", got.Names, in.Status.Certificates.Names)
	}
}

// Who the operator's Roles let read the CA's key.
func TestManifestsTellWhoReadsTheKeys(t *testing.T) {
	granted := map[string][]string{}
	for _, o := range live(t).Objects["Role.rbac.authorization.k8s.io"] {
		var in struct {
			Rules []struct{ Resources, ResourceNames []string }
		}
		if err := json.Unmarshal(o.JSON, &in); err != nil {
			t.Fatal(err)
		}
		for _, r := range in.Rules {
			for _, name := range r.ResourceNames {
				if slices.Contains(r.Resources, "secrets") {
					granted[name] = append(granted[name], account(o.Namespace, o.Name))
				}
			}
		}
	}
	for _, c := range fromManifests(t).TLS.Certificates {
		_, name, _ := strings.Cut(c.Secret, "/")
		want := slices.Compact(slices.Sorted(slices.Values(granted[name])))
		if !slices.Equal(c.Readers, want) {
			t.Errorf("%s: %v, the operator granted it to %v", c.Secret, c.Readers, want)
		}
		if strings.HasSuffix(c.Use, "CA") && c.CanSign != verdict.Allow {
			t.Errorf("%s: %v", c.Use, c.CanSign)
		}
	}
}

// A change replaces text of one object of the dump.
type change struct{ kind, name, old, new string }

// running is the server of the whole dump, with changes.
func running(t *testing.T, changes ...change) *snapshot.Server {
	t.Helper()
	docs := strings.Split(dump(t, "manifests")+"\n---\n"+dump(t, "live"), "\n---\n")
	for _, c := range changes {
		i := slices.IndexFunc(docs, func(d string) bool {
			return strings.Contains(d, "\nkind: "+c.kind+"\n") && strings.Contains(d, "\n  name: "+c.name+"\n")
		})
		if i < 0 || !strings.Contains(docs[i], c.old) {
			t.Fatalf("no %s %s with %q", c.kind, c.name, c.old)
		}
		docs[i] = strings.Replace(docs[i], c.old, c.new, 1)
	}
	return adapted(t, worldtest.World(t, strings.Join(docs, "\n---\n")))
}

// All that runs is as the manifests make it, and is what counts.
func TestTheDumpAgrees(t *testing.T) {
	s := running(t)
	for _, d := range s.Disagreements {
		t.Errorf("%s: declared %s, live %s", d.What, d.Declared, d.Live)
	}
	if len(s.Unsettled) > 0 || s.OperatorVersion != "1.30.0" || s.Version != 15 {
		t.Errorf("%v %q %d", s.Unsettled, s.OperatorVersion, s.Version)
	}
	for _, svc := range s.Services {
		if svc.Synthetic {
			t.Errorf("%s is not the live one", svc.Ref())
		}
	}
	for _, p := range s.Members() {
		if len(p.Addresses) != 2 {
			t.Errorf("%s has no address", p.Name)
		}
	}
	for _, x := range s.Secrets {
		if !x.Read {
			t.Errorf("%s was not read", x.Secret)
		}
	}
	for _, c := range s.TLS.Certificates {
		// 2027-02-19 02:07:26 UTC, in status and in the certificates alike
		if c.NotAfter != 1803002846 {
			t.Errorf("%s ends at %d", c.Use, c.NotAfter)
		}
	}
}

// Whatever differs between the two is told, and nothing else.
func TestTheDumpDisagrees(t *testing.T) {
	for what, c := range map[string]struct {
		change
		declared, live string
	}{
		"ports of Service db/pg-rw": {change{"Service", "pg-rw", "port: 5432", "port: 6543"},
			"postgres TCP 5432→5432", "postgres TCP 6543→5432"},
		"selector of Service db/pg-ro": {change{"Service", "pg-ro", "cnpg.io/instanceRole: replica", "cnpg.io/podRole: instance"},
			"cnpg.io/cluster=pg,cnpg.io/instanceRole=replica", "cnpg.io/cluster=pg,cnpg.io/podRole=instance"},
		"type of Service db/pg-rw-pool": {change{"Service", "pg-rw-pool", "type: ClusterIP", "type: NodePort"}, "ClusterIP", "NodePort"},
		"Service db/pg-r":               {change{"Service", "pg-r", "\n  name: pg-r\n", "\n  name: pg-read\n"}, "present", "absent"},
		"label cnpg.io/podRole of Pod db/pg-1": {change{"Pod", "pg-1", "cnpg.io/podRole: instance", "cnpg.io/podRole: other"},
			"instance", "other"},
		"label app.kubernetes.io/name of Pod db/pg-3": {change{"Pod", "pg-3", "    app.kubernetes.io/name: postgresql\n", ""}, "postgresql", "absent"},
		"image of Pod db/pg-2":                        {change{"Pod", "pg-2", "image: ghcr.test/postgresql:15.18", "image: ghcr.test/postgresql:15.17"}, "ghcr.test/postgresql:15.18", "ghcr.test/postgresql:15.17"},
		"port status of Pod db/pg-2":                  {change{"Pod", "pg-2", "containerPort: 8000", "containerPort: 8001"}, "8000", "8001"},
		"ServiceAccount of Pod db/pg-1":               {change{"Pod", "pg-1", "serviceAccountName: pg\n", "serviceAccountName: other\n"}, "pg", "other"},
		"image of Cluster db/pg":                      {change{"Cluster", "pg", "imageName: ghcr.test/postgresql:15.18", "imageName: ghcr.test/postgresql:16.1"}, "ghcr.test/postgresql:16.1", "ghcr.test/postgresql:15.18"},
		"number of instances of Cluster db/pg":        {change{"Cluster", "pg", "instances: 3\n", "instances: 5\n"}, "5", "3"},
		"replicas of Deployment db/pg-rw-pool":        {change{"Deployment", "pg-rw-pool", "replicas: 2\n", "replicas: 4\n"}, "2", "4"},
		"image of Deployment db/pg-rw-pool":           {change{"Deployment", "pg-rw-pool", "pgbouncer:1.25.1", "pgbouncer:1.24.0"}, "ghcr.io/cloudnative-pg/pgbouncer:1.25.1", "ghcr.io/cloudnative-pg/pgbouncer:1.24.0"},
		"Service db/pg-ro": {change{"Cluster", "pg", "  managed:\n", "  managed:\n    services: {disabledDefaultServices: [ro]}\n"},
			"disabled", "present"},
	} {
		t.Run(what, func(t *testing.T) {
			var got []string
			for _, d := range running(t, c.change).Disagreements {
				got = append(got, fmt.Sprintf("%s: %s, %s", d.What, d.Declared, d.Live))
				if d.Origin.IsZero() || d.At.IsZero() {
					t.Errorf("%s comes from nowhere", d.What)
				}
			}
			if want := fmt.Sprintf("%s: %s, %s", what, c.declared, c.live); !slices.Contains(got, want) || len(got) > 2 {
				t.Errorf("got %q\nwant %q", got, want)
			}
		})
	}
}

// The live value is the one that counts.
func TestTheLiveServiceCounts(t *testing.T) {
	for _, s := range running(t, change{"Service", "pg-rw", "port: 5432", "port: 6543"}).Services {
		if s.Name == "pg-rw" && (s.Synthetic || s.Ports[0].Port != 6543) {
			t.Errorf("%+v", s)
		}
	}
}
