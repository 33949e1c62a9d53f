package hba

import "strings"

// ParseIdent reads a pg_ident.conf as the server of this major version does. A file
// without mappings is fine: no map exists.
func ParseIdent(lines []Source, version int) IdentFile {
	f := IdentFile{Version: version}
	for _, l := range logical(lines, major(version)) {
		fs, fault := l.fields(major(version))
		if fault == nil && len(fs) == 0 {
			continue
		}
		var m Mapping
		if fault == nil {
			m, fault = parseMapping(fs, l, major(version))
		}
		if fault != nil {
			f.Errors = append(f.Errors, fault.at(l))
			continue
		}
		f.Mappings = append(f.Mappings, m)
	}
	return f
}

// parseMapping takes three fields of one token each; further ones are ignored.
func parseMapping(fs [][]Token, l line, version int) (Mapping, *fault) {
	m := Mapping{Line: l.number, Origin: l.Origin}
	for i := range 3 {
		if i >= len(fs) {
			return m, refused("missing entry at end of line")
		}
		if len(fs[i]) > 1 {
			return m, refused("multiple values in ident field")
		}
	}
	m.Map, m.System, m.Role = fs[0][0].Text, fs[1][0], fs[2][0]
	for i, t := range []Token{m.System, m.Role} {
		if strings.HasPrefix(t.Text, "/") && (i == 0 || version >= 16) {
			if fault := checkRegex(t.Text); fault != nil {
				return m, fault
			}
		}
	}
	return m, nil
}

// MapUser says whether the system user may log in as the role.
//
// Without a map the two have to be the same name. With one, any of its lines may
// allow it, and a map without lines allows nobody (hba.c check_usermap). Member is
// as in a Session. A file with errors leaves the maps of before, or none: Unsure.
func MapUser(f IdentFile, mapName, systemUser string, role Name, member func(role, group string) Match) Match {
	if mapName == "" {
		return role.same(Named(systemUser))
	}
	if len(f.Errors) > 0 {
		return Unsure
	}
	s := Session{User: role, Member: member}
	out := No
	for _, m := range f.Mappings {
		if m.Map != mapName {
			continue
		}
		switch m.match(systemUser, s, major(f.Version)) {
		case Yes:
			if out == Unsure && stops(f.Mappings, mapName) {
				return Unsure
			}
			return Yes
		case Unsure:
			out = Unsure
		}
	}
	return out
}

// stops reports whether some line may end the search: one with \1 for the role
// whose expression has no group refuses, "and no further line is tried".
func stops(ms []Mapping, mapName string) bool {
	for _, m := range ms {
		if m.Map == mapName && strings.HasPrefix(m.System.Text, "/") && strings.Contains(m.Role.Text, `\1`) {
			return true
		}
	}
	return false
}

// match asks one line (hba.c check_ident_usermap).
func (m Mapping) match(systemUser string, s Session, version int) Match {
	expr, isExpr := strings.CutPrefix(m.System.Text, "/")
	if !isExpr {
		if m.System.Text != systemUser {
			return No
		}
		return m.role(s, version)
	}
	system := matchRegex(expr, Name{text: systemUser})
	switch {
	case system == No:
		return No
	case strings.Contains(m.Role.Text, `\1`): // what the group holds is not worked out
		return Unsure
	case system == Unsure:
		if m.role(s, version) == No {
			return No
		}
		return Unsure
	}
	return m.role(s, version)
}

// role asks the third field: a plain name before 16, then a token as in the user
// list of pg_hba.conf.
func (m Mapping) role(s Session, version int) Match {
	if version < 16 {
		return s.User.equals(m.Role.Text)
	}
	return m.Role.user(s, version)
}
