package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/saved"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// SavedDiff is what two sources hold differently.
type SavedDiff struct {
	Old, New SavedSide
	Changes  []saved.Change
}

// A SavedSide is one of the two, as the user named it.
type SavedSide struct {
	Name  string
	Batch object.Batch
}

// Write prints it in the format: table or json.
func (d *SavedDiff) Write(out io.Writer, format string) error {
	if format == "json" {
		return writeJSON(out, d.json())
	}
	t := newText(out, false)
	if len(d.Changes) == 0 {
		t.line("no object differs")
		return t.err
	}
	t.line("%s: %s", counted(len(d.Changes), "difference"), d.headline())
	t.line("from %s to %s", d.Old.Name, d.New.Name)
	for _, c := range d.Changes {
		d.changeText(t, c)
	}
	return t.err
}

// headline counts what became of objects.
func (d *SavedDiff) headline() string {
	counts := map[saved.ChangeKind]int{}
	for _, c := range d.Changes {
		counts[c.Kind]++
	}
	var out []string
	for _, kind := range []saved.ChangeKind{saved.Added, saved.Removed, saved.Changed, saved.Unlisted} {
		if n := counts[kind]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, kind))
		}
	}
	return strings.Join(out, ", ")
}

// objectSigns begin the lines of objects and of fields.
var objectSigns = map[saved.ChangeKind]string{saved.Added: "+", saved.Removed: "−", saved.Changed: "~", saved.Unlisted: "?"}

func (d *SavedDiff) changeText(t *text, c saved.Change) {
	t.line("%s %s%s%s", objectSigns[c.Kind], c.Ref, at(documentOf(cmp.Or(c.New, c.Old))), d.doubt(c))
	for _, f := range c.Fields {
		t.line("    %s %s", objectSigns[f.Kind], f.Path)
	}
}

// documentOf is the file that an object was read from, and the line where there is one.
func documentOf(o verdict.Origin) string {
	if o.Line == 0 {
		return o.File
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// doubt is what is not known of a change.
func (d *SavedDiff) doubt(c saved.Change) string {
	switch {
	case c.Partial:
		return ", of which only the metadata was compared"
	case c.Kind != saved.Unlisted:
		return ""
	}
	unread := d.New.Name
	if c.New.Object != "" {
		unread = d.Old.Name
	}
	return fmt.Sprintf(": whether %s has it is not known, as its kind was not listed", unread)
}
