//go:build linux

package enforce

import (
	"strings"

	"sigs.k8s.io/knftables"
)

// table is where all rules are, in the family inet.
const table = "pgmoat"

// A Ruleset is what the table of one node has in it.
type Ruleset struct {
	Chains   []*knftables.Chain
	Sets     []*knftables.Set
	Maps     []*knftables.Map
	Elements []*knftables.Element
	Rules    []*knftables.Rule
}

// Transaction puts the rules in the place of whatever the table had in it.
func (r *Ruleset) Transaction(nft knftables.Interface) *knftables.Transaction {
	tx := nft.NewTransaction()
	tx.Add(&knftables.Table{}) // what is not there cannot be deleted
	tx.Delete(&knftables.Table{})
	tx.Add(&knftables.Table{})
	addAll(tx, r.Chains)
	addAll(tx, r.Sets)
	addAll(tx, r.Maps)
	addAll(tx, r.Elements)
	addAll(tx, r.Rules)
	return tx
}

func addAll[O knftables.Object](tx *knftables.Transaction, objects []O) {
	for _, o := range objects {
		tx.Add(o)
	}
}

// hook begins a chain that the kernel calls, chain one that rules call.
func (r *Ruleset) hook(name string, hook knftables.BaseChainHook, priority knftables.BaseChainPriority) {
	r.Chains = append(r.Chains, &knftables.Chain{
		Name:     name,
		Type:     knftables.PtrTo(knftables.FilterType),
		Hook:     &hook,
		Priority: &priority,
		Policy:   knftables.PtrTo(knftables.AcceptPolicy),
	})
}

func (r *Ruleset) chain(name, about string) {
	r.Chains = append(r.Chains, &knftables.Chain{Name: name, Comment: comment(about)})
}

// rule goes to the end of its chain.
func (r *Ruleset) rule(chain, about string, words ...any) {
	r.Rules = append(r.Rules, &knftables.Rule{Chain: chain, Rule: knftables.Concat(words...), Comment: comment(about)})
}

// comment keeps what nft can read: so many bytes, and no quote, as nothing stands for
// one and commands could follow it. Nothing is no comment.
func comment(about string) *string {
	if about == "" {
		return nil
	}
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, about)
	return knftables.PtrTo(plain[:min(len(plain), knftables.CommentLengthMax)])
}
