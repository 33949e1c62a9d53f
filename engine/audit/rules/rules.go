// Package rules is the catalogue of audit rules, and the page that is printed from it.
package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/rules/exposurerules"
	"github.com/pgmoat/pgmoat/engine/audit/rules/hbarules"
	"github.com/pgmoat/pgmoat/engine/audit/rules/netpolrules"
	"github.com/pgmoat/pgmoat/engine/audit/rules/operatorrules"
	"github.com/pgmoat/pgmoat/engine/audit/rules/podrules"
	"github.com/pgmoat/pgmoat/engine/audit/rules/rolerules"
	"github.com/pgmoat/pgmoat/engine/audit/rules/tlsrules"
	"github.com/pgmoat/pgmoat/engine/audit/rules/vitalrules"
)

//go:generate go test . -run TestCatalogueIsFresh -count=1 -update

// A Family is the rules whose ids begin alike.
type Family struct {
	Title string
	Rules []*audit.Rule
}

// Families are all of them, in the order of the catalogue.
var Families = []Family{
	{"NET: NetworkPolicies that do not say what was meant", netpolrules.Rules},
	{"HBA: what pg_hba.conf lets in", hbarules.Rules},
	{"EXP: who gets packets to the database", exposurerules.Rules},
	{"TLS: what certificates and encryption hold, and what they do not", tlsrules.Rules},
	{"ROL: who may become a superuser, and who reads which password", rolerules.Rules},
	{"OPR: what an operator makes of a custom resource", operatorrules.Rules},
	{"POD: the database's pods in the cluster", podrules.Rules},
	{"VIT: flows that the database needs to stay alive", vitalrules.Rules},
}

// All returns every rule, in the order of the catalogue.
func All() []*audit.Rule {
	var out []*audit.Rule
	for _, f := range Families {
		out = append(out, f.Rules...)
	}
	return out
}

// Named returns the rules with these ids, in any case; all of them for none.
func Named(ids ...string) ([]*audit.Rule, error) {
	if len(ids) == 0 {
		return All(), nil
	}
	var out []*audit.Rule
	for _, id := range ids {
		i := slices.IndexFunc(All(), func(r *audit.Rule) bool { return strings.EqualFold(r.ID, id) })
		if i < 0 {
			return nil, fmt.Errorf("rule %q: no such rule; --list-rules shows them all", id)
		}
		out = append(out, All()[i])
	}
	return out, nil
}
