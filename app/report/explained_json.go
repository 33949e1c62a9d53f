package report

import (
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The JSON of connections explain; fields are added, never renamed or removed.
type explainedJSON struct {
	From        snapshot.Ref          `json:"from"`
	To          snapshot.Ref          `json:"to"`
	Verdict     verdict.Verdict       `json:"verdict"`
	Pairs       []explainedPairJSON   `json:"pairs"`
	Assumptions []snapshot.Assumption `json:"assumptions"`
	Warnings    []snapshot.Warning    `json:"warnings"`
	Problems    []problemJSON         `json:"problems"`
}

// explainedPairJSON holds the members that get the same answers.
type explainedPairJSON struct {
	From  []snapshot.Ref    `json:"from"`
	To    []snapshot.Ref    `json:"to"`
	Ports []explainedAtJSON `json:"ports"`
}

// explainedAtJSON explains ports that policies treat alike.
type explainedAtJSON struct {
	Ports   []flow.PortRange `json:"ports"`
	All     bool             `json:"all"`
	Verdict verdict.Verdict  `json:"verdict"`
	Family  string           `json:"family,omitempty"` // "IPv4", "IPv6"; absent where it does not matter
	Sides   []sideJSON       `json:"sides"`
	Change  []fixJSON        `json:"change"`
}

type sideJSON struct {
	Direction string     `json:"direction"`
	Step      stepJSON   `json:"step"`
	Tiers     []tierJSON `json:"tiers"`
}

type tierJSON struct {
	Tier     netpol.Tier  `json:"tier"`
	Asked    bool         `json:"asked"`
	Policies []policyJSON `json:"policies"`
	Others   []policyJSON `json:"others"`
}

type policyJSON struct {
	Kind     string         `json:"kind"`
	Name     string         `json:"name"`
	Priority *int32         `json:"priority,omitempty"`
	Selects  string         `json:"selects"` // yes, no or unsure
	Origin   verdict.Origin `json:"origin"`
	Miss     *missJSON      `json:"miss,omitempty"`
	Rules    []ruleJSON     `json:"rules"`
}

type ruleJSON struct {
	Index   int            `json:"index"`
	Name    string         `json:"name,omitempty"`
	Action  netpol.Action  `json:"action"`
	Match   string         `json:"match"` // yes, no or unsure
	Reached bool           `json:"reached"`
	Origin  verdict.Origin `json:"origin"`
	Misses  []missJSON     `json:"misses"`
}

type missJSON struct {
	Facts  map[string]string `json:"facts"`
	Text   string            `json:"text"`
	Origin verdict.Origin    `json:"origin"`
}

func (x *Explained) json() explainedJSON {
	out := explainedJSON{From: x.From, To: x.To, Verdict: x.Verdict(), Pairs: []explainedPairJSON{},
		Assumptions: snapshot.Assumptions(x.assumptions()...), Warnings: warnings(x.World), Problems: problems(x.World)}
	for _, p := range x.together() {
		pair := explainedPairJSON{From: p.from.refs(), To: p.to.refs(), Ports: []explainedAtJSON{}}
		for _, v := range p.views {
			pair.Ports = append(pair.Ports, x.viewJSON(v))
		}
		out.Pairs = append(out.Pairs, pair)
	}
	return out
}

func (x *Explained) viewJSON(v network.PortView) explainedAtJSON {
	e := v.Explanation
	out := explainedAtJSON{Ports: []flow.PortRange{}, All: v.Ports.IsAll(), Verdict: e.Verdict, Sides: []sideJSON{}, Change: x.fixes(e)}
	if !out.All {
		out.Ports = append(out.Ports, v.Ports.Ranges()...)
	}
	if e.Attempt.Family != network.AnyFamily {
		out.Family = e.Attempt.Family.String()
	}
	for _, s := range e.Sides {
		side := sideJSON{Direction: s.Direction.String(), Step: stepped(x.World, s.Step), Tiers: []tierJSON{}}
		for _, tier := range s.Tiers {
			side.Tiers = append(side.Tiers, tierJSON{tier.Tier, tier.Asked,
				x.policiesJSON(s.Direction, tier.Policies), x.policiesJSON(s.Direction, tier.Others)})
		}
		out.Sides = append(out.Sides, side)
	}
	return out
}

func (x *Explained) policiesJSON(dir netpol.Direction, views []network.PolicyView) []policyJSON {
	out := []policyJSON{}
	for _, v := range views {
		p := policyJSON{Kind: v.Policy.Kind, Name: v.Policy.FullName(), Selects: matchWord(v.Selects),
			Origin: x.World.Locate(v.Policy.Origin), Rules: []ruleJSON{}}
		if v.Policy.Tier.IsOrdered() {
			p.Priority = &v.Policy.Priority
		}
		if v.Miss != nil {
			p.Miss = &missJSON{v.Miss.Facts(), selectorMiss(*v.Miss), x.World.Locate(v.Miss.Origin)}
		}
		for _, r := range v.Rules {
			rule := ruleJSON{r.Index, r.Rule.Name, r.Action, matchWord(r.Match), r.Reached, x.World.Locate(r.Origin), []missJSON{}}
			for _, m := range r.Misses {
				rule.Misses = append(rule.Misses, missJSON{m.Facts(), missWords(m.Facts(), dir == netpol.Egress), x.World.Locate(m.Origin)})
			}
			p.Rules = append(p.Rules, rule)
		}
		out = append(out, p)
	}
	return out
}

func matchWord(m netpol.Match) string {
	switch m {
	case netpol.Yes:
		return "yes"
	case netpol.No:
		return "no"
	default:
		return "unsure"
	}
}
