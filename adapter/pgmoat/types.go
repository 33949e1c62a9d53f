package pgmoat

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/api/v1alpha1"
)

// Types returns our kinds. Of those that are misspelt there are none in a cluster, which has
// no definition for them.
func Types() []object.Type {
	var out []object.Type
	for _, kind := range kindNames() {
		out = append(out, object.Type{Group: v1alpha1.GroupVersion.Group, Kind: kind})
	}
	return out
}
