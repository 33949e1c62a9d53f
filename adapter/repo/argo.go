package repo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	kjson "sigs.k8s.io/json"
)

// An application is what is read of an Application (argoproj.io/v1alpha1).
type application struct {
	Spec struct {
		Project     string            `json:"project"`
		Source      json.RawMessage   `json:"source"`
		Sources     []json.RawMessage `json:"sources"`
		Destination struct {
			Server    string `json:"server"`
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"destination"`
		// SourceHydrator names what is rendered into another branch before it is synced.
		SourceHydrator *struct {
			DrySource json.RawMessage `json:"drySource"`
		} `json:"sourceHydrator"`
	} `json:"spec"`
}

// An argoSource is one source of an Application, with all its fields: one that nobody here
// knows could change what is deployed.
type argoSource struct {
	RepoURL        string          `json:"repoURL"`
	Path           string          `json:"path"`
	TargetRevision string          `json:"targetRevision"`
	Chart          string          `json:"chart"`
	Ref            string          `json:"ref"`
	Name           string          `json:"name"`
	Helm           *argoHelm       `json:"helm"`
	Kustomize      *argoKustomize  `json:"kustomize"`
	Directory      *argoDirectory  `json:"directory"`
	Plugin         json.RawMessage `json:"plugin"`
}

type argoDirectory struct {
	Recurse bool            `json:"recurse"`
	Jsonnet json.RawMessage `json:"jsonnet"`
	Exclude string          `json:"exclude"`
	Include string          `json:"include"`
}

// An argoApp is one source on its way to a unit.
type argoApp struct {
	*trace
	object    object.Object
	project   string
	namespace string            // of spec.destination
	refs      map[string]string // repositories of sources by their ref
	source    argoSource
	field     string // of the source
	dir       string
}

// application follows the sources of an Application. Those of another cluster than the one
// that Argo CD is in are named and no more.
func (t *trace) application(o object.Object) {
	var app application
	if err := o.Decode(&app); err != nil {
		t.refuse(o, err)
		return
	}
	sources, fields := app.sources()
	if len(sources) == 0 {
		t.refuse(o, fault("spec", "source is missing"))
		return
	}
	a := argoApp{trace: t, object: o, project: app.Spec.Project, namespace: app.Spec.Destination.Namespace, refs: map[string]string{}}
	parsed := make([]argoSource, len(sources))
	for i, raw := range sources {
		s, err := sourceOf(raw, fields[i])
		if err != nil {
			t.refuse(o, err)
			return
		}
		parsed[i] = s
		if s.Ref != "" {
			a.refs["$"+s.Ref] = s.RepoURL
		}
	}
	cluster, err := app.cluster()
	if err != nil {
		t.refuse(o, err)
		return
	}
	follow := func(t *trace) {
		a.trace = t
		for i, s := range parsed {
			a.source, a.field = s, fields[i]
			a.follow(len(parsed) > 1)
		}
	}
	if cluster == "" {
		follow(t)
		return
	}
	t.warn(o, warnElsewhere, "spec.destination", o.Ref().String(), "%s is deployed to the cluster %s and no part of this one; to read it, name its folder with -f", o.Ref(), cluster)
	t.elsewhere(follow)
}

// sources returns the sources and their fields. spec.sources counts before spec.source.
func (a application) sources() (raw []json.RawMessage, fields []string) {
	switch {
	case a.Spec.SourceHydrator != nil:
		return []json.RawMessage{a.Spec.SourceHydrator.DrySource}, []string{"spec.sourceHydrator.drySource"}
	case len(a.Spec.Sources) > 0:
		for i := range a.Spec.Sources {
			fields = append(fields, fmt.Sprintf("spec.sources[%d]", i))
		}
		return a.Spec.Sources, fields
	case len(a.Spec.Source) == 0:
		return nil, nil
	}
	return []json.RawMessage{a.Spec.Source}, []string{"spec.source"}
}

// sourceOf reads a source, and refuses fields that nobody here knows.
func sourceOf(raw []byte, field string) (argoSource, error) {
	var s argoSource
	strict, err := kjson.UnmarshalStrict(raw, &s)
	if err != nil {
		f := object.TypeFault(raw, err)
		return s, fault(joined(field, f.Field), "%w", f.Err)
	}
	for _, e := range strict {
		return s, fault(field, "%w", e)
	}
	return s, nil
}

func joined(field, more string) string {
	if more == "" {
		return field
	}
	return field + "." + more
}

// cluster names the cluster that an Application is deployed to; empty for the one that Argo
// CD is in, which has both names from the start (Declarative Setup, Clusters).
func (a application) cluster() (string, error) {
	d := a.Spec.Destination
	switch {
	case d.Server != "" && d.Name != "":
		return "", fault("spec.destination", "has both a server and a name, which Argo CD refuses")
	case d.Name == "in-cluster", strings.TrimRight(d.Server, "/") == "https://kubernetes.default.svc":
		return "", nil
	case d.Name != "":
		return d.Name, nil
	case d.Server != "":
		return shownURL(d.Server), nil
	}
	return "", fault("spec.destination", "server or name is missing")
}

// follow makes the unit of a source. One that only has a ref lends its files to the others.
func (a argoApp) follow(several bool) {
	s := a.source
	switch {
	case s.RepoURL == "":
		a.refuse(a.object, fault(a.field, "repoURL is missing"))
		return
	case s.Chart != "":
		a.miss(a.object, a.namespace, "chart %s of %s", versioned(s.Chart, s.TargetRevision), shownURL(s.RepoURL))
		return
	case s.Path == "" && several:
		return
	case s.Path == "":
		a.refuse(a.object, fault(a.field, "path is missing"))
		return
	case strings.HasPrefix(s.RepoURL, "oci://"):
		a.miss(a.object, a.namespace, "%s of %s", s.Path, shownURL(s.RepoURL))
		return
	}
	dir, ok := a.folderOf(a.object, place{url: s.RepoURL, path: s.Path, field: a.field + ".path", namespace: a.namespace})
	if !ok {
		return
	}
	a.dir = dir
	if err := a.override(); err != nil {
		a.refuse(a.object, err)
		return
	}
	if err := a.unit(); err != nil {
		a.refuse(a.object, err)
	}
}

// unit finds the tool, as Argo CD does (Tool Detection): the one whose options are there, else
// the one whose file is. In a folder with both, kustomize's file is found last and counts.
func (a argoApp) unit() error {
	s := a.source
	named := 0
	for _, is := range []bool{s.Helm != nil, s.Kustomize != nil, s.Directory != nil, isSet(s.Plugin)} {
		if is {
			named++
		}
	}
	switch {
	case named > 1:
		return fault(a.field, "has the options of several tools, which Argo CD refuses")
	case isSet(s.Plugin):
		a.miss(a.object, a.namespace, "what a plugin makes of folder %s", a.dir)
		return nil
	case s.Helm != nil, named == 0 && !hasKustomization(a.files, a.dir) && has(a.files, path.Join(a.dir, chartFile)):
		return a.helm()
	case s.Kustomize != nil, named == 0 && hasKustomization(a.files, a.dir):
		return a.kustomize()
	}
	return a.directory()
}

func isSet(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// directory makes the unit of a folder of manifests (Directory-type applications). Jsonnet
// in it is not evaluated.
func (a argoApp) directory() error {
	f := folder{}
	if d := a.source.Directory; d != nil {
		f = folder{recursive: d.Recurse, include: d.Include, exclude: d.Exclude}
	}
	if err := f.valid(); err != nil {
		return fault(a.field+".directory", "%w", err)
	}
	for _, name := range a.files.list(a.dir) {
		rel, _ := inside(a.dir, name)
		if path.Ext(name) == ".jsonnet" && f.takes(rel) {
			a.miss(a.object, a.namespace, "what Jsonnet makes of %s", name)
		}
	}
	a.out.units = append(a.out.units, unit{by: a.object.Ref(), dir: a.dir, namespace: a.namespace, folder: &f})
	return nil
}

// applicationSet names what generators would make: they ask Git servers and clusters.
func (t *trace) applicationSet(o object.Object) {
	var set struct {
		Spec struct {
			Template application `json:"template"`
		} `json:"spec"`
	}
	if err := o.Decode(&set); err != nil {
		t.refuse(o, err)
		return
	}
	namespace := set.Spec.Template.Spec.Destination.Namespace
	if strings.Contains(namespace, "{{") {
		namespace = ""
	}
	what := "the Applications that its generators make"
	sources, fields := set.Spec.Template.sources()
	for i, raw := range sources {
		if s, err := sourceOf(raw, fields[i]); err == nil && s.RepoURL != "" {
			what += fmt.Sprintf(", of %s in %s", strings.TrimSpace(s.Chart+s.Path), shownURL(s.RepoURL))
		}
	}
	t.miss(o, namespace, "%s", what)
}

// expand replaces what Argo CD calls the build environment (Build Environment): $NAME,
// ${NAME}, and $$ for a dollar; other names are empty. The commit is not known here.
func (a argoApp) expand(text string) string {
	return os.Expand(text, func(name string) string {
		switch name {
		case "$":
			return "$"
		case "ARGOCD_APP_NAME":
			return a.object.Name
		case "ARGOCD_APP_NAMESPACE":
			return a.namespace
		case "ARGOCD_APP_PROJECT_NAME":
			return a.project
		case "ARGOCD_APP_SOURCE_REPO_URL":
			return a.source.RepoURL
		case "ARGOCD_APP_SOURCE_PATH":
			return a.source.Path
		case "ARGOCD_APP_SOURCE_TARGET_REVISION":
			return a.source.TargetRevision
		case "ARGOCD_APP_REVISION", "ARGOCD_APP_REVISION_SHORT", "ARGOCD_APP_REVISION_SHORT_8":
			a.warn(a.object, warnRevision, a.field, a.object.Ref().String(), "%s: where the commit goes, zeros stand: it is not known before the commit", a.object.Ref())
			return revision(name)
		}
		return ""
	})
}

func revision(name string) string {
	switch name {
	case "ARGOCD_APP_REVISION_SHORT":
		return strings.Repeat("0", 7)
	case "ARGOCD_APP_REVISION_SHORT_8":
		return strings.Repeat("0", 8)
	}
	return strings.Repeat("0", 40)
}

// versioned names a chart.
func versioned(chart, version string) string {
	if version == "" {
		return chart
	}
	return chart + " version " + version
}

// has reports whether there is a file; one that cannot be read is there.
func has(f files, name string) bool {
	_, err := f.read(name)
	return !errors.Is(err, fs.ErrNotExist)
}

func hasKustomization(f files, dir string) bool {
	return slices.ContainsFunc(kustomizationFiles, func(name string) bool { return has(f, path.Join(dir, name)) })
}
