// Package ident holds pg_ident.conf as values: which user of a system, or name of a
// certificate, may log in as which role (PostgreSQL manual, "User Name Maps").
package ident

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/are"
	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A File is a parsed pg_ident.conf. The zero value is one without maps.
type File struct {
	// Version is the server's major version; zero is the newest known.
	Version  int
	Mappings []Mapping
	// Errors are lines that the server would refuse; with any of them it keeps the
	// maps it had, and at start has none.
	Errors []hba.Error

	lines []authfile.Line
}

// A Mapping is one line of pg_ident.conf.
type Mapping struct {
	// File is the path of the file that the line is in, as the server has it.
	File   string
	Line   int
	Map    string
	System hba.Token
	Role   hba.Token
	Origin verdict.Origin

	// plain says that Role is a name whatever it looks like, as before 16.
	plain bool
	seq   int
}

// String writes the mapping as a line of the file. Read again it is the same mapping,
// but for its place.
func (m Mapping) String() string {
	line := strings.Join([]string{hba.Token{Text: m.Map, Quoted: true}.String(), m.System.String(), m.Role.String()}, " ")
	if strings.HasSuffix(line, `\`) {
		line += " " // which keeps the line from going on
	}
	return line
}

// An Input is what is to be read.
type Input struct {
	// Version is the server's major version; zero is the newest known.
	Version int
	// Path is where the server has the file; included ones are beside it.
	Path    string
	Sources []hba.Source
	// Files is where included files are; nil: nothing is known of any.
	Files authfile.Files
	// Origin says where a person finds a line that no Source has an origin for; nil: at
	// its path.
	Origin func(path string, line int) verdict.Origin
}

// Parse reads a pg_ident.conf of which only the lines are known.
func Parse(lines []hba.Source, version int) File {
	return Read(Input{Sources: lines, Version: version})
}

// Read reads a pg_ident.conf and what it includes. A file without mappings is fine:
// no map exists.
func Read(in Input) File {
	f := File{Version: in.Version}
	version := cmp.Or(in.Version, hba.Newest)
	sources := make([]authfile.Source, len(in.Sources))
	for i, s := range in.Sources {
		sources[i] = authfile.Source{Text: s.Text, Origin: s.Origin}
	}
	f.lines = authfile.Tokenize(authfile.Input{
		Version: version, Path: in.Path, Sources: sources, Files: in.Files, Origin: in.Origin})
	for i := range f.lines {
		l := &f.lines[i]
		m := Mapping{File: l.File, Line: l.Number, Origin: l.Origin, plain: version < 16, seq: i}
		fault, missing := l.Error, l.Missing
		if fault == "" {
			fault, missing = m.parse(l.Fields, version)
		}
		if fault != "" {
			f.Errors = append(f.Errors, hba.Error{File: l.File, Line: l.Number, Raw: l.Raw, Message: fault,
				Origin: l.Origin, Missing: missing, Fatal: l.Fatal})
			continue
		}
		f.Mappings = append(f.Mappings, m)
	}
	return f
}

// parse takes three fields of one token each; further ones are ignored. Only then
// expressions are looked at (hba.c parse_ident_line).
func (m *Mapping) parse(fields [][]hba.Token, version int) (fault string, missing bool) {
	for i := range 3 {
		if i >= len(fields) {
			return "missing entry at end of line", false
		}
		if len(fields[i]) > 1 {
			return "multiple values in ident field", false
		}
	}
	m.Map, m.System, m.Role = fields[0][0].Text, fields[1][0], fields[2][0]
	if fault, missing := compile(&m.System, version); fault != "" || m.plain {
		return fault, missing
	}
	return compile(&m.Role, version)
}

// compile makes an expression of a token that is one, quoted or not. One that is too
// large for us, or that 13 reads in its own way, may be none or another to the server:
// then the fault is ours.
func compile(t *hba.Token, version int) (fault string, missing bool) {
	expr, ok := strings.CutPrefix(t.Text, "/")
	if !ok {
		return "", false
	}
	re, err := are.Compile(expr)
	if err != nil {
		var limit *are.Error
		return `invalid regular expression "` + expr + `": ` + err.Error(), errors.As(err, &limit) && limit.Limit
	}
	if version < 14 && re.Since14() {
		return `what a server of 13 makes of the regular expression "` + expr + `" is not known`, true
	}
	t.Regexp = re
	return "", false
}

// A Row is what pg_ident_file_mappings shows of one line (15 and later). A row of a
// line with an error has no Mapping.
type Row struct {
	// Number is the map_number of 16 and later; zero where the row has none.
	Number  int
	File    string
	Line    int
	Mapping *Mapping
	Error   string
}

// Rows returns the rows in the order of the files.
func (f *File) Rows() []Row {
	out := make([]Row, len(f.lines))
	for i, l := range f.lines {
		out[i] = Row{File: l.File, Line: l.Number}
	}
	for i := range f.Mappings {
		out[f.Mappings[i].seq].Mapping = &f.Mappings[i]
	}
	number, next := 0, 0
	for i := range out {
		if out[i].Mapping == nil {
			out[i].Error = f.Errors[next].Message
			next++
			continue
		}
		number++
		out[i].Number = number
	}
	return out
}

// Loads reports whether the server takes the file.
func (f *File) Loads() bool { return len(f.Errors) == 0 }

// Same reports whether two files have the same mappings in the same order, wherever
// they stand.
func (f *File) Same(o *File) bool {
	return len(f.Errors)+len(o.Errors) == 0 &&
		slices.EqualFunc(f.Mappings, o.Mappings, func(a, b Mapping) bool { return a.String() == b.String() })
}

// A Result says whether a system user may log in as a role, and what says so.
type Result struct {
	Match hba.Match
	// Mapping is the line that allows it, or the one whose fault ended the search; nil
	// where none does.
	Mapping *Mapping
}

// Map says whether the system user may log in as the role.
//
// Without a map the two have to be the same name. With one, any of its lines may
// allow it, and a map without lines allows nobody (hba.c check_usermap). Member is
// as in a Session. A file with errors leaves the maps of before, or none: Unsure.
func Map(f File, mapName, systemUser string, role hba.Name, member func(role, group string) hba.Match) Result {
	if mapName == "" {
		return Result{Match: role.Equals(systemUser)}
	}
	if len(f.Errors) > 0 {
		return Result{Match: hba.Unsure}
	}
	s := &hba.Session{User: role, Member: member}
	out := Result{Match: hba.No}
	for i := range f.Mappings {
		m := &f.Mappings[i]
		if m.Map != mapName {
			continue
		}
		match, stop := m.match(systemUser, s)
		switch {
		case match == hba.No && !stop:
			continue
		case out.Match == hba.Unsure && match != hba.Unsure && (stop || mayStop(f.Mappings[:i], mapName)):
			return out // whether it is asked at all depends on what is not known
		case match == hba.Unsure:
			if out.Match != hba.Unsure {
				out = Result{hba.Unsure, m}
			}
		default:
			return Result{match, m}
		}
	}
	return out
}

// mayStop reports whether some line may end the search.
func mayStop(ms []Mapping, mapName string) bool {
	return slices.ContainsFunc(ms, func(m Mapping) bool { return m.Map == mapName && m.substitutes() })
}

// substitutes reports whether the role is made of what the expression found.
func (m *Mapping) substitutes() bool {
	if m.System.Regexp == nil || m.Role.Regexp != nil || !strings.Contains(m.Role.Text, `\1`) {
		return false
	}
	_, group := m.Role.Group()
	return !group || m.plain
}

// match asks one line (hba.c check_ident_usermap). stop says that no further line is
// tried: the line asks for a group that its expression does not have.
func (m *Mapping) match(systemUser string, s *hba.Session) (match hba.Match, stop bool) {
	if m.System.Regexp == nil {
		if m.System.Text != systemUser {
			return hba.No, false
		}
		return m.role(m.Role, s), false
	}
	if !m.substitutes() {
		matched, known := m.System.Regexp.Match(systemUser)
		switch {
		case known && !matched:
			return hba.No, false
		case known:
			return m.role(m.Role, s), false
		case m.role(m.Role, s) == hba.No:
			return hba.No, false
		}
		return hba.Unsure, false
	}
	group, has, matched, known := m.System.Regexp.Group(systemUser)
	switch {
	case !known:
		return hba.Unsure, false
	case !matched:
		return hba.No, false
	case !has:
		return hba.No, true
	}
	// The result is a name, whatever it looks like.
	return s.User.Equals(strings.Replace(m.Role.Text, `\1`, group, 1)), false
}

// role asks the third field: a plain name before 16, then a token as in the user list
// of pg_hba.conf.
func (m *Mapping) role(t hba.Token, s *hba.Session) hba.Match {
	if m.plain {
		return s.User.Equals(t.Text)
	}
	return hba.MatchUser(&t, s)
}
