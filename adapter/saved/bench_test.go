package saved_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/saved"
	"github.com/pgmoat/pgmoat/internal/worldgen"
)

// BenchmarkLoad reads 10,000 workloads with their policies: to objects by the YAML library,
// on one processor and on all, by package file and from a snapshot, and from both of ours to
// the snapshot of the estate.
func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	if err := worldgen.Write(dir, worldgen.Estate(10_000, 1)); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	opts := estate.Options{Paths: []string{dir}, Adapters: known.Adapters()}
	batch, err := file.Read(ctx, opts.Paths, file.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var snapshot bytes.Buffer
	if _, err := saved.Write(&snapshot, saved.Header{}, batch); err != nil {
		b.Fatal(err)
	}
	fromSaved := func(ctx context.Context, wants estate.Wants) (object.Batch, error) {
		_, out, err := saved.Read(ctx, "snapshot", bytes.NewReader(snapshot.Bytes()), wants)
		return out, err
	}
	texts, size := documents(b, dir)
	for name, readers := range map[string]int{"one-after-the-other": 1, "side-by-side": runtime.GOMAXPROCS(0)} {
		b.Run("objects/yaml-library/"+name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if err := byLibrary(texts, readers); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	load := func(name string, read func() (object.Batch, error)) {
		b.Run("objects/"+name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if got, err := read(); err != nil || len(got.Objects) != len(batch.Objects) {
					b.Fatal(len(got.Objects), err)
				}
			}
		})
	}
	load("manifests", func() (object.Batch, error) { return file.Read(ctx, opts.Paths, file.Options{}) })
	load("snapshot", func() (object.Batch, error) { return fromSaved(ctx, nil) })
	for name, source := range map[string]estate.Source{"manifests": estate.Files(opts), "snapshot": fromSaved} {
		b.Run("estate/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := estate.From(ctx, source, opts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("save", func(b *testing.B) {
		for b.Loop() {
			if _, err := saved.Write(io.Discard, saved.Header{}, batch); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(snapshot.Len()), "bytes")
	})
}

// byLibrary reads documents to objects with sigs.k8s.io/yaml, by so many readers side by side.
func byLibrary(texts [][]byte, readers int) error {
	faults := make([]error, readers)
	var next atomic.Int64
	var all sync.WaitGroup
	for r := range readers {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(texts) && faults[r] == nil; i = int(next.Add(1)) - 1 {
				data, err := yaml.YAMLToJSON(texts[i])
				if err == nil {
					_, err = object.New(data, object.Source{}, "default")
				}
				faults[r] = err
			}
		})
	}
	all.Wait()
	return errors.Join(faults...)
}

// documents are the texts of a directory, one an object.
func documents(b *testing.B, dir string) (texts [][]byte, size int64) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		for text := range bytes.SplitSeq(data, []byte("\n---\n")) {
			texts, size = append(texts, text), size+int64(len(text))
		}
	}
	return texts, size
}
