package render_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/render"
)

// A trap is a git and a proxy that nothing may use.
type trap struct {
	touched string
	calls   atomic.Int32
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	dir := t.TempDir()
	trapped := &trap{touched: filepath.Join(dir, "touched")}
	for _, program := range []string{"git", "helm", "run.sh", "ssh"} {
		script := fmt.Sprintf("#!/bin/sh\necho %s >>%s\n", program, trapped.touched)
		if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() }) //nolint:errcheck // of a listener that nobody uses any more
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			trapped.calls.Add(1)
			c.Close() //nolint:errcheck // nobody listens
		}
	}()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "http://"+listener.Addr().String())
	}
	return trapped
}

// sprung reports what was touched.
func (tr *trap) sprung(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(tr.touched)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if n := tr.calls.Load(); n > 0 {
		return fmt.Sprintf("%s %d connections", text, n)
	}
	return string(text)
}

// TestTrap: the trap notices a program that is run.
func TestTrap(t *testing.T) {
	trapped := newTrap(t)
	if err := exec.CommandContext(t.Context(), "git").Run(); err != nil {
		t.Fatal(err)
	}
	if trapped.sprung(t) == "" {
		t.Error("nothing is noticed")
	}
}

// TestNothingFetched: what is remote is refused before kustomize sees it; and if kustomize
// sees it, it gets nothing either.
func TestNothingFetched(t *testing.T) {
	trapped := newTrap(t)
	r := render.New(render.Limits{Seconds: 20})
	defer closed(t, r)
	hostile := map[string]string{
		"chart":    `helmCharts: [{name: x, repo: "http://example.invalid", version: "1", releaseName: x}]`,
		"exec":     "transformers:\n- |-\n  apiVersion: v1\n  kind: Run\n  metadata:\n    name: x\n    annotations:\n      config.kubernetes.io/function: |\n        exec: {path: run.sh}\n",
		"starlark": "generators:\n- |-\n  apiVersion: v1\n  kind: Run\n  metadata:\n    name: x\n    annotations:\n      config.kubernetes.io/function: |\n        starlark: {path: x.star, url: \"http://example.invalid\"}\n",
		"image":    "validators:\n- |-\n  apiVersion: v1\n  kind: Run\n  metadata:\n    name: x\n    annotations:\n      config.kubernetes.io/function: |\n        container: {image: example.invalid/x, network: true}\n",
		"legacy":   "generators:\n- |-\n  apiVersion: someteam.example.com/v1\n  kind: SedTransformer\n  metadata: {name: x}\n  argsOneLiner: s/a/b/\n",
	}
	for i, entry := range spellings {
		hostile[fmt.Sprint("resource", i)] = "resources:\n- |-\n  " + entry
		hostile[fmt.Sprint("component", i)] = "components:\n- |-\n  " + entry
		hostile[fmt.Sprint("patch", i)] = "patches:\n- path: |-\n    " + entry
	}
	for name, text := range hostile {
		if _, err := render.Uses(with(text, nil), "k", false); err == nil {
			t.Errorf("%s: not refused: %s", name, text)
		}
		if got, err := r.Kustomize(t.Context(), render.Kustomization{Dir: "k", Files: map[string][]byte{
			"k/kustomization.yaml": []byte(text), "k/run.sh": []byte("#!/bin/sh\n"),
		}}); err == nil {
			t.Errorf("%s: kustomize made %d objects of %s", name, len(got), text)
		}
	}
	if touched := trapped.sprung(t); touched != "" {
		t.Errorf("touched: %s", touched)
	}
}

// TestOutsideOfMemory: kustomize itself finds nothing outside of the files it is given.
func TestOutsideOfMemory(t *testing.T) {
	r := render.New(render.Limits{})
	defer closed(t, r)
	for _, entry := range []string{"/etc/passwd", "../../../../../../etc/passwd", "../../k/secret.yaml", "/k/secret.yaml", "../../../k/secret.yaml"} {
		for _, field := range []string{"resources: [%s]", "configMapGenerator: [{name: x, files: [%s]}]"} {
			got, err := r.Kustomize(t.Context(), render.Kustomization{Dir: "k", AnyPath: true, Files: map[string][]byte{
				"k/kustomization.yaml": fmt.Appendf(nil, field, entry),
				"k/secret.yaml":        []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}"),
			}})
			if err == nil {
				t.Errorf("%s: %+v", entry, got)
			}
		}
	}
}

// TestDisk has what only a disk has.
func TestDisk(t *testing.T) {
	c := &buildCase{top: t.TempDir()}
	c.write(t, "k/kustomization.yaml", []byte("configMapGenerator: [{name: x, files: [it]}]"))
	c.write(t, "r/kustomization.yaml", []byte("resources: [it]"))
	tree := rootTree{c.open(t)}
	for name, lay := range map[string]struct {
		make func(at string) error
		want error
	}{
		"1 GB": {func(at string) error {
			if err := os.WriteFile(at, nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(at, 1<<30)
		}, render.ErrTooMuch},
		"endless":            {func(at string) error { return os.Symlink("/dev/zero", at) }, render.ErrOutside},
		"link out":           {func(at string) error { return os.Symlink("../../../../../../../../etc/passwd", at) }, render.ErrOutside},
		"link over the edge": {func(at string) error { return os.Symlink("../../"+filepath.Base(c.top)+"/k/kustomization.yaml", at) }, render.ErrOutside},
		"loop":               {func(at string) error { return os.Symlink("it", at) }, render.ErrLoop},
	} {
		for _, dir := range []string{"k", "r"} {
			at := filepath.Join(c.top, dir, "it")
			if err := lay.make(at); err != nil {
				t.Fatal(err)
			}
			if _, err := render.Uses(tree, dir, true); !errors.Is(err, lay.want) {
				t.Errorf("%s in %s: %v, want %v", name, dir, err, lay.want)
			}
			if err := os.Remove(at); err != nil {
				t.Fatal(err)
			}
		}
	}
}
