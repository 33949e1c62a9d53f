package stackgres

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

type scriptSpec struct {
	Scripts []struct {
		Name       string `json:"name"`
		User       string `json:"user"`
		Script     string `json:"script"`
		ScriptFrom struct {
			Secret    *secretKey `json:"secretKeyRef"`
			ConfigMap *secretKey `json:"configMapKeyRef"`
		} `json:"scriptFrom"`
	} `json:"scripts"`
}

// scripts adds the roles and databases that the cluster's SGScripts make. They run as
// the superuser, so that who may write one is one [sg C/ManagedSqlUtil.java@1.18.6].
func (c *cluster) scripts() {
	for i, entry := range c.spec.ManagedSQL.Scripts {
		if c.madeScript(entry.SGScript) {
			continue
		}
		field := fmt.Sprintf("spec.managedSql.scripts[%d].sgScript", i)
		o, ok := c.named("SGScript", entry.SGScript, c.ref.Namespace)
		if !ok {
			c.unsettled("the roles and databases that scripts make", "SGScript "+entry.SGScript+", which is not in the estate", field)
			continue
		}
		var in struct {
			Spec scriptSpec `json:"spec"`
		}
		world.Read(c.w, o, &in)
		for j, s := range in.Spec.Scripts {
			at := o.Origin().At("spec.scripts[%d]", j)
			c.server.Settings = append(c.server.Settings, snapshot.Setting{
				Key: scriptKey(entry.SGScript, j, "user"), Value: cmp.Or(s.User, "postgres"),
				Default: s.User == "", Origin: at,
			})
			sql := s.Script
			if world.HasPassword(sql) {
				c.scriptSetting(entry.SGScript, j, "script", snapshot.Hidden, at.At("spec.scripts[%d].script", j))
			}
			switch from := s.ScriptFrom; {
			case from.ConfigMap != nil:
				c.scriptSetting(entry.SGScript, j, "scriptFrom.configMapKeyRef.name", from.ConfigMap.Name,
					at.At("spec.scripts[%d].scriptFrom.configMapKeyRef", j))
				sql, ok = c.configMap(*from.ConfigMap)
				if !ok {
					c.unsettledScript("ConfigMap "+from.ConfigMap.Name, at)
				}
			case from.Secret != nil:
				c.unsettledScript("what Secret "+from.Secret.Name+" holds", at)
			}
			c.run(sql, at)
		}
	}
}

func scriptKey(script string, i int, field string) string {
	return fmt.Sprintf("SGScript.%s.scripts[%d].%s", script, i, field)
}

func (c *cluster) scriptSetting(script string, i int, field, value string, at verdict.Origin) {
	c.server.Settings = append(c.server.Settings, snapshot.Setting{Key: scriptKey(script, i, field), Value: value, Origin: at})
}

// madeScript reports whether the operator makes the script itself: a default one, or
// one that joins the shards.
func (c *cluster) madeScript(name string) bool {
	return name == "" || name == c.ref.Name+"-default"
}

func (c *cluster) unsettledScript(fact string, at verdict.Origin) {
	c.server.Unsettled = append(c.server.Unsettled, snapshot.Unsettled{
		What: "the roles and databases that scripts make", Fact: fact, Origin: at,
	})
}

// configMap returns an entry of a ConfigMap of the namespace.
func (c *cluster) configMap(key secretKey) (string, bool) {
	o, ok := find(c.w.Objects["ConfigMap"], key.Name, c.ref.Namespace)
	if !ok {
		return "", false
	}
	var in struct {
		Data map[string]string `json:"data"`
	}
	world.Read(c.w, o, &in)
	sql, ok := in.Data[key.Key]
	return sql, ok
}

// The statements that make something which others refer to. A name may be quoted.
// Comments, string constants and the bodies of functions are noise: they hold any word.
var (
	sqlNoise    = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$\$.*?\$\$`)
	sqlDatabase = regexp.MustCompile(`(?i)^\s*create\s+database\s+("(?:[^"]|"")+"|[\w$]+)`)
	sqlRole     = regexp.MustCompile(`(?is)^\s*(create|alter)\s+(role|user|group)\s+("(?:[^"]|"")+"|[\w$]+)(.*)$`)
	sqlGrant    = regexp.MustCompile(`(?is)^\s*grant\s+("(?:[^"]|"")+"|[\w$]+)\s+to\s+("(?:[^"]|"")+"|[\w$]+)\s*(?:with\s.*)?$`)
	sqlMember   = regexp.MustCompile(`(?i)\bin\s+(?:role|group)\s+("(?:[^"]|"")+"|[\w$]+)`)
)

// run reads a script as far as it makes roles and databases. What is inside a DO block
// or is put together is not seen: what is found is there, there may be more.
func (c *cluster) run(sql string, at verdict.Origin) {
	for statement := range strings.SplitSeq(sqlNoise.ReplaceAllString(sql, " "), ";") {
		if m := sqlDatabase.FindStringSubmatch(statement); m != nil {
			if name := unquoted(m[1]); !slices.Contains(c.server.Databases, name) {
				c.server.Databases = append(c.server.Databases, name)
			}
		}
		if m := sqlRole.FindStringSubmatch(statement); m != nil {
			c.scriptRole(unquoted(m[3]), strings.EqualFold(m[1], "create"), strings.EqualFold(m[2], "user"), m[4], at)
		}
		if m := sqlGrant.FindStringSubmatch(statement); m != nil {
			if r := c.role(unquoted(m[2])); r != nil {
				r.MemberOf = append(r.MemberOf, unquoted(m[1]))
			}
		}
	}
}

func (c *cluster) role(name string) *snapshot.Role {
	for i := range c.server.Roles {
		if c.server.Roles[i].Name == name {
			return &c.server.Roles[i]
		}
	}
	return nil
}

// scriptRole takes the attributes of a statement. "CREATE USER is the same as CREATE
// ROLE except that it implies LOGIN" (PostgreSQL manual, CREATE USER).
func (c *cluster) scriptRole(name string, create, user bool, rest string, at verdict.Origin) {
	r := c.role(name)
	if r == nil {
		if !create {
			return // of a role that nobody showed
		}
		c.server.Roles = append(c.server.Roles, snapshot.Role{Name: name, NoLogin: !user, Origin: at})
		r = c.role(name)
	}
	for _, word := range strings.Fields(strings.ToUpper(rest)) {
		switch word {
		case "SUPERUSER", "NOSUPERUSER":
			r.Superuser = word == "SUPERUSER"
		case "REPLICATION", "NOREPLICATION":
			r.Replication = word == "REPLICATION"
		case "BYPASSRLS", "NOBYPASSRLS":
			r.BypassRLS = word == "BYPASSRLS"
		case "CREATEROLE", "NOCREATEROLE":
			r.CreateRole = word == "CREATEROLE"
		case "LOGIN", "NOLOGIN":
			r.NoLogin = word == "NOLOGIN"
		}
	}
	for _, m := range sqlMember.FindAllStringSubmatch(rest, -1) {
		r.MemberOf = append(r.MemberOf, unquoted(m[1]))
	}
}

// unquoted is a name as the server stores it: folded unless it is quoted.
func unquoted(name string) string {
	if inner, ok := strings.CutPrefix(name, `"`); ok {
		return strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
	}
	return strings.ToLower(name)
}
