package rolerules

import (
	"testing"

	"github.com/pgmoat/pgmoat/internal/audittest"
)

// Each rule has a file in testdata with what it reports, and with its neighbours that
// it does not.
func TestRules(t *testing.T) {
	for _, r := range Rules {
		t.Run(r.ID, func(t *testing.T) { audittest.Run(t, r) })
	}
}
