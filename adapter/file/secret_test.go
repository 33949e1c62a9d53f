package file

import (
	"context"
	"strings"
	"testing"
)

// What a Secret holds is in no error, wherever the parser stumbles; the line is.
func TestErrorsQuoteNoSecret(t *testing.T) {
	const head = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: d}\n"
	const value = "hunter2"
	for name, text := range map[string]string{
		"alias":        head + "stringData:\n  password: *" + value + "\n",
		"anchor":       head + "stringData:\n  password: &" + value + " [*" + value + "]\n",
		"tag":          head + "stringData:\n  password: !!int " + value + "\n",
		"tag, quoted":  head + "stringData:\n  password: !!int \"" + value + "`'x\"\n",
		"in a List":    "apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n  stringData: {p: !!float " + value + "}\n",
		"key":          head + "stringData:\n  {a: " + value + "}: b\n",
		"reserved":     head + "stringData:\n  password: @" + value + "\n",
		"escape":       head + "stringData:\n  password: \"" + value + "\\q\"\n",
		"colon":        head + "stringData:\n  password: a: " + value + "\n",
		"tab":          head + "stringData:\n\tpassword: " + value + "\n",
		"never closed": head + "stringData: {password: " + value + "\n",
		"binary":       head + "stringData: {password: " + value + "\x00}\n",
		"JSON":         `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"p":"" ` + value + `}}`,
	} {
		batch, err := Read(context.Background(), []string{"-"}, Options{Stdin: strings.NewReader(text)})
		if err == nil || len(batch.Problems) == 0 {
			t.Errorf("%s: was read", name)
			continue
		}
		for _, said := range []string{err.Error(), batch.Problems[0].Err, batch.Problems[0].Origin.String()} {
			if strings.Contains(said, value) || strings.Contains(said, "'h'") {
				t.Errorf("%s: %s", name, said)
			}
		}
	}
}

// In other documents the name of an alias is what a person looks for.
func TestErrorsNameAliases(t *testing.T) {
	batch, _ := Read(context.Background(), []string{"-"}, Options{Stdin: strings.NewReader("apiVersion: v1\nkind: Pod\nmetadata: *lost\n")})
	if len(batch.Problems) != 1 || !strings.Contains(batch.Problems[0].Err, "'lost'") {
		t.Errorf("%v", batch.Problems)
	}
}
