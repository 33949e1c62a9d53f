package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSnapshotKeepsNoDigests: a digest of a file that holds little but a password is as good
// as the password to whoever can guess.
func TestSnapshotKeepsNoDigests(t *testing.T) {
	dir := t.TempDir()
	secret, saved := filepath.Join(dir, "secret.yaml"), filepath.Join(dir, "s.snapshot")
	if err := os.WriteFile(secret, []byte("{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: hunter2}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	for _, args := range [][]string{{"snapshot", "save", "-f", secret, saved}, {"snapshot", "show", saved, "-o", "json"}} {
		out.Reset()
		if status := Main(t.Context(), append([]string{"pgmoat"}, args...), strings.NewReader(""), &out, &said); status != exitYes {
			t.Fatalf("%v: %d: %s", args, status, said.String())
		}
	}
	var shown struct {
		Objects int
		Inputs  []any
	}
	if err := json.Unmarshal(out.Bytes(), &shown); err != nil || shown.Objects != 1 || len(shown.Inputs) > 0 {
		t.Errorf("%+v, %v", shown, err)
	}
}
