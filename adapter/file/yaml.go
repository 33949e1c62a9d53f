package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	yaml2 "go.yaml.in/yaml/v2"
)

// maxDepth is how deep documents may be nested; the API's own types need a tenth.
const maxDepth = 500

// maxExpansion bounds the JSON of a document whose aliases repeat its parts.
func maxExpansion(size int) int { return 16<<20 + 8*size }

// toJSON converts one YAML document as sigs.k8s.io/yaml does (YAML 1.1 as read by
// yaml.v2: "yes" is true, 010 is 8, keys become strings), and refuses what that
// lets pass: duplicate keys, a second document, nesting without end.
func toJSON(data []byte) ([]byte, error) {
	value, err := decode(data)
	if err != nil {
		return nil, err
	}
	w := jsonWriter{limit: maxExpansion(len(data))}
	w.out = make([]byte, 0, len(data))
	if err := w.value(value, 0); err != nil {
		return nil, err
	}
	return w.out, nil
}

func decode(data []byte) (any, error) {
	value, err := decodeOne(data, true)
	if err == nil || !bytes.Contains(data, []byte("<<")) || !onlyDuplicates(err) {
		return value, err
	}
	// A merge key may be overridden, but the strict decoder calls that a duplicate.
	if dup := duplicateKey(data); dup != nil {
		return nil, dup
	}
	return decodeOne(data, false)
}

func decodeOne(data []byte, strict bool) (any, error) {
	dec := yaml2.NewDecoder(bytes.NewReader(data))
	dec.SetStrict(strict)
	var value, more any
	if err := dec.Decode(&value); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch err := dec.Decode(&more); {
	case errors.Is(err, io.EOF):
		return value, nil
	case err != nil:
		return nil, err
	}
	return nil, errors.New("yaml: there is more behind the end of the document")
}

func onlyDuplicates(err error) bool {
	var te *yaml2.TypeError
	if !errors.As(err, &te) {
		return false
	}
	return !slices.ContainsFunc(te.Errors, func(e string) bool { return !strings.Contains(e, "already set in map") })
}

// A jsonWriter writes what yaml.v2 decoded.
type jsonWriter struct {
	out   []byte
	limit int
}

func (w *jsonWriter) value(v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("nested more than %d levels deep", maxDepth)
	}
	if len(w.out) > w.limit {
		return fmt.Errorf("aliases make it larger than %d MiB", w.limit>>20)
	}
	switch v := v.(type) {
	case nil:
		w.out = append(w.out, "null"...)
	case string:
		w.out = appendString(w.out, v)
	case bool:
		w.out = strconv.AppendBool(w.out, v)
	case int:
		w.out = strconv.AppendInt(w.out, int64(v), 10)
	case []any:
		return w.list(v, depth)
	case map[any]any:
		return w.object(v, depth)
	default: // other numbers
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("%v has no form in JSON", v)
		}
		w.out = append(w.out, b...)
	}
	return nil
}

func (w *jsonWriter) list(list []any, depth int) error {
	w.out = append(w.out, '[')
	for i, v := range list {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if err := w.value(v, depth+1); err != nil {
			return err
		}
	}
	w.out = append(w.out, ']')
	return nil
}

func (w *jsonWriter) object(m map[any]any, depth int) error {
	type pair struct {
		key   string
		value any
	}
	pairs := make([]pair, 0, len(m))
	for k, v := range m {
		key, err := keyString(k)
		if err != nil {
			return err
		}
		pairs = append(pairs, pair{key, v})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	w.out = append(w.out, '{')
	for i, p := range pairs {
		if i > 0 {
			if p.key == pairs[i-1].key {
				return fmt.Errorf("key %q already set in map", p.key)
			}
			w.out = append(w.out, ',')
		}
		w.out = append(appendString(w.out, p.key), ':')
		if err := w.value(p.value, depth+1); err != nil {
			return err
		}
	}
	w.out = append(w.out, '}')
	return nil
}

// keyString makes a key a string, as sigs.k8s.io/yaml does.
func keyString(k any) (string, error) {
	switch k := k.(type) {
	case string:
		return k, nil
	case int:
		return strconv.Itoa(k), nil
	case int64:
		return strconv.FormatInt(k, 10), nil
	case bool:
		return strconv.FormatBool(k), nil
	case float64:
		switch s := strconv.FormatFloat(k, 'g', -1, 32); s {
		case "+Inf":
			return ".inf", nil
		case "-Inf":
			return "-.inf", nil
		case "NaN":
			return ".nan", nil
		default:
			return s, nil
		}
	}
	return "", fmt.Errorf("a key is a %v, not a string", reflect.TypeOf(k))
}

// appendString quotes a string; the plain ones, which are nearly all, quickly.
func appendString(out []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			b, _ := json.Marshal(s) // a string always has a form
			return append(out, b...)
		}
	}
	out = append(out, '"')
	out = append(out, s...)
	return append(out, '"')
}
