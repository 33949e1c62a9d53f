package hbacase

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/role"
)

// RoleSet returns the roles with their memberships, and with the predefined roles that
// every server of the version has. A role that only a membership names is one, too. A
// secret of a kind that is not known or a role without a name is an error.
func (s *Server) RoleSet() (*role.Set, error) {
	var roles []role.Role
	for _, name := range predefined(cmp.Or(s.Version, hba.Newest)) {
		roles = append(roles, role.Role{Name: name})
	}
	for i, m := range s.Memberships {
		if m.Role == "" || m.Member == "" {
			return nil, fmt.Errorf("memberships[%d]: role or member is missing", i)
		}
		roles = append(roles, role.Role{Name: m.Role}, role.Role{Name: m.Member})
	}
	for i, r := range s.Roles {
		secret, err := secretOf(r.Password)
		if err != nil || r.Name == "" {
			return nil, fmt.Errorf("roles[%d]: %w", i, cmp.Or(err, errors.New("name is missing")))
		}
		roles = append(roles, role.Role{Name: r.Name, Login: r.Login, Superuser: r.Superuser, Replication: r.Replication,
			CreateRole: r.CreateRole, Expired: r.Expired, Secret: secret})
	}
	set := role.New(roles...)
	for _, group := range []string{"pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"} {
		set.Grant(group, "pg_monitor")
	}
	for _, m := range s.Memberships {
		set.Grant(m.Role, m.Member)
	}
	return set.Close(), nil
}

func secretOf(kind *string) (role.Secret, error) {
	switch {
	case kind == nil:
		return role.NoSecret, nil
	case *kind == "scram-sha-256":
		return role.SCRAM, nil
	case *kind == "md5":
		return role.MD5, nil
	}
	return role.NoSecret, errors.New("password is neither \"scram-sha-256\" nor \"md5\": want the kind of the secret, not the secret")
}

// predefined are the roles that initdb makes (PostgreSQL manual, "Predefined Roles").
func predefined(version int) []string {
	out := []string{"pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables", "pg_signal_backend",
		"pg_read_server_files", "pg_write_server_files", "pg_execute_server_program"}
	for _, since := range []struct {
		version int
		roles   []string
	}{
		{14, []string{"pg_read_all_data", "pg_write_all_data", "pg_database_owner"}}, {15, []string{"pg_checkpoint"}},
		{16, []string{"pg_use_reserved_connections", "pg_create_subscription"}}, {17, []string{"pg_maintain"}},
		{18, []string{"pg_signal_autovacuum_worker"}},
	} {
		if version >= since.version {
			out = append(out, since.roles...)
		}
	}
	return out
}
