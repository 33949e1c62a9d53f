package stackgres

import (
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A rendering is pg_hba.conf under way; Patroni writes two lines of comment first.
type rendering []hba.Source

func (r *rendering) appended(lines ...string) { r.maybe("", lines...) }

// maybe appends lines that are there or not; what is empty where they surely are.
func (r *rendering) maybe(what string, lines ...string) {
	for _, text := range lines {
		*r = append(*r, hba.Source{Text: text, Maybe: what, Origin: verdict.Origin{
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
		"host all all 0.0.0.0/0 md5")
	c.overIPv6(r, "host all all ::/0 md5")
	r.appended("host replication replicator 0.0.0.0/0 md5")
	c.overIPv6(r, "host replication replicator ::/0 md5")
	f := hba.Parse(*r, c.server.Version)
	return c.doubt(f, len(*r))
}

// overIPv6 appends a line that releases before 1.17 do not have. Which of 1.17 and
// 1.18 was the first to have it is not known; 1.18.6 has it
// [sg F/cluster/patroni/PatroniConfigEndpoints.java@1.18.6].
func (c *cluster) overIPv6(r *rendering, line string) {
	switch {
	case c.release.since(1, 17) == before:
	case c.release.since(1, 18, 6) == from:
		r.appended(line)
	default:
		r.maybe(versionFact, line)
		c.unsettled("whether pg_hba.conf has "+line, versionFact, "")
	}
}

// upgradedInTrust reports whether an SGDbOps upgraded PostgreSQL with a release that
// left lines behind which trust everybody.
func (c *cluster) upgradedInTrust() bool {
	if c.release.since(1, 13) != before {
		return false
	}
	for _, o := range c.w.Objects["SGDbOps."+group] {
		var in struct {
			Spec struct {
				SGCluster string `json:"sgCluster"`
				Op        string `json:"op"`
			} `json:"spec"`
		}
		if o.Decode(&in) == nil && o.Namespace == c.ref.Namespace && in.Spec.SGCluster == c.ref.Name && in.Spec.Op == "majorVersionUpgrade" {
			return true
		}
	}
	return false
}

// doubt adds what keeps the file from being known: a role that only a Secret names, and
// a file that PostgreSQL reads in its place.
func (c *cluster) doubt(f hba.File, last int) hba.File {
	if c.spec.Configurations.Credentials.Users.Replication.Username != nil {
		f.Errors = append(f.Errors, hba.Error{
			Line: last - 1, Message: "the name of the replication role is in a Secret", Missing: true,
			Origin: c.at("spec.configurations.credentials.users.replication.username"),
		})
	}
	if c.upgradedInTrust() {
		c.unsettled("whether pg_hba.conf trusts remote users", "what a major version upgrade left in pg_hba.conf: before 1.13 lines that ask for no password "+
			"(release notes 1.13.0)", "")
	}
	if other, set := c.parameters["hba_file"]; set {
		f.Errors = append(f.Errors, world.OtherFile("hba_file", other.value, other.origin))
	}
	return f
}
