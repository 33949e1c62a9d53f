package hba

// Match asks whether the record is about the session. A record matches when its
// type, address, database and user all do (hba.c check_hba); one No decides, whatever
// is not known of the others. One that may not be there is never sure to.
func (r *Record) Match(s *Session) Match {
	if !r.Type.matches(s) {
		return No
	}
	out := r.address(s)
	if out == No {
		return No
	}
	if r.Maybe != "" {
		out = Unsure
	}
	for _, m := range [...]Match{r.database(s), r.user(s)} {
		switch m {
		case No:
			return No
		case Unsure:
			out = Unsure
		}
	}
	return out
}

// matches: GSS-encrypted TCP counts as without TLS, TLS or plain as without GSS.
func (t Type) matches(s *Session) bool {
	switch t {
	case Local:
		return s.Local
	case Host:
		return !s.Local
	case HostSSL:
		return !s.Local && s.TLS
	case HostNoSSL:
		return !s.Local && !s.TLS
	case HostGSSEnc:
		return !s.Local && s.GSS
	case HostNoGSSEnc:
		return !s.Local && !s.GSS
	}
	return false
}

func (r *Record) address(s *Session) Match {
	if r.Type == Local {
		return Yes
	}
	return r.Address.match(&s.Client)
}

func (r *Record) database(s *Session) Match { return anyOf(r.Databases, s, matchDatabase) }

func (r *Record) user(s *Session) Match { return anyOf(r.Users, s, MatchUser) }

// anyOf is the answer of a list: one Yes is enough, then an Unsure leaves it open.
func anyOf(list []Token, s *Session, match func(*Token, *Session) Match) Match {
	out := No
	for i := range list {
		switch match(&list[i], s) {
		case Yes:
			return Yes
		case Unsure:
			out = Unsure
		}
	}
	return out
}

// matchDatabase asks one token of the database list (hba.c check_db).
func matchDatabase(t *Token, s *Session) Match {
	if s.Replication { // "all" does not match, and no expression does
		return yes(t.Is("replication"))
	}
	if !t.Quoted {
		switch t.Text {
		case "all":
			return Yes
		case "sameuser":
			return s.Database.same(s.User)
		case "samegroup", "samerole":
			return s.member(s.Database)
		case "replication":
			return No
		}
	}
	return matchName(t, s.Database)
}

// MatchUser asks one token of a user list (hba.c check_role), which from 16 on the
// third field of pg_ident.conf is, too.
func MatchUser(t *Token, s *Session) Match {
	if group, ok := t.Group(); ok {
		if group == "" { // "+" alone matches nobody
			return No
		}
		return s.member(Name{text: group})
	}
	if t.Is("all") {
		return Yes
	}
	return matchName(t, s.User)
}

// matchName compares a token with a name.
func matchName(t *Token, n Name) Match {
	if t.Regexp != nil {
		return matchRegex(t, n)
	}
	return n.Equals(t.Text)
}
