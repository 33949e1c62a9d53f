package file

import "bytes"

// A header is what the left margin of a block-style document tells without
// parsing it. Documents that are large and used by nobody (ConfigMaps, CRDs) are
// recognised so.
type header struct {
	// sure says that the rest may be relied on: nothing in the document could hide
	// another kind or apiVersion. Each is empty where the document has none.
	sure             bool
	kind, apiVersion string
	// name and namespace are those of metadata, where its lines are plain.
	name, namespace string
	namespaceTold   bool
}

// scan reads the header. Every line at column 0 must be a comment, a list entry,
// or "word:" with nothing or one plain word behind it, and a word must not go on in
// the next line; then a quoted scalar or a flow collection that runs over several
// lines cannot be mistaken for a key, since the real key would stand at column 0
// too and be the second of its name.
func scan(data []byte) header {
	m := margin{pairs: map[string]string{}}
	if hidesLines(data) {
		return header{}
	}
	for line := range bytes.Lines(data) {
		if !m.line(bytes.TrimRight(line, "\r\n")) {
			return header{}
		}
	}
	h := header{sure: true, kind: m.pairs["kind"], apiVersion: m.pairs["apiVersion"]}
	h.name, _ = m.metadata.value("name")
	h.namespace, h.namespaceTold = m.metadata.value("namespace")
	return h
}

// A margin collects the pairs at column 0.
type margin struct {
	pairs    map[string]string
	begun    bool
	last     string // the key whose lines follow
	metadata metadata
}

// line takes one line, and reports whether the margin still tells everything.
func (m *margin) line(line []byte) bool {
	text := bytes.TrimLeft(line, " ")
	switch {
	case len(bytes.TrimSpace(text)) == 0, text[0] == '#':
		return true
	case len(text) < len(line) && m.begun:
		if m.last == "metadata" {
			m.metadata.line(line)
		}
		return mayGoOn(m.pairs[m.last])
	case m.begun && isEntry(line):
		return mayGoOn(m.pairs[m.last])
	}
	key, value, ok := plainPair(line)
	if _, again := m.pairs[key]; !ok || again || value == "" && (key == "kind" || key == "apiVersion") {
		return false
	}
	m.begun, m.last, m.pairs[key] = true, key, value
	return true
}

// mayGoOn reports whether more lines may belong to a key with this value behind it:
// those of a nested block or of a literal text. A plain word would grow.
func mayGoOn(value string) bool { return value == "" || isBlockMark([]byte(value)) }

// hidesLines reports whether the document has a line break that is not a newline
// (YAML 1.1 has four more) or a byte that no manifest has.
func hidesLines(data []byte) bool {
	if bytes.IndexByte(data, 0) >= 0 {
		return true
	}
	for rest := data; ; {
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			break
		}
		if i+1 < len(rest) && rest[i+1] != '\n' {
			return true
		}
		rest = rest[i+1:]
	}
	return bytes.Contains(data, []byte("\u0085")) || bytes.Contains(data, []byte("\u2028")) || bytes.Contains(data, []byte("\u2029"))
}

func isEntry(line []byte) bool { return line[0] == '-' && (len(line) == 1 || line[1] == ' ') }

// plainPair reads "key:", "key: word" and "key: |", each with a comment or not.
func plainPair(line []byte) (key, value string, ok bool) {
	k, v, found := bytes.Cut(line, []byte{':'})
	if !found || len(k) == 0 || !all(k, isWord) || len(v) > 0 && v[0] != ' ' && v[0] != '\r' {
		return "", "", false
	}
	if at := bytes.Index(v, []byte(" #")); at >= 0 {
		v = v[:at]
	}
	v = bytes.TrimSpace(v)
	if !all(v, isPlain) && !isBlockMark(v) {
		return "", "", false
	}
	return string(k), string(v), true
}

func isBlockMark(v []byte) bool {
	return (v[0] == '|' || v[0] == '>') && all(v[1:], func(c byte) bool { return c == '+' || c == '-' || c >= '1' && c <= '9' })
}

func all(s []byte, is func(byte) bool) bool {
	for _, c := range s {
		if !is(c) {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

func isPlain(c byte) bool { return isWord(c) || c == '.' || c == '/' || c == '-' }

// metadata collects the plain pairs one level below "metadata:".
type metadata struct {
	indent int
	pairs  []string // key, value, key, value
	doubt  bool
}

func (m *metadata) line(line []byte) {
	indent := len(line) - len(bytes.TrimLeft(line, " "))
	text := line[indent:]
	if m.indent == 0 {
		m.indent = indent
	}
	switch {
	case indent < m.indent, indent > m.indent && !m.mayGoOn():
		m.doubt = true
	case indent == m.indent && !isEntry(text):
		key, value, ok := plainPair(text)
		m.doubt = m.doubt || !ok
		m.pairs = append(m.pairs, key, value)
	}
}

func (m *metadata) mayGoOn() bool {
	return len(m.pairs) > 0 && mayGoOn(m.pairs[len(m.pairs)-1])
}

// value returns what the key is set to; told is false where lines are in doubt or
// the key is not there exactly once.
func (m *metadata) value(key string) (value string, told bool) {
	count := 0
	for i := 0; i < len(m.pairs); i += 2 {
		if m.pairs[i] == key {
			value, count = m.pairs[i+1], count+1
		}
	}
	if m.doubt || count != 1 || value == "" {
		return "", false
	}
	return value, true
}

// template reports whether the text looks like that of a chart nobody rendered,
// and where. What was rendered may speak of templates.
func template(c chunk) (offset int, yes bool) {
	at := bytes.Index(c.data, []byte("{{"))
	return at, at >= 0 && c.via == ""
}
