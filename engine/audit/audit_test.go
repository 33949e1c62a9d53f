package audit_test

import (
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// says is a rule that reports these findings.
func says(id string, needs []audit.Fact, fs ...audit.Finding) *audit.Rule {
	return &audit.Rule{ID: id, Severity: audit.Medium, Needs: needs, Run: func(p *audit.Pass) {
		for _, f := range fs {
			p.Report(f)
		}
	}}
}

func TestTheWorstComesFirstAndNothingTwice(t *testing.T) {
	at := verdict.Origin{File: "a.yaml", Line: 3}
	result := audit.Run(&snapshot.Snapshot{}, []*audit.Rule{
		says("A1", nil, audit.Finding{Message: "medium", Certain: true}, audit.Finding{Message: "low", Severity: audit.Low, Certain: true}),
		says("B1", nil, audit.Finding{Message: "twice", Severity: audit.Critical, Origin: at},
			audit.Finding{Message: "twice", Severity: audit.Critical, Origin: at}),
	})
	var got []string
	for _, f := range result.Findings {
		got = append(got, f.Rule+" "+f.Severity.String()+" "+f.Message)
	}
	want := []string{"B1 critical twice", "A1 medium medium", "A1 low low"}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("got %q, want %q", got, want)
	}
	if result.Found() != 2 || result.Doubtful() != 1 || !result.Unsettled() {
		t.Errorf("%d found, %d doubtful", result.Found(), result.Doubtful())
	}
	if least := result.AtLeast(audit.Medium); len(least.Findings) != 2 || len(result.Findings) != 3 {
		t.Errorf("%d at least medium, of %d", len(least.Findings), len(result.Findings))
	}
}

func TestARuleWithoutItsFactsIsNotChecked(t *testing.T) {
	rules := []*audit.Rule{
		says("A1", []audit.Fact{audit.Policies}, audit.Finding{Message: "x"}),
		says("A2", []audit.Fact{audit.Servers}, audit.Finding{Message: "x"}),
		says("A3", []audit.Fact{audit.Plugin}, audit.Finding{Message: "x"}),
	}
	world := &snapshot.Snapshot{}
	result := audit.Run(world, rules)
	if len(result.Findings) != 0 || len(result.NotChecked) != 3 || result.Unsettled() {
		t.Errorf("got %+v", result)
	}
	// What could not be read may be just what the rule looks for.
	world.Problems = []snapshot.Problem{{Err: "not YAML"}}
	if !audit.Run(world, rules).Unsettled() {
		t.Error("an unreadable document may hold the policy, and all is settled")
	}
	world.Policies = []*netpol.Policy{{Name: "a"}}
	if got := audit.Run(world, rules[:1]); len(got.Findings) != 1 {
		t.Errorf("got %+v", got)
	}
}

// A strict reader accepts no assumption: what rests on one is a doubt.
func TestStrictLeavesDoubt(t *testing.T) {
	rule := says("A1", nil, audit.Finding{Message: "x", Certain: true, Assumptions: []string{snapshot.AssumeComplete}})
	world := &snapshot.Snapshot{}
	if got := audit.Run(world, []*audit.Rule{rule}); got.Found() != 1 || len(got.Assumptions) != 1 {
		t.Errorf("got %+v", got)
	}
	world.Facts.Strict = true
	if got := audit.Run(world, []*audit.Rule{rule}); got.Doubtful() != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestSeverityWords(t *testing.T) {
	for _, s := range audit.Severities {
		if back, err := audit.ParseSeverity(s.String()); err != nil || back != s {
			t.Errorf("%s: %v, %v", s, back, err)
		}
	}
	if _, err := audit.ParseSeverity("none"); err == nil {
		t.Error("none is no severity to ask for")
	}
}
