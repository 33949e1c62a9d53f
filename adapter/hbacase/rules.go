package hbacase

import (
	"encoding/json"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
)

// Loaded is the word for what a server makes of a file with these errors: "unknown"
// where all of them are ours.
func Loaded(errors []hba.Error) string {
	if len(errors) == 0 {
		return "loaded"
	}
	for _, e := range errors {
		if !e.Missing {
			return "rejected"
		}
	}
	return "unknown"
}

func (s *server) rules(id json.RawMessage) Rules {
	out := Rules{ID: id, Rules: RulesOf(s.login.HBA), Mappings: MappingsOf(s.login.Maps)}
	out.Load = Load{HBA: Loaded(s.login.HBA.Errors), Ident: Loaded(s.login.Maps.Errors)}
	return out
}

// RulesOf returns the rows of pg_hba_file_rules; secrets are in them as on a server.
func RulesOf(f hba.File) []Rule {
	out := []Rule{}
	for _, row := range f.Rows() {
		rule := Rule{LineNumber: row.Line, Error: optional(row.Error)}
		if f.Version == 0 || f.Version >= 16 {
			rule.FileName, rule.RuleNumber = optional(row.File), number(row.Number)
		}
		if r := row.Record; r != nil {
			rule.record(r)
		}
		out = append(out, rule)
	}
	return out
}

func number(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func (rule *Rule) record(r *hba.Record) {
	kind := r.Type.String()
	address, mask := r.AddressColumns()
	rule.Type, rule.AuthMethod, rule.Options = &kind, &r.Method, r.OptionColumn()
	rule.Database, rule.UserName = texts(r.Databases), texts(r.Users)
	if r.Type != hba.Local {
		rule.Address = &address
	}
	rule.Netmask = optional(mask)
}

func texts(tokens []hba.Token) []string {
	out := make([]string, len(tokens))
	for i, t := range tokens {
		out[i] = t.Text
	}
	return out
}

// MappingsOf returns the rows of pg_ident_file_mappings, which came with 15.
func MappingsOf(f ident.File) []Mapping {
	out := []Mapping{}
	if f.Version != 0 && f.Version < 15 {
		return out
	}
	for _, row := range f.Rows() {
		m := Mapping{LineNumber: row.Line, Error: optional(row.Error)}
		if f.Version == 0 || f.Version >= 16 {
			m.FileName, m.MapNumber = optional(row.File), number(row.Number)
		}
		if in := row.Mapping; in != nil {
			m.MapName, m.SysName, m.PGUserName = &in.Map, &in.System.Text, &in.Role.Text
		}
		out = append(out, m)
	}
	return out
}
