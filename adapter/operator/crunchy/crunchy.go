// Package crunchy knows what Crunchy PGO makes of its objects: pods, Services,
// pg_hba.conf and the flows that must not be cut. Facts are of release 6.0.3.
package crunchy

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/pgo"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
)

// Name is the operator's, in Server.Operator and Facts.Operators.
const Name = "crunchy"

const group = "postgres-operator.crunchydata.com"

// Adapter adds a Server for each PostgresCluster.
var Adapter = operator.Adapter{
	Kinds: []object.Type{
		{Group: group, Kind: "PostgresCluster"},
		{Group: group, Kind: "PGUpgrade"},
		{Group: group, Kind: "PGAdmin"},
	},
	Adapt: Adapt,
}

var fork = pgo.Fork{
	Name: Name, Kind: object.Type{Group: group, Kind: "PostgresCluster"}, Image: "crunchydata/postgres-operator",
	Operator: world.Operator{
		Key: Name, Namespace: "postgres-operator", Name: "the operator",
		Labels: map[string]string{group + "/control-plane": "postgres-operator"},
	},
	Source: "Crunchy PGO [pgo internal/controller/postgrescluster/@6.0.3]",
	Paths: pgo.Paths{
		Service: "spec.service", Replicas: "spec.replicaService", Pooler: "spec.proxy.pgBouncer.service",
		CustomTLS: "spec.customTLSSecret", CustomReplicationTLS: "spec.customReplicationTLSSecret", Shutdown: "spec.shutdown", Paused: "spec.paused",
	},
	Strict: true, Quotes: true, Rules: pgo.Release{6, 0, 0}, Scram: pgo.Release{6, 0, 0}, Seccomp: pgo.Release{5, 6, 0},
	Read: read,
}

// Adapt adds a Server for each PostgresCluster of the world.
func Adapt(w *operator.World) { fork.Adapt(w) }

// read decodes a PostgresCluster. Its certificates hang on one root for each namespace,
// so that a client certificate of one cluster is good at its neighbours too [pgo
// internal/controller/postgrescluster/pki.go reconcileRootCertificate@6.0.3]. The role
// label keeps the value it had before Patroni 4 [pgo internal/patroni/config.go@6.0.3].
func read(w *operator.World, o object.Object) pgo.Input {
	var in struct {
		Spec pgo.Spec `json:"spec"`
	}
	world.Read(w, o, &in)
	return pgo.Input{
		Spec: in.Spec, Leader: "master", CA: "pgo-root-cacert", CAKey: "root.crt",
		Lifetimes: pgo.Lifetimes{Leaf: pgo.Year, LeafBefore: pgo.Third, CA: pgo.Decade},
	}
}
