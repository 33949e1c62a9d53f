package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func audited() *report.Audited {
	policy := snapshot.Ref{Kind: "NetworkPolicy", Namespace: "shop", Name: "web"}
	at := verdict.Origin{File: "k8s/a b.yaml", Line: 7, Object: policy.String(), Field: "spec.podSelector"}
	rule := &audit.Rule{ID: "NET1001", Title: "the policy selects no pod", Severity: audit.Medium, Why: "Why.", Bad: "bad: 1\n", Good: "good: 1\n"}
	return &report.Audited{
		World: &snapshot.Snapshot{}, Rules: []*audit.Rule{rule}, Version: "1.2.3",
		Result: audit.Result{
			Findings: []audit.Finding{
				{Rule: "NET1001", Severity: audit.High, Certain: true, Message: `"<a>" & b`, Fix: "do\nthis", Origin: at, Subject: policy,
					Also: []verdict.Origin{{File: "pg_hba.conf", Line: 9, Note: "appended by the operator"}}},
				{Rule: "NET1001", Severity: audit.High, Message: "perhaps", Origin: verdict.Origin{Object: "Cluster a/b"}, Subject: policy,
					Because: []verdict.Step{{Layer: verdict.Ingress, Reason: "netpol/unsure", Origin: at}}},
			},
			NotChecked:  []audit.NotChecked{{Rule: "NET1001", Reason: "no reason", Doubt: true}},
			Assumptions: []string{snapshot.AssumeComplete},
		},
	}
}

func written(t *testing.T, format string) string {
	t.Helper()
	var out bytes.Buffer
	if err := audited().Write(&out, format); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A doubt is "open", which has no level; a place without a file is a name.
func TestSARIF(t *testing.T) {
	var log struct {
		Runs []struct {
			Results []struct {
				RuleIndex         int
				Kind, Level       string
				Locations         []map[string]any
				RelatedLocations  []any
				PartialProperties any
			}
		}
	}
	text := written(t, "sarif")
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	sure, doubt := log.Runs[0].Results[0], log.Runs[0].Results[1]
	if sure.Kind != "fail" || sure.Level != "error" || doubt.Kind != "open" || doubt.Level != "none" {
		t.Errorf("got %s/%s and %s/%s", sure.Kind, sure.Level, doubt.Kind, doubt.Level)
	}
	if sure.Locations[0]["physicalLocation"] == nil || doubt.Locations[0]["physicalLocation"] != nil {
		t.Errorf("locations are %v and %v", sure.Locations, doubt.Locations)
	}
	if !strings.Contains(text, `"uri": "k8s/a%20b.yaml"`) {
		t.Error("the file is not written as a URI")
	}
	if len(sure.RelatedLocations) > 0 {
		t.Error("a rendered line is no place in the sources")
	}
}

func TestJUnit(t *testing.T) {
	var suites struct {
		Suites []struct {
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Skipped  int `xml:"skipped,attr"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(written(t, "junit")), &suites); err != nil {
		t.Fatal(err)
	}
	if s := suites.Suites[0]; s.Failures != 1 || s.Errors != 1 || s.Skipped != 1 {
		t.Errorf("got %+v, want one of each", s)
	}
}

func TestFindingsCSV(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(written(t, "csv"))).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][9] != `"<a>" & b` || rows[2][2] != "false" {
		t.Errorf("got %q, %v", rows, err)
	}
}

// The keys are stable, and lists are never null.
func TestFindingsJSON(t *testing.T) {
	var out map[string]json.RawMessage
	if err := json.Unmarshal([]byte(written(t, "json")), &out); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"findings", "notChecked", "assumptions", "problems", "warnings", "summary"} {
		if len(out[key]) == 0 || string(out[key]) == "null" {
			t.Errorf("%s is %s", key, out[key])
		}
	}
	var summary map[string]int
	if err := json.Unmarshal(out["summary"], &summary); err != nil || summary["high"] != 1 || summary["doubtful"] != 1 {
		t.Errorf("summary is %v, %v", summary, err)
	}
}

func TestFindingsForPeople(t *testing.T) {
	for format, want := range map[string][]string{
		"table": {"high (1)", "in doubt: these may or may not hold (1)", "    fix: do\n      this", "also: pg_hba.conf line 9 (appended by the operator)",
			"not checked: NET1001: no reason", "0 critical, 1 high, 0 medium, 0 low, 1 in doubt; 1 rules"},
		"md": {"## High (1)", "### NET1001: the policy selects no pod", `"\<a>" & b`, "- assumed: "},
	} {
		text := written(t, format)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q:\n%s", format, w, text)
			}
		}
	}
}
