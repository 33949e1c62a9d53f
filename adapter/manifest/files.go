package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/compile"
)

// A File is one file; Name has slashes and stays inside the directory.
type File struct {
	Name string
	Data string
}

// Index is the file that lists the others, with gaps and notes.
const Index = "pgmoat.json"

// Dir returns all as files, in the order of their names: below objects what kubectl apply
// takes, below patches a patch for each object that is not ours, below fields the same as
// people write it who keep that object in git. A README says so.
func Dir(out *compile.Output, opts Options) ([]File, error) {
	b, err := newBundle(out, opts)
	if err != nil {
		return nil, err
	}
	files := b.files()
	places := overlay.ByKey(opts.Objects)
	for i, name := range b.names() {
		a := b.artefacts[i]
		if a.Object != nil {
			continue
		}
		text, err := b.patch(a, places, "patches/"+name)
		if err != nil {
			return nil, err
		}
		if text != "" {
			files = append(files, File{"patches/" + name, text})
		}
	}
	return b.indexed(append(files, File{"README", b.readme()}))
}

// readme says what to do with the directory, and what it does not do.
func (b *bundle) readme() string {
	text := "Made by pgmoat compile: change the intents, not this.\n\n" +
		"- objects are pgmoat's: kubectl apply --server-side --recursive --filename objects\n" +
		"- patches are of objects that are not, to be applied after the others: each file says how, " +
		"and leaves alone what it does not name.\n" +
		"- fields are what the patches set, for who keeps those objects in a repository: write them there instead.\n" +
		"- " + Index + " is this for programs.\n" + b.remarks.text()
	var out strings.Builder
	for l := range strings.Lines(text) {
		for _, part := range wrapped(printable(strings.TrimSuffix(l, "\n")), width) {
			out.WriteString(part + "\n")
		}
	}
	return out.String()
}

// files are the objects and the fields.
func (b *bundle) files() []File {
	var out []File
	for i, name := range b.names() {
		a := b.artefacts[i]
		if a.Object != nil {
			out = append(out, File{"objects/" + name, b.text(a)})
			continue
		}
		text := commented(b.toSet(a)+"\n"+b.because(a)) + YAML(tree(a.Fields))
		out = append(out, File{"fields/" + name, text})
	}
	return out
}

// indexed adds the Index and puts the files in order.
func (b *bundle) indexed(files []File) ([]File, error) {
	slices.SortFunc(files, func(x, y File) int { return strings.Compare(x.Name, y.Name) })
	list := index{Files: []string{}, Remarks: b.remarks}
	for _, f := range files {
		list.Files = append(list.Files, f.Name)
	}
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(files, File{Index, string(data) + "\n"}), nil
}

type index struct {
	Files []string `json:"files"`
	Remarks
}

// names are the files of the artefacts, namespace/kind-name.yaml. Where two would have the
// same name, each gets a part that is its own.
func (b *bundle) names() []string {
	out := make([]string, len(b.artefacts))
	count := map[string]int{}
	for i, a := range b.artefacts {
		out[i] = dirOf(a.Ref.Namespace) + "/" + word(strings.ToLower(a.Ref.Kind)) + "-" + word(a.Ref.Name)
		count[out[i]]++
	}
	for i, name := range out {
		if count[name] > 1 || len(name) > maxName {
			k := b.artefacts[i].Key()
			name = name[:min(len(name), maxName)] + "-" + digest(strings.Join([]string{k.Group, k.Kind, k.Namespace, k.Name}, "/"))
		}
		out[i] = name + ".yaml"
	}
	return out
}

// maxName leaves room in the 255 bytes that file systems give a name.
const maxName = 200

// dirOf is the directory of a namespace; no namespace is called as that of objects
// without one.
func dirOf(namespace string) string {
	if namespace == "" {
		return "_cluster"
	}
	return word(namespace)
}

// word makes a text a part of a file's name on every file system. One that had to be
// changed gets a part that is its own.
func word(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, text)
	clean = strings.TrimLeft(clean, ".")
	if clean == text {
		return text
	}
	return clean[:min(len(clean), maxName/4)] + "-" + digest(text)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:5])
}
