package cnpg

import (
	"regexp"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// refuse notes a field over which the API server does not take the object.
func (c *cluster) refuse(field, why, fix string, at verdict.Origin) {
	c.heed(snapshot.Unheeded{How: snapshot.Refused, Field: field, Why: why, Fix: fix, Origin: at})
}

// refusals notes names in the Cluster's lists that are not accepted.
func (c *cluster) refusals() {
	c.refusedSelectors()
	if !c.unvalidated() {
		c.refusedRoles()
	}
}

// selectorName is the pattern of the definition [cnpg
// config/crd/bases/postgresql.cnpg.io_clusters.yaml@1.30.0].
var selectorName = regexp.MustCompile(`^[a-z]([a-z0-9_-]*[a-z0-9])?$`)

// refusedSelectors notes entries of spec.podSelectorRefs, a list whose key is the name.
func (c *cluster) refusedSelectors() {
	seen := map[string]bool{}
	for i, ref := range c.spec.PodSelectorRefs {
		at := c.at("spec.podSelectorRefs[%d].name", i)
		switch {
		case !selectorName.MatchString(ref.Name):
			c.refuse("the name "+ref.Name, "the definition takes names of small letters, digits, - and _ that begin with a letter and do not end in - or _",
				"give the selector such a name, here and in spec.postgresql.pg_hba", at)
		case seen[ref.Name]:
			c.refuse("the second "+ref.Name, "the list holds a name once", "write one selector for both, or give this one another name", at)
		}
		seen[ref.Name] = true
	}
}

// refusedRoles notes entries of spec.managed.roles that the webhook refuses [cnpg
// internal/webhook/v1/cluster_webhook.go, pkg/postgres/roles.go@1.30.0].
func (c *cluster) refusedRoles() {
	seen := map[string]bool{}
	for i, r := range c.spec.Managed.Roles {
		at := c.at("spec.managed.roles[%d].name", i)
		switch {
		case reserved(r.Name):
			c.refuse("role "+r.Name, "the name is kept for the operator or for PostgreSQL, and the webhook refuses the object", keptName, at)
		case seen[r.Name]:
			c.refuse("the second "+r.Name, "the webhook takes a role once", "make one entry of both", at)
		}
		seen[r.Name] = true
	}
}

// keptName is what to do instead of managing a role of the operator's.
const keptName = "take the entry away, and give what it was for to a role of another name"
