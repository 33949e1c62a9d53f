// Package zalando knows what the Zalando postgres-operator makes of its objects:
// pods, Services, pg_hba.conf and the flows that must not be cut. Facts are of
// release 2.0.1 and of the Spilo image it runs.
package zalando

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
)

// Name is the operator's, in Server.Operator and Facts.Operators.
const Name = "zalando"

// Adapter adds a Server for each postgresql.
var Adapter = operator.Adapter{
	Kinds: []object.Type{
		{Group: "acid.zalan.do", Kind: "postgresql"},
		{Group: "acid.zalan.do", Kind: "OperatorConfiguration"},
	},
	Adapt: Adapt,
}

// Adapt adds a Server for each postgresql of the world.
func Adapt(*operator.World) {}
