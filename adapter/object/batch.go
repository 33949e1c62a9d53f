package object

import (
	"crypto/sha256"
	"encoding/hex"

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
	// Coverage says what of a cluster was looked at; nil for manifests.
	Coverage *snapshot.Coverage
	// Missing is what is deployed and the source does not hold.
	Missing []snapshot.Missing
	// Warnings are what people should know of how the source was read.
	Warnings []snapshot.Warning
	// Inputs are the files that were read, in their order; nil where nobody asked for their
	// digests.
	Inputs []Input
	// Locate narrows the origin of one of the Objects to the line of its field; nil
	// where the source has no lines.
	Locate func(verdict.Origin) verdict.Origin
}

// An Input is a file that was read, by the name that the user gave it; "-" is standard input.
type Input struct {
	Name string `json:"name"`
	// SHA256 is that of its bytes as they were read, in hexadecimal, as sha256sum has it.
	SHA256 string `json:"sha256"`
}

// InputOf returns the digest of what a file held.
func InputOf(name string, data []byte) Input {
	sum := sha256.Sum256(data)
	return Input{name, hex.EncodeToString(sum[:])}
}
