package layer_test

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/layer"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const dumps = "../operator/cnpg/testdata/dump/"

func read(t *testing.T, text string) object.Batch {
	t.Helper()
	b, err := file.Read(context.Background(), []string{"-"}, file.Options{Stdin: strings.NewReader(text)})
	if err != nil || len(b.Problems) > 0 {
		t.Fatal(err, b.Problems)
	}
	return b
}

func snapshotOf(t *testing.T, b object.Batch) *snapshot.Snapshot {
	t.Helper()
	s, err := estate.From(context.Background(), func(context.Context, estate.Wants) (object.Batch, error) { return b, nil },
		estate.Options{Adapters: known.Adapters()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// written is the Cluster of the dump before the operator completed it.
const written = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: db}
spec:
  enableSuperuserAccess: true
  imageName: ghcr.test/postgresql:15.18
  instances: 3
  managed: {roles: [{connectionLimit: 5, login: true, name: reporting}]}
  storage: {size: 1Gi, storageClass: standard}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pg-rw-pool, namespace: db}
spec: {cluster: {name: pg}, instances: 2, pgbouncer: {poolMode: transaction}, type: rw}
`

// addresses counts the pods of the server that have one.
func addresses(s *snapshot.Snapshot) (n int) {
	for _, p := range s.Servers[0].Workload.Pods {
		if len(p.Addresses) > 0 {
			n++
		}
	}
	return n
}

// A dump of a cluster, below what somebody wrote: unchanged, it is the dump; with a line of
// pg_hba more, the server has that line, its Services, and pods that are still to come, with
// nothing left of the old ones to disagree with.
func TestCloudNativePG(t *testing.T) {
	var text []byte
	for _, name := range []string{"live.yaml", "manifests.yaml"} {
		data, err := os.ReadFile(dumps + name)
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, "\n---\n"...), data...)
	}
	base := read(t, string(text))
	was := snapshotOf(t, base)
	if len(was.Servers) != 1 || addresses(was) == 0 {
		t.Fatalf("%d servers, %d addresses", len(was.Servers), addresses(was))
	}

	same := layer.Over(base, read(t, written))
	if !slices.EqualFunc(base.Objects, same.Objects, func(a, b object.Object) bool { return bytes.Equal(a.JSON, b.JSON) }) {
		t.Error("what was applied again is something else")
	}

	const line = "hostnossl all all 192.0.2.0/24 reject"
	now := snapshotOf(t, layer.Over(base, read(t, regexp.MustCompile("storage:").ReplaceAllLiteralString(written, "postgresql: {pg_hba: ["+line+"]}\n  storage:"))))
	if len(now.Servers) != 1 || len(now.Problems) > len(was.Problems) || len(now.Servers[0].Disagreements) > 0 {
		t.Fatalf("%d servers, %v, %v", len(now.Servers), now.Problems, now.Servers[0].Disagreements)
	}
	server := now.Servers[0]
	if addresses(now) != 0 || len(server.Workload.Pods) == 0 || server.Version != was.Servers[0].Version {
		t.Errorf("%d addresses, %d pods, version %d", addresses(now), len(server.Workload.Pods), server.Version)
	}
	if !slices.ContainsFunc(server.HBA.Records, func(r hba.Record) bool { return strings.Contains(r.Raw, "192.0.2.0/24") }) {
		t.Errorf("%+v", server.HBA)
	}
	for _, name := range []string{"pg-rw", "pg-r", "pg-ro", "pg-rw-pool"} {
		if !slices.ContainsFunc(now.Services, func(s *snapshot.Service) bool { return s.Namespace == "db" && s.Name == name }) {
			t.Errorf("there is no Service %s", name)
		}
	}
}
