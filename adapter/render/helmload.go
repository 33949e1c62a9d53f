package render

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// A loadedChart is a chart with its dependencies, which remembers where its files are: helm
// names them after charts and aliases, not after folders and archives.
type loadedChart struct {
	root *chart.Chart
	dir  string
	// paths are the files' in the tree. Charts that are copied for their aliases share them.
	paths map[*common.File]string
	// templates are the paths of the templates in the tree by the names that helm has for
	// them; set by place.
	templates map[string]string
	// left is how many bytes the archives below charts/ may still have.
	left int64
}

// loadChart reads the files as helm's loader does. The loader itself takes dependencies in
// no particular order and forgets where they came from, so that it is given one chart at a
// time here.
func loadChart(c *Chart) (*loadedChart, error) {
	dir := path.Clean(c.Dir)
	files := make([]*archive.BufferedFile, 0, len(c.Files))
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		rel, ok := strings.CutPrefix(name, dir+"/")
		if !ok && dir != "." {
			return nil, fmt.Errorf("%s: not a file of the chart in %s", name, dir)
		}
		files = append(files, &archive.BufferedFile{Name: rel, Data: c.Files[name]})
	}
	l := &loadedChart{
		dir: dir, left: archive.MaxDecompressedChartSize,
		paths: map[*common.File]string{}, templates: map[string]string{},
	}
	root, err := l.load(files, dir)
	l.root = root
	return l, err
}

// load reads one chart and what is below its charts/.
func (l *loadedChart) load(files []*archive.BufferedFile, dir string) (*chart.Chart, error) {
	if l.left -= size(files); l.left < 0 || strings.Count(dir, "/charts/") > maxDepth {
		return nil, fmt.Errorf("%s: %w", dir, tooMuch("files"))
	}
	own, below := apart(files)
	c, err := loader.LoadFiles(own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	for _, fs := range [][]*common.File{c.Raw, c.Templates, c.Files} {
		for _, f := range fs {
			l.paths[f] = path.Join(dir, f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(below)) {
		dependency, err := l.dependency(name, below[name], path.Join(dir, "charts", name))
		if err != nil {
			return nil, err
		}
		c.AddDependency(dependency)
	}
	return c, nil
}

// apart divides the files of a chart into its own and those of each entry of charts/, with
// names relative to charts/. An entry that begins with "_" or "." is no chart, and a
// signature is a file like others.
func apart(files []*archive.BufferedFile) (own []*archive.BufferedFile, below map[string][]*archive.BufferedFile) {
	below = map[string][]*archive.BufferedFile{}
	for _, f := range files {
		name, ok := strings.CutPrefix(f.Name, "charts/")
		if !ok || path.Ext(name) == ".prov" {
			own = append(own, f)
			continue
		}
		entry, _, _ := strings.Cut(name, "/")
		if strings.IndexAny(entry, "_.") != 0 {
			below[entry] = append(below[entry], &archive.BufferedFile{Name: name, Data: f.Data})
		}
	}
	return own, below
}

// dependency reads an entry of charts/, a folder or an archive. Any other file there is a
// chart without a Chart.yaml to helm, and so to us.
func (l *loadedChart) dependency(entry string, files []*archive.BufferedFile, dir string) (*chart.Chart, error) {
	if path.Ext(entry) == ".tgz" {
		if files[0].Name != entry {
			return nil, fmt.Errorf("%s: a folder by the name of an archive", dir)
		}
		unpacked, err := unpack(files[0].Data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		return l.load(unpacked, dir)
	}
	var own []*archive.BufferedFile
	for _, f := range files {
		if rel, ok := strings.CutPrefix(f.Name, entry+"/"); ok {
			own = append(own, &archive.BufferedFile{Name: rel, Data: f.Data})
		}
	}
	// What a folder has was counted with the chart that it is in.
	l.left += size(own)
	return l.load(own, dir)
}

func size(files []*archive.BufferedFile) int64 {
	n := int64(0)
	for _, f := range files {
		n += int64(len(f.Data))
	}
	return n
}

// missing says which dependencies the chart names and does not have.
func (l *loadedChart) missing() error {
	all := lacks(l.root)
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("%s: dependencies: not below charts/: %s: run \"helm dependency build %s\" first",
		path.Join(l.dir, chartutil.ChartfileName), strings.Join(all, ", "), l.dir)
}

// lacks are the dependencies that a chart names and does not have, with where they are from.
// Helm compares the names alone.
func lacks(c *chart.Chart) []string {
	var all []string
	for _, d := range c.Metadata.Dependencies {
		has := func(c *chart.Chart) bool { return c.Name() == d.Name }
		switch {
		case slices.ContainsFunc(c.Dependencies(), has):
		case d.Repository != "":
			all = append(all, d.Name+" of "+shownAddress(d.Repository))
		default:
			all = append(all, d.Name)
		}
	}
	return all
}

// because says of an error of rendering what may be behind it: a chart below that was packed
// without its own dependencies. Helm does not look at those, and then finds no template.
func (l *loadedChart) because(err error) error {
	for rest := l.root.Dependencies(); len(rest) > 0; rest = append(rest[1:], rest[0].Dependencies()...) {
		if all := lacks(rest[0]); len(all) > 0 {
			dir := l.dirOf(rest[0])
			return fmt.Errorf("%w; %s has no %s below its charts/: build its dependencies first, then those of %s", err, dir, strings.Join(all, ", "), l.dir)
		}
	}
	return err
}

// ambiguous refuses what helm decides by chance: which one of two charts of the same name
// is meant.
func (l *loadedChart) ambiguous(c *chart.Chart) error {
	for _, d := range c.Metadata.Dependencies {
		var first *chart.Chart
		for _, dep := range c.Dependencies() {
			if dep.Name() != d.Name || !chartutil.IsCompatibleRange(d.Version, dep.Metadata.Version) {
				continue
			}
			if first != nil {
				return errTwice(d.Name, l.dirOf(first), l.dirOf(dep))
			}
			first = dep
		}
	}
	for _, dep := range c.Dependencies() {
		if err := l.ambiguous(dep); err != nil {
			return err
		}
	}
	return nil
}

func errTwice(name, one, other string) error {
	return fmt.Errorf("%s and %s are both what helm calls %s: leave one of them", one, other, name)
}

// place notes the templates of a chart and its dependencies under the names that helm has
// for them, now that the values have chosen and renamed the dependencies.
func (l *loadedChart) place(c *chart.Chart) error {
	for _, t := range c.Templates {
		name, at := path.Join(c.ChartFullPath(), t.Name), l.paths[t]
		if other, ok := l.templates[name]; ok && other != at {
			return errTwice(name, other, at)
		}
		l.templates[name] = at
	}
	for _, dep := range c.Dependencies() {
		if err := l.place(dep); err != nil {
			return err
		}
	}
	return nil
}

// dirOf returns the folder or the archive that a chart is.
func (l *loadedChart) dirOf(c *chart.Chart) string {
	for _, f := range c.Raw {
		if f.Name == chartutil.ChartfileName {
			return path.Dir(l.paths[f])
		}
	}
	return l.dir
}
