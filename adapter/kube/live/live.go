// Package live reads the objects of a running cluster from its kube-apiserver.
package live

import (
	"context"
	"errors"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// Options say which cluster, and what of it.
type Options struct {
	// Kubeconfig is the path of a kubeconfig; empty for what kubectl would take, and inside a
	// pod without one, for the pod's own service account.
	Kubeconfig string
	// Context is the name of a context in it; empty for the current one.
	Context string
	// Namespaces narrows to these; empty for all.
	Namespaces []string
	// Types are the kinds to read.
	Types []Type
	// Wants is asked about each object, with its text in JSON; nil wants all.
	Wants func(object.Type, []byte) bool
	// Progress is told of each page; nil where nobody looks.
	Progress func(Progress)
}

// A Type is a kind to read.
type Type struct {
	object.Type
	// Version is the one version that is understood; empty for whatever the server prefers.
	Version string
	// Decides is of snapshot.Kind.
	Decides bool
	// Metadata asks for no more than the metadata.
	Metadata bool
}

// Progress is how far reading is.
type Progress struct {
	// Kind is being read, the number Index of Kinds; Objects of it were read so far, and
	// Remaining are to come, where the server says.
	Kind               string
	Index, Kinds       int
	Objects, Remaining int
}

// Read lists the kinds page by page. What the server refuses to list is told in the batch's
// Coverage; an error means that there is no telling anything: no such cluster, credentials
// that are refused, a server that went away.
func Read(ctx context.Context, opts Options) (object.Batch, error) {
	return object.Batch{}, errors.New("not yet")
}
