package render

import (
	"errors"
	"regexp"
	"strings"
)

// quotations are where the libraries repeat what stands in a file or in values, with what is
// said instead. Any of it may be the password of a Secret: to a parser one that begins with a
// * is an alias, and to kustomize one without a name before it is a literal that is none.
var quotations = []struct {
	said    *regexp.Regexp
	instead string
}{
	// go.yaml.in/yaml.
	{regexp.MustCompile(`(?s)unknown anchor '.*?' referenced`), "unknown anchor referenced"},
	{regexp.MustCompile(`(?s)anchor '.*?' value contains itself`), "the value of an anchor contains itself"},
	{regexp.MustCompile("(?s)(cannot (?:decode|unmarshal) !!\\w+) `.*?`"), "$1"},
	// helm's --set, and its schemas of values.
	{regexp.MustCompile(`(?s)key (map )?".*" has no value`), "a key ${1}has no value"},
	{regexp.MustCompile(`(?s)(at '/[^']*': )'(?:[^'\\]|\\.)*' (does not match pattern)`), "${1}the value $2"},
	{regexp.MustCompile(`(?s)(at '/[^']*': )(?:'(?:[^'\\]|\\.)*'|\S+) (is not valid [^:\n]+): [^\n]*`), "${1}the value $2"},
	// kustomize/api/kv: literals, and lines of files of variables.
	{regexp.MustCompile(`(?s)literal sources \[.*`), "literal sources: one of them is not key=value"},
	{regexp.MustCompile(`(?s)(line )(?:\[[\d ]*\]|\d+) (has invalid utf8 bytes) : .*`), "a $1$2"},
	// kustomize/api: the whole configuration of a transformer, and patches written in it.
	{regexp.MustCompile("(?s) with config: `.*`: "), ": "},
	{regexp.MustCompile(`(?s)\[patch: ".*"\]`), "what is written there"},
	{regexp.MustCompile(`(?s)(must specify one of patch and path|patch and path can't be set at the same time).*`), "$1"},
	{regexp.MustCompile(` from generator &\{.*?\}`), " from a generator"},
	{regexp.MustCompile(`(?s)(is out of bounds) for value .*`), "$1"},
	// kustomize/kyaml: the node that is of another kind than a path says.
	{regexp.MustCompile(`(?s): node contents:.*`), ""},
}

// unquoted is what a library says without what it repeats of the input.
func unquoted(text string) string {
	for _, q := range quotations {
		text = q.said.ReplaceAllString(text, q.instead)
	}
	return shownAddress(text)
}

// assigned is what helm's --set assigns to: what it assigns may be a password.
func assigned(set string) string {
	name, _, _ := strings.Cut(set, "=")
	return name
}

// unsaid is an error of a library in words that repeat nothing of the input.
func unsaid(err error) error { return errors.New(unquoted(err.Error())) }
