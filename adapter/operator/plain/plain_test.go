package plain

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func TestAdapt(t *testing.T) { worldtest.Run(t, Adapt) }

func TestImageMajor(t *testing.T) {
	for image, want := range map[string]int{
		"postgres:16-alpine": 16,
		"postgres":           0,
		"docker.io/library/postgres:17.2@sha256:abc":   17,
		"localhost:5000/postgres:14.1":                 14,
		"postgis/postgis:15-3.4":                       15,
		"pgvector/pgvector:0.8.0-pg17":                 17,
		"pgvector/pgvector:pg16":                       16,
		"timescale/timescaledb:2.17.2-pg16":            16,
		"timescale/timescaledb:latest":                 0,
		"bitnami/postgresql:16.4.0-debian-12-r0":       16,
		"prometheuscommunity/postgres-exporter:v0.1.0": 0,
	} {
		if got := imageMajor(image); got != want {
			t.Errorf("%s: %d, want %d", image, got, want)
		}
	}
}

// What is a server, and what only stands beside one.
func TestFind(t *testing.T) {
	for _, c := range []struct {
		name, image string
		port        int
		annotation  string
		want        bool
	}{
		{"db", "postgres:16", 0, "", true},
		{"db", "registry.corp:5000/mirror/postgres:16", 0, "", true},
		{"db", "postgres:16", 5432, "false", false},
		{"db", "corp/special", 0, "true", true},
		{"postgres", "corp/special", 5432, "", true},
		{"orders-postgresql", "corp/special", 5432, "", true},
		{"orders", "corp/special", 5432, "", true},
		{"orders", "corp/special", 6432, "", false},
		{"cloud-sql-proxy", "corp/special", 5432, "", false},
		{"postgres", "corp/special", 8080, "", false},
		{"postgres-exporter", "quay.io/prometheuscommunity/postgres-exporter", 5432, "", false},
		{"postgres-pooler", "edoburu/pgbouncer", 5432, "", false},
		{"pgadmin", "dpage/pgadmin4", 5432, "", false},
		{"postgres-backup", "corp/postgres-backup-s3", 5432, "", false},
		{"postgres-operator", "registry/postgres-operator", 5432, "", false},
	} {
		s := &server{}
		s.obj.Name = c.name
		s.obj.Annotations = map[string]string{Annotation: c.annotation}
		x := container{Name: c.name, Image: c.image}
		if c.port != 0 {
			x.Ports = append(x.Ports, port{Number: c.port})
		}
		s.spec.Template.Spec.Containers = []container{x}
		if got := s.find(); got != c.want {
			t.Errorf("%s %s: %t", c.name, c.image, got)
		}
	}
}

// A port that is called after PostgreSQL is where an unknown image listens; that of
// the Docker library does not look at its manifest.
func TestPort(t *testing.T) {
	for image, want := range map[string]uint16{"corp/special": 6000, "postgres:16": 5432} {
		s := &server{container: container{Image: image, Ports: []port{{Name: "metrics", Number: 9187}, {Name: "pg", Number: 6000}}}}
		if got := s.port(); got != want {
			t.Errorf("%s: %d, want %d", image, got, want)
		}
	}
}

func TestParseArguments(t *testing.T) {
	a := parseArguments([]string{"postgres", "-c", "ssl=on", "-cssl_ca_file='/x'", "--hba-file=/etc/h", "-p", "5433"})
	for name, want := range map[string]string{"ssl": "on", "ssl_ca_file": "/x", "hba_file": "/etc/h", "port": "5433"} {
		if got := a.settings[name]; got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if !parseArguments([]string{"/bin/sh", "-c", "postgres"}).shell {
		t.Error("a shell may do anything")
	}
}

func TestParseSettings(t *testing.T) {
	f := parseSettings("# ssl = off\nssl on\n HBA_FILE = '/etc/h' # here\nport=1\nport = 2\n")
	for name, want := range map[string]string{"ssl": "on", "hba_file": "/etc/h", "port": "2"} {
		if got := f.settings[name]; got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if !parseSettings("include 'x.conf'").unread {
		t.Error("an included file is not read")
	}
}

// A pooler beside the server listens, and nobody knows whom it lets in.
func TestSidecarPooler(t *testing.T) {
	w := worldtest.World(t, `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - {name: pool, image: "edoburu/pgbouncer:1.23", ports: [{containerPort: 5432}, {containerPort: 6543}]}
      - {name: pg, image: "postgres:17"}
      - {name: other, image: pgpool/pgpool}
`)
	Adapt(w)
	ports := w.Snapshot.Servers[0].Ports
	if len(ports) != 3 || ports[1].Port != 6543 || ports[2].Port != 6432 {
		t.Fatalf("%+v", ports)
	}
	for _, p := range ports[1:] {
		if p.Maybe == "" || p.Pooler == nil || len(p.Pooler.Errors) != 1 || p.Sees != snapshot.SeesUnknown {
			t.Errorf("%+v", p)
		}
	}
}
