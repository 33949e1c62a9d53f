package world_test

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

const estate = `apiVersion: v1
kind: Service
metadata: {name: minio, namespace: store}
spec: {selector: {app: minio}, ports: [{name: s3, port: 9000}]}
---
apiVersion: v1
kind: Pod
metadata: {name: minio-0, namespace: store, labels: {app: minio}}
---
apiVersion: v1
kind: Pod
metadata: {name: op, namespace: ops, labels: {name: operator}}
`

// Who a host name is about, seen from namespace shop.
func TestHost(t *testing.T) {
	for host, want := range map[string]string{
		"minio.store":                   "minio-0",
		"minio.store.svc":               "minio-0",
		"minio.store.svc.cluster.local": "minio-0",
		"minio":                         "shop",
		"minio.elsewhere.svc":           "elsewhere",
		"store.example.com":             "outside",
		"minio.com":                     "outside",
		"192.0.2.7":                     "192.0.2.7/32",
		"::ffff:192.0.2.7":              "192.0.2.7/32",
	} {
		w := worldtest.World(t, estate)
		peer, _ := world.Host(w, "shop", "the store", host, 9000)
		if got := said(peer); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
}

const aliases = `
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec: {type: ExternalName, externalName: b.shop.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: shop}
spec: {type: ExternalName, externalName: a.shop.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: self, namespace: shop}
spec: {type: ExternalName, externalName: self.shop.svc}
---
apiVersion: v1
kind: Service
metadata: {name: store, namespace: shop}
spec: {type: ExternalName, externalName: minio.store.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: pods, namespace: store}
spec: {clusterIP: None, selector: {app: minio}, ports: [{port: 80}]}
`

// A name that leads in a circle, or to a Service without the port, leads to nobody; one
// of a Service that was not read is told. The port of a headless Service is any.
func TestLostHosts(t *testing.T) {
	for host, want := range map[string]string{
		"a":             "service/circle",
		"self":          "service/circle",
		"store":         "",
		"minio.store":   "",
		"pods.store":    "",
		"nobody":        "not read: Service shop/nobody",
		"example.com":   "",
		"store:9001":    "service/no-such-port",
		"minio.store:1": "service/no-such-port",
	} {
		name, port, _ := strings.Cut(host, ":")
		peer, ports := world.Host(worldtest.World(t, estate+aliases), "shop", "the store", name, world.Port(port, 9000))
		got := ""
		switch {
		case peer.Lost != nil:
			got = string(peer.Lost.Reason)
			if peer.Lost.Verdict != verdict.Deny || peer.Lost.Origin.IsZero() {
				t.Errorf("%s: %+v", host, peer.Lost)
			}
		case peer.Unread.Name != "":
			got = "not read: " + peer.Unread.String()
		}
		if got != want || port == "" && ports[0].From != 9000 {
			t.Errorf("%s: %q at %v, want %q", host, got, ports, want)
		}
	}
}

func said(p snapshot.VitalPeer) string {
	switch {
	case len(p.Pods) > 0:
		return p.Pods[0].Name
	case p.Namespace != "":
		return p.Namespace
	case p.OutsideUnknown:
		return "outside"
	}
	return p.Outside.Prefixes()[0].String()
}

func TestEndpointPorts(t *testing.T) {
	for url, want := range map[string]uint16{
		"":                               443,
		"https://s3.example.com":         443,
		"http://s3.example.com":          80,
		"http://s3.example.com:9000/x":   9000,
		"not a url":                      443,
		"https://minio.store.svc:9000":   9000,
		"https://minio.store.svc:9000/b": 9000,
	} {
		w := worldtest.World(t, estate)
		_, ports := world.Endpoint(w, "shop", "the store", url)
		if len(ports) != 1 || ports[0].From != want {
			t.Errorf("%q: %v", url, ports)
		}
	}
}

// An operator is where the facts say, else where its pods are, else where it
// usually is.
func TestOperator(t *testing.T) {
	op := world.Operator{Key: "x", Namespace: "usual", Labels: map[string]string{"name": "operator"}, Name: "the operator"}
	w := worldtest.World(t, estate)
	if p := op.Peer(w); p.Namespace != "ops" || len(p.Pods) != 1 {
		t.Errorf("%+v", p)
	}
	w.Snapshot.Facts.Operators = map[string]string{"x": "told"}
	if p := op.Peer(w); p.Namespace != "told" || len(p.Pods) != 0 {
		t.Errorf("%+v", p)
	}
	if p := op.Peer(worldtest.World(t, "")); p.Namespace != "usual" {
		t.Errorf("%+v", p)
	}
}

func TestSelectorRefusesWhatTheServerDoes(t *testing.T) {
	type expression = struct {
		Key      string   `json:"key"`
		Operator string   `json:"operator"`
		Values   []string `json:"values"`
	}
	for _, bad := range []expression{
		{"a", "Like", nil}, {"", "Exists", nil}, {"a", "In", nil}, {"a", "Exists", []string{"x"}},
	} {
		s := world.LabelSelector{MatchExpressions: []expression{bad}}
		if _, err := s.Selector(); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
