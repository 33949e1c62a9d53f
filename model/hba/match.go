package hba

import "strings"

// Match asks whether the record is about the session; version is the file's. A
// record matches when its type, address, database and user all do (hba.c
// check_hba); one No decides, whatever is not known of the others.
func (r Record) Match(s Session, version int) Match {
	version = major(version)
	out := Yes
	for _, m := range []func() Match{
		func() Match { return yes(r.Type.matches(s)) },
		func() Match { return r.address(s) },
		func() Match { return anyOf(r.Databases, func(t Token) Match { return t.database(s, version) }) },
		func() Match { return anyOf(r.Users, func(t Token) Match { return t.user(s, version) }) },
	} {
		switch m() {
		case No:
			return No
		case Unsure:
			out = Unsure
		}
	}
	return out
}

// matches: GSS-encrypted TCP counts as without TLS, TLS or plain as without GSS.
func (t Type) matches(s Session) bool {
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

func (r Record) address(s Session) Match {
	if r.Type == Local {
		return Yes
	}
	return r.Address.match(s.Client)
}

// database asks one token of the database list (hba.c check_db).
func (t Token) database(s Session, version int) Match {
	if s.Replication { // "all" does not match, and no expression does
		return yes(t.is("replication"))
	}
	switch {
	case t.is("all"):
		return Yes
	case t.is("sameuser"):
		return s.Database.same(s.User)
	case t.is("samegroup"), t.is("samerole"):
		return s.member(s.Database)
	case t.is("replication"):
		return No
	}
	return t.name(s.Database, version)
}

// user asks one token of the user list (hba.c check_role).
func (t Token) user(s Session, version int) Match {
	group, plus := strings.CutPrefix(t.Text, "+")
	switch {
	case plus && !t.Quoted && group == "": // "+" alone matches nobody
		return No
	case plus && !t.Quoted:
		return s.member(Name{text: group})
	case t.is("all"):
		return Yes
	}
	return t.name(s.User, version)
}

// name compares a token with a name: from 16 on one that starts with a slash is an
// expression, quoted or not; before, it is a name like others.
func (t Token) name(n Name, version int) Match {
	if expr, ok := strings.CutPrefix(t.Text, "/"); ok && version >= 16 {
		return matchRegex(expr, n)
	}
	return n.equals(t.Text)
}
