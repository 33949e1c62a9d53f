package repo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A called is an object by its name: objects of all versions of a type are the same.
type called struct {
	object.Type
	namespace, name string
}

// An index is the objects of gitopsTypes by their names.
type index struct {
	// drivers are those that deploy something, each once, in the order of the objects.
	drivers []called
	forms   map[called][]object.Object
}

func indexOf(objects []object.Object) index {
	x := index{forms: map[called][]object.Object{}}
	types := gitopsTypes()
	for _, o := range objects {
		if !slices.Contains(types, o.Type()) || o.Partial {
			continue
		}
		name := called{o.Type(), o.Namespace, o.Name}
		if _, ok := x.forms[name]; !ok && deploys(o.Type()) {
			x.drivers = append(x.drivers, name)
		}
		x.forms[name] = append(x.forms[name], o)
	}
	return x
}

func deploys(t object.Type) bool {
	return t.Group == groupArgo || t.Group == groupKustomize || t.Group == groupHelm
}

// find returns an object. Where the tree has several forms of it, of which nobody can say
// which one the cluster has, it is a conflict and not found.
func (t *trace) find(typ object.Type, namespace, name string) (object.Object, bool) {
	forms := t.objects.forms[called{typ, namespace, name}]
	rendered := slices.DeleteFunc(slices.Clone(forms), func(o object.Object) bool { return o.Source.Via == "" })
	switch {
	case len(rendered) > 0:
		forms = rendered
	case t.doubted(typ, namespace, name), len(forms) == 0:
		return object.Object{}, false
	}
	where := []string{placed(forms[0])}
	for _, o := range forms[1:] {
		if !sameContent(forms[0], o) && !slices.Contains(where, placed(o)) {
			where = append(where, placed(o))
		}
	}
	if len(where) == 1 {
		return forms[0], true
	}
	t.conflict("%s is there in several forms: %s; choose one by its folder, as with -f", forms[0].Ref(), strings.Join(where, ", "))
	return object.Object{}, false
}

// doubted reports whether there are problems of an object that stands in a file, which are
// then conflicts: that it is there twice is one of them.
func (t *trace) doubted(typ object.Type, namespace, name string) bool {
	ref := snapshot.Ref{Kind: typ.Kind, Namespace: namespace, Name: name}.String()
	doubted := false
	for _, p := range t.unread {
		if p.Origin.Object == ref {
			doubted = true
			t.conflict("%s: %s; choose a folder that has it once, as with -f", p.Origin, p.Fault())
		}
	}
	return doubted
}

// conflict notes something once.
func (t *trace) conflict(format string, args ...any) {
	if text := printable(fmt.Sprintf(format, args...)); !slices.Contains(t.out.conflicts, text) {
		t.out.conflicts = append(t.out.conflicts, text)
	}
}

// placed says where an object stands.
func placed(o object.Object) string {
	text := o.Source.File
	if o.Source.Line > 0 {
		text += ":" + strconv.Itoa(o.Source.Line)
	}
	if o.Source.Via != "" {
		text += " (" + o.Source.Via + ")"
	}
	return text
}

// sameContent compares all but metadata and status, which Argo CD and Flux do not read for
// what they deploy.
func sameContent(a, b object.Object) bool { return bytes.Equal(content(a), content(b)) }

func content(o object.Object) []byte {
	var fields map[string]any
	if err := json.Unmarshal(o.JSON, &fields); err != nil {
		return o.JSON
	}
	delete(fields, "metadata")
	delete(fields, "status")
	data, err := json.Marshal(fields)
	if err != nil {
		return o.JSON
	}
	return data
}

// maxShown is how much is printed of what somebody else wrote.
const maxShown = 400

// printable makes a line of text that shows what it is: nothing in it moves the cursor.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, text)
	if len(text) > maxShown {
		return strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return text
}
