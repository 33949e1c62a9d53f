// Package role holds a server's roles and who is a member of which, as pg_hba.conf
// and pg_ident.conf ask about them.
package role

import "slices"

// Secret is the kind of a stored password.
type Secret uint8

// The kinds; the zero value is no password.
const (
	NoSecret Secret = iota
	MD5
	SCRAM
)

// A Role is what pg_authid says of one role.
type Role struct {
	Name                                      string
	Login, Superuser, Replication, CreateRole bool
	Secret                                    Secret
	// Expired says that VALID UNTIL is over: the secret counts as none.
	Expired bool
}

// A Set is all roles of a server, with memberships. Nil is a server of which
// nothing is known, which is not the same as one without roles.
type Set struct {
	roles map[string]*entry
	names []string // in the order in which they were added
}

type entry struct {
	Role
	memberOf []string
	closure  []string // sorted, with the role itself; nil until asked for
}

// New returns the set of these roles. Of two with one name the later counts.
func New(roles ...Role) *Set {
	s := &Set{roles: map[string]*entry{}}
	for _, r := range roles {
		if _, ok := s.roles[r.Name]; !ok {
			s.names = append(s.names, r.Name)
		}
		s.roles[r.Name] = &entry{Role: r}
	}
	return s
}

// Grant makes member a member of group, whatever options the grant has: INHERIT,
// SET and ADMIN do not matter to pg_hba.conf (acl.c is_member_of_role_nosuper).
// Where either is no role, nothing changes.
func (s *Set) Grant(group, member string) {
	m, ok := s.roles[member]
	if _, exists := s.roles[group]; !ok || !exists {
		return
	}
	m.memberOf = append(m.memberOf, group)
	for _, e := range s.roles {
		e.closure = nil
	}
}

// Close works out all memberships, so that later questions change nothing and may
// be asked by many at once.
func (s *Set) Close() *Set {
	for _, name := range s.names {
		s.Groups(name)
	}
	return s
}

// Names returns the roles in the order in which they were added.
func (s *Set) Names() []string { return s.names }

// Lookup returns a role.
func (s *Set) Lookup(name string) (Role, bool) {
	e, ok := s.roles[name]
	if !ok {
		return Role{}, false
	}
	return e.Role, true
}

// Groups returns the roles that a role is a member of, directly or not, sorted and
// with itself; none for a role that does not exist. Never nil.
func (s *Set) Groups(name string) []string {
	e, ok := s.roles[name]
	if !ok {
		return []string{}
	}
	if e.closure == nil {
		seen := map[string]bool{name: true}
		for todo := []string{name}; len(todo) > 0; todo = todo[1:] {
			for _, g := range s.roles[todo[0]].memberOf {
				if !seen[g] {
					seen[g] = true
					todo = append(todo, g)
				}
			}
		}
		for g := range seen {
			e.closure = append(e.closure, g)
		}
		slices.Sort(e.closure)
	}
	return e.closure
}

// Member reports whether a role is a member of the group. "A role is a member of
// itself", superusers are not members by being superuser, and where either role
// does not exist there is no membership.
func (s *Set) Member(name, group string) bool {
	_, found := slices.BinarySearch(s.Groups(name), group)
	return found
}
