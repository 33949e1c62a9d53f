package hbafile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/model/role"
)

// Query prints what Roles reads, with psql -XAt. It needs a superuser, or SELECT on
// pg_authid; what the secrets are is not printed, only their kind.
const Query = `SELECT json_build_object(
  'roles', (SELECT json_agg(json_build_object('name', rolname, 'login', rolcanlogin, 'superuser', rolsuper,
    'replication', rolreplication, 'createrole', rolcreaterole, 'expired', coalesce(rolvaliduntil < now(), false),
    'password', CASE WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256'
                     WHEN rolpassword LIKE 'md5%' THEN 'md5' END) ORDER BY rolname) FROM pg_authid),
  'memberships', (SELECT coalesce(json_agg(json_build_object('role', g.rolname, 'member', m.rolname)
      ORDER BY g.rolname, m.rolname), '[]')
    FROM pg_auth_members a JOIN pg_authid g ON g.oid = a.roleid JOIN pg_authid m ON m.oid = a.member))`

// Roles reads all roles of a server: JSON as Query prints it.
func Roles(path string, in io.Reader) (*role.Set, error) {
	text, err := Open(path, in)
	if err != nil {
		return nil, err
	}
	var s hbacase.Server
	d := json.NewDecoder(bytes.NewReader([]byte(text.Text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.Roles == nil {
		return nil, fmt.Errorf("%s: there is no \"roles\" in it; pgmoat hba --help has the query that prints it", path)
	}
	set, err := s.RoleSet()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return set, nil
}
