package stackgres

import (
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A rendering is pg_hba.conf under way; Patroni writes two lines of comment first.
type rendering []hba.Source

func (r *rendering) appended(lines ...string) {
	for _, text := range lines {
		*r = append(*r, hba.Source{Text: text, Origin: verdict.Origin{
			File: "pg_hba.conf", Line: len(*r) + 1, Note: "appended by the operator",
		}})
	}
}

// hba renders pg_hba.conf: the user's lines, then catch-alls that nothing switches
// off [sg F/cluster/patroni/PatroniConfigEndpoints.java@1.18.6].
func (c *cluster) hba() hba.File {
	r := &rendering{}
	r.appended("#", "#")
	for i, text := range c.spec.Configurations.Patroni.DynamicConfig.PostgreSQL.HBA {
		at := c.at("spec.configurations.patroni.dynamicConfig.postgresql.pg_hba[%d]", i)
		for part := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			*r = append(*r, hba.Source{Text: part, Origin: at})
		}
	}
	r.appended(
		"local all all trust",
		"host all all 127.0.0.1/32 md5",
		"host all all ::1/128 md5",
		"local replication all trust",
		"host all all 0.0.0.0/0 md5",
		"host all all ::/0 md5",
		"host replication replicator 0.0.0.0/0 md5",
		"host replication replicator ::/0 md5")
	f := hba.Parse(*r, c.server.Version)
	if c.spec.Configurations.Credentials.Users.Replication.Username != nil {
		f.Errors = append(f.Errors, hba.Error{
			Line: len(*r) - 1, Message: "the name of the replication role is in a Secret", Missing: true,
			Origin: c.at("spec.configurations.credentials.users.replication.username"),
		})
	}
	return f
}
