package repo

import (
	"context"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/render"
)

// A plan says what of a tree is rendered, and by what.
type plan struct {
	tree    *tree
	listing *file.Listing
	// named is the file by which the path names its folder; empty where it names that.
	named string
	// folders are those that are rendered, by their paths in the tree.
	folders map[string]*rendering
	// taken are the files that kustomizations use.
	taken map[string]bool
}

// A rendering is a kustomization or a chart of the tree.
type rendering struct {
	dir string
	// chart says that it is one; otherwise it is a kustomization.
	chart bool
	mark  chartMark
	// component says that it is a Component, which is of no use by itself.
	component bool
	// failed says that nobody can tell what it uses.
	failed bool
	// inner says that another one has it as a part.
	inner bool
	// beside is the kustomization in the folder of a chart, which is not rendered.
	beside string
}

// name is how people call it.
func (r *rendering) name(t *tree) string {
	if r.chart {
		return "chart " + t.shown(r.dir)
	}
	return "kustomization " + t.shown(r.dir)
}

// planOf walks what is at a path and finds what is rendered there. What the user leaves out
// renders nothing, and uses nothing either.
func planOf(ctx context.Context, t *tree, at, named string) (*plan, error) {
	opts := t.opts
	opts.Lists = isMark
	listing, err := file.List(ctx, []string{at}, opts)
	if err != nil {
		return nil, err
	}
	p := &plan{tree: t, listing: listing, named: named, folders: map[string]*rendering{}, taken: map[string]bool{}}
	for _, name := range listing.Beside {
		if dir, ok := t.placeOf(name); ok {
			p.mark(dir, filepath.Base(name))
		}
	}
	if err := p.uses(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// mark notes what a file makes of its folder. A file that cannot be read is left to whoever
// reads it next, which then fails.
func (p *plan) mark(dir, name string) {
	if p.named != "" && dir == p.tree.dir && name != p.named {
		return // of a kustomization and a chart in one folder the user has chosen one
	}
	text, err := p.tree.ReadFile(path.Join(dir, name))
	switch m, isChart := chartOf(text); {
	case name == chartFile && err == nil && isChart:
		p.folders[dir] = &rendering{dir: dir, chart: true, mark: m}
	case name == chartFile || err == nil && !isKustomization(text):
	case p.folders[dir] == nil:
		p.folders[dir] = &rendering{dir: dir}
	case p.folders[dir].chart:
		p.folders[dir].beside = name
	}
}

// maxUses bounds what planning looks at: kustomizations that use each other in long chains.
const maxUses = 500_000

// uses finds out what each rendering is a part of. One that is a part is not asked what it
// uses: whoever uses it has said that.
func (p *plan) uses(ctx context.Context) error {
	looked := 0
	for _, dir := range slices.Sorted(maps.Keys(p.folders)) {
		r := p.folders[dir]
		if p.partOfChart(dir) {
			r.inner = true
		}
		for _, other := range r.mark.beside(dir) {
			if o := p.folders[other]; o != nil && o != r {
				o.inner = true
			}
		}
		if r.chart || r.inner && dir != p.tree.dir {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		used, err := render.Uses(p.tree, dir, false)
		if err != nil {
			r.failed = true // it is told when it is built, and puts every answer in doubt
			continue
		}
		if r.component = used.Component; !r.component { // what a Component uses, those use that use it
			p.take(used, dir)
		}
		if looked += len(used.Files); looked > maxUses {
			return fmt.Errorf("%s: its kustomizations use more than %d files, one after the other", p.tree.shown("."), maxUses)
		}
	}
	return nil
}

// take notes what the kustomization in dir uses.
func (p *plan) take(u render.Used, dir string) {
	for name := range u.Files {
		p.taken[name] = true
	}
	for _, other := range u.Dirs {
		if r := p.folders[other]; r != nil && other != dir {
			r.inner = true
		}
	}
}

// chartFolders are those of a chart that hold what it renders, and its parts.
var chartFolders = []string{"charts", "templates", "crds"}

// partOfChart reports whether a folder lies where a chart above it keeps what it renders:
// its own parts are no entries, whatever they look like.
func (p *plan) partOfChart(dir string) bool {
	for above := dir; above != "."; {
		last := path.Base(above)
		above = path.Dir(above)
		if r := p.folders[above]; r != nil && r.chart && slices.Contains(chartFolders, last) {
			return true
		}
	}
	return false
}

// owner returns what the nearest folder at or above a file is rendered as; nil for none.
func (p *plan) owner(name string) *rendering {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if r := p.folders[dir]; r != nil {
			return r
		}
		if dir == "." {
			return nil
		}
	}
}

// entries returns what somebody applies as far as the tree alone tells, by folder: what is
// no part of another one. What the path itself names is one in any case.
func (p *plan) entries() []*rendering {
	var out []*rendering
	for dir, r := range p.folders {
		part := r.inner || r.component || r.mark.isLibrary()
		if !part || dir == p.tree.dir {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *rendering) int { return strings.Compare(a.dir, b.dir) })
	return out
}
