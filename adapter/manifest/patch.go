package manifest

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/model/artefact"
)

// patch is the file that sets an artefact's fields with kubectl patch; empty where they
// are set already. What is there was read, or nobody knows it: then a merge patch sets
// fields whatever there is, but for a map, which it would not set as a whole.
func (b *bundle) patch(a artefact.Artefact, places map[artefact.Key]int, name string) (string, error) {
	at, ok := places[a.Key()]
	if !ok && !a.At.IsZero() {
		return "", fmt.Errorf("%s: is not among the objects that were read", a.Ref)
	}
	if ok {
		steps, err := overlay.Patch(b.opts.Objects[at], a.Fields)
		if err != nil || len(steps) == 0 {
			return "", err
		}
		return b.patchHead(a, "json", name) + stepsText(steps), nil
	}
	for _, f := range a.Fields {
		if _, isMap := f.Value.(artefact.Map); isMap {
			return "", fmt.Errorf("%s: %s: cannot be set, since the object was not read", a.Ref, f.Name())
		}
	}
	return b.patchHead(a, "merge", name) + YAML(tree(a.Fields)), nil
}

// stepsText is a JSON patch in YAML, with its comments.
func stepsText(steps []overlay.Operation) string {
	var l artefact.List
	for _, s := range steps {
		l = append(l, artefact.Item{Comment: s.Comment, Value: artefact.Map{
			{Key: "op", Value: s.Op}, {Key: "path", Value: s.Path}, {Key: "value", Value: s.Value},
		}})
	}
	var w writer
	w.items(l, 0)
	return w.String()
}

// patchHead says who asked for a patch, and how to apply it.
func (b *bundle) patchHead(a artefact.Artefact, kind, name string) string {
	resource := strings.ToLower(a.Ref.Kind)
	if a.Group() != "" {
		resource += "." + a.Group()
	}
	command := []string{"kubectl", "patch", resource, a.Ref.Name}
	if a.Ref.Namespace != "" {
		command = append(command, "--namespace", a.Ref.Namespace)
	}
	command = append(command, "--type", kind, "--patch-file", name)
	var w writer
	w.comment(b.because(a), 0)
	w.comment("\nIt may be applied with:", 0)
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
