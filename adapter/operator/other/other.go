// Package other names the databases of operators that no adapter understands yet, and
// poolers that people run themselves: a closed list must not pass over them in silence.
package other

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NotModelled is the code of the warning about each of them.
const NotModelled = snapshot.NotModelled

// PoolerNotModelled is the code of the warning about each pooler that is nobody's.
const PoolerNotModelled = snapshot.PoolerNotModelled

// kinds are the types of those databases.
var kinds = []object.Type{
	// Crunchy's operator before release 5, crunchydata.com/v1, and Percona's before release
	// 2, pg.percona.com/v1. Their successors have groups of their own.
	{Group: "crunchydata.com", Kind: "Pgcluster"},
	{Group: "pg.percona.com", Kind: "PerconaPGCluster"},
}

// Adapter warns of each such database.
var Adapter = operator.Adapter{Kinds: slices.Clone(kinds), Adapt: Adapt}

// Adapt warns of each such database, and of each pooler that no server knows as its own.
func Adapt(w *operator.World) {
	for _, wl := range world.Passers(w) {
		w.Snapshot.Warnings = append(w.Snapshot.Warnings, snapshot.Warning{
			Code: PoolerNotModelled, Origin: wl.Origin,
			Text: fmt.Sprintf("%s runs %s, which pgmoat does not understand here: sessions through it reach servers as its own, and whom it lets in no answer tells",
				wl.Ref, wl.Passes),
		})
	}
	for _, kind := range kinds {
		for _, o := range w.Objects[kind.String()] {
			w.Snapshot.Warnings = append(w.Snapshot.Warnings, snapshot.Warning{
				Code: NotModelled, Origin: o.Origin(),
				Text: fmt.Sprintf("%s is a database that pgmoat does not understand yet: no answer is about it", o.Ref()),
			})
		}
	}
}
