package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// Each file that was read is told once with the digest of all of its bytes, also of those
// that no object is made of; without asking nothing is.
func TestDigests(t *testing.T) {
	t.Chdir(t.TempDir())
	files := map[string]string{"k8s/b.yaml": "\ufeffapiVersion: v1\nkind: Pod\nmetadata: {name: b}\n", "k8s/a.yaml": "# nothing here\n", "k8s/no.txt": "x", "left.yaml": "a: [", "c.txt": "a: [b"}
	if err := os.Mkdir("k8s", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	paths := []string{"-", "k8s", "k8s/b.yaml", "c.txt", "left.yaml", "absent.yaml"}
	opts := Options{Stdin: strings.NewReader("a: 1\n"), Skip: []string{"left.yaml"}, Digests: true}
	b, err := Read(context.Background(), paths, opts)
	if err != nil {
		t.Fatal(err)
	}
	var want []object.Input
	for _, f := range [][2]string{{"-", "a: 1\n"}, {"k8s/a.yaml", files["k8s/a.yaml"]}, {"k8s/b.yaml", files["k8s/b.yaml"]}, {"c.txt", files["c.txt"]}} {
		sum := sha256.Sum256([]byte(f[1]))
		want = append(want, object.Input{Name: f[0], SHA256: hex.EncodeToString(sum[:])})
	}
	if !slices.Equal(b.Inputs, want) {
		t.Errorf("got  %v\nwant %v", b.Inputs, want)
	}
	opts.Digests, opts.Stdin = false, strings.NewReader("a: 1\n")
	if b, err := Read(context.Background(), paths, opts); err != nil || b.Inputs != nil {
		t.Errorf("%v, %v", b.Inputs, err)
	}
}
