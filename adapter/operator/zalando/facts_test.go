package zalando

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// leads is the ports of the cluster's flow of an id; empty where there is none.
func leads(s *snapshot.Server, id string) string {
	for _, f := range s.Vital {
		if f.ID == id {
			return flow.PortsOf(f.Ports...).String()
		}
	}
	return ""
}

// Whatever names an archive makes members talk to an object store.
func TestArchives(t *testing.T) {
	for _, name := range []string{
		"WAL_S3_BUCKET", "WALE_S3_PREFIX", "WALG_S3_PREFIX", "WAL_GS_BUCKET", "WALE_GS_PREFIX", "WALG_GS_PREFIX", "WALG_AZ_PREFIX",
		"WAL_SWIFT_BUCKET", "WALG_SSH_PREFIX",
	} {
		if got := leads(adapted(t, postgresql("env: [{name: "+name+", value: x}]")), "backup"); got != "TCP 443" {
			t.Errorf("%s: %q", name, got)
		}
		if got := leads(adapted(t, postgresql("env: [{name: "+name+`, value: ""}]`)), "backup"); got != "" {
			t.Errorf("an empty %s: %q", name, got)
		}
	}
	for _, key := range []string{"wal_s3_bucket", "wal_gs_bucket", "wal_az_storage_account"} {
		if got := leads(adapted(t, postgresql("")+configMap(key+": x")), "backup"); got != "TCP 443" {
			t.Errorf("%s: %q", key, got)
		}
	}
	for endpoint, want := range map[string]string{
		"{name: AWS_ENDPOINT, value: \"http://192.0.2.5:9000\"}":          "TCP 9000",
		"{name: WALE_S3_ENDPOINT, value: \"http+path://192.0.2.5\"}":      "TCP 80",
		"{name: WALE_S3_ENDPOINT, value: \"https+path://192.0.2.5:444\"}": "TCP 444",
		"{name: WALE_S3_ENDPOINT, value: \"https://192.0.2.5\"}":          "TCP 443",
	} {
		if got := leads(adapted(t, postgresql("env: [{name: WAL_S3_BUCKET, value: x}, "+endpoint+"]")), "backup"); got != want {
			t.Errorf("%s: %q", endpoint, got)
		}
	}
}

// Spilo asks the cloud, and needs its answer, unless it is told that there is none.
func TestCloudMetadata(t *testing.T) {
	for provider, want := range map[string]string{
		"": "optional", "aws": "needed", "google": "needed", "openstack": "needed", "local": "absent", "azure": "absent",
	} {
		s := adapted(t, postgresql("env: [{name: SPILO_PROVIDER, value: \""+provider+"\"}]"))
		got := "absent"
		for _, f := range s.Vital {
			if f.ID != "cloud-metadata" {
				continue
			}
			if got = "needed"; f.Optional {
				got = "optional"
			}
			if f.To.Outside.Text() != "169.254.169.254/32" || leads(s, f.ID) != "TCP 80" {
				t.Errorf("%q: %s %v", provider, f.To.Outside.Text(), f.Ports)
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", provider, got, want)
		}
	}
}

// Patroni keeps its state with etcd where the operator is told so, at the port it is told.
func TestEtcd(t *testing.T) {
	for host, want := range map[string]string{"192.0.2.7": "TCP 2379", "192.0.2.7:2380": "TCP 2380"} {
		if got := leads(adapted(t, postgresql("")+configMap(`etcd_host: "`+host+`"`)), "etcd"); got != want {
			t.Errorf("%s: %q", host, got)
		}
	}
	if got := leads(adapted(t, postgresql("")+configMap("")), "etcd"); got != "" {
		t.Error(got)
	}
}

// A pooler's pods have the cluster's name and a role label as the members have; only the
// application tells them apart, and that has a key of its own in the configuration.
func TestPoolersAreToldByTheApplication(t *testing.T) {
	s := adapted(t, postgresql("enableConnectionPooler: true, enableReplicaConnectionPooler: true, enableLogicalBackup: true")+configMap(""), stated("2.0.1"))
	member := s.Members()[0].Labels.Set
	for _, p := range s.Poolers {
		got := p.Workload.Pods[0].Labels.Set
		if got["cluster-name"] != "db" || got["spilo-role"] != map[string]string{"db-pooler": "master", "db-pooler-repl": "replica"}[p.Workload.Name] {
			t.Errorf("%s: %v", p.Workload.Name, got)
		}
		if member["application"] != "spilo" || got["application"] != "db-connection-pooler" || got["connection-pooler"] != p.Workload.Name {
			t.Errorf("%s: %v", p.Workload.Name, got)
		}
	}
	if len(s.Poolers) != 2 {
		t.Errorf("%d poolers", len(s.Poolers))
	}
	for _, p := range s.Workload.Pods {
		if p.Part == BackupJob && (p.Labels.Set["application"] != "spilo-logical-backup" || p.Labels.Set["spilo-role"] != "") {
			t.Errorf("%v", p.Labels)
		}
	}
	if !slices.ContainsFunc(s.Workload.Pods, func(p *snapshot.Pod) bool { return p.Part == BackupJob }) {
		t.Error("no backup job")
	}
}

// The lines of a user are the whole file: what they leave out is refused, the operator, the
// replicas and the pooler too.
func TestUsersFileIsTheWhole(t *testing.T) {
	const own = "patroni: {pg_hba: [%s]}"
	for lines, want := range map[string][3]verdict.Verdict{
		`hostssl app app all md5`:                                                                  {verdict.Allow, verdict.Deny, verdict.Deny},
		`hostssl app app all md5, hostssl all postgres all md5`:                                    {verdict.Allow, verdict.Allow, verdict.Deny},
		`hostssl app app all md5, hostssl all postgres all md5, hostssl all pooler all md5`:        {verdict.Allow, verdict.Allow, verdict.Allow},
		`hostssl app app all md5, hostnossl all all all reject, hostssl all all all scram-sha-256`: {verdict.Allow, verdict.Allow, verdict.Allow},
	} {
		s := adapted(t, postgresql("enableConnectionPooler: true, "+strings.Replace(own, "%s", lines, 1)))
		got := [3]verdict.Verdict{decide(s, true, "app", "app"), decide(s, true, "postgres", "postgres"), decide(s, true, "pooler", "app")}
		if got != want {
			t.Errorf("%s: %v, want %v", lines, got, want)
		}
		if got := decide(s, false, "app", "app"); got != verdict.Deny {
			t.Errorf("%s: plain text %s", lines, got)
		}
	}
}
