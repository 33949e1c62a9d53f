// Package rolerules holds the rules about roles, passwords, Secrets and who may become a superuser.
package rolerules

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Rules are the family's, in the order of their numbers.
var Rules = []*audit.Rule{ROL1001, ROL1002, ROL1003, ROL1004, ROL1005, ROL1006, ROL1007, ROL1008, ROL1009, ROL1010, ROL1011, ROL1012, ROL1013, ROL1014}

// written lists the roles of a server that a person asked for: neither the operator's own
// nor the superuser of initdb, of whom ROL1001 speaks, nor the people of a team, of whom
// ROL1011 does.
func written(s *snapshot.Server) []snapshot.Role {
	var out []snapshot.Role
	if s.Operator == snapshot.BareFile || s.Operator == snapshot.Plain {
		return nil
	}
	for _, r := range s.Roles {
		if r.Origin.Note == "" && r.Name != "postgres" && !strings.HasPrefix(r.Origin.Object, "PostgresTeam ") {
			out = append(out, r)
		}
	}
	return out
}

// attribute says where a role gets an attribute, in the words of its object.
func attribute(s *snapshot.Server, r snapshot.Role, name string) string {
	switch {
	case s.Operator == snapshot.Zalando:
		return fmt.Sprintf("spec:\n  users:\n    %s: []    # without %s", r.Name, strings.ToLower(name))
	case s.Operator == snapshot.StackGres:
		return fmt.Sprintf("ALTER ROLE %s NO%s;", r.Name, name)
	case s.Operator != snapshot.CloudNativePG:
		return fmt.Sprintf("spec:\n  users:\n    - name: %s\n      options: NO%s", r.Name, name)
	case strings.HasPrefix(r.Origin.Object, "DatabaseRole "):
		return fmt.Sprintf("spec:\n  %s: false", strings.ToLower(name))
	}
	return fmt.Sprintf("spec:\n  managed:\n    roles:\n      - name: %s\n        %s: false", r.Name, strings.ToLower(name))
}

// attributeField is where the attribute is written, which has a field of its own with
// CloudNativePG alone.
func attributeField(s *snapshot.Server, r snapshot.Role, name string) verdict.Origin {
	if s.Operator != snapshot.CloudNativePG {
		return r.Origin
	}
	return r.Origin.At("%s.%s", cmp.Or(r.Origin.Field, "spec"), name)
}

// fieldsOfRoles are how the fields of a role begin in a Cluster and in a DatabaseRole.
var fieldsOfRoles = regexp.MustCompile(`^spec\.(managed\.roles\[\d+\]\.)?`)

// ofRole reports whether the setting is a field of a role of CloudNativePG.
func ofRole(set snapshot.Setting, field string) bool {
	return fieldsOfRoles.FindString(set.Key)+field == set.Key
}

// beside is the value of another field of the same role.
func beside(s *snapshot.Server, set snapshot.Setting, field string) string {
	key := fieldsOfRoles.FindString(set.Key) + field
	for _, o := range s.Settings {
		if o.Key == key && o.Origin.Object == set.Origin.Object {
			return o.Value
		}
	}
	return ""
}

// A place is where something was told of already: several servers share an object.
type place struct {
	verdict.Origin
	key string
}

// once reports whether it is asked of a place for the first time.
func once(seen map[place]bool, at verdict.Origin, key string) bool {
	if seen[place{at, key}] {
		return false
	}
	seen[place{at, key}] = true
	return true
}
