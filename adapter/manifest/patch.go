package manifest

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/model/artefact"
)

// patch is the file that sets an artefact's fields with kubectl patch; empty where they
// are set already. It merges: a JSON patch would have to make the parents that the file
// lacks, and so empty those that the cluster has. Of an object that nobody read it cannot
// set a map, since what else there is in that would stay.
func (b *bundle) patch(a artefact.Artefact, places map[artefact.Key]int, name string) (string, error) {
	at, ok := places[a.Key()]
	if !ok && !a.At.IsZero() {
		return "", fmt.Errorf("%s: is not among the objects that were read", a.Ref)
	}
	fields := a.Fields
	for _, f := range fields {
		if _, isMap := f.Value.(artefact.Map); isMap && !ok {
			return "", fmt.Errorf("%s: %s: cannot be set, since the object was not read", a.Ref, f.Name())
		}
	}
	if ok {
		var err error
		if fields, err = overlay.Merge(b.opts.Objects[at], fields); err != nil || len(fields) == 0 {
			return "", err
		}
	}
	// The cluster knows the namespace also where the file does not say it.
	is := spelling{b.spelled(a, places).apiVersion, a.Ref.Namespace}
	return b.patchHead(a, is.apiVersion, name) + YAML(partial(a, is, fields)), nil
}

// patchHead says who asked for a patch, and how to apply it. The command names the version
// that the patch has: of another the API server would not take it.
func (b *bundle) patchHead(a artefact.Artefact, apiVersion, name string) string {
	resource := strings.ToLower(a.Ref.Kind)
	if group, version, ok := strings.Cut(apiVersion, "/"); ok {
		resource += "." + version + "." + group
	}
	command := []string{"kubectl", "patch", resource, a.Ref.Name}
	if a.Ref.Namespace != "" {
		command = append(command, "--namespace", a.Ref.Namespace)
	}
	command = append(command, "--type", "merge", "--patch-file", name)
	var w writer
	w.comment(b.because(a), 0)
	for _, f := range a.Fields {
		if _, isMap := f.Value.(artefact.Map); isMap {
			w.comment("\n"+f.Name()+" is to have nothing else: what the file has in it besides is null here, and goes; "+
				"look whether the cluster has more.", 0)
		}
	}
	w.comment("\nIt sets these fields, each as a whole, and leaves everything else as it is. It may be applied with:", 0)
	w.line("#   " + shell(command))
	return w.String()
}

// shell writes a command as a shell takes it.
func shell(command []string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/:", r)
	}
	words := make([]string, len(command))
	for i, word := range command {
		words[i] = word
		if strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
			words[i] = "'" + strings.ReplaceAll(printable(word), "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
