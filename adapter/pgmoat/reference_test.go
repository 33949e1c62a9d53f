package pgmoat

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

const reference = "../../docs/intents.md"

var (
	example = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	table   = regexp.MustCompile(`(?s)(<!-- fields (\w+): [^\n]*-->\n).*?(<!-- end -->)`)
)

// The examples of the reference are good, and its tables are those of the definitions.
func TestReference(t *testing.T) {
	data, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, m := range example.FindAllStringSubmatch(page, -1) {
		if in := read(t, []byte(m[1])); len(in.Problems) > 0 {
			t.Errorf("%v of\n%s", in.Problems, m[1])
		}
	}
	sections := sectionsOf(t)
	fresh := table.ReplaceAllStringFunc(page, func(old string) string {
		m := table.FindStringSubmatch(old)
		s, ok := sections[m[2]]
		if !ok {
			t.Errorf("no section %q", m[2])
		}
		delete(sections, m[2])
		return m[1] + s + m[3]
	})
	for name := range sections {
		t.Errorf("the page has no table of %s", name)
	}
	if *update {
		if err := os.WriteFile(reference, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if fresh != page {
		t.Error("the tables are stale: go test ./adapter/pgmoat -run TestReference -update")
	}
}

// shared are types that stand in several places; the key is a field that only they have.
var shared = map[string]map[string]string{
	"PostgresPerimeter": {"cidrs": "peer", "ports": "destination"},
	"PostgresAccess":    {"cidrs": "peer", "ports": "destination"},
	"AccessInvariant":   {"cidrs": "clients"},
}

var links = map[string]string{
	"peer": "[peer](#peer)", "destination": "[destination](#destination)", "clients": "[clients](#clients-of-an-invariant)",
}

func sectionsOf(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, in := range stored(t) {
		kind := in.Spec.Names.Kind
		p := page{shared: shared[kind], sections: out}
		spec := in.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
		out[kind] = p.section(&spec)
	}
	return out
}

// A page collects the tables of a definition and of what it shares.
type page struct {
	shared   map[string]string
	sections map[string]string
}

func (p page) section(s *apiextensionsv1.JSONSchemaProps) string {
	var rows []string
	rules := refusals{}
	p.fields(s, "", &rows, &rules)
	text := "\n| field | says | values |\n|---|---|---|\n" + strings.Join(rows, "")
	if len(rules.messages) > 0 {
		text += "\nRefused with these words:\n\n" + rules.String()
	}
	return text + "\n"
}

// fields adds a row for each field below s, and an item for each rule.
func (p page) fields(s *apiextensionsv1.JSONSchemaProps, path string, rows *[]string, rules *refusals) {
	for _, r := range s.XValidations {
		rules.add(strings.Trim(path, "."), r.Message)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		child := s.Properties[name]
		label, inner := path+name, &child
		for inner.Items != nil {
			label, inner = label+"[]", inner.Items.Schema
		}
		*rows = append(*rows, fmt.Sprintf("| `%s` | %s | %s |\n", label, oneLine(child.Description), p.values(s, name, &child, inner)))
		if p.link(inner) == "" && !isSelector(inner) {
			p.fields(inner, label+".", rows, rules)
		}
	}
}

// refusals are what rules say, each with the fields that it is said of.
type refusals struct {
	messages []string
	fields   map[string][]string
}

func (r *refusals) add(field, message string) {
	if !slices.Contains(r.messages, message) {
		r.messages = append(r.messages, message)
	}
	if field != "" {
		if r.fields == nil {
			r.fields = map[string][]string{}
		}
		r.fields[message] = append(r.fields[message], "`"+field+"`")
	}
}

func (r *refusals) String() string {
	var b strings.Builder
	for _, m := range r.messages {
		b.WriteString("- " + m)
		if fields := r.fields[m]; len(fields) > 0 {
			b.WriteString(" (" + strings.Join(fields, ", ") + ")")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// values says what may be written, and what is taken where nothing is.
func (p page) values(parent *apiextensionsv1.JSONSchemaProps, name string, s, inner *apiextensionsv1.JSONSchemaProps) string {
	var words []string
	switch {
	case isSelector(inner):
		words = append(words, "a label selector")
	case p.link(inner) != "":
		words = append(words, p.link(inner))
	case len(inner.Enum) > 0:
		for _, e := range inner.Enum {
			words = append(words, "`"+strings.Trim(string(e.Raw), `"`)+"`")
		}
	}
	text := strings.Join(words, ", ")
	note := ""
	switch {
	case slices.Contains(parent.Required, name):
		note = "required"
	case s.Default != nil && string(s.Default.Raw) != "{}":
		note = "default `" + strings.Trim(string(s.Default.Raw), `"`) + "`"
	}
	if text != "" && note != "" {
		text += "; "
	}
	return text + note
}

// link returns the link to a shared type, whose section it writes; empty for others.
func (p page) link(s *apiextensionsv1.JSONSchemaProps) string {
	for field, name := range p.shared {
		if _, ok := s.Properties[field]; !ok {
			continue
		}
		if _, ok := p.sections[name]; !ok {
			others := maps.Clone(p.shared)
			delete(others, field)
			p.sections[name] = page{shared: others, sections: p.sections}.section(s)
		}
		return links[name]
	}
	return ""
}

func isSelector(s *apiextensionsv1.JSONSchemaProps) bool {
	_, ok := s.Properties["matchExpressions"]
	return ok
}
