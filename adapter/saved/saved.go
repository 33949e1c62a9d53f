// Package saved keeps what was read of an estate in one file, and reads it again: quicker than
// manifests, and as they were, but for what Secrets hold.
//
// A file is a line that names the format, a line of JSON that is its Header, and sections.
// Objects stand in chunks of a megabyte, each with its identity parsed and its strings in a
// table, so that reading is little more than decompressing: the JSON of objects is not
// copied, and that of objects which nobody wants is not looked at.
package saved

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A Header says what a file is of.
type Header struct {
	// Format is the version of the file's format, Program that of the pgmoat that wrote it.
	Format  int    `json:"format"`
	Program string `json:"program"`
	// Taken is when it was written; Sources are what was read, as people named it.
	Taken   time.Time `json:"taken"`
	Sources []string  `json:"sources"`
	// Coverage is that of the batch.
	Coverage *snapshot.Coverage `json:"coverage,omitempty"`
	// Objects counts them, Digest is the SHA-256 of all that follows, in hexadecimal.
	Objects int    `json:"objects"`
	Digest  string `json:"digest"`
}

// magic begins the first line; the number of the format ends it.
const magic = "pgmoat snapshot "

// newest is the format that Write writes.
const newest = 1

// formats are the readers of what follows the header, by format. One that was ever released
// stays, and so does its file in testdata.
var formats = map[int]func(*reading) error{
	1: (*reading).sections,
}

// What a file may take, so that no one that somebody else made takes the machine. They are
// variables for tests.
var (
	// maxFile bounds the file, maxRaw what its sections come to decompressed.
	maxFile, maxRaw int64 = 1 << 30, 1 << 30
	// maxObjects bounds the objects, maxEntries their labels, annotations and owners, and
	// maxStrings the tables of strings.
	maxObjects, maxEntries, maxStrings int64 = 4 << 20, 16 << 20, 32 << 20
	// maxHeader and maxRest bound the JSON of the header and of what is no object.
	maxHeader, maxRest = 16 << 20, 32 << 20
)

// errNone says that a file is something else.
var errNone = errors.New("is no snapshot of pgmoat")

// Is reports whether a file that begins so is a snapshot, of whatever format.
func Is(beginning []byte) bool { return bytes.HasPrefix(beginning, []byte(magic)) }

// cutFormat reads the first line, and returns the format and the rest.
func cutFormat(data []byte) (format int, rest []byte, err error) {
	if !Is(data) {
		return 0, nil, errNone
	}
	line, _, ok := bytes.Cut(data[len(magic):min(len(data), len(magic)+32)], []byte{'\n'})
	if !ok {
		return 0, nil, fmt.Errorf("%w: its first line names no format", errNone)
	}
	format, err = strconv.Atoi(string(line))
	if err != nil || strconv.Itoa(format) != string(line) || format < 1 {
		return 0, nil, fmt.Errorf("%w: its first line names the format %q", errNone, line)
	}
	switch last := slices.Max(slices.Collect(maps.Keys(formats))); {
	case format > last:
		return 0, nil, fmt.Errorf("written by a newer pgmoat (format %d, this one reads up to %d): update pgmoat", format, last)
	case formats[format] == nil:
		return 0, nil, fmt.Errorf("written in format %d, which this pgmoat does not read", format)
	}
	return format, data[len(magic)+len(line)+1:], nil
}
