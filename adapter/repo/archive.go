package repo

import (
	"context"
	"fmt"
	"path"
	"path/filepath"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
)

// readArchive renders a packaged chart. Its files are named below the archive.
func readArchive(ctx context.Context, name string, opts Options) (object.Batch, error) {
	values, err := opts.Charts.read()
	if err != nil {
		return object.Batch{}, err
	}
	packed, err := readNamed(name)
	if err != nil {
		return object.Batch{}, err
	}
	dir := filepath.ToSlash(filepath.Clean(name))
	files, err := render.ChartArchive(dir, packed)
	if err != nil {
		return object.Batch{}, err
	}
	m, ok := chartOf(files[path.Join(dir, chartFile)])
	if !ok {
		return object.Batch{}, fmt.Errorf("%s: has no %s of a chart", name, chartFile)
	}
	u := (&rendering{dir: dir, chart: true, mark: m}).unit(opts.Charts, values)
	b := builder{tree: &tree{ground: ground{dir: dir, at: filepath.Clean(name)}}, opts: opts}
	r := &result{unit: u}
	if err := b.render(ctx, r, files); err != nil {
		return object.Batch{}, err
	}
	batch, err := b.read(ctx, r, opts.Wants)
	if err != nil {
		return object.Batch{}, err
	}
	if opts.Digests {
		batch.Inputs = append([]object.Input{object.InputOf(filepath.Clean(name), packed)}, batch.Inputs...)
	}
	return batch, file.Nothing(batch, []string{name})
}
