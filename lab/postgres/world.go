//go:build linux

package postgres

import (
	"crypto/md5" //nolint:gosec // what PostgreSQL's md5 secrets are made with
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
)

// A world is the roles and databases that the server has.
type world struct {
	roles       map[string]hbacase.Role
	memberships map[hbacase.Membership]bool
	databases   map[string]bool
}

// newWorld is what initdb made, with nothing of the lab's own.
func newWorld() world {
	return world{
		roles:       map[string]hbacase.Role{},
		memberships: map[hbacase.Membership]bool{},
		databases:   map[string]bool{"postgres": true},
	}
}

func (w world) empty() bool { return w.databases == nil }

// template1 and template0 stay, whatever a case says: nothing can be made without one.
var templates = []string{"template0", "template1"}

// become makes the server's roles, memberships and databases those of the case. Only
// what differs is touched.
func (s *server) become(want hbacase.Server) error {
	roles := map[string]hbacase.Role{}
	for _, r := range want.Roles {
		if r.Name == labRole || len(r.Name) > 63 || r.Name == "" {
			return cannot("a role cannot be called %q here", r.Name)
		}
		roles[r.Name] = r
	}
	var sql []string
	for name, old := range s.world.roles {
		if r, kept := roles[name]; !kept || !sameRole(old, r) {
			sql = append(sql, s.forget(name)...)
		}
	}
	for name, r := range roles {
		if _, there := s.world.roles[name]; !there {
			sql = append(sql, createRole(r)...)
			s.world.roles[name] = r
		}
	}
	sql = append(sql, s.grants(want.Memberships)...)
	if len(sql) > 0 {
		if _, err := s.control.Query(strings.Join(sql, ";")); err != nil {
			return s.lost("roles", err)
		}
	}
	return s.becomeDatabases(want.Databases)
}

// lost makes the next case begin with a new server: what this one has is not known.
func (s *server) lost(what string, err error) error {
	s.stop()
	s.world = world{}
	return cannot("%s: %w", what, err)
}

func sameRole(a, b hbacase.Role) bool {
	pa, pb := a.Password, b.Password
	a.Password, b.Password = nil, nil
	return a == b && (pa == nil) == (pb == nil) && (pa == nil || *pa == *pb)
}

// forget drops a role and what it was granted.
func (s *server) forget(name string) []string {
	delete(s.world.roles, name)
	for m := range s.world.memberships {
		if m.Role == name || m.Member == name {
			delete(s.world.memberships, m)
		}
	}
	if predefined(name) {
		return nil
	}
	return []string{"drop role " + ident(name)}
}

// predefined roles are there already and cannot be made.
func predefined(name string) bool { return strings.HasPrefix(name, "pg_") }

func createRole(r hbacase.Role) []string {
	if predefined(r.Name) {
		return nil
	}
	sql := "create role " + ident(r.Name)
	for option, set := range map[string]bool{
		"login": r.Login, "superuser": r.Superuser, "replication": r.Replication, "createrole": r.CreateRole,
	} {
		if set {
			sql += " " + option
		}
	}
	if r.Password != nil {
		sql += " password " + literal(secret(r.Name, *r.Password))
	}
	if r.Expired {
		sql += " valid until '2000-01-01'"
	}
	return []string{sql}
}

// secret is a stored secret of the kind. Nobody logs in with it.
func secret(role, kind string) string {
	if kind == "md5" {
		sum := md5.Sum([]byte("secret" + role)) //nolint:gosec // as above
		return "md5" + hex.EncodeToString(sum[:])
	}
	const salt, key = "MDEyMzQ1Njc4OWFiY2RlZg==", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	return "SCRAM-SHA-256$4096:" + salt + "$" + key + ":" + key
}

// grants brings the memberships to what is wanted.
func (s *server) grants(want []hbacase.Membership) []string {
	var sql []string
	for old := range s.world.memberships {
		if !slices.Contains(want, old) {
			delete(s.world.memberships, old)
			sql = append(sql, "revoke "+ident(old.Role)+" from "+ident(old.Member))
		}
	}
	for _, m := range want {
		if s.world.memberships[m] {
			continue
		}
		s.world.memberships[m] = true
		grant := "grant " + ident(m.Role) + " to " + ident(m.Member)
		switch {
		case s.version >= 16:
			grant += fmt.Sprintf(" with admin %t, inherit %t, set %t", m.Admin, m.Inherit, m.Set)
		case m.Admin:
			grant += " with admin option"
		}
		sql = append(sql, grant)
	}
	return sql
}

func (s *server) becomeDatabases(want []string) error {
	for name := range s.world.databases {
		if !slices.Contains(want, name) {
			if _, err := s.control.Query("drop database " + ident(name) + " with (force)"); err != nil {
				return s.lost("databases", err)
			}
			delete(s.world.databases, name)
		}
	}
	for _, name := range want {
		if s.world.databases[name] || slices.Contains(templates, name) {
			continue
		}
		if name == labDatabase || len(name) > 63 || name == "" {
			return cannot("a database cannot be called %q here", name)
		}
		if _, err := s.control.Query("create database " + ident(name) + " template template0"); err != nil {
			return s.lost("databases", err)
		}
		s.world.databases[name] = true
	}
	return nil
}

func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
