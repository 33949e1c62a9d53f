package world

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
)

// CheckCount is CheckInstances for a number of pods that another field holds.
func CheckCount(w *operator.World, o object.Object, field string, stated *int) {
	if stated != nil && (*stated < 0 || *stated > maxInstances) {
		Fault(w, o, field, "%d: want a number up to %d", *stated, maxInstances)
	}
}
