package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Linted is what a look at files found: lines that servers refuse, then findings.
type Linted struct {
	Audited
	Files []LintedFile
}

// A LintedFile is one file of a server: pg_hba.conf, or pg_ident.conf.
type LintedFile struct {
	Name    string
	Version int
	Records int
	Errors  []hba.Error
	// Skipped are lines that PgBouncer passes over, whose file it is where PgBouncer says so.
	Skipped   []hba.Error
	PgBouncer bool
	// Ident says that it is pg_ident.conf.
	Ident bool
}

// Write prints all in one of AuditFormats. The refused lines are findings, too, in
// formats for programs nothing else.
func (l *Linted) Write(out io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(out, l.json())
	case "table", "md":
		t := newText(out, format == "md")
		for _, f := range l.Files {
			l.loading(t, f, format == "md")
		}
		if t.err != nil {
			return t.err
		}
	}
	return l.Audited.Write(out, format)
}

// loading tells what a server makes of the file.
func (l *Linted) loading(t *text, f LintedFile, markdown bool) {
	item := "  "
	if markdown {
		item = "- "
	}
	load := f.json()
	switch {
	case load.Refused == 0 && load.NotKnown == 0:
		t.line("%s: %s loads it, %s", f.Name, f.reader(), counted(f.Records, f.entry()))
		f.skipped(t, item)
		t.line("")
		return
	case load.Refused == 0:
		t.line("%s: whether %s loads it is not known", f.Name, f.reader())
	case len(f.Errors) == 1 && f.Errors[0].Line == 0: // it is about no line
		t.line("%s: %s refuses the file", f.Name, f.reader())
	default:
		t.line("%s: %s refuses %s", f.Name, f.reader(), counted(load.Refused, "line"))
	}
	for _, e := range load.Errors {
		t.line("%s%s", item, e.at(f.Name))
		if e.Raw != "" {
			t.line("%s    %s", strings.Repeat(" ", len(item)), e.Raw)
		}
	}
	if load.Reload != "" {
		t.line("%sreload: %s", item, load.Reload)
		t.line("%sstart: %s", item, load.Start)
	}
	t.line("")
}

// skipped tells of the lines that PgBouncer passes over.
func (f *LintedFile) skipped(t *text, item string) {
	if len(f.Skipped) == 0 {
		return
	}
	t.line("%s passes over %s, with a warning in its log:", f.reader(), counted(len(f.Skipped), "line"))
	for _, e := range f.json().Skipped {
		t.line("%s%s", item, e.at(f.Name))
		t.line("%s    %s", strings.Repeat(" ", len(item)), e.Raw)
	}
}

// reader is the program that reads the file.
func (f *LintedFile) reader() string {
	if f.PgBouncer {
		return "PgBouncer"
	}
	return fmt.Sprintf("PostgreSQL %d", f.Version)
}

func (f *LintedFile) entry() string {
	if f.Ident {
		return "mapping"
	}
	return "rule"
}

// lintJSON is the audit with what servers make of the files.
type lintJSON struct {
	Files []lintedJSON `json:"files"`
	auditJSON
}

type lintedJSON struct {
	File string `json:"file"`
	// Version is PostgreSQL's major version; zero for a file of PgBouncer.
	Version int `json:"version"`
	// Refused lines keep the file from loading; of NotKnown ones it is not known.
	Refused  int               `json:"refused"`
	NotKnown int               `json:"notKnown"`
	Errors   []refusedLineJSON `json:"errors"`
	// Skipped lines are those that PgBouncer passes over.
	Skipped []refusedLineJSON `json:"skipped,omitempty"`
	// Reload and Start say what the server does then; empty where it loads the file.
	Reload string `json:"reload,omitempty"`
	Start  string `json:"start,omitempty"`
}

type refusedLineJSON struct {
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	Raw   string `json:"raw,omitempty"` // without secrets
	Error string `json:"error"`
	Known bool   `json:"known"` // false where the server may well take the line
}

func (l *Linted) json() lintJSON {
	out := lintJSON{Files: []lintedJSON{}, auditJSON: l.Audited.json()}
	for _, f := range l.Files {
		out.Files = append(out.Files, f.json())
	}
	return out
}

func (f *LintedFile) json() lintedJSON {
	out := lintedJSON{File: f.Name, Version: f.Version, Errors: []refusedLineJSON{}}
	if f.PgBouncer {
		out.Version = 0
	}
	for _, e := range f.Skipped {
		raw, message := e.Shown()
		out.Skipped = append(out.Skipped, refusedLineJSON{e.File, e.Line, raw, message, true})
	}
	fatal := false
	for _, e := range f.Errors {
		raw, message := e.Shown()
		out.Errors = append(out.Errors, refusedLineJSON{e.File, e.Line, raw, message, !e.Missing})
		if e.Missing {
			out.NotKnown++
		} else {
			out.Refused++
		}
		fatal = fatal || e.Fatal
	}
	switch {
	case out.Refused == 0:
	case fatal:
		out.Reload, out.Start = "the server ends", "the server ends"
	case f.Ident:
		out.Reload, out.Start = "refused, the maps in force stay", "the server starts without any map"
	default:
		out.Reload, out.Start = "refused, the rules in force stay", "the server does not start"
	}
	return out
}

// at names the place of a line as compilers do.
func (e *refusedLineJSON) at(name string) string {
	if e.File != "" {
		name = e.File
	}
	words := e.Error
	if !e.Known {
		words = "not known: " + words
	}
	if e.Line == 0 {
		return name + ": " + words
	}
	return fmt.Sprintf("%s:%d: %s", name, e.Line, words)
}

// LintedFiles lists the files of a server, its pg_ident.conf only where it was read.
func LintedFiles(s *snapshot.Server, name, ident string) []LintedFile {
	out := []LintedFile{{Name: name, Version: major(s.Version), Records: len(s.HBA.Records), Errors: s.HBA.Errors,
		Skipped: s.HBA.Skipped, PgBouncer: s.HBA.Dialect == hba.PgBouncer}}
	if ident != "" {
		out = append(out, LintedFile{Name: ident, Version: major(s.Version), Records: len(s.Maps.Mappings), Errors: s.Maps.Errors, Ident: true})
	}
	return out
}

func major(version int) int {
	if version == 0 {
		return hba.Newest
	}
	return version
}
