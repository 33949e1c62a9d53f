package pgo

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func TestParseRelease(t *testing.T) {
	for text, want := range map[string]string{
		"6.0.3": "6.0.3", "v3.0.0": "3.0.0", "ubi9-6.0.3-0": "6.0.3", "pgo-5.7.2": "5.7.2", "2.4": "2.4.0", "pg-operator-2.7.0": "2.7.0",
		"": "", "latest": "", "16": "", "1234567.8": "",
	} {
		if got := ParseRelease(text).String(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The operator's Deployment is known by its image or its pods' labels, however its manifest
// is escaped.
func TestReleaseOf(t *testing.T) {
	f := &Fork{Image: "crunchydata/postgres-operator", Operator: world.Operator{Labels: map[string]string{"crunchy/control-plane": "postgres-operator"}}}
	for text, want := range map[string]string{
		`"spec": {"containers": [{"image": "r/crunchydata/postgres-operator:ubi9-6.0.3-0"}]}`:                                              "6.0.3",
		`"spec": {"containers": [{"image": "r/crunchydata/postgres\u002doperator:ubi9-6.0.3-0"}]}`:                                         "6.0.3",
		`"metadata": {"labels": {"crunchy/control-plane": "postgres-operator"}}, "spec": {"containers": [{"image": "corp/pgo:5.7.2"}]}`:    "5.7.2",
		`"metadata": {"labels": {"crunchy/control-plane": "postgres-\u006fperator"}}, "spec": {"containers": [{"image": "corp/o:5.7.2"}]}`: "5.7.2",
		`"metadata": {"labels": {"crunchy/control-plane": "other"}}, "spec": {"containers": [{"image": "corp/pgo:5.7.2"}]}`:                "",
		`"spec": {"containers": [{"image": "zalando/postgres-operator:1.15.1"}]}`:                                                          "",
	} {
		o := object.Object{Kind: "Deployment", JSON: []byte(`{"spec": {"template": {` + text + `}}}`)}
		w := &operator.World{Snapshot: &snapshot.Snapshot{}, Objects: map[string][]object.Object{"Deployment.apps": {o}}}
		if got := releaseOf(w, f).String(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// What is not known is neither before nor from anything.
func TestReleaseOrder(t *testing.T) {
	r := Release{6, 0, 3}
	switch {
	case Release(nil).Before(6), Release(nil).From(6):
		t.Error("an unknown release has an order")
	case !r.From(6, 0, 0), r.Before(6, 0, 3), !r.Before(6, 1), !r.From(6, 0, 3):
		t.Error(r)
	}
}

func TestImageParts(t *testing.T) {
	for image, want := range map[string][2]string{
		"percona/percona-postgresql-operator:3.0.0":       {"percona/percona-postgresql-operator", "3.0.0"},
		"r:5000/crunchydata/postgres-operator":            {"r:5000/crunchydata/postgres-operator", ""},
		"crunchydata/postgres-operator:ubi9-6.0.3-0@sha2": {"crunchydata/postgres-operator", "ubi9-6.0.3-0"},
	} {
		if repository, tag := imageParts(image); repository != want[0] || tag != want[1] {
			t.Errorf("%s: %s %s", image, repository, tag)
		}
	}
}

// int-or-string values are written as people wrote them.
func TestText(t *testing.T) {
	for want, v := range map[string]any{"": nil, "a": "a", "636": int64(636), "5.1": 5.1, "200": float64(200), "true": true} {
		if got := text(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

// Only images of PgBouncer tell its release; those of Percona's before count their own.
func TestBouncerRelease(t *testing.T) {
	for image, want := range map[string]string{
		"registry.example/crunchydata/crunchy-pgbouncer:ubi9-1.25-2547": "ubi9-1.25-2547",
		"docker.io/percona/percona-pgbouncer:1.25.0-1":                  "1.25.0-1",
		"percona/percona-postgresql-operator:1.4.0-ppg14-pgbouncer":     "",
		"": "",
	} {
		c := &Cluster{}
		c.Spec.Proxy.PgBouncer = &PgBouncer{Image: image}
		if got := c.bouncerRelease(); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}
