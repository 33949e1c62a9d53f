package hba

// A Session is an attempt as pg_hba.conf sees it.
type Session struct {
	// Local is a Unix socket; TLS and GSS are how a TCP connection is encrypted.
	// Neither is plain text.
	Local, TLS, GSS bool
	// Client is where a TCP connection comes from.
	Client Client
	// Database is ignored for physical replication. A client that names none gets
	// that of the role's name; say so here.
	Database Name
	User     Name
	// Replication is physical replication (replication=true). Logical replication is
	// a session of its database like any other.
	Replication bool
	// Member says whether the role is a member of the group, directly or not,
	// whatever options the grant has. A role that exists is a member of itself, and
	// superusers are not members by being superuser (acl.c
	// is_member_of_role_nosuper). Nil: nothing is known of memberships.
	Member func(role, group string) Match
	// Groups are all groups that Member says Yes to for the user; an Index asks records
	// of +group by it. Nil: it is not known which those are.
	Groups []string
}

// A Name is what the client gives as database or user. The zero value is a name
// that is not known.
type Name struct {
	text  string
	other bool
}

// nameLen is NAMEDATALEN-1: longer names of the startup packet are cut.
const nameLen = 63

// Named returns a name; one longer than 63 bytes is cut, as the server does before
// it looks at the rules. The empty name is not known.
func Named(text string) Name { return Name{text: text[:min(len(text), nameLen)]} }

// AnyOther returns the class of all names that no manifest mentions, this file
// included.
func AnyOther() Name { return Name{other: true} }

// String returns the name, "(any other)" or "(unknown)".
func (n Name) String() string {
	switch {
	case n.other:
		return "(any other)"
	case n.text == "":
		return "(unknown)"
	}
	return n.text
}

// named reports whether it is known which records name it: none, for any other name.
func (n Name) named() bool { return n.known() || n.other }

func (n Name) known() bool { return n.text != "" }

// Equals asks whether the name is the literal.
func (n Name) Equals(literal string) Match {
	switch {
	case n.other:
		return No
	case !n.known():
		return Unsure
	}
	return yes(n.text == literal)
}

// same asks whether two names are one; any other database may well have the name
// of a role that some manifest mentions.
func (n Name) same(o Name) Match {
	if !n.known() || !o.known() {
		return Unsure
	}
	return yes(n.text == o.text)
}

// member asks for the membership of the user in the group.
func (s *Session) member(group Name) Match {
	if s.Member == nil || !s.User.known() || !group.known() {
		return Unsure
	}
	return s.Member(s.User.text, group.text)
}
