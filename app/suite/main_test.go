package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStatus(t *testing.T) {
	bare := t.TempDir()
	tests := []struct {
		args []string
		code int
		text string
	}{
		{[]string{"-h"}, 0, "usage: suite"},
		{nil, 3, "nothing to read"},
		{[]string{"-o", "yaml", collection}, 3, "-o yaml: want text or json"},
		{[]string{"-x"}, 3, "flag provided but not defined"},
		{[]string{bare}, 3, "no expected.txt"},
		{[]string{bare + "/gone"}, 3, "no such file"},
		{[]string{collection + "/facts", collection + "/headers"}, 0, "0 not, 0 could not be read"},
	}
	for _, test := range tests {
		var out, err bytes.Buffer
		code := Main(t.Context(), append([]string{"suite"}, test.args...), &out, &err)
		if all := out.String() + err.String(); code != test.code || !strings.Contains(all, test.text) {
			t.Errorf("%q: status %d, %s; want %d and %q", test.args, code, all, test.code, test.text)
		}
	}
}

// The JSON holds everything, also the differences that the text counts only.
func TestJSON(t *testing.T) {
	dir := t.TempDir()
	var pods, said strings.Builder
	for i := range 6 {
		fmt.Fprintf(&pods, "---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: shop, name: p%d}\nspec: {containers: [{name: main, image: registry.example.com/app}]}\n", i)
	}
	said.WriteString("outside: ignore\n* -> * : none\n")
	for name, text := range map[string]string{"pods.yaml": pods.String(), "expected.txt": said.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, text, stderr bytes.Buffer
	if code := Main(t.Context(), []string{"suite", "-o", "json", dir}, &out, &stderr); code != 1 {
		t.Fatalf("status %d, %s", code, stderr.String())
	}
	var got struct {
		OK, Failed, Unread int
		Results            []Result
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Failed != 1 || len(got.Results) != 1 || len(got.Results[0].Differences) != 30 {
		t.Errorf("%s", out.String())
	}
	Main(t.Context(), []string{"suite", dir}, &text, &stderr)
	if n := strings.Count(text.String(), "expected none; got all"); n != mostShown || !strings.Contains(text.String(), "and 10 more") {
		t.Errorf("%d differences in\n%s", n, text.String())
	}
	if strings.Contains(text.String(), "\x1b") {
		t.Error("colour without a terminal")
	}
}
