package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func asked(field string) verdict.Origin {
	return verdict.Origin{File: "access.yaml", Line: 1, Object: "PostgresAccess payments/shop", Field: field}
}

// seventh is a locator that knows line 7 for every field.
func seventh(o verdict.Origin) verdict.Origin {
	if o.Field != "" {
		o.Line = 7
	}
	return o
}

func compiledExample() *Compiled {
	policy := artefact.Artefact{
		Backend: "networkpolicy", APIVersion: "networking.k8s.io/v1", Ref: snapshot.Ref{Kind: "NetworkPolicy", Namespace: "payments", Name: "ledger"},
		Object:  artefact.Map{{Key: "kind", Value: "NetworkPolicy"}},
		Because: []verdict.Origin{asked("spec.from[0]"), asked(""), asked(""), asked(""), asked("")},
	}
	cluster := artefact.Artefact{
		Backend: "hba", APIVersion: "postgresql.cnpg.io/v1", Ref: snapshot.Ref{Kind: "Cluster", Namespace: "payments", Name: "ledger"},
		At: verdict.Origin{File: "cluster.yaml", Line: 3},
		Fields: []artefact.Field{
			{Path: []string{"spec", "postgresql", "pg_hba"}, Value: artefact.Strings("host all all all reject"), Comment: "why"},
			{Path: []string{"metadata", "labels", "a.b/c"}, Value: "x"},
		},
	}
	return &Compiled{
		Job: &compile.Job{Sites: []*compile.Site{{Expired: []*intent.Access{{Namespace: "payments", Name: "old", Until: 1767225600, Origin: asked("")}}}}},
		Output: &compile.Output{
			Artefacts: []artefact.Artefact{policy, cluster},
			Gaps: []artefact.Gap{
				{Code: "hba/other-namespace", Backend: "hba", What: "clients in web", Consequence: "not told apart", Carried: "networkpolicy", Origin: asked("spec.from[1]")},
				{Code: "hba/pooler", Backend: "hba", What: "clients of a pooler", Consequence: "all \x1b[2J alike"},
			},
			Notes: []artefact.Note{{Code: "networkpolicy/no-egress", Text: "nothing closes them outwards", Origin: asked("")}},
		},
		Errors: []compile.Error{{Origin: asked("spec.from[2]"), Text: "selects nothing", Fix: "write another label:\n  app: shop", Warning: true}},
		Locate: seventh,
	}
}

func compiledText(t *testing.T, c *Compiled, format string) string {
	t.Helper()
	var b strings.Builder
	if err := c.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCompiledText(t *testing.T) {
	want := `access.yaml:7 PostgresAccess payments/shop spec.from[2]: warning: selects nothing
  fix: write another label:
      app: shop

objects:
  NetworkPolicy payments/ledger (networkpolicy)
    ← access.yaml:7 PostgresAccess payments/shop spec.from[0]
    ← access.yaml:1 PostgresAccess payments/shop
    ← access.yaml:1 PostgresAccess payments/shop
    and 2 more

fields of objects that are not pgmoat's:
  Cluster payments/ledger (hba): spec.postgresql.pg_hba, metadata.labels[a.b/c]

not expressed:
  hba: clients in web: not told apart; networkpolicy carries it
    → hba/other-namespace, access.yaml:7 PostgresAccess payments/shop spec.from[1]
  hba: clients of a pooler: all \x1b[2J alike
    → hba/pooler

notes:
  nothing closes them outwards
    → networkpolicy/no-egress, access.yaml:1 PostgresAccess payments/shop

ended, and compiled to nothing:
  PostgresAccess payments/old, until 2026-01-01T00:00:00Z
    ← access.yaml:1 PostgresAccess payments/shop

1 warning, 1 object, 2 fields, 2 gaps, 1 note, 1 of the gaps carried by no other layer, 1 ended
`
	if got := compiledText(t, compiledExample(), "table"); got != want {
		t.Errorf("got\n%s", got)
	}
	if md := compiledText(t, compiledExample(), "md"); !strings.Contains(md, "\n## Not expressed\n\n- hba: clients in web") {
		t.Errorf("got\n%s", md)
	}
}

// Where an intent cannot be compiled nothing is, and the first line says where.
func TestCompiledErrors(t *testing.T) {
	c := &Compiled{Errors: []compile.Error{{Text: "b", Warning: true}, {Origin: asked("spec.server"), Text: "no server has this name", Fix: "name: ledger"}}}
	want := `access.yaml:1 PostgresAccess payments/shop spec.server: error: no server has this name
  fix: name: ledger
warning: b

1 error, 1 warning; nothing was compiled
`
	if got := compiledText(t, c, "table"); got != want || !c.Failed() {
		t.Errorf("got\n%s", got)
	}
	if got := compiledText(t, &Compiled{}, "table"); got != "nothing was asked for\n" {
		t.Error(got)
	}
}

// Lists are never null, and values keep their types and their order.
func TestCompiledJSON(t *testing.T) {
	schemas, err := Schemas()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := schemas["compile"].Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Compiled{compiledExample(), {}} {
		text := compiledText(t, c, "json")
		var printed any
		if err := json.Unmarshal([]byte(text), &printed); err != nil || strings.Contains(text, "null") {
			t.Fatal(err, text)
		}
		if err := schema.Validate(printed); err != nil {
			t.Error(err)
		}
	}
	var got struct {
		Objects []struct {
			Because  []struct{ Line int }
			Manifest map[string]string
		}
		Fields []struct {
			At  struct{ File string }
			Set []struct {
				Name  string
				Path  []string
				Value any
			}
		}
		Gaps    []struct{ Carried string }
		Expired []struct{ Until string }
		Summary struct{ Gaps, Open, Warnings int }
	}
	if err := json.Unmarshal([]byte(compiledText(t, compiledExample(), "json")), &got); err != nil {
		t.Fatal(err)
	}
	if o := got.Objects[0]; o.Manifest["kind"] != "NetworkPolicy" || len(o.Because) != 5 || o.Because[0].Line != 7 {
		t.Errorf("%+v", o)
	}
	if f := got.Fields[0]; f.At.File != "cluster.yaml" || f.Set[1].Name != "metadata.labels[a.b/c]" || f.Set[0].Value.([]any)[0] != "host all all all reject" {
		t.Errorf("%+v", f)
	}
	if got.Gaps[0].Carried != "networkpolicy" || got.Expired[0].Until != "2026-01-01T00:00:00Z" || got.Summary.Open != 1 || got.Summary.Warnings != 1 {
		t.Errorf("%+v", got)
	}
}
