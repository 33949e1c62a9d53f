package authfile

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Source is a piece of the first file: a line or several, with the place of its
// own that a person would edit.
type Source struct {
	Text   string
	Origin verdict.Origin
}

// An Input is what is to be read: the first file as text, and where others are.
type Input struct {
	// Version is the server's major version, 13 to 18.
	Version int
	// Path is where the server has the first file: others are beside it.
	Path string
	// Sources are the first file's text, in order; each but the last ends its line.
	Sources []Source
	// Files is where included files are; nil: nothing is known of any.
	Files Files
	// Origin says where a person finds line n of another file; nil: at its path.
	Origin func(path string, line int) verdict.Origin
}

// A Line is one logical line with something in it, or with an error.
type Line struct {
	// File is the path of the file that the line is in, and Number its first physical
	// line there, 1-based.
	File   string
	Number int
	Raw    string
	Fields [][]Token
	// Error is what the server says of the line; "" for none.
	Error string
	// Missing says that the error is ours: the server may well take the line, but
	// what it depends on is not known.
	Missing bool
	// Fatal says that the server ends over this line.
	Fatal bool
	// First and Last are the sources that the line is made of; -1 in another file.
	First, Last int
	Origin      verdict.Origin
}

// maxDepth is how deep files may name others from 16 on (CONF_FILE_MAX_DEPTH).
const maxDepth = 10

// oldDepth is how deep we follow before 16, where the server has no limit but that
// of open files.
const oldDepth = 100

// maxRead is how many bytes of included files are read, counted anew each time one
// is: files that name each other several times grow without bound otherwise.
const maxRead = 1 << 25

// perFile is what a file counts for besides its bytes.
const perFile = 1024

// Tokenize reads the file and all that it includes, in the server's order.
func Tokenize(in Input) []Line {
	t := &tokenizer{Input: in, files: in.Files}
	if t.files == nil {
		t.files = None{}
	}
	if t.Origin == nil {
		t.Origin = func(path string, line int) verdict.Origin { return verdict.Origin{File: path, Line: line} }
	}
	whole, starts := join(in.Sources)
	t.starts = starts
	t.estimate(whole)
	t.file(in.Path, whole, 0, &t.lines)
	return t.lines
}

// join puts the sources together; starts is the physical line that each begins.
func join(sources []Source) (whole string, starts []int) {
	if len(sources) == 1 {
		return sources[0].Text, []int{1}
	}
	var b strings.Builder
	line := 1
	for _, s := range sources {
		starts = append(starts, line)
		text := strings.TrimSuffix(s.Text, "\n")
		b.WriteString(text)
		b.WriteByte('\n')
		line += strings.Count(text, "\n") + 1
	}
	return b.String(), starts
}

type tokenizer struct {
	Input
	files  Files
	starts []int
	lines  []Line
	read   int
	open   []string // the files being read, for servers that know no depth
	// tokens and fields are where the slices of lines are cut from.
	tokens []Token
	fields [][]Token
}

// estimate makes room for a file of usual lines at once.
func (t *tokenizer) estimate(whole string) {
	n := strings.Count(whole, "\n") + 1
	t.lines = make([]Line, 0, n)
}

// file reads one file into lines.
func (t *tokenizer) file(path, content string, depth int, out *[]Line) {
	reader := newText(content, t.Version)
	for {
		r, ok := reader.next()
		if !ok {
			return
		}
		l := Line{File: path, Number: r.number, Raw: r.text, First: -1, Last: -1}
		if r.long {
			l.Error = "authentication file line too long"
		} else {
			t.split(&l, depth)
		}
		if l.Error == "" && (len(l.Fields) == 0 || t.directive(&l, depth, out)) {
			continue
		}
		t.place(&l, r, depth)
		*out = append(*out, l)
	}
}

// place says where a person finds the line.
func (t *tokenizer) place(l *Line, r raw, depth int) {
	if depth > 0 || len(t.Sources) == 0 {
		l.Origin = t.Origin(l.File, l.Number)
		return
	}
	at := func(line int) int {
		i, found := slices.BinarySearch(t.starts, line)
		if !found {
			i--
		}
		return i
	}
	l.First, l.Last = at(r.number), at(r.number+r.lines-1)
	l.Origin = t.Sources[l.First].Origin
	if l.Origin.IsZero() {
		l.Origin = t.Origin(l.File, l.Number)
	}
}

// maxToken is the longest token before 16.
const maxToken = 10239

// split cuts the line into fields. One whose tokens all vanish, because they name
// empty files, vanishes too, and later fields move to the left.
func (t *tokenizer) split(l *Line, depth int) {
	s := scanner{rest: l.Raw}
	if t.Version < 16 {
		s.limit = maxToken
	}
	first := len(t.fields)
	for s.rest != "" && l.Error == "" {
		if field := t.field(&s, l, depth); len(field) > 0 {
			t.fields = append(t.fields, field)
		}
	}
	l.Fields = t.fields[first:len(t.fields):len(t.fields)]
	if cap(t.fields)-len(t.fields) < 8 {
		t.fields = make([][]Token, 0, grown(cap(t.fields)))
	}
}

// grown is the size of the next piece of memory that slices are cut from: small for
// small files.
func grown(size int) int { return min(max(2*size, 16), 4096) }

// field reads the tokens that commas join.
func (t *tokenizer) field(s *scanner, l *Line, depth int) []Token {
	first := len(t.tokens)
	for comma := true; comma && l.Error == ""; {
		var token Token
		var ok bool
		token, comma, ok = s.next()
		switch {
		case s.long:
			l.Error = "authentication file token too long"
		case !ok:
			comma = false
		case !token.Quoted && len(token.Text) > 1 && token.Text[0] == '@':
			t.expand(token.Text[1:], l, depth)
		default:
			t.tokens = append(t.tokens, token)
		}
	}
	field := t.tokens[first:len(t.tokens):len(t.tokens)]
	if cap(t.tokens)-len(t.tokens) < 8 {
		t.tokens = make([]Token, 0, grown(cap(t.tokens)))
	}
	return field
}

// expand adds all tokens of another file to those of the field.
func (t *tokenizer) expand(name string, l *Line, depth int) {
	inner := t.nested()
	full := beside(l.File, name, t.Version)
	content, err := inner.enter(full, depth+1)
	switch {
	case errors.Is(err, ErrIsDirectory) && t.Version >= 14: // only logged; nothing is read
	case err != nil:
		l.fail(t.refusal(name, full, err))
		return
	}
	var lines []Line
	inner.open = append(slices.Clone(t.open), full)
	inner.file(full, content, depth+1, &lines)
	t.read = inner.read
	for _, in := range lines {
		if in.Error != "" {
			l.Error, l.Missing, l.Fatal = in.Error, in.Missing, in.Fatal
			return
		}
		for _, field := range in.Fields {
			t.tokens = append(t.tokens, field...)
		}
	}
}

// nested is a tokenizer for a file inside a field, whose slices are its own.
func (t *tokenizer) nested() *tokenizer {
	return &tokenizer{Input: t.Input, files: t.files, read: t.read, open: t.open}
}

// A refusal is why a file cannot be read; the words are the server's unless missing.
type refusal struct {
	words          string
	missing, fatal bool
}

func (l *Line) fail(r refusal) { l.Error, l.Missing, l.Fatal = r.words, r.missing, r.fatal }

var (
	errDepth = errors.New("maximum nesting depth exceeded")
	errLoop  = errors.New("the file includes itself, which ends the server")
	errSize  = fmt.Errorf("one of more than %d bytes in all", maxRead)
)

// enter opens another file.
func (t *tokenizer) enter(full string, depth int) (string, error) {
	switch {
	case t.Version >= 16 && depth > maxDepth:
		return "", errDepth
	case t.Version < 16 && (slices.Contains(t.open, full) || full == t.Path || depth > oldDepth):
		return "", errLoop
	case t.read > maxRead:
		return "", errSize
	}
	content, err := t.files.Read(full)
	t.read += len(content) + perFile
	return content, err
}

// refusal puts into words why an @file cannot be read.
func (t *tokenizer) refusal(name, full string, err error) refusal {
	switch {
	case errors.Is(err, ErrUnknown), errors.Is(err, errSize):
		return refusal{words: fmt.Sprintf("the included file %s is %v", name, err), missing: true}
	case errors.Is(err, errLoop):
		return refusal{words: fmt.Sprintf("%s: %v", full, err), fatal: true}
	case errors.Is(err, ErrIsDirectory):
		return refusal{words: fmt.Sprintf(`could not read file "%s": %s`, full, strerror(err))}
	case t.Version < 16:
		return refusal{words: fmt.Sprintf(`could not open secondary authentication file "@%s" as "%s": %s`, name, full, strerror(err))}
	}
	return refusal{words: fmt.Sprintf(`could not open file "%s": %s`, full, strerror(err))}
}

// directive reads the files that an include line names, from 16 on; it reports
// whether that is all there is to the line. The keyword works quoted, too.
func (t *tokenizer) directive(l *Line, depth int, out *[]Line) bool {
	if t.Version < 16 || len(l.Fields) != 2 {
		return false
	}
	name := l.Fields[1][0].Text
	switch l.Fields[0][0].Text {
	case "include":
		t.include(l, name, depth, out, false)
	case "include_if_exists":
		t.include(l, name, depth, out, true)
	case "include_dir":
		t.includeDir(l, name, depth, out)
	default:
		return false
	}
	return l.Error == ""
}

func (t *tokenizer) include(l *Line, name string, depth int, out *[]Line, mayMiss bool) {
	full := beside(l.File, name, t.Version)
	content, err := t.enter(full, depth+1)
	switch {
	case errors.Is(err, fs.ErrNotExist) && mayMiss, errors.Is(err, ErrIsDirectory): // only logged
	case err != nil:
		l.fail(t.refusal(name, full, err))
	default:
		t.file(full, content, depth+1, out)
	}
}

// IsConf reports whether include_dir looks at a file of this name (conffiles.c).
func IsConf(name string) bool {
	return len(name) >= 6 && name[0] != '.' && strings.HasSuffix(name, ".conf")
}

// includeDir reads the files of a directory whose names end in .conf, in the order
// of their bytes (conffiles.c GetConfFilesInDir). The faults of all are the line's.
func (t *tokenizer) includeDir(l *Line, name string, depth int, out *[]Line) {
	if strings.Trim(name, " \t\r\n") == "" {
		l.Error = "empty configuration directory name"
		return
	}
	dir := beside(l.File, name, t.Version)
	names, err := t.files.List(dir)
	switch {
	case errors.Is(err, ErrUnknown):
		l.fail(t.refusal(name, dir, err))
		return
	case err != nil:
		l.Error = fmt.Sprintf(`could not open directory "%s"`, dir)
		return
	}
	slices.Sort(names)
	var faults Line
	for _, file := range names {
		if !IsConf(file) {
			continue
		}
		one := *l
		t.include(&one, cleaned(dir+"/"+file), depth, out, false)
		if one.Error != "" {
			if faults.Error != "" {
				faults.Error += "\n"
			}
			faults.Error += one.Error
			faults.Missing = faults.Missing || one.Missing
		}
	}
	l.Error, l.Missing = faults.Error, faults.Missing
}
