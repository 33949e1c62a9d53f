package render

import (
	"strings"
	"testing"
)

const password = "hunter2" // whatever else is said, this is not

// secretOf is the template of a Secret whose password stands as it is.
const secretOf = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  password: "

// TestPasswordIsNotSaid: an error names what is wrong and where, and repeats nothing of what a
// Secret, or a value that becomes one, holds.
func TestPasswordIsNotSaid(t *testing.T) {
	chart := func(template string, change func(*Chart)) request {
		c := Chart{Dir: "c", Release: "r", Files: map[string][]byte{
			"c/Chart.yaml": []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n"), "c/templates/s.yaml": []byte(template),
		}}
		change(&c)
		return request{Chart: &c}
	}
	values := func(text string) func(*Chart) {
		return func(c *Chart) { c.Values = []Values{{Name: "values.yaml", Text: []byte(text)}} }
	}
	schema := func(text string) func(*Chart) {
		return func(c *Chart) {
			c.Files["c/values.schema.json"], c.Set = []byte(text), []string{"pw=" + password}
		}
	}
	kustomization := func(text, secret string) request {
		return request{Kustomization: &Kustomization{Dir: "k", Files: map[string][]byte{
			"k/kustomization.yaml": []byte(text), "k/s.yaml": []byte(secret),
		}}}
	}
	plain := secretOf + "{{ .Values.pw }}\n"
	for name, test := range map[string]struct {
		asked request
		want  string
	}{
		"alias":            {chart(plain, values(`pw: "*hunter2"`)), "c/templates/s.yaml: error converting YAML to JSON: yaml: unknown anchor referenced"},
		"tag":              {chart(plain, values(`pw: "!!int hunter2"`)), "cannot decode !!str as a !!int"},
		"alias in values":  {chart(plain, values("pw: *hunter2")), "values.yaml: "},
		"set":              {chart(plain, func(c *Chart) { c.Set = []string{"pw=x,hunter2"} }), `set "pw": a key has no value`},
		"set string":       {chart(plain, func(c *Chart) { c.SetString = []string{"pw=hunter2,hunter2"} }), `set string "pw": a key has no value`},
		"pattern":          {chart(plain, schema(`{"properties": {"pw": {"pattern": "^[0-9]+$"}}}`)), `at '/pw': the value does not match pattern '^[0-9]+$'`},
		"format":           {chart(plain, schema(`{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"pw": {"format": "ipv4"}}}`)), "at '/pw': the value is not valid ipv4"},
		"literal":          {kustomization("secretGenerator: [{name: s, literals: [hunter2]}]", ""), "literal sources: one of them is not key=value"},
		"kustomized alias": {kustomization("resources: [s.yaml]", secretOf+"*hunter2\n"), "unknown anchor referenced in File: s.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(test.asked, Limits{})
			switch {
			case err == nil:
				t.Fatal("no error")
			case strings.Contains(err.Error(), password):
				t.Errorf("the password is said: %v", err)
			case !strings.Contains(err.Error(), test.want):
				t.Errorf("%v\nwant %s", err, test.want)
			}
		})
	}
}

// TestUnquoted: what is no quotation of the input stays.
func TestUnquoted(t *testing.T) {
	for _, text := range []string{
		`at '/pw': got string, want number`,
		`c/templates/s.yaml:3:4: executing "c/templates/s.yaml" at <.Values.pw>: nil pointer`,
		`mapping values are not allowed in this context`,
	} {
		if got := unquoted(text); got != text {
			t.Errorf("%s\ngot %s", text, got)
		}
	}
}
