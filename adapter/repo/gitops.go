package repo

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// files are those of a tree. Paths have slashes and begin at the tree's root, which is ".".
type files interface {
	// read returns a file; fs.ErrNotExist where the tree has none of the name.
	read(path string) ([]byte, error)
	// isDir reports whether the tree has a folder of the name.
	isDir(path string) bool
	// list returns the paths of all files below a folder, sorted.
	list(dir string) []string
}

// gitops is what Argo CD and Flux are told to deploy, as far as it lies in the tree.
type gitops struct {
	files files
	// remotes are the tree's own repository under all its names; nil where nobody can tell, and
	// any repository whose folders the tree has is then taken to be it.
	remotes []remote
	// unread are problems of manifests: of an object that one of them is about nobody can say
	// what it deploys, or holds.
	unread []snapshot.Problem
}

// followed is what came of the objects that say what to deploy.
type followed struct {
	// units are what lies in the tree, in the order of the objects.
	units []unit
	// elsewhere are what lies in the tree and goes to other clusters: no entries here.
	elsewhere []unit
	missing   []snapshot.Missing
	warnings  []snapshot.Warning
	problems  []snapshot.Problem
	// conflicts are objects that the tree has in several forms, of which one is deployed.
	conflicts []string
}

// Codes of warnings.
const (
	// warnSameTree tells that a repository is taken to be the tree.
	warnSameTree = "gitops/same-tree"
	// warnNoFolder tells that the tree has no such folder, where its repository should.
	warnNoFolder = "gitops/no-folder"
	// warnElsewhere tells that something is deployed to another cluster.
	warnElsewhere = "gitops/other-cluster"
	// warnRevision tells that a value holds the revision, which nobody here knows.
	warnRevision = "gitops/revision"
	// warnIgnored tells that Flux may leave out files, by rules that are not read.
	warnIgnored = "gitops/ignore-rules"
)

const (
	groupArgo      = "argoproj.io"
	groupKustomize = "kustomize.toolkit.fluxcd.io"
	groupHelm      = "helm.toolkit.fluxcd.io"
	groupSource    = "source.toolkit.fluxcd.io"
	groupSealed    = "bitnami.com"
)

// gitopsTypes are the types of the objects that follow needs to see.
func gitopsTypes() []object.Type {
	return []object.Type{
		{Group: groupArgo, Kind: "Application"},
		{Group: groupArgo, Kind: "ApplicationSet"},
		{Group: groupKustomize, Kind: "Kustomization"},
		{Group: groupHelm, Kind: "HelmRelease"},
		{Group: groupSource, Kind: "GitRepository"},
		{Group: groupSource, Kind: "OCIRepository"},
		{Group: groupSource, Kind: "Bucket"},
		{Group: groupSource, Kind: "HelmRepository"},
		{Group: groupSource, Kind: "HelmChart"},
		{Group: groupSealed, Kind: "SealedSecret"},
		{Kind: "ConfigMap"},
		{Kind: "Secret"},
	}
}

// gitopsOf returns what is told to be deployed from the tree. Its .git/config, where it has
// one with remotes, says which repository it is.
func gitopsOf(f files) gitops {
	g := gitops{files: listedOnce{f, map[string][]string{}}}
	if config, err := f.read(".git/config"); err == nil {
		g.remotes = remotesOf(string(config))
	}
	return g
}

// listedOnce are files whose folders are listed once: what is asked again for every object, and
// again whenever more was rendered.
type listedOnce struct {
	files
	lists map[string][]string
}

func (l listedOnce) list(dir string) []string {
	names, ok := l.lists[dir]
	if !ok {
		names = l.files.list(dir)
		l.lists[dir] = names
	}
	return names
}

// Bounds of what is followed: an Application that generates another one, which generates the
// next, has no end of its own.
const (
	maxChain = 16
	maxUnits = 2000
)

// all follows objects to the end. What render makes of a unit, objects of gitopsTypes among
// others, is followed in its turn; render is called once for each unit and for what it says.
// A chain or a number of units without end is a problem, and what was rendered until then is
// kept. The error lists objects of which the tree has several forms.
func (g gitops) all(objects []object.Object, render func(unit) []object.Object) (followed, error) {
	made := map[string][]object.Object{}
	known := objects
	for round := 0; ; round++ {
		f := g.follow(known)
		fresh := slices.DeleteFunc(slices.Clone(f.units), func(u unit) bool { _, ok := made[u.key()]; return ok })
		if round > maxChain || len(made)+len(fresh) > maxUnits {
			return f.cut(made, fresh), f.err()
		}
		for _, u := range fresh {
			made[u.key()] = render(u)
		}
		next := slices.Clone(objects)
		for _, u := range f.units {
			next = append(next, made[u.key()]...)
		}
		if len(fresh) == 0 && same(known, next) {
			return f, f.err()
		}
		known = next
	}
}

// cut leaves out the units that were not rendered, and tells of it.
func (f followed) cut(made map[string][]object.Object, fresh []unit) followed {
	f.units = slices.DeleteFunc(f.units, func(u unit) bool { _, ok := made[u.key()]; return !ok })
	who := "it"
	if len(fresh) > 0 {
		who = fresh[0].by.String()
	}
	f.problems = append(f.problems, snapshot.Problem{Err: fmt.Sprintf(
		"%s: what Argo CD and Flux are told to deploy has no end: more than %d objects behind each other, or more than %d of them", who, maxChain, maxUnits)})
	return f
}

// err lists the conflicts.
func (f followed) err() error {
	if len(f.conflicts) == 0 {
		return nil
	}
	return errors.New(strings.Join(f.conflicts, "\n"))
}

func same(a, b []object.Object) bool {
	return slices.EqualFunc(a, b, func(x, y object.Object) bool {
		return x.Source == y.Source && x.Ref() == y.Ref() && string(x.JSON) == string(y.JSON)
	})
}

// follow reads objects of gitopsTypes, all there are, and says what they deploy. What it
// returns depends on nothing else. Objects of other types are not looked at. Where a rendered
// object has the name of one that stands in a file, the rendered one counts: it is the file's
// with the patches that the cluster sees.
func (g gitops) follow(objects []object.Object) followed {
	t := &trace{gitops: g, objects: indexOf(objects), told: map[string]bool{}}
	for _, name := range t.objects.drivers {
		o, ok := t.find(name.Type, name.namespace, name.name)
		if !ok {
			continue
		}
		switch name.Type {
		case object.Type{Group: groupArgo, Kind: "Application"}:
			t.application(o)
		case object.Type{Group: groupArgo, Kind: "ApplicationSet"}:
			t.applicationSet(o)
		case object.Type{Group: groupKustomize, Kind: "Kustomization"}:
			t.kustomization(o)
		case object.Type{Group: groupHelm, Kind: "HelmRelease"}:
			t.helmRelease(o)
		}
	}
	return t.out
}

// A trace is one reading of the objects.
type trace struct {
	gitops
	objects index
	told    map[string]bool // what was said and is not said twice
	out     followed
}

// elsewhere follows for another cluster: what is missing or wrong there does not matter here.
func (t *trace) elsewhere(follow func(*trace)) {
	there := &trace{gitops: t.gitops, objects: t.objects, told: map[string]bool{}}
	follow(there)
	t.out.elsewhere = append(t.out.elsewhere, there.out.units...)
}

// miss names what is missing, once.
func (t *trace) miss(o object.Object, namespace, format string, args ...any) {
	m := snapshot.Missing{By: o.Ref(), What: printable(fmt.Sprintf(format, args...)), Namespace: namespace}
	if !slices.Contains(t.out.missing, m) {
		t.out.missing = append(t.out.missing, m)
	}
}

// warn tells something once for each key.
func (t *trace) warn(o object.Object, code, field, key, format string, args ...any) {
	if t.told[code+"\x00"+key] {
		return
	}
	t.told[code+"\x00"+key] = true
	origin := o.Origin().At("%s", field)
	t.out.warnings = append(t.out.warnings, snapshot.Warning{Code: code, Text: printable(fmt.Sprintf(format, args...)), Origin: origin})
}

// refuse tells that an object cannot be followed: nobody knows where what it deploys goes.
func (t *trace) refuse(o object.Object, err error) {
	p := o.Problem(err)
	p.Err, p.Namespace = printable(p.Err), ""
	t.out.problems = append(t.out.problems, p)
}

// widen puts every namespace in doubt where it is an object that deploys that nobody can read:
// what it deploys may be in any of them.
func widen(problems []snapshot.Problem) {
	for i, p := range problems {
		switch kind, _, _ := strings.Cut(p.Origin.Object, " "); kind {
		case "Application", "ApplicationSet", "Kustomization", "HelmRelease":
			problems[i].Namespace = ""
		}
	}
}

// fault is an error of a field.
func fault(field, format string, args ...any) error {
	return &object.Fault{Field: field, Err: fmt.Errorf(format, args...)}
}
