package render

import (
	"errors"
	"net"
	"strings"
	"testing"
)

const chartYAML = "-- Chart.yaml --\napiVersion: v2\nname: c\nversion: 1.0.0\n"

// small is a chart in c with one more file.
func small(text string) Chart {
	return Chart{Dir: "c", Release: "r", Namespace: "ns", Files: chartFiles("c", chartYAML+text)}
}

// TestTemplateBombs: whatever a template does, there is an answer in time and memory, and
// the next chart is rendered.
func TestTemplateBombs(t *testing.T) {
	hasty := New(Limits{Seconds: 3})
	patient := New(Limits{Seconds: 300, Memory: 512 << 20, Output: 1 << 20})
	t.Cleanup(func() {
		if err := errors.Join(hasty.Close(), patient.Close()); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct {
		name, template, want string
		by                   *Renderer
	}{
		{"loops", `{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}`, "time", hasty},
		{"texts in texts", `{{ $self := "{{ tpl .self . }}" }}{{ tpl $self (dict "self" $self "Template" .Template) }}`, "", hasty},
		{"range", `{{ range until 2000000000 }}x{{ end }}`, "memory", patient},
		{"doubling", `{{ $x := "xxxxxxxx" }}{{ range until 31 }}{{ $x = printf "%s%s" $x $x }}{{ end }}{{ $x }}`, "memory", patient},
		{"output", `x: {{ repeat 2000000 "x" }}`, "output", patient},
	} {
		t.Run(c.name, func(t *testing.T) {
			documents, err := c.by.Chart(t.Context(), small("-- templates/a.yaml --\n"+c.template+"\n"))
			if !errors.Is(err, ErrTooMuch) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d documents, %v", len(documents), err)
			}
			documents, err = patient.Chart(t.Context(), small("-- templates/a.yaml --\nkind: ConfigMap\n"))
			if err != nil || len(documents) != 1 {
				t.Errorf("and after that %d documents, %v", len(documents), err)
			}
		})
	}
}

// TestValuesBomb: a document of a few lines that stands for a gigabyte.
func TestValuesBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		from := "*a" + string(rune('0'+i))
		to := "a" + string(rune('1'+i))
		b.WriteString(to + ": &" + to + " [" + strings.TrimSuffix(strings.Repeat(from+", ", 10), ", ") + "]\n")
	}
	c := small("-- templates/a.yaml --\na: {{ .Values.a9 | toYaml }}\n")
	c.Values = []Values{{Name: "bomb.yaml", Text: []byte(b.String())}}
	if documents, err := renderChart(&c, Limits{}); err == nil || !strings.Contains(err.Error(), "bomb.yaml: ") {
		t.Errorf("%d documents, %v", len(documents), err)
	}
}

// TestNothingIsFetched: a schema's references are followed inside the schema only. Helm
// would ask the server, or read the file.
func TestNothingIsFetched(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	touched := make(chan bool, 1)
	go func() {
		c, err := server.Accept()
		touched <- err == nil
		if err == nil {
			c.Close() //nolint:errcheck // the test fails in any case
		}
	}()
	at := "http://" + server.Addr().String() + "/schema.json"
	for _, schema := range []string{
		`{"$ref": "` + at + `"}`,
		`{"$schema": "` + at + `"}`,
		`{"properties": {"a": {"$schema": "` + at + `", "$id": "x"}}}`,
		`{"$id": "` + at + `", "properties": {"a": {"$ref": "other.json"}}}`,
		`{"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"a": {"$dynamicRef": "` + at + `#a"}}}`,
		`{"$schema": "https://json-schema.org/draft/2019-09/schema", "properties": {"a": {"$recursiveRef": "` + at + `#"}}}`,
		`{"$ref": "` + at + `#/definitions/a"}`,
		`{"allOf": [{"if": {"$ref": "file:///etc/hostname"}}]}`,
		`{"properties": {"a": {"$ref": "/etc/hostname"}}}`,
		`{"properties": {"a": {"$ref": "http://json-schema.org/draft-07/other"}}}`,
		`{"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#x"}}}`,
		`{"properties": {"a": {"maximum": 1e999, "$ref": "` + at + `"}}}`,
	} {
		for _, where := range []string{"", "charts/sub/"} {
			c := small("-- charts/sub/Chart.yaml --\napiVersion: v2\nname: sub\nversion: 1.0.0\n" +
				"-- values.yaml --\na: 1\n-- charts/sub/values.yaml --\na: 1\n-- " + where + "values.schema.json --\n" + schema + "\n")
			_, err := renderChart(&c, Limits{})
			want := "c/" + where + "values.schema.json: "
			if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "nothing is fetched") {
				t.Errorf("%s: %v", schema, err)
			}
		}
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if <-touched {
		t.Error("the server was asked")
	}
}

// TestOwnSchemas are what the check above must let through.
func TestOwnSchemas(t *testing.T) {
	for _, schema := range []string{
		`{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.invalid/a.json", "$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}`,
		`{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"$ref": {"type": "object"}, "a": {"$ref": "#"}}}`,
		`{"properties": {"b": {"$ref": "http://json-schema.org/draft-07/schema#/definitions/nonNegativeInteger"}}}`,
		`{"properties": {"a": {"$ref": "urn:example:anything"}}}`,
		`{"$schema": "http://json-schema.org/schema#", "$ref": "#/$defs/o", "$defs": {"o": {"type": "object"}}}`,
	} {
		c := small("-- values.yaml --\na: {}\n-- values.schema.json --\n" + strings.ReplaceAll(schema, `"integer"`, `"object"`) + "\n")
		if _, err := renderChart(&c, Limits{}); err != nil {
			t.Errorf("%s: %v", schema, err)
		}
	}
}

// TestTwoOfOneName: helm's loader reads dependencies in no particular order, and takes the
// first or the last of what is called the same.
func TestTwoOfOneName(t *testing.T) {
	dependency := func(folder, version string) string {
		return "-- charts/" + folder + "/Chart.yaml --\napiVersion: v2\nname: db\nversion: " + version + "\n" +
			"-- charts/" + folder + "/templates/a.yaml --\nkind: ConfigMap\nmetadata: {name: " + folder + "}\n"
	}
	require := func(version, alias string) string {
		return "- {name: db, version: \"" + version + "\", alias: \"" + alias + "\"}\n"
	}
	own := strings.TrimSuffix(chartYAML, "\n") + "\n"
	for name, c := range map[string]struct {
		text, want string
	}{
		"both fit": {own + "dependencies:\n" + require("1.x.x", "") + dependency("one", "1.0.0") + dependency("two", "1.1.0"),
			"c/charts/one and c/charts/two are both what helm calls db: leave one of them"},
		"nothing chooses": {own + dependency("one", "1.0.0") + dependency("two", "2.0.0"),
			"c/charts/one/templates/a.yaml and c/charts/two/templates/a.yaml are both what helm calls c/charts/db/templates/a.yaml: leave one of them"},
		"an old one stayed": {own + "dependencies:\n" + require("2.x.x", "") + dependency("one", "1.0.0") + dependency("two", "2.0.0"),
			"c/charts/one/templates/a.yaml and c/charts/two/templates/a.yaml are both"},
		"versions choose": {own + "dependencies:\n" + require("1.x.x", "old") + require("2.x.x", "new") + dependency("one", "1.0.0") + dependency("two", "2.0.0"), ""},
	} {
		in := Chart{Dir: "c", Release: "r", Files: chartFiles("c", c.text)}
		documents, err := renderChart(&in, Limits{})
		switch {
		case c.want == "" && (err != nil || len(documents) != 2):
			t.Errorf("%s: %d documents, %v", name, len(documents), err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %d documents, %v", name, len(documents), err)
		}
	}
}

// TestForeignFile: a file from elsewhere is no part of the chart by accident.
func TestForeignFile(t *testing.T) {
	c := small("-- templates/a.yaml --\nkind: A\n")
	c.Files["cc/templates/b.yaml"] = nil
	if _, err := renderChart(&c, Limits{}); err == nil || !strings.Contains(err.Error(), "cc/templates/b.yaml: not a file of the chart in c") {
		t.Error(err)
	}
}
