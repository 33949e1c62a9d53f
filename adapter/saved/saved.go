// Package saved keeps what was read of an estate in one file, and reads it again: quicker than
// manifests, and as they were, but for what Secrets hold.
package saved

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/pgmoat/pgmoat/adapter/object"
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

// Write writes a batch. Format, Coverage, Objects and Digest of the header are filled in.
func Write(w io.Writer, h Header, b object.Batch) (Header, error) { return h, errors.New("not yet") }

// Is reports whether a file that begins so is a snapshot.
func Is(beginning []byte) bool { return false }

// Read reads the file of that name, as files are named in origins. Wants is as in package file.
func Read(ctx context.Context, name string, r io.Reader, wants func(object.Type, []byte) bool) (Header, object.Batch, error) {
	return Header{}, object.Batch{}, errors.New("not yet")
}
