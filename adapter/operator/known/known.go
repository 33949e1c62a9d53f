// Package known lists the adapters of all operators, in the order they are asked.
package known

import (
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/cnpg"
	"github.com/pgmoat/pgmoat/adapter/operator/crunchy"
	"github.com/pgmoat/pgmoat/adapter/operator/other"
	"github.com/pgmoat/pgmoat/adapter/operator/percona"
	"github.com/pgmoat/pgmoat/adapter/operator/plain"
	"github.com/pgmoat/pgmoat/adapter/operator/stackgres"
	"github.com/pgmoat/pgmoat/adapter/operator/zalando"
)

// Adapters are all of them. The plain one is the last but one: what the others take
// for their own is not plain.
func Adapters() []operator.Adapter {
	return []operator.Adapter{
		cnpg.Adapter, stackgres.Adapter, zalando.Adapter, crunchy.Adapter, percona.Adapter, plain.Adapter, other.Adapter,
	}
}
