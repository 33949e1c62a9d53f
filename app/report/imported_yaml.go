package report

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/engine/draft"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// YAML writes the draft as documents, each with where it comes from above it, after what a
// reader has to know.
func (r *Imported) YAML(out io.Writer) error {
	text := yamlComment(r.header())
	for _, s := range r.Sites {
		text += r.documents(s)
	}
	_, err := io.WriteString(out, text)
	return err
}

// Files are the draft as a file for each server, the remarks in one of their own, and the
// list of them by which a later run takes away what it does not write any more.
func (r *Imported) Files() ([]manifest.File, error) {
	list := struct {
		Files []string `json:"files"`
	}{}
	var out []manifest.File
	add := func(name, data string) {
		out, list.Files = append(out, manifest.File{Name: name, Data: data}), append(list.Files, name)
	}
	for _, s := range r.Sites {
		if s.Perimeter != nil {
			add(s.Perimeter.Namespace+"-"+s.Perimeter.Name+".yaml", r.documents(s))
		}
	}
	add("IMPORT.md", r.markdown())
	data, err := json.MarshalIndent(list, "", "  ")
	return append(out, manifest.File{Name: manifest.Index, Data: string(data) + "\n"}), err
}

func (r *Imported) markdown() string {
	var b strings.Builder
	_ = r.Write(&b, "md") // a builder takes everything
	return b.String()
}

// documents are those of one server.
func (r *Imported) documents(s *draft.Site) string {
	if s.Perimeter == nil {
		return ""
	}
	p := s.Perimeter
	text := "---\n" + r.document(p.Tree(), s.Server.Ref().String()+", as it is closed today.", p.Why, p.From)
	for _, a := range s.Accesses {
		text += "---\n" + r.document(a.Tree(), draftClients(a)+".", a.Why, a.From)
	}
	return text
}

// document is one of them below its comment.
func (r *Imported) document(tree artefact.Map, what string, why []string, from []verdict.Origin) string {
	lines := append([]string{what}, why...)
	if len(from) > 0 {
		lines = append(lines, "Drawn from:")
	}
	for i, o := range from {
		if i == mostOrigins {
			lines = append(lines, "- and "+counted(len(from)-i, "more place"))
			break
		}
		lines = append(lines, "- "+r.World.Locate(o).String())
	}
	return yamlComment(strings.Join(lines, "\n")) + manifest.YAML(tree)
}

// mostOrigins is how many places are named above a document.
const mostOrigins = 12

// header is what stands above all documents.
func (r *Imported) header() string {
	lines := []string{"Drafted by pgmoat import from what is let in today: " + r.headline() + ".",
		"Read it before you use it; pgmoat compile makes of it what each layer has to say."}
	for _, section := range r.remarks() {
		lines = append(lines, "", strings.ToUpper(section.title[:1])+section.title[1:]+":")
		for _, l := range section.lines {
			lines = append(lines, "- "+strings.ReplaceAll(l, "\n", " "))
		}
	}
	return strings.Join(lines, "\n")
}

// yamlComment writes a text as lines of a comment, as package manifest breaks them.
func yamlComment(text string) string {
	const below = "x: true\n"
	return strings.TrimSuffix(manifest.YAML(artefact.Map{{Key: "x", Value: true, Comment: text}}), below)
}

// policyNames are policies with where they stand.
func policyNames(r *Imported, policies []*netpol.Policy) []string {
	var out []string
	for _, p := range policies {
		out = append(out, r.World.Locate(p.Origin).String())
	}
	return out
}
