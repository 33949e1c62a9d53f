package exposurerules

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1003 finds rules that admit every address to a database.
var EXP1003 = &audit.Rule{
	ID:       "EXP1003",
	Title:    "a rule admits every address to the database",
	Severity: audit.High,
	Why: `An ipBlock of 0.0.0.0/0 (or ::/0) admits whoever can send a packet: with a load
balancer or a node port in front, that is the internet; and in most clusters pods
have addresses too, so that it admits them as well.`,
	Setting: database,
	Bad:     policy("    - from: [{ipBlock: {cidr: 0.0.0.0/0}}]\n      ports: [{port: 5432}]\n"),
	Good:    policy("    - from: [{ipBlock: {cidr: 192.0.2.0/24}}]\n      ports: [{port: 5432}]\n"),
	Needs:   []audit.Fact{audit.Policies, audit.Servers},
	Run: func(p *audit.Pass) {
		for _, d := range doors(p.World) {
			for _, e := range entries(p, d.pods, d.ports) {
				if e.peer == nil || e.peer.Block == nil || !wide(e.peer.Block.Addresses) {
					continue
				}
				step := knock(p, network.OutsideEndpoint(e.peer.Block.Addresses), d.pods, d.ports)
				p.Report(audit.Finding{Subject: d.ref, Origin: e.origin(), Certain: step.Verdict == verdict.Allow, Because: doubtful(step),
					Message: fmt.Sprintf("%s admits every address (%s) to %s", e.ref(), e.peer.Block.Text, d.ref),
					Fix:     "write the range that the clients come from:\n- ipBlock:\n    cidr: 192.0.2.0/24"})
			}
		}
	},
}

// wide reports whether the addresses hold nearly all of a family: a half of it is a
// spelling of all, and nobody's office.
func wide(a flow.Addresses) bool {
	return slices.ContainsFunc(a.Prefixes(), isWide)
}

func isWide(p netip.Prefix) bool { return p.Bits() <= 1 && p != (netip.Prefix{}) }
