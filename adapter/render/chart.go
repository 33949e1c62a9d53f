package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/ignore"
)

// ChartUses returns the files of the chart in a folder of the tree, Chart.Files: all that
// its .helmignore does not except, and not what git keeps in .git. It refuses what is larger
// than helm lets a chart's file or an archive be. Whether the chart's dependencies are there
// is for Renderer.Chart to say.
func ChartUses(tree Tree, dir string) (map[string][]byte, error) {
	dir = path.Clean(dir)
	rules, err := ignored(tree, dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Join(dir, ignore.HelmIgnore), err)
	}
	w := chartWalk{tree: tree, dir: dir, rules: rules, files: map[string][]byte{}, left: archive.MaxDecompressedChartSize}
	if err := w.folder(dir, 0); err != nil {
		return nil, err
	}
	if _, ok := w.files[path.Join(dir, chartutil.ChartfileName)]; !ok {
		return nil, fmt.Errorf("%s: %s is missing", dir, chartutil.ChartfileName)
	}
	return w.files, nil
}

func ignored(tree Tree, dir string) (*ignore.Rules, error) {
	text, err := tree.ReadFile(path.Join(dir, ignore.HelmIgnore))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	rules, err := ignore.Parse(strings.NewReader(string(text)))
	if err == nil {
		rules.AddDefaults()
	}
	return rules, err
}

// A chartWalk collects the files of a chart.
type chartWalk struct {
	tree  Tree
	dir   string
	rules *ignore.Rules
	files map[string][]byte
	// seen is how many files and folders there were; left is how many bytes there may be.
	seen int
	left int64
}

const (
	// maxFiles is how many files and folders a chart may have, its dependencies included.
	maxFiles = 20_000
	// maxDepth is how deep its folders may be, for links can make a folder its own.
	maxDepth = 64
)

func (w *chartWalk) folder(dir string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: folders more than %d deep in the chart", dir, maxDepth)
	}
	entries, err := w.tree.ReadDir(dir)
	if err != nil {
		return err
	}
	if w.seen += len(entries); w.seen > maxFiles {
		return fmt.Errorf("%s: more than %d files and folders in the chart", w.dir, maxFiles)
	}
	for _, e := range entries {
		if e.Name() == ".git" {
			continue
		}
		name := path.Join(dir, e.Name())
		info, err := w.tree.Stat(name)
		if err != nil {
			return err
		}
		switch {
		case w.rules.Ignore(strings.TrimPrefix(name, w.dir+"/"), info):
		case info.IsDir():
			err = w.folder(name, depth+1)
		default:
			err = w.file(name, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *chartWalk) file(name string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: not a regular file", name)
	case info.Size() > archive.MaxDecompressedFileSize:
		return fmt.Errorf("%s: %d bytes, and helm takes no file of a chart with more than %d: except it in %s",
			name, info.Size(), archive.MaxDecompressedFileSize, path.Join(w.dir, ignore.HelmIgnore))
	}
	text, err := w.tree.ReadFile(name)
	if err != nil {
		return err
	}
	if w.left -= int64(len(text)); w.left < 0 {
		return fmt.Errorf("%s: more than %d bytes in the chart", w.dir, archive.MaxDecompressedChartSize)
	}
	// Helm's loader of folders drops the mark.
	w.files[name] = []byte(strings.TrimPrefix(string(text), "\ufeff"))
	return nil
}
