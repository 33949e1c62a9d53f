// Package manifest writes what was compiled as YAML that people keep in git: one stream, a
// directory of files, or a kustomize component, with the reason beside each part.
package manifest

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Options are what is known besides the artefacts.
type Options struct {
	// Objects are those that fields may be of, as their source has them. Dir needs them: a
	// patch names what is to go from a map, and none is written of what is set already.
	Objects []object.Object
	// Locate leads an origin to its line; nil leaves it as it is.
	Locate func(verdict.Origin) verdict.Origin
}

// A bundle is what is written, with each object once.
type bundle struct {
	artefacts []artefact.Artefact
	remarks   Remarks
	opts      Options
}

func newBundle(out *compile.Output, opts Options) (*bundle, error) {
	artefacts, err := artefact.Together(out.Artefacts)
	if err != nil {
		return nil, err
	}
	if err := overlay.Changeable(opts.Objects, artefacts); err != nil {
		return nil, err
	}
	return &bundle{artefacts, RemarksOf(out, opts.Locate), opts}, nil
}

// Stream writes all objects as one stream that kubectl apply takes. Fields of objects that
// are not ours stand in it as comments: as objects they would be whole ones for kubectl
// apply, which would take away all that it does not find in them.
func Stream(w io.Writer, out *compile.Output, opts Options) error {
	b, err := newBundle(out, opts)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, b.header()); err != nil {
		return err
	}
	for _, a := range b.artefacts {
		text := "---\n" + b.text(a)
		if a.Object == nil {
			text = "\n" + b.fieldComment(a)
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}

// text is a whole object with who asked for it.
func (b *bundle) text(a artefact.Artefact) string {
	return commented(b.because(a)) + YAML(a.Object)
}

// fieldComment is fields as comments, to be written into the object by hand.
func (b *bundle) fieldComment(a artefact.Artefact) string {
	text := commented(b.toSet(a) + "\n" + b.because(a))
	for l := range strings.Lines(YAML(tree(a.Fields))) {
		text += strings.TrimRight("#   "+l, " \n") + "\n"
	}
	return text
}

// toSet says what to do with fields.
func (b *bundle) toSet(a artefact.Artefact) string {
	where := ""
	if at := b.located(a.At); at.File != "" {
		where = fmt.Sprintf(" (%s)", verdict.Origin{File: at.File, Line: at.Line})
	}
	return fmt.Sprintf("%s%s is not pgmoat's: set these fields in it, and leave everything else as it is.", a.Ref, where)
}

// maxBecause is how many intents are named above an object.
const maxBecause = 20

func (b *bundle) because(a artefact.Artefact) string {
	if len(a.Because) == 0 {
		return fmt.Sprintf("Made by %s.", a.Backend)
	}
	text := fmt.Sprintf("Made by %s, asked for by:", a.Backend)
	for _, o := range a.Because[:min(len(a.Because), maxBecause)] {
		text += "\n- " + b.at(o)
	}
	if more := len(a.Because) - maxBecause; more > 0 {
		text += fmt.Sprintf("\n- and %d more", more)
	}
	return text
}

func (b *bundle) at(o verdict.Origin) string { return b.located(o).String() }

func (b *bundle) located(o verdict.Origin) verdict.Origin {
	if b.opts.Locate == nil {
		return o
	}
	return b.opts.Locate(o)
}

// header says what this is, and what it does not do.
func (b *bundle) header() string {
	return commented("Made by pgmoat compile: change the intents, not this.\n" + b.remarks.text())
}

func commented(text string) string {
	var w writer
	w.comment(text, 0)
	return w.String()
}

// tree joins fields into the object that holds nothing else.
func tree(fields []artefact.Field) artefact.Map {
	var out artefact.Map
	for _, f := range fields {
		out = grown(out, f.Path, f)
	}
	return out
}

func grown(m artefact.Map, path []string, f artefact.Field) artefact.Map {
	if len(path) == 1 {
		return append(m, artefact.Entry{Key: path[0], Value: f.Value, Comment: f.Comment})
	}
	for i, e := range m {
		if e.Key == path[0] {
			below, _ := e.Value.(artefact.Map)
			m[i].Value = grown(below, path[1:], f)
			return m
		}
	}
	return append(m, artefact.Entry{Key: path[0], Value: grown(nil, path[1:], f)})
}
