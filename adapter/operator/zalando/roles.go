package zalando

import (
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func (c *cluster) databases() {
	names := []string{"postgres"}
	names = slices.AppendSeq(names, maps.Keys(c.spec.Databases))
	names = slices.AppendSeq(names, maps.Keys(c.prepared()))
	slices.Sort(names)
	c.server.Databases = slices.Compact(names)
}

// prepared are the databases of spec.preparedDatabases; an empty section is one that
// is named as the cluster [zal pkg/cluster/cluster.go initPreparedDatabaseRoles@1.15.1].
func (c *cluster) prepared() map[string]preparedDatabase {
	if c.spec.Prepared != nil && len(c.spec.Prepared) == 0 {
		return map[string]preparedDatabase{strings.ReplaceAll(c.obj.Name, "-", "_"): {}}
	}
	return c.spec.Prepared
}

// roles adds those of Spilo, of the operator, of the cluster and of teams, in the
// order in which the operator lets one of a name win.
func (c *cluster) roles() {
	c.systemRoles()
	c.spiloRoles()
	c.userRoles()
	for _, name := range slices.Sorted(maps.Keys(c.prepared())) {
		c.preparedRoles(name, c.prepared()[name])
	}
	c.ownerRoles()
	c.infrastructureRoles()
	c.teamRoles()
}

// addRole adds a role unless one of the name is known.
func (c *cluster) addRole(r snapshot.Role) {
	if r.Name != "" && !c.hasRole(r.Name) {
		c.server.Roles = append(c.server.Roles, r)
	}
}

func (c *cluster) hasRole(name string) bool {
	return slices.ContainsFunc(c.server.Roles, func(r snapshot.Role) bool { return r.Name == name })
}

// systemRoles are those that Patroni and the operator need [zal pkg/cluster/cluster.go
// initSystemUsers@1.15.1].
func (c *cluster) systemRoles() {
	c.addRole(snapshot.Role{Name: c.superuser(), Superuser: true, Origin: noted(c.configuredAt("super_username"))})
	c.addRole(snapshot.Role{Name: c.replication(), Replication: true, Origin: noted(c.configuredAt("replication_username"))})
	if c.pooled() {
		c.addRole(snapshot.Role{Name: c.poolerUser(), Origin: noted(c.at("spec.connectionPooler.user"))})
	}
	if len(c.spec.Streams) > 0 {
		c.addRole(snapshot.Role{Name: streamUser, Replication: true, Origin: noted(c.at("spec.streams"))})
	}
}

// streamUser reads the changes of spec.streams [zal pkg/util/constants/streams.go@1.15.1].
const streamUser = "fes_user"

func noted(at verdict.Origin) verdict.Origin {
	at.Note = "made by the operator"
	return at
}

func (c *cluster) pooled() bool {
	on, replica := c.spec.EnablePooler, c.spec.EnableReplicaPooler
	return on != nil && *on || on == nil && c.spec.Pooler != nil || replica != nil && *replica
}

// spiloRoles are made when the cluster begins [spilo
// postgres-appliance/scripts/post_init.sh@7cb50bd].
func (c *cluster) spiloRoles() {
	at := c.obj.Origin()
	at.Note = "made by Spilo"
	for _, name := range []string{"admin", c.people(), "robot_zmon"} {
		c.addRole(snapshot.Role{Name: name, NoLogin: true, Origin: at})
	}
}

// userRoles are spec.users. Flags are taken in any case; a role may log in unless it
// is told not to. Protected and system names are passed over [zal
// pkg/cluster/cluster.go initRobotUsers, pkg/cluster/util.go normalizeUserFlags@1.15.1].
func (c *cluster) userRoles() {
	for _, name := range slices.Sorted(maps.Keys(c.spec.Users)) {
		if slices.Contains(c.protected(), name) {
			continue
		}
		r := snapshot.Role{Name: name, Origin: c.at("spec.users%s", object.Key(false, name))}
		for i, flag := range c.spec.Users[name] {
			word := strings.ToUpper(flag)
			if !world.Grants(&r, word) && !slices.Contains(plainFlags, word) {
				world.Refuse(c.w, c.obj, c.at("spec.users%s[%d]", object.Key(false, name), i).Field, "%q is no flag of a role", flag)
			}
		}
		c.addRole(r)
	}
	for _, name := range c.spec.SecretRotation {
		c.unsettled("roles of "+name+" with the date of their making behind the name",
			"the roles of the server: each rotation makes one, which may log in", c.at("spec.usersWithSecretRotation"))
	}
}

// plainFlags are the flags of a user that give nothing, or take it away.
var plainFlags = []string{"LOGIN", "INHERIT", "CREATEDB",
	"NOSUPERUSER", "NOREPLICATION", "NOINHERIT", "NOCREATEROLE", "NOCREATEDB", "NOBYPASSRLS"}

// preparedRoles are an owner, a reader and a writer of the database and of each of
// its schemas, that may not log in, and where they are asked for a user of each,
// that may.
func (c *cluster) preparedRoles(name string, db preparedDatabase) {
	at := c.at("spec.preparedDatabases%s", object.Key(false, name))
	c.threeRoles(name, db.DefaultUsers, at)
	schemas := db.Schemas
	if len(schemas) == 0 {
		schemas = map[string]preparedSchema{"data": {}}
	}
	for _, schema := range slices.Sorted(maps.Keys(schemas)) {
		if s := schemas[schema]; s.DefaultRoles == nil || *s.DefaultRoles {
			c.threeRoles(name+"_"+schema, s.DefaultUsers, at)
		}
	}
}

func (c *cluster) threeRoles(prefix string, users bool, at verdict.Origin) {
	for _, kind := range []string{"_owner", "_reader", "_writer"} {
		r := snapshot.Role{Name: prefix + kind, NoLogin: true, Origin: at}
		if kind == "_writer" {
			r.MemberOf = []string{prefix + "_reader"}
		}
		c.addRole(r)
	}
	for _, kind := range []string{"_owner", "_reader", "_writer"} {
		if users {
			c.addRole(snapshot.Role{Name: prefix + kind + "_user", MemberOf: []string{prefix + kind}, Origin: at})
		}
	}
}

// ownerRoles names the owners of spec.databases, whom it does not make; and gives
// owners the roles of additional_owner_roles.
func (c *cluster) ownerRoles() {
	owners := map[string]bool{}
	for _, db := range slices.Sorted(maps.Keys(c.spec.Databases)) {
		owner := c.spec.Databases[db]
		owners[owner] = true
		c.addRole(snapshot.Role{Name: owner, Origin: c.at("spec.databases%s", object.Key(false, db))})
	}
	more := c.config.list("additional_owner_roles")
	for i, r := range c.server.Roles {
		_, own := c.spec.Users[r.Name]
		if own && owners[r.Name] || strings.HasSuffix(r.Name, "_owner") && strings.HasPrefix(r.Origin.Field, "spec.preparedDatabases") {
			c.server.Roles[i].MemberOf = append(slices.Clone(r.MemberOf), more...)
		}
	}
}

// infrastructureRoles come from Secrets, of which the values are not read; only a
// definition with a name of its own tells one.
func (c *cluster) infrastructureRoles() {
	for _, s := range c.infrastructureSecrets() {
		if s.user != "" {
			c.addRole(snapshot.Role{Name: s.user, MemberOf: s.memberOf, Origin: s.origin})
			continue
		}
		c.unsettled("the infrastructure roles of Secret "+s.secret, "what the Secret holds, or the roles of the server", s.origin)
	}
}

// teamRoles are people: PostgresTeams name some of them, the Teams API the others.
// They log in by PAM, as members of the role of people; those of superuser teams are
// superusers [zal pkg/cluster/cluster.go initHumanUsers@1.15.1].
func (c *cluster) teamRoles() {
	if c.config.flag("enable_postgres_team_crd", c.config.fromCR && c.config.release.from(2, 0, 0)) {
		for _, t := range c.teams {
			for i, name := range t.members[c.spec.TeamID] {
				c.addRole(snapshot.Role{Name: name, MemberOf: []string{c.people()}, Superuser: c.superuserTeam(),
					Origin: t.origin.At("spec.additionalMembers%s[%d]", object.Key(false, c.spec.TeamID), i)})
			}
		}
	}
	if c.config.flag("enable_teams_api", !c.config.fromCR) && c.config.seen() {
		c.unsettled("the roles of people", "what the Teams API says of team "+c.spec.TeamID+" and of postgres_superuser_teams",
			c.configuredAt("enable_teams_api"))
	}
}

func (c *cluster) superuserTeam() bool {
	return c.config.flag("enable_team_superuser", false) || slices.Contains(c.config.list("postgres_superuser_teams"), c.spec.TeamID)
}

// A team is what a PostgresTeam adds to teams.
type team struct {
	members map[string][]string
	origin  verdict.Origin
}

func readTeams(w *operator.World) []team {
	var out []team
	for _, o := range w.Objects["PostgresTeam.acid.zalan.do"] {
		var in struct {
			Spec struct {
				Members map[string][]string `json:"additionalMembers"`
			} `json:"spec"`
		}
		world.Read(w, o, &in)
		out = append(out, team{members: in.Spec.Members, origin: o.Origin()})
	}
	return out
}
