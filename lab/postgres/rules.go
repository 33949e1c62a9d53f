//go:build linux

package postgres

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/lab/wire"
)

// rules answers a case about files.
func (s *server) rules(c hbacase.Case) (Rules, error) {
	var out Rules
	if err := s.prepare(c.Server); errors.Is(err, errCrashed) {
		out.Crashed = true
		return out, nil
	} else if err != nil {
		return out, err
	}
	out.Load = s.loaded.load
	for _, l := range s.loaded.log {
		out.Log = append(out.Log, s.mapped(l, c.Server.Dir))
	}
	if err := s.view("pg_hba_file_rules", c.Server.Dir, &out.Rules.Rules); err != nil {
		return out, err
	}
	if s.version < 15 {
		return out, nil
	}
	return out, s.view("pg_ident_file_mappings", c.Server.Dir, &out.Mappings)
}

// view reads all rows of a view. Where the server cannot read the file there are none.
func (s *server) view(name, dir string, into any) error {
	rows, err := s.control.Query("select coalesce(json_agg(row_to_json(v)), '[]') from " + name + " v")
	var refused *wire.Error
	switch {
	case errors.As(err, &refused) && refused.SQLState == "58P01": // no such file
		return nil
	case errors.As(err, &refused):
		return cannot("%s: %w", name, err)
	case err != nil:
		return s.lost(name, err)
	}
	quoted, err := json.Marshal(dir)
	if err != nil {
		return err
	}
	text := s.mapped(strings.Join(rows, ""), string(quoted[1:len(quoted)-1]))
	return json.Unmarshal([]byte(text), into)
}

// mapped puts the case's directory in place of the real one.
func (s *server) mapped(text, dir string) string {
	return strings.ReplaceAll(text, s.conf(), dir)
}

// rule returns the record that the server has at a place, nil where that is not plain.
func (s *server) rule(c hbacase.Case, file string, line int) (*hbacase.Rule, error) {
	if s.loaded.rules == nil {
		if err := s.view("pg_hba_file_rules", c.Server.Dir, &s.loaded.rules); err != nil {
			return nil, err
		}
	}
	var found *hbacase.Rule
	for i, r := range s.loaded.rules {
		if r.LineNumber != line || r.FileName != nil && *r.FileName != file || r.Type == nil {
			continue
		}
		if found != nil {
			return nil, nil // one file included twice, and no telling which
		}
		found = &s.loaded.rules[i]
	}
	return found, nil
}
