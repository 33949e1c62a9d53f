package nettwin

import (
	"slices"
	"testing"
)

// The API server would take every object of a world: our adapters have no problem
// with it. And one seed is one world.
func TestWorldsAreValid(t *testing.T) {
	for seed := range uint64(300) {
		w := Random(seed)
		if _, err := w.Snapshot(); err != nil {
			t.Error(err)
		}
		again := Random(seed)
		if !slices.EqualFunc(w.Objects(), again.Objects(), func(a, b []byte) bool { return string(a) == string(b) }) {
			t.Errorf("seed %d: two worlds", seed)
		}
	}
}
