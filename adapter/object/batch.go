package object

import (
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Batch is what one source delivered: files, a rendered chart, a live cluster.
type Batch struct {
	// Objects are in the order they were read.
	Objects []Object
	// Problems are documents that should have been objects.
	Problems []snapshot.Problem
	// Skipped names what the user excluded.
	Skipped []string
	// Ignored counts documents without apiVersion and kind.
	Ignored int
	// Unused counts the objects of kinds that nobody asked for.
	Unused int
	// Locate narrows the origin of one of the Objects to the line of its field; nil
	// where the source has no lines.
	Locate func(verdict.Origin) verdict.Origin
}
