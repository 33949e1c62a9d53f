package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	kjson "sigs.k8s.io/json"
)

// Decode reads the object into a struct with json tags, as the API server reads:
// field names are case-sensitive, unknown ones are dropped. Its errors begin with
// the object's name and hold a Fault.
func (o Object) Decode(into any) error {
	return o.named(kjson.UnmarshalCaseSensitivePreserveInts(o.JSON, into))
}

// DecodeStrict is Decode that also refuses unknown and duplicate fields, as
// kubectl does (--validate=strict is its default). Fields named in tolerated are
// let pass.
func (o Object) DecodeStrict(into any, tolerated ...string) error {
	strict, err := kjson.UnmarshalStrict(o.JSON, into)
	if err != nil {
		return o.named(err)
	}
	for _, e := range strict {
		if f := strictFault(e); !slices.Contains(tolerated, f.Field) {
			return fmt.Errorf("%s: %w", o.Ref(), f)
		}
	}
	return nil
}

// strictFault takes the path out of `unknown field "spec.ingress[0].form"`.
func strictFault(err error) *Fault {
	var fe kjson.FieldError
	if !errors.As(err, &fe) {
		return &Fault{Err: err}
	}
	kind, _, _ := strings.Cut(err.Error(), " \"")
	return &Fault{Field: fe.FieldPath(), Err: errors.New(kind)}
}

func (o Object) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", o.Ref(), TypeFault(o.JSON, err))
}

// TypeFault turns an error of a JSON decoder into a Fault that names the field
// with its indices, which the decoder does not.
func TypeFault(data []byte, err error) *Fault {
	var te *json.UnmarshalTypeError
	if !errors.As(err, &te) {
		return &Fault{Err: errors.New(strings.TrimPrefix(err.Error(), "json: "))}
	}
	field := pathAt(data, te.Offset)
	if field == "" {
		field = te.Field
	}
	return &Fault{Field: field, Err: fmt.Errorf("%s where %s is expected", article(te.Value), expected(te))}
}

func article(value string) string {
	word, _, _ := strings.Cut(value, " ")
	switch word {
	case "array", "object":
		return "an " + value
	}
	return "a " + value
}

func expected(te *json.UnmarshalTypeError) string {
	switch te.Type.Kind().String() {
	case "string":
		return "a string"
	case "bool":
		return "a boolean"
	case "slice":
		return "a list"
	case "map", "struct", "ptr":
		return "an object"
	}
	return "a number (" + te.Type.Kind().String() + ")"
}

// pathAt returns the path of the value at the offset that an UnmarshalTypeError
// gives: just behind a literal, or just behind the opening bracket.
func pathAt(data []byte, offset int64) string {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var path trail
	for dec.InputOffset() < offset {
		token, err := dec.Token()
		if err != nil {
			return ""
		}
		if path.isKey(token) {
			continue
		}
		if dec.InputOffset() == offset {
			return path.String()
		}
		path.pass(token)
	}
	return ""
}

// A trail is where a reader of JSON tokens is.
type trail []step

type step struct {
	inArray bool
	index   int
	key     string
	atValue bool // in an object: the key has been read
}

// isKey reports whether the token is the key of an object, and notes it.
func (t trail) isKey(token json.Token) bool {
	if len(t) == 0 {
		return false
	}
	top := &t[len(t)-1]
	key, ok := token.(string)
	if !ok || top.inArray || top.atValue {
		return false
	}
	top.key, top.atValue = key, true
	return true
}

// pass moves on behind a token that is no key: into a bracket or to the next value.
func (t *trail) pass(token json.Token) {
	switch token {
	case json.Delim('{'), json.Delim('['):
		*t = append(*t, step{inArray: token == json.Delim('[')})
		return
	case json.Delim('}'), json.Delim(']'):
		*t = (*t)[:len(*t)-1]
	}
	if len(*t) > 0 {
		top := &(*t)[len(*t)-1]
		top.index++
		top.atValue = false
	}
}

// String writes the path as Kubernetes does.
func (t trail) String() string {
	var b strings.Builder
	for _, s := range t {
		if s.inArray {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		b.WriteString(Key(b.Len() == 0, s.key))
	}
	return b.String()
}

// Key writes a key as a step of a field path: ".name", without the dot where the
// path begins, and "[app.kubernetes.io/name]" where the key itself has a dot.
func Key(first bool, key string) string {
	if strings.ContainsAny(key, ".[]") {
		return "[" + key + "]"
	}
	if first {
		return key
	}
	return "." + key
}
