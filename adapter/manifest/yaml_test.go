package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	yaml2 "go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/model/artefact"
)

// readers are programs that read YAML 1.1, 1.2 and what kubectl takes for YAML; each
// gives JSON.
var readers = map[string]func(text string) ([]byte, error){
	"sigs.k8s.io/yaml": func(text string) ([]byte, error) { return yaml.YAMLToJSON([]byte(text)) },
	"yaml.v2": func(text string) ([]byte, error) {
		var into any
		if err := yaml2.UnmarshalStrict([]byte(text), &into); err != nil {
			return nil, err
		}
		return json.Marshal(withStrings(into))
	},
	"yaml.v3": func(text string) ([]byte, error) {
		var into any
		if err := yaml3.Unmarshal([]byte(text), &into); err != nil {
			return nil, err
		}
		return json.Marshal(into)
	},
}

// withStrings makes the maps of yaml.v2 those of JSON.
func withStrings(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := map[string]any{}
		for k, value := range v {
			out[k.(string)] = withStrings(value) // a key that is no text fails the test
		}
		return out
	case []any:
		for i := range v {
			v[i] = withStrings(v[i])
		}
	}
	return v
}

func decoded(t *testing.T, data []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var out any
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// sameForAll fails unless every reader sees the tree in the text.
func sameForAll(t *testing.T, m artefact.Map, text string) {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	want := decoded(t, data)
	for name, read := range readers {
		data, err := read(text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if got := decoded(t, data); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s reads\n%v\nfor\n%v\n%s", name, got, want, text)
		}
	}
}

// Whatever a tree holds, all readers of YAML see its values, and comments change none.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		m := randomMap(r, 0)
		text := YAML(m)
		sameForAll(t, m, text)
		for l := range strings.Lines(text) {
			if !utf8.ValidString(l) || strings.ContainsFunc(strings.TrimSuffix(l, "\n"), func(c rune) bool { return c != '\t' && unprintable(c) }) {
				t.Fatalf("seed %d: %q", seed, l)
			}
		}
		if YAML(m) != text {
			t.Fatalf("seed %d: written differently again", seed)
		}
		sameForAll(t, m, YAML(bare(m).(artefact.Map)))
	}
}

// bare is a value without its comments.
func bare(v artefact.Value) artefact.Value {
	switch v := v.(type) {
	case artefact.Map:
		out := artefact.Map{}
		for _, e := range v {
			out = append(out, artefact.Entry{Key: e.Key, Value: bare(e.Value)})
		}
		return out
	case artefact.List:
		out := artefact.List{}
		for _, item := range v {
			out = append(out, artefact.Item{Value: bare(item.Value)})
		}
		return out
	}
	return v
}

func randomMap(r *rand.Rand, depth int) artefact.Map {
	var out artefact.Map
	for range r.IntN(5) {
		key := strings.Map(func(c rune) rune {
			if unprintable(c) {
				return -1
			}
			return c
		}, randomText(r))
		if out.Get(key) == nil {
			out = append(out, artefact.Entry{Key: key, Value: randomValue(r, depth+1), Comment: randomComment(r)})
		}
	}
	return out
}

func randomValue(r *rand.Rand, depth int) artefact.Value {
	kind := r.IntN(8)
	if depth > 5 {
		kind += 2
	}
	switch kind {
	case 0:
		return randomMap(r, depth)
	case 1:
		var out artefact.List
		for range r.IntN(4) {
			out = append(out, artefact.Item{Value: randomValue(r, depth+1), Comment: randomComment(r)})
		}
		return out
	case 2:
		return r.IntN(2) == 0
	case 3:
		return []int64{0, -1, 5432, math.MaxInt64, math.MinInt64}[r.IntN(5)]
	}
	return randomText(r)
}

func randomComment(r *rand.Rand) string {
	switch r.IntN(3) {
	case 0:
		return ""
	case 1:
		return randomText(r) + "\n- " + randomText(r) + "\n\n" + randomText(r)
	}
	return strings.Repeat(randomText(r)+" ", 10)
}

// odd are texts that some reader takes for something else, or could trip over.
var odd = []string{
	"", " ", "~", "null", "Null", "yes", "No", "y", "N", "on", "OFF", "true", "False", "<<", "=", ".nan", ".NaN", "-.inf", "+.INF", ".inf",
	"0", "00", "0700", "0o17", "0x1F", "0b1", "-0b1", "1_000", "1,000", "1e3", "1E+3", ".5", "5.", "+1", "-1", "1:30", "190:20:30.15", "10:20:30", "2001:20",
	"2026-01-31", "2026-01-31T10:00:00Z", "2026-1-1 1:1:1", "1.2.3", "10.0.0.0/8", "::1", "::1/128", "fe80::/10", "2001:db8::1",
	"-", "--", "---", "--- a", "...", "... b", "?", "? a", ":", ":a", "a:", "a: b", "a:b", "a #b", "a#b", "#a", "- a", "-a", "@a", "`a", "%a", "&a", "*a", "!a", "|", ">", "|a",
	"'", "''", "\"", "\"a\"", "'a", "it's", "{", "}", "[", "]", "{a}", "[a]", "a,b", ",a", "a{b}", "{{ .Values }}", " a", "a ", "a  b", "\t", "a\tb", "\ta", "a\t",
	"\n", "a\n", "a\nb", "a\nb\n", "a\nb\n\n", "\na\nb", " a\nb", "a\n b\n", "a\n\nb\n", "a\n \nb", "a\r\nb", "a\rb", "a\n---\nb\n", "a\n# b\n", "a:\n- b\n", "a \nb \n", "\ta\nb", "a\n\tb\n",
	"\x00", "\x07", "\x1b[31m", "\x7f", "\u0085", "\u00a0", "\u200b", "\u2028", "a\u2029b", "\u202eabc", "\ufeff", "\ufffd", "\uffff", "\U0001f600", "\U000e0041", "é", "日本",
	"${podselector:app}", "host all all ${podselector:app} scram-sha-256", "hostssl \"my db\" +group samenet cert map=x", "local all all peer", "host all all all reject # no",
	"kubernetes.io/metadata.name", "pod-security.kubernetes.io/enforce", "TLSv1.3", "v1", "e3", "E1", "_1", "1_", "0x", "0xg", "12e", "1.5.", "nan", "inf", "+", ".", "..",
}

func randomText(r *rand.Rand) string {
	text := odd[r.IntN(len(odd))]
	switch r.IntN(6) {
	case 0:
		return text + odd[r.IntN(len(odd))]
	case 1:
		return text + " " + odd[r.IntN(len(odd))]
	case 2:
		return strings.Repeat(text, r.IntN(4))
	case 3:
		return fmt.Sprint(r.Uint32())
	}
	return text
}

// Each odd text is itself again: as a value, in a list, as a key, and below a comment.
func TestOddTexts(t *testing.T) {
	for _, text := range odd {
		holds(t, text)
	}
}

func holds(t *testing.T, text string) {
	t.Helper()
	m := artefact.Map{
		{Key: "value", Value: text, Comment: text},
		{Key: "list", Value: artefact.List{{Value: text, Comment: text}, {Value: artefact.Map{{Key: "a", Value: text, Comment: text}}, Comment: text}}},
	}
	if !strings.ContainsFunc(text, unprintable) && len(text) < 400 && text != "value" && text != "list" {
		m = append(m, artefact.Entry{Key: text, Value: "key", Comment: text})
	}
	sameForAll(t, m, YAML(m))
}

func FuzzText(f *testing.F) {
	for _, text := range odd {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) {
			holds(t, text)
		}
	})
}

// Quotes stand where a reader needs them, and nowhere in what people write every day.
func TestQuotes(t *testing.T) {
	for text, want := range map[string]string{
		"yes": `"yes"`, "0700": `"0700"`, "1e3": `"1e3"`, "5432": `"5432"`, "@daily": `"@daily"`, "": `""`, "1:30": `"1:30"`,
		"true": `"true"`, "a: b": `"a: b"`, "a #b": `"a #b"`, "-a": `"-a"`, `"a"`: `"\"a\""`, "a\tb": `"a\tb"`, "\x1b[0m": `"\x1b[0m"`,
		"\u202e": `"\u202e"`, "\U000e0041": `"\U000e0041"`, "a\r\nb\n": `"a\x0d\nb\n"`,
		"10.0.0.0/8": "10.0.0.0/8", "TLSv1.3": "TLSv1.3", "kubernetes.io/metadata.name": "kubernetes.io/metadata.name",
		"hostssl ledger app ${podselector:app} scram-sha-256": "hostssl ledger app ${podselector:app} scram-sha-256",
		"host \"my db\" +all samenet reject":                  "host \"my db\" +all samenet reject", "yes please": "yes please", "1.2.3": "1.2.3", "é": "é",
	} {
		if got := scalar(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}

func TestLayout(t *testing.T) {
	m := artefact.Map{
		{Key: "spec", Comment: "why\n- " + strings.Repeat("word ", 30), Value: artefact.Map{
			{Key: "pg_hba", Value: artefact.List{
				{Value: "local all all peer", Comment: "one"}, {Value: "host all all all reject", Comment: "the end\x1b\nof it"},
			}},
			{Key: "ingress", Value: artefact.List{
				{Comment: "item", Value: artefact.Map{
					{Key: "from", Comment: "first", Value: artefact.List{{Value: artefact.Map{}}, {Value: artefact.List{{Value: int64(1)}, {Value: true}}}}},
					{Key: "to", Comment: "second", Value: artefact.List{}},
				}},
			}},
			{Key: "file", Value: "one\n\n  two\n"},
			{Key: "open", Value: "one\ntwo"},
		}},
	}
	want := `# why
# - ` + strings.TrimSpace(strings.Repeat("word ", 23)) + `
#   word word word word word word word
spec:
  pg_hba:
    # one
    - local all all peer
    # the end\x1b
    # of it
    - host all all all reject
  ingress:
    # item
    # first
    - from:
        - {}
        -
          - 1
          - true
      # second
      to: []
  file: |
    one

      two
  open: |-
    one
    two
`
	if got := YAML(m); got != want {
		t.Errorf("got\n%s", got)
	}
}
