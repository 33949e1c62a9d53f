package render

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"
)

// notes ends the names of the templates that are for people to read.
const notes = "NOTES.txt"

// documents makes documents of the rendered templates, by their names as helm has them.
func (l *loadedChart) documents(rendered map[string]string, skipCRDs bool) ([]Document, error) {
	maps.DeleteFunc(rendered, func(name, _ string) bool { return strings.HasSuffix(name, notes) })
	hooks, manifests, err := releaseutil.SortManifests(rendered, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, l.inTree(err)
	}
	var out []Document
	if !skipCRDs {
		out = l.definitions()
	}
	sorted := map[piece]int{}
	for _, m := range manifests {
		sorted[piece{m.Name, m.Content}]++
		if !hollow(m) {
			out = append(out, Document{File: l.templates[m.Name], Text: []byte(m.Content)})
		}
	}
	for _, h := range hooks {
		sorted[piece{h.Path, h.Manifest}]++
		out = append(out, Document{File: l.templates[h.Path], Text: []byte(h.Manifest), Hook: events(h), Stays: stays(h)})
	}
	return append(out, l.forgotten(rendered, sorted)...), nil
}

// definitions are what lies below crds/. Charts that are one with several aliases have the
// same ones, which helm creates once.
func (l *loadedChart) definitions() []Document {
	var out []Document
	seen := map[string]bool{}
	for _, crd := range l.root.CRDObjects() {
		if at := l.paths[crd.File]; !seen[at] {
			seen[at] = true
			out = append(out, Document{File: at, Text: crd.File.Data})
		}
	}
	return out
}

// A piece is one document of what a template rendered.
type piece struct{ template, text string }

// forgotten returns the documents that helm sorts neither with the objects nor with the
// hooks: those of a hook that it does not know. It never creates them.
func (l *loadedChart) forgotten(rendered map[string]string, sorted map[piece]int) []Document {
	var out []Document
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		pieces := releaseutil.SplitManifests(rendered[name])
		order := slices.Collect(maps.Keys(pieces))
		sort.Sort(releaseutil.BySplitManifestsOrder(order))
		for _, key := range order {
			p := piece{name, pieces[key]}
			if sorted[p]--; sorted[p] < 0 {
				out = append(out, Document{File: l.templates[name], Text: []byte(p.text), Hook: annotated(p.text)})
			}
		}
	}
	return out
}

// events names the events of a hook.
func events(h *release.Hook) string {
	names := make([]string, 0, len(h.Events))
	for _, e := range h.Events {
		names = append(names, e.String())
	}
	return strings.Join(names, ",")
}

// stays reports whether the object of a hook is there after an install or an upgrade. Without
// a policy helm deletes it no sooner than before it creates it anew (Helm manual, "Chart
// Hooks", deletion policies).
func stays(h *release.Hook) bool {
	if !slices.ContainsFunc(h.Events, func(e release.HookEvent) bool { return slices.Contains(creating, e) }) {
		return false
	}
	return h.Kind == "Job" || h.Kind == "Pod" || !slices.Contains(h.DeletePolicies, release.HookSucceeded)
}

// creating are the events of what makes a release, and changes it.
var creating = []release.HookEvent{
	release.HookPreInstall, release.HookPostInstall, release.HookPreUpgrade, release.HookPostUpgrade,
	release.HookPreRollback, release.HookPostRollback,
}

// annotated returns what a document says of hooks; "unknown" where it says so in a way that
// cannot be read, for it is none of the objects in any case.
func annotated(text string) string {
	var head releaseutil.SimpleHead
	if err := yaml.Unmarshal([]byte(text), &head); err != nil || head.Metadata == nil {
		return "unknown"
	}
	if said := head.Metadata.Annotations[release.HookAnnotation]; said != "" {
		return said
	}
	return "unknown"
}

// hollow reports whether there is nothing in a document but comments.
func hollow(m releaseutil.Manifest) bool {
	if m.Head.Kind != "" || m.Head.Version != "" {
		return false
	}
	var said any
	return yaml.Unmarshal([]byte(m.Content), &said) == nil && said == nil
}

// inTree says an error of helm with the files by their paths in the tree, on one line.
func (l *loadedChart) inTree(err error) error {
	names := slices.SortedFunc(maps.Keys(l.templates), func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, name := range names {
		pairs = append(pairs, name, l.templates[name])
	}
	said := strings.Join(strings.Fields(strings.NewReplacer(pairs...).Replace(unquoted(err.Error()))), " ")
	// Helm quotes a template that does not parse, and names every include on the way. The
	// place is at the beginning, the fault at the end.
	const enough = 500
	if len(said) > 2*enough {
		said = strings.ToValidUTF8(said[:enough]+" … "+said[len(said)-enough:], "")
	}
	if l.dir == "." || strings.Contains(said, l.dir+"/") {
		return errors.New(said)
	}
	return fmt.Errorf("%s: %s", l.dir, said)
}
