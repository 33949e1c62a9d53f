package pgo

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// The limits of Crunchy's CustomResourceDefinition for spec.authentication.rules [pgo
// pkg/apis/postgres-operator.crunchydata.com/v1/postgres_types.go@6.0.3].
const maxRules, maxLine, maxWord, maxNames = 10, 100, 20, 20

var (
	word      = regexp.MustCompile(`^[-a-z0-9]+$`)
	printable = regexp.MustCompile(`^[[:print:]]+$`)
)

// checkRules refuses what the CustomResourceDefinitions do. Percona's has no limits, and asks
// for connection and method also beside a whole line, which it then takes alone
// [percona-postgresql-operator config/crd/bases/pgv2.percona.com_perconapgclusters.yaml@v3.0.0].
func (c *Cluster) checkRules() {
	if !c.fork.Strict {
		for i, r := range c.Spec.Authentication.Rules {
			c.checkParts(fmt.Sprintf("spec.authentication.rules[%d]", i), r)
		}
		return
	}
	if n := len(c.Spec.Authentication.Rules); n > maxRules {
		world.Refuse(c.w, c.obj, "spec.authentication.rules", "%d rules: at most %d", n, maxRules)
		c.heed(snapshot.Refused, fmt.Sprintf("the list of %d rules", n),
			fmt.Sprintf("it holds at most %d; more go to %s.pg_hba", maxRules, dynamicPath), c.at("spec.authentication.rules"))
	}
	for i, rule := range c.Spec.Authentication.Rules {
		for _, f := range ruleFaults(rule) {
			field := strings.TrimSuffix(fmt.Sprintf("spec.authentication.rules[%d].%s", i, f.field), ".")
			world.Refuse(c.w, c.obj, field, "%s", f.says)
			c.heed(snapshot.Refused, "the rule", f.says, c.at("%s", field))
		}
	}
}

func (c *Cluster) checkParts(field string, r Rule) {
	if r.Connection != "" && r.Method != "" {
		return
	}
	const says = "connection and method are required, also beside hba"
	world.Refuse(c.w, c.obj, field, says)
	c.heed(snapshot.Refused, "the rule", says, c.at("%s", field))
}

type ruleFault struct{ field, says string }

// ruleFaults are the validations of the schema, one after the other.
func ruleFaults(r Rule) (out []ruleFault) {
	add := func(bad bool, field, says string) {
		if bad {
			out = append(out, ruleFault{field, says})
		}
	}
	fields := r.Connection != "" || r.Method != "" || r.Databases != nil || r.Users != nil || r.Options != nil
	if r.HBA != nil {
		add(fields, "", "hba cannot be combined with other fields")
		add(len(*r.HBA) > maxLine, "hba", "at most 100 characters")
		add(!printable.MatchString(*r.HBA), "hba", "want printable characters")
		add(strings.HasPrefix(strings.TrimSpace(*r.HBA), "include"), "hba", "cannot include other files")
		return out
	}
	add(r.Connection == "" || r.Method == "", "", "connection and method are required")
	odd := func(v string) bool { return v != "" && (len(v) > maxWord || !word.MatchString(v)) }
	add(odd(r.Connection), "connection", "want at most 20 of a-z, 0-9 and -")
	add(odd(r.Method), "method", "want at most 20 of a-z, 0-9 and -")
	add(r.Method == "trust", "method", "the trust method is unsafe")
	add(len(r.Databases) > maxNames, "databases", "at most 20 names")
	add(len(r.Users) > maxNames, "users", "at most 20 names")
	return append(out, optionFaults(r)...)
}

func optionFaults(r Rule) (out []ruleFault) {
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := r.Options[n]; ok {
				return true
			}
		}
		return false
	}
	bind := has("ldapprefix", "ldapsuffix")
	search := has("ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter")
	switch {
	case r.Method == "ldap" && !has("ldapbasedn", "ldapprefix", "ldapsuffix"):
		out = append(out, ruleFault{"options", "the ldap method requires ldapbasedn, ldapprefix or ldapsuffix"})
	case r.Method == "ldap" && bind && search:
		out = append(out, ruleFault{"options", "cannot use options of search with ldapprefix or ldapsuffix"})
	case r.Method == "radius" && (!has("radiusservers") || !has("radiussecrets")):
		out = append(out, ruleFault{"options", "the radius method requires radiusservers and radiussecrets"})
	}
	return out
}
