// Package live reads the objects of a running cluster from its kube-apiserver: it lists and
// gets, and never watches or writes.
package live

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgmoat/pgmoat/adapter/object"
	"k8s.io/client-go/rest"
)

// ErrNoCluster is why there is nothing to read: no kubeconfig names a cluster, and the
// program does not run in a pod.
var ErrNoCluster = errors.New("there is no cluster to read")

// Options say which cluster, and what of it.
type Options struct {
	// Kubeconfig is the path of a kubeconfig; empty for what kubectl would take, and inside a
	// pod without one, for the pod's own service account.
	Kubeconfig string
	// Context is the name of a context in it; empty for the current one.
	Context string
	// Namespaces narrows to these; empty for all. Kinds without namespace are read whole.
	Namespaces []string
	// Types are the kinds to read.
	Types []Type
	// Wants is asked about each object, with its text in JSON, which is not to be kept; nil
	// wants all. Namespaces are kept unasked.
	Wants func(object.Type, []byte) bool
	// Progress is told of each page; nil where nobody looks.
	Progress func(Progress)
}

// A Type is a kind to read.
type Type struct {
	object.Type
	// Version is the one version that is understood; empty for whatever the server prefers.
	// Where the server has another one only, that is read: whoever converts it says what is
	// wrong with it.
	Version string
	// Decides is of snapshot.Kind.
	Decides bool
	// Stored is another kind as which the server keeps the same objects; zero for none. Where
	// this one is refused, it is enough that that one is listed.
	Stored object.Type
	// Metadata asks for no more than the metadata. Of Secrets nothing else is ever listed.
	Metadata bool
	// Annotations are those that are kept of such metadata: others may hold the whole object
	// as it was applied, or what was generated for it.
	Annotations []string
}

// Progress is how far reading is.
type Progress struct {
	// Kind is being read, the number Index of Kinds, from 0; Objects of it were read so far,
	// and Remaining are to come, where the server says. When all is read, Index is Kinds.
	Kind               string
	Index, Kinds       int
	Objects, Remaining int
}

// String is a line for people: "ConfigMap (12 of 63): 500 read, 9500 to come".
func (p Progress) String() string {
	if p.Index >= p.Kinds {
		return fmt.Sprintf("%d kinds are read", p.Kinds)
	}
	text := fmt.Sprintf("%s (%d of %d): %d read", p.Kind, p.Index+1, p.Kinds, p.Objects)
	if p.Remaining > 0 {
		text += fmt.Sprintf(", %d to come", p.Remaining)
	}
	return text
}

// Read lists the kinds page by page, in the order of their names. What the server refuses to
// list is told in the batch's Coverage; an error means that there is no telling anything: no
// such cluster, credentials that are refused, a server that went away.
func Read(ctx context.Context, opts Options) (object.Batch, error) {
	return read(ctx, opts, rest.InClusterConfig)
}
