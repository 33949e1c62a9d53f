package file

import (
	"strconv"
	"strings"
	"sync"

	"github.com/pgmoat/pgmoat/model/verdict"
	yaml3 "go.yaml.in/yaml/v3"
)

// A locator finds the line of a field when somebody asks. It parses the document
// again, this time with lines, and remembers the last few.
type locator struct {
	mu      sync.Mutex
	objects []found
	places  map[place]found
	recent  []parsed
}

// A place is how an adapter names an object: where its document begins, and which
// of the objects there it is.
type place struct {
	file   string
	line   int
	object string
}

// parsed is a document with its nodes; data tells it from others.
type parsed struct {
	data []byte
	root *yaml3.Node
}

// keep is how many documents stay parsed.
const keep = 16

// locate returns the origin with the line of its field, or of the deepest field
// above it that is there. An origin that is not of an object read here comes back
// as it was.
func (l *locator) locate(o verdict.Origin) verdict.Origin {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places == nil {
		l.index()
	}
	f, ok := l.places[place{o.File, o.Line, o.Object}]
	if !ok {
		return o
	}
	o.Line = lineIn(l.root(f.in), f.in, f.Source.Prefix+o.Field, o.Line)
	return o
}

// line returns the line that an object begins at, in a List too.
func (l *locator) line(f found) int {
	return lineIn(l.root(f.in), f.in, f.Source.Prefix, f.Source.Line)
}

func (l *locator) index() {
	l.places = make(map[place]found, len(l.objects))
	for _, f := range l.objects {
		l.places[place{f.Source.File, f.Source.Line, f.Ref().String()}] = f
	}
}

// root returns the parsed document, the most recently used ones without parsing.
func (l *locator) root(c chunk) *yaml3.Node {
	for i, p := range l.recent {
		if &p.data[0] == &c.data[0] {
			copy(l.recent[1:i+1], l.recent[:i])
			l.recent[0] = p
			return p.root
		}
	}
	p := parsed{c.data, nodes(c.data)}
	l.recent = append([]parsed{p}, l.recent[:min(len(l.recent), keep-1)]...)
	return p.root
}

// nodes parses a document; nil where that fails.
func nodes(data []byte) *yaml3.Node {
	var doc yaml3.Node
	if err := yaml3.Unmarshal(data, &doc); err != nil || len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// lineIn returns the line of a path in the file; otherwise is the answer where
// there is none to be found.
func lineIn(root *yaml3.Node, c chunk, path string, otherwise int) int {
	if c.via != "" {
		return 0
	}
	if line := lineOfPath(root, path); line > 0 {
		return c.line + line - 1
	}
	return otherwise
}

// lineOfPath follows a path as far as it goes and returns the line of the last key
// or entry it found; zero when not even the first is there.
func lineOfPath(n *yaml3.Node, path string) int {
	line := 0
	steps := pathSteps(path)
	for len(steps) > 0 && n != nil {
		for n.Kind == yaml3.AliasNode {
			n = n.Alias
		}
		taken := 0
		switch n.Kind {
		case yaml3.MappingNode:
			n, line, taken = child(n, steps, line, 0)
		case yaml3.SequenceNode:
			n, line, taken = entry(n, steps[0], line)
		}
		if taken == 0 {
			return line
		}
		steps = steps[taken:]
	}
	return line
}

// child finds a key. Keys with dots may be written without brackets, so the steps
// that follow are tried as part of it. Keys that a merge brings count too.
func child(n *yaml3.Node, steps []string, line, depth int) (*yaml3.Node, int, int) {
	name := ""
	for taken, s := range steps {
		name += s
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				return n.Content[i+1], n.Content[i].Line, taken + 1
			}
		}
		name += "."
	}
	for i := 0; i+1 < len(n.Content) && depth < maxLists; i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		for _, m := range merged(n.Content[i+1]) {
			if c, l, taken := child(m, steps, line, depth+1); taken > 0 {
				return c, l, taken
			}
		}
	}
	return nil, line, 0
}

// merged returns the mappings that "<<" brings in.
func merged(n *yaml3.Node) []*yaml3.Node {
	if n.Kind == yaml3.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml3.MappingNode {
		return []*yaml3.Node{n}
	}
	var out []*yaml3.Node
	for _, e := range n.Content {
		if e.Kind == yaml3.AliasNode && e.Alias.Kind == yaml3.MappingNode {
			out = append(out, e.Alias)
		}
	}
	return out
}

func entry(n *yaml3.Node, step string, line int) (*yaml3.Node, int, int) {
	i, err := strconv.Atoi(step)
	if err != nil || i < 0 || i >= len(n.Content) {
		return nil, line, 0
	}
	return n.Content[i], n.Content[i].Line, 1
}

// pathSteps cuts "spec.ingress[0].matchLabels[app.kubernetes.io/name]" at its
// dots and brackets.
func pathSteps(path string) []string {
	var steps []string
	for path != "" {
		if path[0] == '.' {
			path = path[1:]
			continue
		}
		if path[0] == '[' {
			key, rest, _ := strings.Cut(path[1:], "]")
			steps = append(steps, key)
			path = rest
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		steps = append(steps, path[:end])
		path = path[end:]
	}
	return steps
}
