package render

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// greeting is a kustomization of one object.
func greeting() Kustomization {
	return Kustomization{Dir: ".", Files: map[string][]byte{
		"kustomization.yaml": []byte("configMapGenerator: [{name: x, literals: [a=b]}]"),
	}}
}

// doubling is a kustomization of 2^n objects, each of some bytes.
func doubling(n, each int) Kustomization {
	k := Kustomization{Dir: fmt.Sprintf("l%d", n), Files: map[string][]byte{
		"l0/kustomization.yaml": []byte("configMapGenerator: [{name: x, files: [text]}]"),
		"l0/text":               []byte(strings.Repeat("x", each)),
	}}
	for i := range n {
		dir := fmt.Sprintf("l%d", i+1)
		k.Files[dir+"/kustomization.yaml"] = []byte("resources: [a, b]")
		for _, side := range []string{"a", "b"} {
			k.Files[dir+"/"+side+"/kustomization.yaml"] = fmt.Appendf(nil, "namePrefix: %s\nresources: [../../l%d]", side, i)
		}
	}
	return k
}

func newRenderer(t *testing.T, limits Limits) *Renderer {
	t.Helper()
	r := New(limits)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// greets checks that the renderer renders.
func greets(t *testing.T, r *Renderer) {
	t.Helper()
	got, err := r.Kustomize(t.Context(), greeting())
	if err != nil || len(got) != 1 || got[0].File != "kustomization.yaml" {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestTooMuch: what takes more than it may ends in an error that says what of, and the next
// request is answered.
func TestTooMuch(t *testing.T) {
	for name, c := range map[string]struct {
		limits Limits
		ask    func(*Renderer) error
		want   string
	}{
		"time": {Limits{Seconds: 1}, func(r *Renderer) error {
			_, err := r.Kustomize(t.Context(), doubling(24, 1))
			return err
		}, "takes more than it may (time)"},
		"memory of a kustomization": {Limits{Memory: 160 << 20}, func(r *Renderer) error {
			_, err := r.Kustomize(t.Context(), doubling(24, 1<<20))
			return err
		}, "takes more than it may (memory)"},
		"memory of a chart": {Limits{Memory: 512 << 20}, func(r *Renderer) error {
			_, err := r.Chart(t.Context(), chartOf(`{{ $s := "xxxxxxxxxxxxxxxx" }}{{ range until 40 }}{{ $s = print $s $s }}{{ end }}`))
			return err
		}, "takes more than it may (memory)"},
		"output": {Limits{Output: 1000}, func(r *Renderer) error {
			_, err := r.Kustomize(t.Context(), doubling(5, 1))
			return err
		}, "takes more than it may (output)"},
		"files": {Limits{}, func(r *Renderer) error {
			_, err := r.Kustomize(t.Context(), Kustomization{Files: map[string][]byte{"x": make([]byte, maxInput+1)}})
			return err
		}, "takes more than it may (files)"},
	} {
		t.Run(name, func(t *testing.T) {
			if raced && c.limits.Memory > 0 {
				t.Skip("the race detector alone needs more than the limit")
			}
			r := newRenderer(t, c.limits)
			if err := c.ask(r); !errors.Is(err, ErrTooMuch) || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			greets(t, r)
		})
	}
}

func chartOf(template string) Chart {
	return Chart{Dir: "c", Release: "r", Namespace: "n", Files: map[string][]byte{
		"c/Chart.yaml":            []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n"),
		"c/templates/object.yaml": []byte(template),
	}}
}

// TestKilled: a process that is gone is an error once, and replaced.
func TestKilled(t *testing.T) {
	r := newRenderer(t, Limits{})
	greets(t, r)
	r.worker.kill()
	<-r.worker.ended
	if _, err := r.Kustomize(t.Context(), greeting()); !errors.Is(err, errGone) || err.Error() != "the process that renders ended: signal: killed" {
		t.Errorf("got %v", err)
	}
	greets(t, r)
}

// TestCanceled: nobody waits for what was called off, and the process does not go on with it.
func TestCanceled(t *testing.T) {
	r := newRenderer(t, Limits{})
	greets(t, r)
	w := r.worker
	ctx, cancel := context.WithCancel(t.Context())
	w.out.read = cancel // once the answer is waited for
	if _, err := r.Kustomize(ctx, doubling(24, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-w.ended
	greets(t, r)
}

// TestOrphaned: the process ends with the one who asks, even while it renders.
func TestOrphaned(t *testing.T) {
	r := newRenderer(t, Limits{})
	greets(t, r)
	w := r.worker
	k := doubling(24, 1)
	if err := w.ask.Encode(request{Kustomization: &k}); err != nil {
		t.Fatal(err)
	}
	if err := w.in.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.ended:
	case <-time.After(30 * time.Second):
		t.Error("it renders for nobody")
	}
}

// TestClose: closing twice is closing once, and a closed renderer starts again.
func TestClose(t *testing.T) {
	r := newRenderer(t, Limits{})
	for range 2 {
		greets(t, r)
		w := r.worker
		for range 2 {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		<-w.ended
	}
}

// TestForgets: a schema that one kustomization brings is not there for the next one.
func TestForgets(t *testing.T) {
	merging := func(schema string) Kustomization {
		return Kustomization{Dir: ".", Files: map[string][]byte{
			"kustomization.yaml": []byte(schema + `
resources: [x.yaml]
patches: [{patch: "{apiVersion: example.com/v1, kind: X, metadata: {name: x}, parts: [{key: b}]}"}]`),
			"x.yaml": []byte("{apiVersion: example.com/v1, kind: X, metadata: {name: x}, parts: [{key: a}]}"),
			"schema.json": []byte(`{"definitions": {"X": {"type": "object", "properties": {"parts": {"type": "array", "items": {"type": "object"},
"x-kubernetes-patch-merge-key": "key", "x-kubernetes-patch-strategy": "merge"}},
"x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "X", "version": "v1"}]}}}`),
		}}
	}
	r := newRenderer(t, Limits{})
	for _, c := range []struct{ schema, want string }{
		{"", `"parts":[{"key":"b"}]`},
		{"openapi: {path: schema.json}", `"parts":[{"key":"b"},{"key":"a"}]`},
		{"", `"parts":[{"key":"b"}]`},
	} {
		got, err := r.Kustomize(t.Context(), merging(c.schema))
		if err != nil || len(got) != 1 || !strings.Contains(string(got[0].Text), c.want) {
			t.Errorf("%q: got %+v, %v, want %s", c.schema, got, err, c.want)
		}
	}
}

// TestPanic: the library panics at an empty file of CRDs, which is that file's fault and not
// the end of the process.
func TestPanic(t *testing.T) {
	r := newRenderer(t, Limits{})
	k := Kustomization{Dir: ".", Files: map[string][]byte{"kustomization.yaml": []byte("crds: [empty]"), "empty": nil}}
	if _, err := r.Kustomize(t.Context(), k); err == nil || !strings.HasPrefix(err.Error(), "the library cannot read this: ") {
		t.Errorf("got %v", err)
	}
	w := r.worker
	greets(t, r)
	if r.worker != w {
		t.Error("the process was replaced")
	}
}

// BenchmarkStart is how long the first kustomization takes, BenchmarkNext each other one.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		r := New(Limits{})
		if _, err := r.Kustomize(b.Context(), greeting()); err != nil {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	r := New(Limits{})
	for b.Loop() {
		if _, err := r.Kustomize(b.Context(), greeting()); err != nil {
			b.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}
