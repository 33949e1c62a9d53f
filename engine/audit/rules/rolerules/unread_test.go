package rolerules

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const withPassword = "  managed:\n    roles:\n      - {name: app, login: true, passwordSecret: {name: app-password}}\n"

// Of a Secret whose metadata alone was read nobody knows that an entry is missing.
func TestUnreadEntriesAreNotMissing(t *testing.T) {
	text := cluster(withPassword) + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: app-password, namespace: payments}\nstringData: {other: x}\n"
	run := func(world *snapshot.Snapshot) audit.Result { return audit.Run(world, []*audit.Rule{ROL1012}) }
	world := audittest.Load(t, text)
	if got := run(world); len(got.Findings) != 1 || !strings.Contains(got.Findings[0].Message, "has no entry username") {
		t.Fatalf("%v", got.Findings)
	}
	world.Secrets[0].Partial, world.Secrets[0].Keys = true, nil
	got := run(world)
	if len(got.Findings) > 0 || len(got.NotChecked) != 1 ||
		got.NotChecked[0].Reason != "whether Secret payments/app-password has an entry username is not known: not all of it was read" {
		t.Errorf("%v %v", got.Findings, got.NotChecked)
	}
}

// A cluster that listed Secrets has no others, even in a namespace where there are none.
func TestListedSecretsAreAll(t *testing.T) {
	world := audittest.Load(t, cluster(withPassword))
	if got := audit.Run(world, []*audit.Rule{ROL1012}); len(got.Findings) > 0 {
		t.Fatalf("manifests: %v", got.Findings)
	}
	world.Coverage, world.Facts.Complete = &snapshot.Coverage{Kinds: []snapshot.Kind{{Name: "Secret", Listing: snapshot.KindListed}}}, true
	got := audit.Run(world, []*audit.Rule{ROL1012})
	if len(got.Findings) != 1 || !got.Findings[0].Certain || len(got.Findings[0].Assumptions) > 0 {
		t.Errorf("a cluster: %v", got.Findings)
	}
}
