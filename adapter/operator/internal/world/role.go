package world

import "github.com/pgmoat/pgmoat/model/snapshot"

// Grants sets what an option of CREATE ROLE in capital letters says of a role; false where
// the option is none of those that matter here (PostgreSQL manual, "CREATE ROLE").
func Grants(r *snapshot.Role, option string) bool {
	switch option {
	case "SUPERUSER":
		r.Superuser = true
	case "REPLICATION":
		r.Replication = true
	case "BYPASSRLS":
		r.BypassRLS = true
	case "CREATEROLE":
		r.CreateRole = true
	case "NOLOGIN":
		r.NoLogin = true
	default:
		return false
	}
	return true
}
