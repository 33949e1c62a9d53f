package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// answered runs a command and returns its status and its JSON, without what lies below
// documents: lines of fields, the patches that need them, and the order of lines. A snapshot
// is one input, whatever was read for it.
func answered(t *testing.T, args ...string) (status int, answer any) {
	t.Helper()
	var out, err bytes.Buffer
	status = Main(t.Context(), append([]string{"pgmoat"}, args...), strings.NewReader(""), &out, &err)
	if out.Len() == 0 {
		return status, withoutLines(err.String())
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out.String())
	}
	return status, withoutLines(answer)
}

func withoutLines(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range []string{"line", "patch", "inputs"} {
			delete(v, name)
		}
		for name := range v {
			v[name] = withoutLines(v[name])
		}
	case []any:
		for i := range v {
			v[i] = withoutLines(v[i])
		}
		return inOrder(v)
	}
	return v
}

// inOrder sorts a list by its texts.
func inOrder(list []any) any {
	byText := map[string]any{}
	texts := make([]string, len(list))
	for i, v := range list {
		text, _ := json.Marshal(v) //nolint:errcheck,errchkjson // it was read from JSON
		texts[i] = string(text)
		byText[texts[i]] = v
	}
	slices.Sort(texts)
	for i, text := range texts {
		list[i] = byText[text]
	}
	return list
}

// TestSnapshotAnswers asks of the examples and of what was saved of them: the answers are the
// same, and so is the exit status.
func TestSnapshotAnswers(t *testing.T) {
	for dir, facts := range map[string]string{"company/mended": "company/facts.yaml", "operators": "operators/facts.yaml"} {
		dir = examples(dir)
		file := filepath.Join(t.TempDir(), "file")
		var said bytes.Buffer
		if Main(t.Context(), []string{"pgmoat", "snapshot", "save", "-f", dir, file}, strings.NewReader(""), &said, &said); !exists(file) {
			t.Fatalf("%s: %s", dir, said.String())
		}
		for _, command := range [][]string{{"audit"}, {"matrix"}, {"connections"}, {"compile", "--unproven"}} {
			ask := func(source string) (int, any) {
				args := append(command[:len(command):len(command)], "-o", "json", "-f", source)
				if facts != "" {
					args = append(args, "--facts", examples(facts))
				}
				return answered(t, args...)
			}
			status, want := ask(dir)
			gotStatus, got := ask(file)
			if status != gotStatus || !reflect.DeepEqual(got, want) {
				t.Errorf("%s of %s: status %d, want %d\n%s", command[0], dir, gotStatus, status, difference(want, got))
			}
		}
	}
}

func examples(name string) string { return filepath.Join("..", "..", "examples", name) }

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// difference is the first line in which two answers differ.
func difference(a, b any) string {
	x, _ := json.MarshalIndent(a, "", " ") //nolint:errcheck,errchkjson // it was read from JSON
	y, _ := json.MarshalIndent(b, "", " ") //nolint:errcheck,errchkjson // it was read from JSON
	xs, ys := strings.Split(string(x), "\n"), strings.Split(string(y), "\n")
	for i := range min(len(xs), len(ys)) {
		if xs[i] != ys[i] {
			return xs[i] + "\n" + ys[i]
		}
	}
	return "one is longer"
}
