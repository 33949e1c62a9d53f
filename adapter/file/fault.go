package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	yaml2 "go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"
)

// A fault is why a document cannot be read, and on which of its lines.
type fault struct {
	line int // in the file
	text string
}

// unreadable refuses bytes that are no text.
func unreadable(c chunk) *fault {
	if at := bytes.IndexByte(c.data, 0); at >= 0 {
		return &fault{c.lineAt(at), "not text: it holds a zero byte (a binary file, or UTF-16)"}
	}
	if utf8.Valid(c.data) {
		return nil
	}
	at := 0
	for at < len(c.data) {
		r, size := utf8.DecodeRune(c.data[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return &fault{c.lineAt(at), "not valid UTF-8"}
}

// yamlFault takes the line out of an error of yaml.v2. A template is named as
// what it is: its own syntax error would lead nowhere.
func yamlFault(c chunk, err error) *fault {
	line, text := yamlLine(err)
	f := &fault{c.begins(), withoutValues(c, text)}
	if line > 0 && c.via == "" {
		f.line = c.line + line - 1
	} else if at := aliasAt(c.data, text); at >= 0 {
		f.line = c.lineAt(at)
	}
	if at, ok := template(c); ok {
		return &fault{c.lineAt(at), "looks like a template that nobody rendered ({{ … }})"}
	}
	return f
}

var (
	lineOf      = regexp.MustCompile(`^line (\d+): `)
	unknownName = regexp.MustCompile(`^unknown anchor '(.*)' referenced|^anchor '(.*)' value contains itself`)
)

// yamlLine cuts "yaml: line 3: text". The parser counts its lines from 0 and the
// scanner from 1; their texts tell them apart.
func yamlLine(err error) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	var te *yaml2.TypeError
	if errors.As(err, &te) && len(te.Errors) > 0 {
		text = te.Errors[0]
	}
	if m := lineOf.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
		if strings.HasPrefix(text, "did not find expected") && !strings.Contains(text, "whitespace") && !strings.Contains(text, "alphabetic") && !strings.Contains(text, "comment") {
			line++
		}
	}
	return line, text
}

// aliasAt finds the alias that an error is about.
func aliasAt(data []byte, text string) int {
	m := unknownName.FindStringSubmatch(text)
	if m == nil {
		return -1
	}
	return bytes.Index(data, []byte("*"+m[1]+m[2]))
}

// jsonFault takes the place out of an error of a JSON decoder that began at offset.
func jsonFault(c chunk, offset int, err error) *fault {
	at := offset
	var se *json.SyntaxError
	if errors.As(err, &se) {
		at += int(se.Offset)
	} else if ok, o := kjson.SyntaxErrorOffset(err); ok {
		at += int(o)
	} else {
		at = len(bytes.TrimRight(c.data, " \t\r\n")) // it ended too early
	}
	if t, ok := template(c); ok {
		return &fault{c.lineAt(t), "looks like a template that nobody rendered ({{ … }})"}
	}
	return &fault{c.lineAt(at - 1), "not valid JSON: " + withoutValues(c, err.Error())}
}

// quotedValue is what a parser quotes of a document: the scalar that it cannot decode, the
// name behind a *, the key that is none, a character.
var quotedValue = regexp.MustCompile("(?s) ?(`.*`|'.*'|map\\[.*)")

// withoutValues leaves out of an error what it quotes of a document that may hold a Secret:
// a password that begins with a * is an alias to the parser, and it names it. What the
// grammar wants in its place may be told.
func withoutValues(c chunk, text string) string {
	if !bytes.Contains(c.data, []byte("Secret")) || strings.Contains(text, "find expected") {
		return text
	}
	return quotedValue.ReplaceAllString(text, "")
}

// duplicateKey finds a key that one mapping has twice, merge keys aside.
func duplicateKey(data []byte) error {
	var doc yaml3.Node
	if err := yaml3.Unmarshal(data, &doc); err != nil {
		return err
	}
	return duplicateIn(&doc)
}

func duplicateIn(n *yaml3.Node) error {
	seen := map[string]bool{}
	for i, child := range n.Content {
		if n.Kind == yaml3.MappingNode && i%2 == 0 && child.Kind == yaml3.ScalarNode {
			if seen[child.Value] {
				return fmt.Errorf("yaml: line %d: key %q already set in map", child.Line, child.Value)
			}
			seen[child.Value] = true
		}
		if err := duplicateIn(child); err != nil {
			return err
		}
	}
	return nil
}
