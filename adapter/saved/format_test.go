package saved

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

var update = flag.Bool("update", false, "write the file of the newest format anew; files of older formats are never touched")

// example is what the files in testdata were written from. A newer format may add to what it
// keeps; what older ones do not have is what it was then.
func example() (Header, object.Batch) {
	yes := true
	return Header{Program: "v0.5.0", Taken: time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC), Sources: []string{"live:prod", "k8s/"}}, object.Batch{
		Objects: []object.Object{
			{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "web-1", UID: "u1", Labels: map[string]string{"app": "web", "tier": "front"},
				Annotations: map[string]string{"a": "b"}, Owners: []object.Owner{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", UID: "u2", Controller: &yes}},
				JSON: []byte(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"web"}]}}`)},
			{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Namespace: "shop", Name: "db", JSON: []byte(`{"spec":{"podSelector":{}}}`),
				Source: object.Source{File: "k8s/charts/db/templates/policy.yaml", Line: 12, Via: "chart k8s/charts/db", Prefix: "items[3]."}},
			{APIVersion: "v1", Kind: "Secret", Namespace: "shop", Name: "db", Partial: true, JSON: []byte(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"}}`)},
		},
		Problems: []snapshot.Problem{{Origin: verdict.Origin{File: "k8s/a.yaml", Line: 7, Object: "Pod shop/a", Field: "spec", Note: "n"}, Err: "spec: is odd",
			Namespace: "shop", Object: snapshot.Ref{Kind: "Cluster", Namespace: "shop", Name: "c"}}},
		Skipped: []string{"k8s/b.yaml"}, Ignored: 3, Unused: 4,
		Coverage: &snapshot.Coverage{Cluster: "prod", Server: "https://192.0.2.1:6443", Version: "v1.36.3", Taken: 1795000000, Namespaces: []string{"shop"},
			Kinds: []snapshot.Kind{{Name: "Pod", Listing: snapshot.KindListed}, {Name: "Secret", Listing: snapshot.KindRefused, Why: "no", Namespaces: []string{"shop"}, Decides: true}}},
		Missing:  []snapshot.Missing{{By: snapshot.Ref{Kind: "Application", Namespace: "argocd", Name: "ingress"}, What: "a chart", Namespace: "edge"}},
		Warnings: []snapshot.Warning{{Code: "c", Text: "t", Origin: verdict.Origin{File: "f"}}},
		Inputs:   []object.Input{{Name: "k8s/a.yaml", SHA256: "00"}},
	}
}

func golden(format int) string {
	return filepath.Join("testdata", fmt.Sprintf("format%d.pgmoat", format))
}

// Files of every format that was ever written are read, to the same batch.
func TestOlderFormats(t *testing.T) {
	h, want := example()
	if *update {
		var file bytes.Buffer
		if _, err := Write(&file, h, want); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden(newest), file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob("testdata/format*.pgmoat")
	if err != nil || len(files) != len(formats) {
		t.Fatalf("%d files of %d formats: %v", len(files), len(formats), err)
	}
	for format := range formats {
		got, batch, err := ReadFile(t.Context(), golden(format), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(batch, want) {
			t.Errorf("format %d: read\n%+v\nwant\n%+v", format, batch, want)
		}
		h.Format, h.Coverage, h.Objects, h.Digest = format, want.Coverage, len(want.Objects), got.Digest
		if !reflect.DeepEqual(got, h) {
			t.Errorf("format %d: header %+v, want %+v", format, got, h)
		}
	}
}

// sealed is a file of this format with a body and a header that may say more.
func sealed(t testing.TB, format int, header map[string]any, body func(line []byte) []byte) []byte {
	t.Helper()
	all := map[string]any{"format": format, "program": "next", "sources": []string{"k8s/"}, "objects": 1, "digest": ""}
	for k, v := range header {
		all[k] = v
	}
	line, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	text := body(line)
	sum := sha256.Sum256(text)
	line = bytes.Replace(line, []byte(`"digest":""`), []byte(`"digest":"`+hex.EncodeToString(sum[:])+`"`), 1)
	return fmt.Appendf(nil, "%s%d\n%s\n%s", magic, format, line, text)
}

// sections is a body that has these sections behind those that every file has.
func sections(t testing.TB, more ...section) func([]byte) []byte {
	return func(line []byte) []byte {
		c := newChunk()
		if err := c.add(object.Object{APIVersion: "v1", Kind: "Pod", Name: "a", JSON: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		var out []byte
		for _, s := range append([]section{{name: sectionHeader, stored: line}, {name: sectionRest, stored: []byte("{}")}, {name: sectionObjects, stored: c.bytes()}}, more...) {
			var err error
			if out, err = appendSection(out, s.name, s.flags, s.stored); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
}

func reads(file []byte) (object.Batch, error) {
	_, b, err := Read(context.Background(), "dir/file", bytes.NewReader(file), nil)
	return b, err
}

// What a later version of the same format adds is passed over where it says that it may be,
// and is an error where it does not.
func TestWhatIsAdded(t *testing.T) {
	for name, test := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":           {sealed(t, 1, nil, sections(t)), ""},
		"a field":           {sealed(t, 1, map[string]any{"mood": "fair"}, sections(t)), ""},
		"an optional part":  {sealed(t, 1, nil, sections(t, section{name: "lines", flags: optional, stored: []byte("x")})), ""},
		"another packing":   {sealed(t, 1, nil, sections(t, section{name: "lines", flags: optional | 0x40, stored: []byte("x")})), ""},
		"a needed part":     {sealed(t, 1, nil, sections(t, section{name: "deletions", stored: []byte("x")})), `has a section "deletions" that this pgmoat does not know: update pgmoat`},
		"a needed packing":  {sealed(t, 1, nil, sections(t, section{name: sectionObjects, flags: 0x40, stored: []byte("x")})), `has a section "objects" that this pgmoat does not know`},
		"a newer format":    {sealed(t, 9, nil, sections(t)), "dir/file: written by a newer pgmoat (format 9, this one reads up to 1): update pgmoat"},
		"an object less":    {sealed(t, 1, map[string]any{"objects": 2}, sections(t)), "it has 1 objects, and its header says 2"},
		"a second rest":     {sealed(t, 1, nil, sections(t, section{name: sectionRest, stored: []byte("{}")})), `it has 2 sections "rest"`},
		"no format":         {[]byte(magic + "x\n{}\n"), `is no snapshot of pgmoat: its first line names the format "x"`},
		"format with zeros": {[]byte(magic + "01\n{}\n"), "is no snapshot"},
		"format 0":          {[]byte(magic + "0\n{}\n"), "is no snapshot"},
		"another format":    {bytes.Replace(sealed(t, 2, nil, sections(t)), []byte("snapshot 2"), []byte("snapshot 1"), 1), "its format is 2, and that of the first line 1"},
		"a manifest":        {[]byte("apiVersion: v1\n"), "is no snapshot of pgmoat"},
		"nothing at all":    {nil, "is no snapshot of pgmoat"},
	} {
		b, err := reads(test.file)
		if test.want == "" && (err != nil || len(b.Objects) != 1) {
			t.Errorf("%s: %v, %+v", name, err, b)
		}
		if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "dir/file: ")) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// A format is an entry of the table: with another one, files of both are read.
func TestAnotherFormat(t *testing.T) {
	formats[2] = func(in *reading) error {
		in.batch.Ignored = 7
		return nil
	}
	defer delete(formats, 2)
	if b, err := reads(sealed(t, 2, nil, sections(t))); err != nil || b.Ignored != 7 {
		t.Errorf("%+v, %v", b, err)
	}
	if b, err := reads(sealed(t, 1, nil, sections(t))); err != nil || len(b.Objects) != 1 {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := reads(sealed(t, 9, nil, sections(t))); err == nil || !strings.Contains(err.Error(), "this one reads up to 2") {
		t.Error(err)
	}
}

// A file that was cut off or changed in one bit is an error that names it, and nothing of it
// is believed.
func TestDamage(t *testing.T) {
	h, b := example()
	var file bytes.Buffer
	if _, err := Write(&file, h, b); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	refused := func(what string, data []byte) {
		got, err := reads(data)
		if err == nil || !strings.HasPrefix(err.Error(), "dir/file: ") {
			t.Errorf("%s: %v", what, err)
		}
		if !reflect.DeepEqual(got, object.Batch{}) {
			t.Errorf("%s: %+v is believed", what, got)
		}
	}
	for n := range whole {
		refused(fmt.Sprintf("cut off after %d of %d bytes", n, len(whole)), whole[:n])
		for bit := range 8 {
			changed := bytes.Clone(whole)
			changed[n] ^= 1 << bit
			refused(fmt.Sprintf("byte %d, bit %d", n, bit), changed)
		}
	}
	refused("something more", append(bytes.Clone(whole), 'x'))
	if _, err := reads(whole[:len(whole)-9]); !errors.Is(err, errCut) || !strings.Contains(err.Error(), "is damaged: is cut off after") {
		t.Error(err)
	}
}

// What a file that somebody made on purpose may take has an end.
func TestLimits(t *testing.T) {
	raw, objects, entries, texts, size, other := maxRaw, maxObjects, maxEntries, maxStrings, maxFile, maxRest
	reset := func() {
		maxRaw, maxObjects, maxEntries, maxStrings, maxFile, maxRest = raw, objects, entries, texts, size, other
	}
	defer reset()
	h, b := example()
	var file bytes.Buffer
	if _, err := Write(&file, h, b); err != nil {
		t.Fatal(err)
	}
	for want, set := range map[string]func(){
		"where at most 100 can be": func() { maxRaw = 100 },
		"comes to more than":       func() { maxRaw = 800 },
		"more than 2 objects":      func() { maxObjects = 2 },
		"has too many labels":      func() { maxEntries = 3 },
		"more than 4 strings":      func() { maxStrings = 4 },
		"more than it may have":    func() { maxRest = 9 },
		"larger than 0 MiB":        func() { maxFile = int64(file.Len()) - 1 },
	} {
		set()
		if _, err := reads(file.Bytes()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		reset()
	}
	for _, set := range []func(){func() { maxRaw = 10 }, func() { maxObjects = 2 }, func() { maxEntries = 3 }, func() { maxStrings = 4 }, func() { maxRest = 9 }} {
		set()
		if _, err := Write(&bytes.Buffer{}, h, b); err == nil || !strings.Contains(err.Error(), "than a snapshot takes") {
			t.Errorf("what cannot be read is written: %v", err)
		}
		reset()
	}
	// A megabyte of zeros that is said to be ten bytes is no more than ten.
	bomb, err := appendSection(nil, sectionObjects, 0, make([]byte, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := cutSection(bomb)
	if err != nil {
		t.Fatal(err)
	}
	s.raw = 10
	if text, err := s.text(); !errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		t.Errorf("%d bytes of a bomb: %v", len(text), err)
	}
}

// What nobody could have read is neither written nor read.
func TestNoObjects(t *testing.T) {
	for _, o := range []object.Object{
		{Kind: "Pod", JSON: []byte("{}")},
		{Kind: "Pod", Name: "a/b", JSON: []byte("{}")},
		{Kind: "Pod", Name: "a\x1b[2J", JSON: []byte("{}")},
		{Kind: "Pod", Name: "a", JSON: []byte("[]")},
		{Kind: "Pod", Name: "a"},
		{Name: "a", JSON: []byte("{}")},
		{Kind: "Pod", Name: "a", JSON: []byte("{}"), Source: object.Source{Line: -1}},
	} {
		if _, err := Write(&bytes.Buffer{}, Header{}, object.Batch{Objects: []object.Object{o}}); err == nil {
			t.Errorf("%+v was written", o)
		}
		c := newChunk()
		if o.Source.Line < 0 || c.add(o) != nil {
			continue
		}
		file := sealed(t, 1, map[string]any{"objects": 2}, sections(t, section{name: sectionObjects, stored: c.bytes()}))
		if _, err := reads(file); err == nil {
			t.Errorf("%+v was read", o)
		}
	}
}

// The same batch is the same file.
func TestRepeats(t *testing.T) {
	h, b := example()
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if _, err := Write(w, h, b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two files of the same batch differ")
	}
}
