package stackgres

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// What spec.postgresServices says of a load balancer is what its Service has.
func TestLoadBalancer(t *testing.T) {
	const annotation = "  metadata: {annotations: {primaryService: {service.beta.kubernetes.io/azure-load-balancer-internal: \"true\"}}}\n"
	_, w := adapted(t, shop(annotation+
		"  postgresServices: {primary: {type: LoadBalancer, externalTrafficPolicy: Local, allocateLoadBalancerNodePorts: false, externalIPs: [192.0.2.9]}}"))
	s := w.Service("pg", "shop")
	if !s.KeepsClient || !s.NoNodePorts || s.Internal != verdict.Allow || len(s.ExternalIPs) != 1 || s.InternalOrigin.Field != "spec.metadata.annotations" {
		t.Errorf("%+v", s)
	}
	if r := w.Service("pg", "shop-replicas"); r.KeepsClient || r.NoNodePorts || r.Internal != verdict.Unknown || r.Type != typeClusterIP {
		t.Errorf("%+v", r)
	}
	_, w = adapted(t, shop(annotation+"  postgresServices: {primary: {type: NodePort}}"))
	if s := w.Service("pg", "shop"); s.Internal != verdict.Unknown || s.KeepsClient {
		t.Errorf("%+v", s)
	}
}

// Of two overrides for one shard the first counts.
func TestFirstOverrideCounts(t *testing.T) {
	_, w := adapted(t, `apiVersion: stackgres.io/v1alpha1
kind: SGShardedCluster
metadata: {name: big, namespace: pg}
spec:
  type: ddp
  shards:
    clusters: 1
    instancesPerCluster: 1
    overrides: [{index: 0, instancesPerCluster: 3}, {index: 0, instancesPerCluster: 5}]
`)
	for _, s := range w.Snapshot.Servers {
		if s.Duty == "shard 0" && len(s.Members()) != 6 { // three, as primary and as replica
			t.Errorf("%d", len(s.Members()))
		}
	}
}

// A stored object without ssl is of a time when it was off by default, whatever the
// operator is now.
func TestStoredWithoutTLS(t *testing.T) {
	w := worldtest.World(t, "")
	w.Objects["SGCluster.stackgres.io"] = []object.Object{{
		APIVersion: "stackgres.io/v1", Kind: "SGCluster", Namespace: "n", Name: "c", UID: "1", JSON: []byte(`{"spec":{}}`),
	}}
	w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "1.18.6"}
	Adapt(w)
	if got := w.Snapshot.Servers[0].TLS.Enabled; got != verdict.Deny {
		t.Error(got)
	}
}
