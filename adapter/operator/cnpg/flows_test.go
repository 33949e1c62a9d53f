package cnpg

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// The flows that one field makes necessary, each with when and between whom.
func TestFlows(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"two instances": {cluster1("instances: 2"), `
operator-status steady: cnpg-system → primary, replica TCP 8000
isolation-check steady from 1.27: primary, replica → primary, replica TCP 8000
kubectl-plugin monitoring optional: outside → primary, replica TCP 8000
replication steady: replica → primary TCP 5432
rewind failover: replica → primary TCP 5432
join join: join job → primary TCP 5432
dns steady: primary, replica → kube-system TCP 53, UDP 53
kube-apiserver steady: primary, replica → outside TCP 443, TCP 6443
dns bootstrap: initdb job → kube-system TCP 53, UDP 53
kube-apiserver bootstrap: initdb job → outside TCP 443, TCP 6443
dns join: join job → kube-system TCP 53, UDP 53
kube-apiserver join: join job → outside TCP 443, TCP 6443
dns upgrade from 1.26: major-upgrade job → kube-system TCP 53, UDP 53
kube-apiserver upgrade from 1.26: major-upgrade job → outside TCP 443, TCP 6443
webhook steady: outside → cnpg-system TCP 9443`},
		"no isolation check": {cluster1("instances: 2, probes: {liveness: {isolationCheck: {enabled: false}}}"), `
! isolation-check`},
		"backup to S3 with a role": {cluster1(`backup: {barmanObjectStore: {destinationPath: "s3://x", s3Credentials: {inheritFromIAMRole: true}}}`), `
backup backup: primary → outside TCP 443
cloud-metadata backup optional: primary → 169.254.169.254/32 169.254.170.23/32 TCP 80`},
		"backup to S3 with keys": {cluster1(`backup: {barmanObjectStore: {endpointURL: "https://192.0.2.5:9000", s3Credentials: {accessKeyId: {name: a, key: b}}}}`), `
backup backup: primary → 192.0.2.5/32 TCP 9000
! cloud-metadata`},
		"backup to Google": {cluster1(`backup: {barmanObjectStore: {destinationPath: "gs://x", googleCredentials: {gkeEnvironment: true}}}`), `
cloud-metadata backup: primary → 169.254.169.254/32 TCP 80`},
		"backup to Azure": {cluster1(`backup: {barmanObjectStore: {destinationPath: "https://192.0.2.6/x", azureCredentials: {inheritFromAzureAD: true}}}`), `
backup backup: primary → 192.0.2.6/32 TCP 443
cloud-metadata backup optional: primary → 169.254.169.254/32 TCP 80`},
		"replicas from snapshots": {cluster1(`instances: 2, backup: {volumeSnapshot: {}, barmanObjectStore: {destinationPath: "s3://x"}}`), `
dns join: snapshot-recovery job → kube-system TCP 53, UDP 53
join join: join job → primary TCP 5432`},
		"snapshots without an archive": {cluster1(`instances: 2, backup: {volumeSnapshot: {}}`), `
! snapshot-recovery job`},
		"a plugin of one's own": {cluster1(`plugins: [{name: x.example.com}, {name: off.example.com, enabled: false}]`) + `
---
apiVersion: v1
kind: Service
metadata: {name: x, namespace: cnpg-system, labels: {cnpg.io/pluginName: x.example.com}, annotations: {cnpg.io/pluginPort: "7000"}}
spec: {selector: {app: x}, ports: [{port: 7000, targetPort: 7001}]}
---
apiVersion: v1
kind: Pod
metadata: {name: x-0, namespace: cnpg-system, labels: {app: x}}`, `
backup-plugin steady: cnpg-system → x-0 TCP 7001
! off.example.com
! backup backup`},
		"recovery from an external archive": {cluster1(`bootstrap: {recovery: {source: origin}}, externalClusters: [{name: origin, barmanObjectStore: {endpointURL: "http://192.0.2.7"}}]`), `
backup restore: full-recovery job, primary → 192.0.2.7/32 TCP 80
dns restore: full-recovery job → kube-system TCP 53, UDP 53
! initdb`},
		"recovery from a Backup": {cluster1(`bootstrap: {recovery: {backup: {name: last}}}`) + `
---
apiVersion: postgresql.cnpg.io/v1
kind: Backup
metadata: {name: last, namespace: shop}
status: {method: barmanObjectStore, endpointURL: "https://192.0.2.8"}`, `
backup restore: full-recovery job, primary → 192.0.2.8/32 TCP 443`},
		"recovery from a Backup that nobody has": {cluster1(`bootstrap: {recovery: {backup: {name: last}}}`), `
backup restore: full-recovery job, primary → outside TCP 443`},
		"recovery from snapshots": {cluster1(`instances: 2, bootstrap: {recovery: {volumeSnapshots: {storage: {name: x}}}}`), `
dns restore: snapshot-recovery job → kube-system TCP 53, UDP 53
! full-recovery`},
		"recovery by streaming": {cluster1(`bootstrap: {recovery: {source: origin}}, externalClusters: [{name: origin, connectionParameters: {host: 192.0.2.9}}]`), `
external restore: full-recovery job, primary → 192.0.2.9/32 TCP 5432`},
		"import": {cluster1(`bootstrap: {initdb: {import: {source: {externalCluster: origin}}}}, externalClusters: [{name: origin, connectionParameters: {host: 192.0.2.9, port: "5433"}}]`), `
external bootstrap: import job → 192.0.2.9/32 TCP 5433
! initdb job`},
		"pg_basebackup over a socket": {cluster1(`bootstrap: {pg_basebackup: {source: origin}}, externalClusters: [{name: origin, connectionParameters: {host: /run}}]`), `
dns bootstrap: pgbasebackup job → kube-system TCP 53, UDP 53
! external`},
		"a replica of elsewhere": {cluster1(`replica: {primary: eu, source: eu}, externalClusters: [{name: eu, connectionParameters: {host: 192.0.2.9}, barmanObjectStore: {endpointURL: "https://192.0.2.7"}}]`), `
external steady: primary → 192.0.2.9/32 TCP 5432
backup steady: primary → 192.0.2.7/32 TCP 443`},
		"the primary of a topology": {cluster1(`replica: {primary: pg, source: eu}, externalClusters: [{name: eu, connectionParameters: {host: 192.0.2.9}}]`), `
! external`},
		"a subscription": {cluster1(`externalClusters: [{name: eu, connectionParameters: {host: 192.0.2.9}}]`) + `
---
apiVersion: postgresql.cnpg.io/v1
kind: Subscription
metadata: {name: s, namespace: shop}
spec: {cluster: {name: pg}, externalClusterName: eu, name: s, dbname: app, publicationName: p}`, `
external steady: primary → 192.0.2.9/32 TCP 5432`},
		"somebody who scrapes": {cluster1(`monitoring: {enablePodMonitor: true}`) + `
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec: {cluster: {name: pg}, monitoring: {enablePodMonitor: true}}
---
apiVersion: v1
kind: Pod
metadata: {name: prom, namespace: mon, labels: {app.kubernetes.io/name: prometheus}}
---
apiVersion: v1
kind: Pod
metadata: {name: op, namespace: ops, labels: {app.kubernetes.io/name: cloudnative-pg}}`, `
metrics monitoring optional: prom → primary TCP 9187
metrics monitoring optional: prom → pool TCP 9127
metrics monitoring optional: prom → op TCP 8080
pooler steady: pool → primary TCP 5432
dns steady: pool → kube-system TCP 53, UDP 53`},
	} {
		t.Run(name, func(t *testing.T) {
			got := flowsOf(adapted(t, worldtest.World(t, c.in)))
			for _, line := range strings.Split(strings.TrimSpace(c.want), "\n") {
				absent, never := strings.CutPrefix(line, "! ")
				switch {
				case never && slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, absent) }):
					t.Errorf("there is %s among\n%s", absent, strings.Join(got, "\n"))
				case !never && !slices.Contains(got, line):
					t.Errorf("no %s among\n%s", line, strings.Join(got, "\n"))
				}
			}
			if slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, "has no phase") }) {
				t.Error(strings.Join(got, "\n"))
			}
			if name == "two instances" && len(got) != strings.Count(c.want, "\n") {
				t.Errorf("%d flows", len(got))
			}
		})
	}
}

func cluster1(spec string) string {
	return "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: pg, namespace: shop}\nspec: {imageName: \"x:17\", " + spec + "}\n"
}

func flowsOf(s *snapshot.Server) []string {
	var out []string
	for _, f := range s.Vital {
		when := string(f.Phase)
		if f.Releases != "" {
			when += " " + f.Releases
		}
		if f.Optional {
			when += " optional"
		}
		out = append(out, fmt.Sprintf("%s %s: %s → %s %s", f.ID, when, whoIs(f.From), whoIs(f.To), flow.PortsOf(f.Ports...)))
		if f.Phase == "" || f.Source == "" {
			out = append(out, f.ID+" has no phase or no source")
		}
	}
	return out
}

// whoIs names the parts of a peer's pods, each once.
func whoIs(p snapshot.VitalPeer) string {
	var out []string
	for _, pod := range p.Pods {
		name := pod.Part
		if name == "" {
			name = pod.Name
		}
		if name == "" {
			name = pod.Workload.Name
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	switch {
	case len(out) > 0:
		return strings.Join(out, ", ")
	case p.Namespace != "":
		return p.Namespace
	case p.OutsideUnknown:
		return "outside"
	}
	for _, prefix := range p.Outside.Prefixes() {
		out = append(out, prefix.String())
	}
	return strings.Join(out, " ")
}

// A Pooler of replicas has nobody to connect to where one instance is all there is.
func TestPoolerOfNoReplicas(t *testing.T) {
	for instances, want := range map[string]bool{"1": true, "2": false} {
		s := adapted(t, worldtest.World(t, "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: pg, namespace: db}\nspec: {instances: "+instances+"}\n---\n"+
			"apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nmetadata: {name: pool, namespace: db}\nspec: {cluster: {name: pg}, type: ro}\n"))
		for _, f := range s.Vital {
			if f.ID == "pooler" && (f.To.Lost != nil) != want {
				t.Errorf("%s instances: %+v", instances, f.To.Lost)
			}
		}
	}
}
