package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/kube/live"
)

// --context names the cluster of live:, and is one more source below those of -f where none of
// them is it.
func TestPaths(t *testing.T) {
	for name, test := range map[string]struct {
		files   []string
		context string
		want    []string
	}{
		"nothing":          {nil, "", []string{"live:"}},
		"a context":        {nil, "a", []string{"live:a"}},
		"files":            {[]string{"k8s"}, "", []string{"k8s"}},
		"a context, files": {[]string{"k8s"}, "a", []string{"live:a", "k8s"}},
		"over its cluster": {[]string{"live:", "k8s"}, "a", []string{"live:a", "k8s"}},
		"the same twice":   {[]string{"k8s", "live:a"}, "a", []string{"k8s", "live:a"}},
		"over another's":   {[]string{"live:b"}, "a", []string{"live:a", "live:b"}},
		"two clusters":     {[]string{"live:", "live:b"}, "", []string{"live:", "live:b"}},
	} {
		a := &app{files: test.files, sources: sources{context: test.context}}
		before := slices.Clone(test.files)
		if got := a.paths(); !slices.Equal(got, test.want) || !slices.Equal(a.files, before) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// A comparison has two sources, so that a context which is neither is a mistake.
func TestCompared(t *testing.T) {
	for context, want := range map[string]string{"": "live: k8s", "a": "live:a k8s"} {
		got, err := (&app{sources: sources{context: context}}).compared([]string{"live:", "k8s"})
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q %v", context, got, err)
		}
	}
	for _, command := range [][]string{{"diff"}, {"snapshot", "diff"}, {"connections", "diff"}} {
		var out, err bytes.Buffer
		args := append(append([]string{"pgmoat"}, command...), "k8s", "pr", "--context", "a")
		if code := Main(t.Context(), args, nil, &out, &err); code != exitFailed || !strings.Contains(err.String(), "--context a: neither OLD nor NEW is live:") {
			t.Errorf("%v: status %d, %s", command, code, err.String())
		}
	}
}

// Blanks around a name are nobody's; a name that is empty is a mistake, as of a variable that
// is not set.
func TestNamespaces(t *testing.T) {
	for text, want := range map[string]string{"a": "a", "a,b": "a|b", " a , b ": "a|b", "": "", "a,": "", ",": ""} {
		got, err := (&app{namespace: text}).namespaces()
		if strings.Join(got, "|") != want || (err != nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "--namespace") {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

// What is written while a cluster is read stands on a line of its own.
func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out}
	_, _ = s.Write([]byte("before\n"))
	s.progress(live.Progress{Kind: "Pod", Kinds: 2})
	s.progress(live.Progress{Kind: "Node", Index: 1, Kinds: 2})
	_, _ = s.Write([]byte("a fault\n"))
	_, _ = s.Write([]byte("and one more\n"))
	s.progress(live.Progress{Kind: "Node", Index: 1, Kinds: 2})
	s.progress(live.Progress{Index: 2, Kinds: 2})
	const want = "before\nreading Pod (1 of 2): 0 read\r\x1b[Kreading Node (2 of 2): 0 read\r\x1b[Ka fault\nand one more\nreading Node (2 of 2): 0 read\r\x1b[K"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
	if w := onScreen(&out); w != &out {
		t.Error("a buffer is no terminal")
	}
}

// What could not be written was not saved, and nobody says that it was.
func TestSaveToNobody(t *testing.T) {
	var err bytes.Buffer
	code := Main(t.Context(), []string{"pgmoat", "snapshot", "save", "-", "-f", examples("company/mended")}, nil, full{}, &err)
	if code != exitFailed || !strings.Contains(err.String(), "no space") || strings.Contains(err.String(), "objects") {
		t.Errorf("status %d, %s", code, err.String())
	}
}
