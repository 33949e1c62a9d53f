package netpolrules

import (
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A namespace that no object was read of may be there all the same where namespaces could not
// be listed, and where something is deployed from elsewhere.
func TestUnreadNamespaceIsNotMissing(t *testing.T) {
	world := audittest.Load(t, `apiVersion: v1
kind: Namespace
metadata: {name: payments}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {}
  ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]}]
`)
	listing := func(l snapshot.Listing) *snapshot.Coverage {
		return &snapshot.Coverage{Kinds: []snapshot.Kind{{Name: "Namespace", Listing: l}}}
	}
	world.Facts.Complete = true
	for name, test := range map[string]struct {
		coverage *snapshot.Coverage
		missing  []snapshot.Missing
		want     int
	}{
		"said to be complete": {nil, nil, 1},
		"listed":              {listing(snapshot.KindListed), nil, 1},
		"refused":             {listing(snapshot.KindRefused), nil, 0},
		"elsewhere":           {listing(snapshot.KindListed), []snapshot.Missing{{What: "a chart"}}, 0},
	} {
		world.Coverage, world.Missing = test.coverage, test.missing
		if got := audit.Run(world, []*audit.Rule{NET1003}).Findings; len(got) != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
