package cnpg

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
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

// asWritten are the Cluster and the Pooler before the operator completed them.
const asWritten = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: db}
spec:
  certificates: {}
  enableSuperuserAccess: true
  imageName: ghcr.test/postgresql:15.18
  instances: 3
  managed: {roles: [{connectionLimit: 5, ensure: present, login: true, name: reporting}]}
  storage: {size: 1Gi, storageClass: standard}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pg-rw-pool, namespace: db}
spec: {cluster: {name: pg}, instances: 2, pgbouncer: {poolMode: transaction}, type: rw}
`

// manifests are the Cluster and the Pooler alone, as somebody wrote them and as they are
// in the dump, without status as in git.
func manifests(t *testing.T) map[string]string {
	t.Helper()
	completed := status.ReplaceAllString(dump(t, "manifests"), "")
	if strings.Contains(completed, "currentPrimary") {
		t.Fatal("there is status left")
	}
	docs := slices.DeleteFunc(strings.Split(completed, "\n---\n"), func(d string) bool { return strings.Contains(d, "\nkind: Database\n") })
	if len(docs) != 2 {
		t.Fatalf("%d manifests", len(docs))
	}
	return map[string]string{"as written": asWritten, "as completed": strings.Join(docs, "\n---\n")}
}

// fromManifests checks the server that the manifests alone make.
func fromManifests(t *testing.T, check func(*testing.T, *snapshot.Server)) {
	t.Helper()
	for how, text := range manifests(t) {
		t.Run(how, func(t *testing.T) {
			w := worldtest.World(t, text)
			w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "1.30.0"}
			check(t, adapted(t, w))
		})
	}
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

// same compares what the manifests make with what the operator made, both ways.
func same(t *testing.T, what string, made, live []string) {
	t.Helper()
	for _, m := range made {
		if !slices.Contains(live, m) {
			t.Errorf("%s: the operator made no %s", what, m)
		}
	}
	for _, l := range live {
		if !slices.Contains(made, l) {
			t.Errorf("%s: no %s, which the operator made", what, l)
		}
	}
}

func TestManifestsMakeTheServices(t *testing.T) {
	text := func(s *snapshot.Service) string {
		return fmt.Sprint(s.Ref(), " ", s.Type, " ", s.Selector, " ", portsText(s.Ports))
	}
	var want []string
	for _, l := range live(t).Snapshot.Services {
		if l.Namespace == "db" {
			want = append(want, text(l))
		}
	}
	fromManifests(t, func(t *testing.T, s *snapshot.Server) {
		var made []string
		for _, m := range slices.Concat(s.Services, s.Poolers[0].Services) {
			made = append(made, text(m))
		}
		same(t, "Services", made, want)
	})
}

// The pods are as the operator makes them, in the role that they have.
func TestManifestsMakeThePods(t *testing.T) {
	var want []*snapshot.Pod
	for _, wl := range live(t).Snapshot.Workloads {
		for _, p := range wl.Pods {
			if p.Namespace == "db" {
				want = append(want, p)
			}
		}
	}
	fromManifests(t, func(t *testing.T, s *snapshot.Server) {
		var made, live []string
		for _, p := range s.Members() {
			made = append(made, p.Name)
		}
		for _, p := range want {
			if p.Labels.Set[poolerLabel] == "" {
				live = append(live, p.Name)
			}
			comparePods(t, alike(s, p), p)
		}
		same(t, "instances", made, live)
	})
}

func comparePods(t *testing.T, made, want *snapshot.Pod) {
	t.Helper()
	if made == nil {
		t.Errorf("no pod like %s", want.Name)
		return
	}
	for k, v := range want.Labels.Set {
		if made.Labels.Set[k] != v && !slices.Contains(made.Labels.Unknown, k) {
			t.Errorf("%s: label %s is %q, the operator gave %q", want.Name, k, made.Labels.Set[k], v)
		}
	}
	for _, k := range slices.Concat(slices.Collect(maps.Keys(made.Labels.Set)), made.Labels.Unknown) {
		if _, has := want.Labels.Set[k]; !has {
			t.Errorf("%s: the operator gave no label %s", want.Name, k)
		}
	}
	if fmt.Sprint(made.Ports) != fmt.Sprint(want.Ports) || made.ServiceAccount != want.ServiceAccount {
		t.Errorf("%s: %v %s, the operator made %v %s", want.Name, made.Ports, made.ServiceAccount, want.Ports, want.ServiceAccount)
	}
	if len(made.Demands) != len(want.Demands) || made.HostNetwork != want.HostNetwork {
		t.Errorf("%s: asks for %v, what the operator made for %v", want.Name, made.Demands, want.Demands)
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

// shown are what pg_hba_file_rules showed on the primary.
var shown = []string{
	"local all cnpg_metrics_exporter peer map=cnpg_metrics_exporter",
	"local all all peer map=local",
	"hostssl postgres streaming_replica all cert map=cnpg_streaming_replica",
	"hostssl replication streaming_replica all cert map=cnpg_streaming_replica",
	"hostssl all cnpg_pooler_pgbouncer all cert map=cnpg_pooler_pgbouncer",
	"host all all all scram-sha-256",
}

func TestManifestsMakeTheRules(t *testing.T) {
	fromManifests(t, func(t *testing.T, s *snapshot.Server) {
		var got []string
		for _, r := range s.HBA.Records {
			got = append(got, r.String())
			if r.Maybe != "" {
				t.Errorf("%s hangs on %s", r, r.Maybe)
			}
		}
		if !slices.Equal(got, shown) {
			t.Errorf("got\n%s", strings.Join(got, "\n"))
		}
	})
}

// Where nobody states the release, the rules are the same; the one that older releases do
// not write is in doubt, and so are labels.
func TestManifestsWithoutARelease(t *testing.T) {
	for how, text := range manifests(t) {
		t.Run(how, func(t *testing.T) {
			s := adapted(t, worldtest.World(t, text))
			var got, doubted []string
			for _, r := range s.HBA.Records {
				got = append(got, r.String())
				if r.Maybe != "" {
					doubted = append(doubted, r.String())
				}
			}
			if !slices.Equal(got, shown) || !slices.Equal(doubted, shown[:1]) {
				t.Errorf("got %q, in doubt %q", got, doubted)
			}
			for _, wl := range live(t).Snapshot.Workloads {
				for _, p := range wl.Pods {
					if p.Namespace == "db" {
						comparePods(t, alike(s, p), p)
					}
				}
			}
		})
	}
}

// What pg_roles showed, where superuser and replication are told.
func TestManifestsMakeTheRoles(t *testing.T) {
	want := []string{
		"app false false true", "cnpg_metrics_exporter false false true", "cnpg_pooler_pgbouncer false false true",
		"postgres true false true", "reporting false false true", "streaming_replica false true true",
	}
	fromManifests(t, func(t *testing.T, s *snapshot.Server) {
		var got []string
		for _, r := range s.Roles {
			got = append(got, fmt.Sprint(r.Name, " ", r.Superuser, " ", r.Replication, " ", !r.NoLogin))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

// What pgbouncer.ini had.
func TestManifestsMakeThePooler(t *testing.T) {
	fromManifests(t, func(t *testing.T, s *snapshot.Server) {
		p := s.Poolers[0]
		if p.Target != "pg-rw" || p.Part != snapshot.Primary || p.AuthUser != "cnpg_pooler_pgbouncer" || p.AuthDatabase != "postgres" || p.Port != 5432 {
			t.Errorf("%s %s %s@%s %d", p.Target, p.Part, p.AuthUser, p.AuthDatabase, p.Port)
		}
		if p.ServerTLS != "verify-ca" || p.TLS.Enabled != verdict.Allow || !slices.Equal(p.TLS.Names, s.TLS.Names) {
			t.Errorf("%s %s %v", p.ServerTLS, p.TLS.Enabled, p.TLS.Names)
		}
		for key, want := range map[string]string{"auth_type": "hba", "client_tls_sslmode": "prefer", "server_tls_sslmode": "verify-ca"} {
			if got, _ := s.Setting("pgbouncer." + key); got.Value != want || !got.Default {
				t.Errorf("%s: %+v", key, got)
			}
		}
		if p.Becomes != "" {
			t.Errorf("sessions become %s", p.Becomes)
		}
	})
}

// The operator is sought where it runs, by a label that its pod has, at ports that it
// listens on.
func TestManifestsFindTheOperator(t *testing.T) {
	var pod *snapshot.Pod
	for _, wl := range live(t).Snapshot.Workloads {
		for _, p := range wl.Pods {
			if p.Namespace == "cnpg-system" {
				pod = p
			}
		}
	}
	fromManifests(t, func(t *testing.T, s *snapshot.Server) {
		asked := map[string]snapshot.VitalPeer{}
		for _, f := range s.Vital {
			switch f.ID {
			case "operator-status":
				asked[f.ID] = f.From
			case "webhook":
				asked[f.ID] = f.To
				if port := pod.NamedPort("webhook-server", flow.TCP); flow.PortsOf(f.Ports...).String() != fmt.Sprintf("TCP %d", port) {
					t.Errorf("%v, the operator listens on %d", f.Ports, port)
				}
			}
		}
		if len(asked) != 2 {
			t.Errorf("%v", asked)
		}
		for id, peer := range asked {
			if peer.Namespace != pod.Namespace || world.Equals(peer.Labels.Set).Match(pod.Labels) != netpol.Yes {
				t.Errorf("%s: %s %v is not %s", id, peer.Namespace, peer.Labels, pod.Ref())
			}
		}
	})
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
	var want []string
	for _, l := range liveSecrets(t, live(t)) {
		want = append(want, l.Namespace+"/"+l.Name)
	}
	fromManifests(t, func(t *testing.T, s *snapshot.Server) {
		var made []string
		for _, x := range s.Secrets {
			made = append(made, x.Secret)
			if x.Read {
				t.Errorf("%s was read, from nowhere", x.Secret)
			}
		}
		same(t, "Secrets", made, want)
	})
}

func TestManifestsMakeTheCertificates(t *testing.T) {
	var want []string
	for _, l := range liveSecrets(t, live(t)) {
		for _, c := range l.Certificates {
			names := c.Names
			if c.CA {
				names = nil
			}
			want = append(want, fmt.Sprint(l.Namespace, "/", l.Name, " ", c.Key, " ", c.Subject, " ", names))
		}
	}
	fromManifests(t, func(t *testing.T, s *snapshot.Server) {
		var made []string
		for _, c := range s.TLS.Certificates {
			made = append(made, fmt.Sprint(c.Secret, " ", c.Key, " ", c.Subject, " ", c.Names))
		}
		same(t, "certificates", made, want)
	})
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
	fromManifests(t, func(t *testing.T, s *snapshot.Server) {
		if got := s.TLS; !slices.Equal(got.Names, in.Status.Certificates.Names) || !got.NamesKnown {
			t.Errorf("%v, the operator has %v", got.Names, in.Status.Certificates.Names)
		}
	})
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
	fromManifests(t, func(t *testing.T, s *snapshot.Server) {
		for _, c := range s.TLS.Certificates {
			_, name, _ := strings.Cut(c.Secret, "/")
			want := slices.Compact(slices.Sorted(slices.Values(granted[name])))
			if !slices.Equal(c.Readers, want) {
				t.Errorf("%s: %v, the operator granted it to %v", c.Secret, c.Readers, want)
			}
			if strings.HasSuffix(c.Use, "CA") && c.CanSign != verdict.Allow {
				t.Errorf("%s: %v", c.Use, c.CanSign)
			}
		}
	})
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
