//go:build linux

package controlplane

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// tree reads JSON with numbers as they are written.
func tree(t *testing.T, data []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return out
}

// compare holds what the server has against what it was given: all of that has to be
// there, and nothing besides but what is below the paths that are named, "spec.to[].tls".
func compare(t *testing.T, n Name, given, is any, besides ...string) {
	t.Helper()
	for _, d := range differences("", given, is) {
		path := index.ReplaceAllString(strings.TrimPrefix(d, "added "), "[]")
		if !slices.ContainsFunc(besides, func(b string) bool { return path == b || strings.HasPrefix(path, b+".") }) {
			t.Errorf("%s %s/%s: %s", n.Kind, n.Namespace, n.Name, d)
		}
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

// differences lists the fields that two trees do not have alike, "added" where only the
// second has it.
func differences(path string, a, b any) []string {
	if x, ok := a.(map[string]any); ok {
		if y, ok := b.(map[string]any); ok {
			return ofMaps(path, x, y)
		}
	}
	x, listA := a.([]any)
	y, listB := b.([]any)
	if listA && listB && len(x) == len(y) {
		var out []string
		for i := range x {
			out = append(out, differences(path+"["+strconv.Itoa(i)+"]", x[i], y[i])...)
		}
		return out
	}
	if reflect.DeepEqual(a, b) {
		return nil
	}
	return []string{"changed " + path + ": " + text(a) + " became " + text(b)}
}

func ofMaps(path string, a, b map[string]any) []string {
	var out []string
	for key, value := range a {
		below := path + object.Key(path == "", key)
		if has, ok := b[key]; ok {
			out = append(out, differences(below, value, has)...)
		} else {
			out = append(out, "lost "+below+": "+text(value))
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			out = append(out, "added "+path+object.Key(path == "", key))
		}
	}
	slices.Sort(out)
	return out
}

func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
