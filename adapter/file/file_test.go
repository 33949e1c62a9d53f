package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pgmoat/pgmoat/adapter/object"
	sigsyaml "sigs.k8s.io/yaml"
)

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"

func text(s string) Options { return Options{Stdin: strings.NewReader(s)} }

// of reads one text as standard input.
func of(t *testing.T, s string) object.Batch {
	t.Helper()
	b, err := Read(context.Background(), []string{"-"}, text(s))
	if err != nil && !errors.Is(err, ErrNothing) {
		t.Fatal(err)
	}
	return b
}

// Bad input of every kind is a problem, told quickly and in few words, and what
// stands behind it is read.
func TestBadInput(t *testing.T) {
	header := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: bad\n  namespace: ns\n"
	for what, c := range map[string]struct {
		text, want string
		line       int
		namespace  string
	}{
		"binary":            {header + "x: \x00\x01", "zero byte", 6, ""},
		"invalid UTF-8":     {header + "\n  # \xff", "not valid UTF-8", 7, "ns"},
		"deep flow":         {header + "x:\n " + strings.Repeat("[", 3000) + strings.Repeat("]", 3000), "nested more than", 0, "ns"},
		"too deep flow":     {header + "x:\n " + strings.Repeat("[", 200000), "max depth", 0, "ns"},
		"deep blocks":       {header + "x:\n" + deepBlocks(2000), "nested more than", 0, "ns"},
		"cycle":             {header + "x:\n - &a [*a]\n", "contains itself", 7, "ns"},
		"laughs":            {header + laughs(), "excessive aliasing", 0, "ns"},
		"long string often": {header + longAliases(), "aliases make it larger", 0, "ns"},
		"unknown anchor":    {header + "x:\n\n - *a\n", "unknown anchor", 8, "ns"},
		"duplicate":         {header + "x:\n  a: 1\n  b: 1\n  a: 2\n", "already set", 9, "ns"},
		"same key twice":    {header + "x:\n  1: 1\n  \"1\": 2\n", "already set", 0, "ns"},
		"list as key":       {header + "x:\n  ? [a]\n  : b\n", "key", 0, "ns"},
		"not a number":      {header + "x:\n  a: .nan\n", "no form in JSON", 0, "ns"},
		"more behind":       {"{apiVersion: v1, kind: Pod, metadata: {name: a}}\napiVersion: v1\n", "did not find expected", 2, ""},
		"a hidden document": {header + "\r---\rapiVersion: v1\rkind: Pod\rmetadata: {name: hidden}\r", "more behind the end", 0, ""},
		"a template":        {header + "spec: {{ .Values.spec }}\n", "template", 6, ""},
		"wrong metadata":    {"apiVersion: v1\nkind: Pod\nmetadata: []\n", "an array where an object is expected", 3, ""},
		"wrong kind":        {"apiVersion: v1\nkind: [Pod]\nmetadata: {name: a}\n", "an array where a string is expected", 2, ""},
		"no name":           {"apiVersion: v1\nkind: Pod\n", "name is missing", 1, "default"},
		"lists in lists":    {strings.Repeat(`{"apiVersion":"v1","kind":"List","items":[`, 40) + strings.Repeat("]}", 40), "Lists inside each other", 0, ""},
		"a bare array":      {"- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n", "no List", 1, ""},
		"items no list":     {"apiVersion: v1\nkind: List\nitems: {a: b}\n", "not a list", 3, ""},
		"a typed List":      {"apiVersion: v1\nkind: PodList\nitems: 3\n", "not a list", 3, ""},
		"a List of nothing": {"kind: List\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]\n", "apiVersion: is missing", 0, ""},
		"no such name":      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a/b, namespace: x}\n", "is no name", 3, "x"},
		"a name in colour":  {"apiVersion: v1\nkind: Pod\nmetadata: {name: \"\\e[31ma\", namespace: x}\n", "is no name", 3, "x"},
		"half a JSON":       {"{\"apiVersion\": \"v1\",\n\"kind\":", "not valid JSON", 2, ""},
		"JSON nested":       {`{"apiVersion":"v1","kind":"Pod","x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}", "depth", 0, ""},
		"a tab":             {header + "x:\n\t- y\n", "cannot start any token", 7, ""},
	} {
		t.Run(what, func(t *testing.T) {
			begin := time.Now()
			b := of(t, c.text+"\n---\n"+fmt.Sprintf(pod, "behind"))
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if len(b.Objects) != 1 || b.Objects[0].Name != "behind" || len(b.Problems) != 1 {
				t.Fatalf("want one object and one problem: %v %v", b.Objects, b.Problems)
			}
			p := b.Problems[0]
			if !strings.Contains(p.Err, c.want) || len(p.Err) > 300 || p.Namespace != c.namespace || p.Origin.File != "-" {
				t.Errorf("%s: %s [%s], want %q [%s]", p.Origin, p.Err, p.Namespace, c.want, c.namespace)
			}
			if p.Origin.Line == 0 || c.line > 0 && p.Origin.Line != c.line {
				t.Errorf("line %d, want %d: %s", p.Origin.Line, c.line, p.Err)
			}
		})
	}
}

func deepBlocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i+1) + "a:\n")
	}
	return b.String()
}

func laughs() string {
	b := strings.Builder{}
	b.WriteString("x:\n  a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n")
	for i := range 12 {
		fmt.Fprintf(&b, "  a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 8), i)
	}
	return b.String()
}

func longAliases() string {
	return "x:\n  a: &a " + strings.Repeat("y", 1<<20) + "\n  b: [" + strings.Repeat("*a, ", 5000) + "]\n"
}

// What is no object, and not meant to be one, is ignored and counted.
func TestIgnored(t *testing.T) {
	for _, s := range []string{"", "\n\n", "# only a comment", "a: b", "- a\n- b", "5", "null", "[]", "{}", "{\"a\": 1}",
		"apiVersion: v2\nname: chart", "kind: not-an-object", "--- \n", "version: 3\nservices: {a: {image: b}}"} {
		if b := of(t, s); b.Ignored != 1 || len(b.Problems)+len(b.Objects) != 0 {
			t.Errorf("%q: ignored %d, %v %v", s, b.Ignored, b.Objects, b.Problems)
		}
	}
}

// Kinds that nobody uses are counted and not decoded, whatever is wrong with them;
// but a kind can only be told where nothing can hide another.
func TestUnused(t *testing.T) {
	wants := func(ty object.Type, _ []byte) bool { return ty.Kind == "Pod" }
	for s, unused := range map[string]int{
		"apiVersion: v1\nkind: ConfigMap\ndata:\n  a: *b [ {{ }}\n":                                              1,
		"kind: ConfigMap # yes\napiVersion: v1\nmetadata:\n- x\n":                                                1,
		"{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"a\": 1, \"a\": 2}":                                  1,
		"{apiVersion: v1, kind: ConfigMap}":                                                                      1,
		"apiVersion: v1\nkind: PodList\nitems: []\n":                                                             0,
		"apiVersion: v1\nkind: Config\n  Map\n":                                                                  1,
		"apiVersion: v1\nkind:\n  Pod\nmetadata: {name: a}\n":                                                    0,
		"a: \"\nkind: ConfigMap\napiVersion: v1\n\"\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n":           0,
		"  a: \"\nkind: ConfigMap\napiVersion: v1\n b\"\n  apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n": 0,
	} {
		b, err := Read(context.Background(), []string{"-"}, Options{Stdin: strings.NewReader(s), Wants: wants})
		if err != nil && !errors.Is(err, ErrNothing) {
			t.Fatal(err)
		}
		if b.Unused != unused || unused == 1 && len(b.Problems) > 0 {
			t.Errorf("%q: unused %d, want %d; %v", s, b.Unused, unused, b.Problems)
		}
	}
}

// A path that cannot be read puts everything in doubt; what holds nothing is an error.
func TestPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "empty/x.txt", "x")
	put(t, "ok/a.yaml", fmt.Sprintf(pod, "a"))
	put(t, "ok/.git/b.yaml", "broken: [")
	put(t, "ok/sub/c.YML", fmt.Sprintf(pod, "c"))
	put(t, "none/a.yaml", "a: b")
	link(t, "..", "ok/sub/up")
	link(t, "nowhere.yaml", "dangling/a.yaml")
	link(t, "nowhere", "dangling/a.txt")
	link(t, "../ok/a.yaml", "linked/again.yaml")
	link(t, "../ok/sub", "linked/sub")
	for _, c := range []struct {
		paths    []string
		skip     []string
		objects  string
		problems int
		err      string
	}{
		{[]string{"ok"}, nil, "a@ok/a.yaml c@ok/sub/c.YML", 0, ""},
		{[]string{"./ok/", "ok/a.yaml"}, nil, "a@ok/a.yaml c@ok/sub/c.YML", 0, ""},
		{[]string{"ok/sub", "ok"}, nil, "c@ok/sub/c.YML a@ok/sub/up/a.yaml", 0, ""},
		{[]string{"linked", "ok"}, nil, "a@linked/again.yaml c@linked/sub/c.YML", 0, ""},
		{[]string{"linked", "ok"}, []string{"linked/**"}, "a@ok/a.yaml c@ok/sub/c.YML", 0, ""},
		{[]string{"ok", "missing"}, nil, "a@ok/a.yaml c@ok/sub/c.YML", 1, ""},
		{[]string{"ok", "dangling"}, nil, "a@ok/a.yaml c@ok/sub/c.YML", 1, ""},
		{[]string{"missing"}, nil, "", 1, "no Kubernetes object was read from missing: missing: cannot be read: no such file or directory"},
		{[]string{"empty"}, nil, "", 0, "no .yaml, .yml or .json file"},
		{[]string{"none"}, nil, "", 0, "1 documents without apiVersion and kind"},
		{[]string{"ok"}, []string{"ok"}, "", 0, "1 were skipped"},
		{[]string{"ok"}, []string{"["}, "", 0, "not a valid pattern"},
		{nil, nil, "", 0, "no path was given"},
		{[]string{"-"}, nil, "", 1, "there is no standard input"},
	} {
		b, err := Read(context.Background(), c.paths, Options{Skip: c.skip})
		var names []string
		for _, o := range b.Objects {
			names = append(names, o.Name+"@"+o.Source.File)
		}
		if got := strings.Join(names, " "); got != c.objects || len(b.Problems) != c.problems {
			t.Errorf("%v: %s with %v, want %s with %d problems", c.paths, got, b.Problems, c.objects, c.problems)
		}
		for _, p := range b.Problems {
			if p.Namespace != "" {
				t.Errorf("%v: the doubt is only about %s", c.paths, p.Namespace)
			}
		}
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%v: error %v, want %q", c.paths, err, c.err)
		}
	}
}

func put(t *testing.T, name, data string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(data), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(to, name)); err != nil {
		t.Fatal(err)
	}
}

func TestNoPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	t.Chdir(t.TempDir())
	put(t, "a.yaml", fmt.Sprintf(pod, "a"))
	put(t, "b.yaml", fmt.Sprintf(pod, "b"))
	if err := os.Chmod("a.yaml", 0); err != nil {
		t.Fatal(err)
	}
	b, err := Read(context.Background(), []string{"."}, Options{})
	if err != nil || len(b.Problems) != 1 || len(b.Objects) != 1 {
		t.Errorf("%v %v %v", b.Objects, b.Problems, err)
	}
}

func TestTooLarge(t *testing.T) {
	defer func(old int64) { maxFile = old }(maxFile)
	maxFile = 1 << 20
	b := of(t, fmt.Sprintf(pod, "a")+"#"+strings.Repeat("x", 1<<20))
	if len(b.Problems) != 1 || !strings.Contains(b.Problems[0].Err, "larger than 1 MiB") {
		t.Errorf("%v", b.Problems)
	}
}

func TestBrokenPipe(t *testing.T) {
	opts := Options{Stdin: iotest.ErrReader(errors.New("broken pipe"))}
	b, err := Read(context.Background(), []string{"-"}, opts)
	if !errors.Is(err, ErrNothing) || len(b.Problems) != 1 {
		t.Errorf("%v %v", b, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Read(ctx, []string{"-"}, text(fmt.Sprintf(pod, "a"))); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// The order is that of the documents, however many are parsed at a time.
func TestOrder(t *testing.T) {
	var b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&b, "---\n"+pod, fmt.Sprint("p", i))
	}
	for i, o := range of(t, b.String()).Objects {
		if o.Name != fmt.Sprint("p", i) {
			t.Fatalf("%d is %s", i, o.Name)
		}
	}
}

// Two documents with one name: the same content is one object, whatever it is
// written in; other content is a problem that names both places.
func TestTwice(t *testing.T) {
	same := "{\"kind\": \"Pod\",\n\"apiVersion\":\"v1\", \"metadata\":{\"name\":\"a\"}}"
	if b := of(t, fmt.Sprintf(pod, "a")+"---\n"+same); len(b.Objects) != 1 || len(b.Problems) != 0 {
		t.Errorf("%v %v", b.Objects, b.Problems)
	}
	b := of(t, fmt.Sprintf(pod, "a")+"---\n"+fmt.Sprintf(pod, "a, labels: {b: c}"))
	if len(b.Objects) != 1 || len(b.Problems) != 1 {
		t.Fatalf("%v %v", b.Objects, b.Problems)
	}
	if p := b.Problems[0]; p.Origin.Line != 5 || !strings.Contains(p.Err, "-:1") || p.Namespace != "default" {
		t.Errorf("%+v", p)
	}
	if b := of(t, fmt.Sprintf(pod, "a")+"---\n"+fmt.Sprintf(pod, "a, namespace: other")); len(b.Objects) != 2 {
		t.Errorf("another namespace is another object: %v", b.Objects)
	}
}

// A saved byte order mark is no part of the first document.
func TestByteOrderMark(t *testing.T) {
	if b := of(t, "\ufeff"+fmt.Sprintf(pod, "a")); len(b.Objects) != 1 {
		t.Errorf("%v", b.Problems)
	}
}

// Values are what sigs.k8s.io/yaml makes of them.
func TestValuesAreThoseOfKubectl(t *testing.T) {
	for _, s := range values {
		sameAsSigs(t, []byte(s))
	}
}

var values = []string{
	"a: yes\nb: no\nc: on\nd: off\ny: n\n", "a: 0x1f\nb: 010\nc: 0o10\nd: 1_000\ne: 0b11\n", "a: 1e3\nb: .5\nc: 1.0\nd: 12345678901234567890\ne: -9223372036854775808\n",
	"a: ~\nb: null\nc:\nd: ''\n", "1: a\n2.5: b\ntrue: c\n", "a: 2001-01-01\nb: 12:30:45\n", "a: |\n  x\n   y\n\nb: >-\n  x\n  y\n", "a: \"\\u00e9\\n<&>\\u2028\"\n",
	"a: &x {b: c}\nd: *x\ne: {<<: *x, f: g}\n", "a: !!binary aGVsbG8=\nb: !!str 5\nc: !custom x\n", "- a\n- - b\n  - c\n", "a: 'it''s'\nb: x # c\nc: x#y\n", "é: ü\n",
}

func sameAsSigs(t *testing.T, data []byte) {
	t.Helper()
	got, err := toJSON(data)
	if err != nil {
		return
	}
	want, werr := sigsyaml.YAMLToJSON(data)
	if werr != nil {
		t.Fatalf("%q: sigs.k8s.io/yaml refuses it: %v; we read %s", data, werr, got)
	}
	var x, y any
	if err := json.Unmarshal(got, &x); err != nil {
		t.Fatalf("%q: %s is no JSON: %v", data, got, err)
	}
	if err := json.Unmarshal(want, &y); err != nil || !reflect.DeepEqual(x, y) {
		t.Fatalf("%q: %s, want %s", data, got, want)
	}
}

// The reader never panics, reads what sigs.k8s.io/yaml reads, and its quick look at
// the left margin never tells another kind than parsing does.
func FuzzRead(f *testing.F) {
	for _, s := range values {
		f.Add([]byte(s))
	}
	for _, s := range []string{fmt.Sprintf(pod, "a"), "a: \"\nkind: B\n\"\nkind: C\napiVersion: v1\n", "--- {kind: List, apiVersion: v1, items: [{}]}\n...\n%YAML 1.1\n---\n", laughs()} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Read(context.Background(), []string{"-"}, Options{Stdin: bytes.NewReader(data)})
		if err != nil && !errors.Is(err, ErrNothing) {
			t.Fatal(err)
		}
		for _, o := range b.Objects {
			b.Locate(o.Origin().At("metadata.labels.a"))
		}
		for _, c := range split(content{"-", data}) {
			sameAsSigs(t, c.data)
			sameHeader(t, c.data)
		}
	})
}

func sameHeader(t *testing.T, data []byte) {
	h := scan(data)
	parsed, err := toJSON(data)
	if !h.sure || err != nil || parsed[0] != '{' {
		return
	}
	var id struct {
		Kind       any
		APIVersion any
		Metadata   any
	}
	var fields map[string]any
	if json.Unmarshal(parsed, &fields) != nil {
		return
	}
	id.Kind, id.APIVersion, id.Metadata = fields["kind"], fields["apiVersion"], fields["metadata"]
	for told, is := range map[string]any{h.kind: id.Kind, h.apiVersion: id.APIVersion} {
		if s, ok := is.(string); ok && s != told {
			t.Fatalf("%q: the margin tells %q, the document %q", data, told, s)
		}
	}
	if m, ok := id.Metadata.(map[string]any); ok && h.namespaceTold {
		if s, ok := m["namespace"].(string); ok && s != h.namespace {
			t.Fatalf("%q: the margin tells namespace %q, the document %q", data, h.namespace, s)
		}
	}
}
