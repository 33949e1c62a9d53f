package object

import (
	"errors"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A Fault is what is wrong with an object, and where.
type Fault struct {
	// Field is the path inside the object, "spec.ingress[0].ports[1].port"; empty
	// for the whole of it.
	Field string
	// Err says what is wrong without repeating the path.
	Err error
}

// Error writes "field: fault".
func (f *Fault) Error() string {
	if f.Field == "" {
		return f.Err.Error()
	}
	return f.Field + ": " + f.Err.Error()
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Problem tells that the object could not be understood. A Fault inside err gives
// the field. The doubt spreads over the object's namespace, and over all of them
// when the object has none: a Namespace, a policy of the cluster.
func (o Object) Problem(err error) snapshot.Problem {
	origin := o.Origin()
	var fault *Fault
	if errors.As(err, &fault) {
		origin.Field = fault.Field
	}
	text := strings.TrimPrefix(err.Error(), o.Ref().String()+": ")
	return snapshot.Problem{Origin: origin, Err: text, Namespace: o.Namespace}
}
