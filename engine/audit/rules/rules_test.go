package rules_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/rules"
	"github.com/pgmoat/pgmoat/internal/audittest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

var update = flag.Bool("update", false, "write docs/rules.md anew")

const page = "../../../docs/rules.md"

func TestCatalogueIsFresh(t *testing.T) {
	want := rules.Catalogue()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/rules.md is stale: go test ./engine/audit/rules -update")
	}
}

// Every rule has all its documentation, and an id that is its own.
func TestRulesAreWhole(t *testing.T) {
	var ids []string
	for _, r := range rules.All() {
		if r.Title == "" || r.Why == "" || r.Severity == audit.NoSeverity || len(r.Needs) == 0 || r.Run == nil {
			t.Errorf("%s lacks a field", r.ID)
		}
		if (r.Bad == "" || r.Good == "") && r.ID != "VIT1099" {
			t.Errorf("%s has no examples", r.ID)
		}
		if slices.Contains(ids, r.ID) {
			t.Errorf("%s is there twice", r.ID)
		}
		ids = append(ids, r.ID)
	}
}

func TestExamples(t *testing.T) {
	for _, r := range rules.All() {
		t.Run(r.ID, func(t *testing.T) { audittest.Examples(t, r) })
	}
}

// Of an empty estate nothing is found, and no rule counts as passed.
func TestEmptyEstate(t *testing.T) {
	result := audit.Run(&snapshot.Snapshot{}, rules.All())
	if len(result.Findings) > 0 || len(result.NotChecked) != len(rules.All()) {
		t.Errorf("%d findings, %d of %d rules not checked", len(result.Findings), len(result.NotChecked), len(rules.All()))
	}
	if result.Unsettled() {
		t.Error("there was nothing to check, so nothing is unsettled")
	}
}

func TestNamed(t *testing.T) {
	got, err := rules.Named("net1001")
	if err != nil || len(got) != 1 || got[0].ID != "NET1001" {
		t.Errorf("Named(net1001) = %v, %v", got, err)
	}
	if _, err := rules.Named("NET9999"); err == nil || !strings.Contains(err.Error(), "NET9999") {
		t.Errorf("Named(NET9999) = %v", err)
	}
}
