package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	kjson "sigs.k8s.io/json"
)

// maxLists is how deep Lists may hold Lists.
const maxLists = 16

// stream reads a chunk as JSON values, one behind the other. It reports false,
// and nothing is taken, where the chunk is flow-style YAML.
func (r *reader) stream(c chunk, h header) bool {
	dec := json.NewDecoder(bytes.NewReader(c.data))
	for first := true; ; first = false {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		switch {
		case errors.Is(err, io.EOF):
			return true
		case err != nil && first && !looksLikeJSON(c.data):
			return false
		case err != nil && first:
			data, yerr := toJSON(c.data)
			if yerr == nil {
				r.take(c, data, c.source(c.begins()), nil)
				return true
			}
			r.refuse(c, h, jsonFault(c, 0, err))
			return true
		case err != nil:
			r.refuse(c, header{}, jsonFault(c, 0, err))
			return true
		}
		at := int(dec.InputOffset()) - len(raw)
		value := chunk{file: c.file, via: c.via, data: c.data[at:dec.InputOffset()], line: c.lineAt(at)}
		r.take(value, raw, value.source(value.line), checkJSON)
	}
}

// looksLikeJSON tells a JSON object from a flow mapping by its first key.
func looksLikeJSON(data []byte) bool {
	rest := bytes.TrimLeft(bytes.TrimLeft(data, " \t\r\n")[1:], " \t\r\n")
	return len(rest) == 0 || rest[0] == '"' || rest[0] == '}'
}

// checkJSON refuses duplicate keys, which the YAML decoder has refused by itself.
func checkJSON(data []byte) error {
	var any any
	strict, err := kjson.UnmarshalStrict(data, &any, kjson.DisallowDuplicateFields)
	if err != nil {
		return err
	}
	if len(strict) > 0 {
		return strict[0]
	}
	return nil
}

// take takes the object that data is, or the objects of the List that it is.
// Check is asked once, before anything is believed.
func (r *reader) take(c chunk, data []byte, source object.Source, check func([]byte) error) {
	if len(data) == 0 || data[0] != '{' {
		r.noObject(c, data, source)
		return
	}
	o, err := object.New(data, source, r.opts.namespace())
	switch {
	case encrypted(o):
		r.problem(c, object.Object{Source: source}, errEncrypted)
		return
	case o.Kind == "" || o.APIVersion == "":
		r.nameless(c, o, err)
		return
	case !isList(o.Kind) && !r.opts.wants(o.Type(), data):
		r.out.unused++
		return
	}
	if check != nil {
		if cerr := check(data); cerr != nil {
			r.problem(c, o, cerr)
			return
		}
	}
	if isList(o.Kind) {
		items, ok := itemsOf(data)
		switch {
		case ok:
			r.items(c, o, items)
			return
		case r.lists(o) && hasItems(data):
			r.problem(c, o, &object.Fault{Field: "items", Err: errors.New("not a list")})
			return
		case !r.opts.wants(o.Type(), data):
			r.out.unused++
			return
		}
	}
	if err != nil {
		r.problem(c, o, err)
		return
	}
	r.out.objects = append(r.out.objects, found{o, c})
}

var errEncrypted = errors.New(`is encrypted as a whole (SOPS): what it is cannot be told; ` +
	`decrypt it, or encrypt only its data (--encrypted-regex '^(data|stringData)$')`)

// encrypted reports whether SOPS has encrypted what the object is: each value has become a
// text that begins so, "apiVersion" and "kind" with them.
func encrypted(o object.Object) bool {
	const begin = "ENC[AES256_GCM,"
	return strings.HasPrefix(o.Kind, begin) || strings.HasPrefix(o.APIVersion, begin)
}

// noObject decides about a document that is no mapping: a bare array of objects,
// which kubectl refuses, was meant to be a List.
func (r *reader) noObject(c chunk, data []byte, source object.Source) {
	var entries []struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
	}
	_ = json.Unmarshal(data, &entries) // an entry of another type stays empty
	for i, e := range entries {
		if e.Kind != "" && e.APIVersion != "" {
			r.problem(c, object.Object{Source: source}, &object.Fault{
				Field: fmt.Sprintf("[%d]", i), Err: errors.New("an array of objects is no List: put them below items of one")})
			return
		}
	}
	r.out.ignored++
}

// nameless decides about a document without kind or apiVersion: one that has the
// other, and the metadata of an object, was meant to be one.
func (r *reader) nameless(c chunk, o object.Object, err error) {
	var looks struct {
		Kind, APIVersion any
		Metadata         struct{ Name, GenerateName any }
		Items            []json.RawMessage
	}
	lerr := json.Unmarshal(o.JSON, &looks)
	meant := lerr == nil && (looks.Metadata.Name != nil || looks.Metadata.GenerateName != nil || len(looks.Items) > 0)
	switch {
	case looks.Kind == nil && looks.APIVersion == nil, !meant:
		r.out.ignored++
		return
	case err != nil && (looks.Kind != nil && o.Kind == "" || looks.APIVersion != nil && o.APIVersion == ""):
	case o.Kind == "":
		err = &object.Fault{Field: "kind", Err: errors.New("is missing")}
	default:
		err = &object.Fault{Field: "apiVersion", Err: errors.New("is missing")}
	}
	o.Namespace = ""
	r.problem(c, o, err)
}

func isList(kind string) bool { return strings.HasSuffix(kind, "List") }

// itemsOf returns the items of a List; some kinds only end like one.
func itemsOf(data []byte) ([]json.RawMessage, bool) {
	var list struct {
		Items *[]json.RawMessage `json:"items"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &list); err != nil || list.Items == nil {
		return nil, false
	}
	return *list.Items, true
}

// lists reports whether the kind is a List of objects that may be wanted.
func (r *reader) lists(o object.Object) bool {
	t := o.Type()
	t.Kind = strings.TrimSuffix(t.Kind, "List")
	return t == (object.Type{}) || r.opts.wants(t, o.JSON)
}

// hasItems reports whether there are items of any type but null.
func hasItems(data []byte) bool {
	var list struct {
		Items any `json:"items"`
	}
	return kjson.UnmarshalCaseSensitivePreserveInts(data, &list) == nil && list.Items != nil
}

// items takes the objects of a List. Those of a typed list (PodList) need not say
// again what they are.
func (r *reader) items(c chunk, list object.Object, items []json.RawMessage) {
	if strings.Count(list.Source.Prefix, "items[") >= maxLists {
		r.problem(c, list, fmt.Errorf("more than %d Lists inside each other", maxLists))
		return
	}
	for i, item := range items {
		source := list.Source
		source.Prefix += fmt.Sprintf("items[%d].", i)
		if len(item) == 0 || item[0] != '{' {
			r.problem(c, list, &object.Fault{Field: fmt.Sprintf("items[%d]", i), Err: errors.New("not an object")})
			continue
		}
		r.take(c, typed(item, list), source, nil)
	}
}

// typed gives an item of a PodList the kind Pod.
func typed(item json.RawMessage, list object.Object) []byte {
	kind := strings.TrimSuffix(list.Kind, "List")
	var id struct{ Kind, APIVersion *json.RawMessage }
	if kind == "" || json.Unmarshal(item, &id) != nil || id.Kind != nil || id.APIVersion != nil {
		return item
	}
	head := fmt.Sprintf(`{"apiVersion":%s,"kind":%s`, appendString(nil, list.APIVersion), appendString(nil, kind))
	rest := bytes.TrimLeft(item[1:], " \t\r\n")
	if rest[0] != '}' {
		head += ","
	}
	return append([]byte(head), rest...)
}

// problem notes an object that is not what it should be, at the line of the field.
func (r *reader) problem(c chunk, o object.Object, err error) {
	var strict kjson.FieldError
	if errors.As(err, &strict) {
		err = &object.Fault{Field: strict.FieldPath(), Err: errors.New("duplicate field")}
	}
	p := o.Problem(err)
	if o.Kind == "" || o.Name == "" {
		p.Origin.Object = ""
	}
	if isList(o.Kind) {
		p.Namespace = "" // it could have held anything
	}
	p.Origin.Line = lineIn(r.lines.root(c), c, o.Source.Prefix+p.Origin.Field, p.Origin.Line)
	r.out.problems = append(r.out.problems, p)
}
