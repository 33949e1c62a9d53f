package hbarules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1013 finds @files that hold nothing. Where a field has nothing else, the fields
// behind it move to the left, and the line means something else altogether.
var HBA1013 = &audit.Rule{
	ID:       "HBA1013",
	Title:    "an empty @file moves the fields behind it",
	Severity: audit.Critical,
	Why: `An @file stands for the names in it. Where it holds none, because it is empty, or all
comments, or a directory, which since 14 is only logged, the field vanishes and those
behind it move up: "host @databases all 10.0.0.0/8 trust" is then read as database
all, user 10.0.0.0/8, address trust. What comes of that is a refused file, or a door.`,
	Bad: `-- pg_hba.conf --
host @databases all all 127.0.0.1 255.255.255.255 scram-sha-256
host all all all reject
-- databases --
# none yet
`,
	Good: `-- pg_hba.conf --
host @databases all 127.0.0.1 255.255.255.255 scram-sha-256
host all all all reject
-- databases --
ledger
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, f := range files(p.World) {
			if !f.postgres() || f.server.Source == nil {
				continue // of what a manifest names no file is known, which HBA1009 says
			}
			for i := range f.hba.Records {
				r := &f.hba.Records[i]
				f.empty(p, r.File, r.Raw, r.Origin, "it is read as "+words.Quoted(r))
			}
			for _, e := range f.hba.Errors {
				_, message := e.Shown()
				f.empty(p, e.File, e.Raw, e.Origin, "the server refuses what is left: "+message)
			}
		}
	},
}

// empty reports the @files of a line that hold nothing; now is what that makes of it.
func (f file) empty(p *audit.Pass, path, raw string, at verdict.Origin, now string) {
	if !strings.Contains(raw, "@") {
		return
	}
	whole := &named{}
	wanted := f.cut(path, raw, whole)
	left := f.cut(path, raw, f.server.Source.Files)
	if wanted == nil || left == nil || left.Error != "" {
		return
	}
	for _, name := range whole.paths {
		why := f.holdsNothing(name)
		if why == "" {
			continue
		}
		out := audit.Finding{Subject: f.ref, Origin: at, Certain: true, Fix: "write names into " + name + ", or the names into the line"}
		if len(left.Fields) < len(wanted.Fields) {
			out.Message = fmt.Sprintf("%s, which the line names, %s: the field vanishes, those behind it move to the left, and %s", name, why, now)
		} else {
			out.Severity = audit.Medium
			out.Message = fmt.Sprintf("%s, which the line names, %s: it adds nobody to the list", name, why)
		}
		p.Report(out)
	}
}

// cut reads one line with the files at hand.
func (f file) cut(path, raw string, files authfile.Files) *authfile.Line {
	lines := authfile.Tokenize(authfile.Input{Version: f.version(), Path: path, Sources: []authfile.Source{{Text: raw}}, Files: files})
	if len(lines) != 1 {
		return &authfile.Line{}
	}
	return &lines[0]
}

// holdsNothing says why a file has no token in it.
func (f file) holdsNothing(path string) string {
	files := f.server.Source.Files
	text, err := files.Read(path)
	switch {
	case errors.Is(err, authfile.ErrIsDirectory):
		return "is a directory"
	case err != nil:
		return ""
	}
	lines := authfile.Tokenize(authfile.Input{Version: f.version(), Path: path, Sources: []authfile.Source{{Text: text}}, Files: files})
	if len(lines) > 0 {
		return ""
	}
	return "holds no name"
}

// named is files of one token each; it keeps the paths that are asked for.
type named struct{ paths []string }

func (n *named) Read(path string) (string, error) {
	n.paths = append(n.paths, path)
	return "x", nil
}

func (n *named) List(string) ([]string, error) { return nil, nil }
