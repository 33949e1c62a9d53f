package report

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/prove"
)

// A remark is a counterexample or a doubt in lines: a head that names whom it is about,
// what is the same for all that are alike, and what is about this one only.
type remark struct {
	head  string
	below []string
	last  string
}

// remarkLines writes remarks, those that have the same below them together, and says how
// many are not shown.
func remarkLines(all []remark) []string {
	var out []string
	groups := alike(all)
	for _, g := range groups[:min(len(groups), mostNamed)] {
		for _, r := range g[:min(len(g), mostNamed)] {
			out = append(out, r.head)
		}
		if more := len(g) - mostNamed; more > 0 {
			out = append(out, fmt.Sprintf("  and %d more alike; -o json has all", more))
		}
		out = append(out, g[0].below...)
		if g[0].last != "" {
			out = append(out, g[0].last)
		}
	}
	more := 0
	for _, g := range groups[min(len(groups), mostNamed):] {
		more += len(g)
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("and %d more; -o json has all", more))
	}
	return out
}

// alike puts remarks together that have the same below them, in the order of their first.
func alike(all []remark) [][]remark {
	var out [][]remark
	at := map[string]int{}
	for _, r := range all {
		key := strings.Join(r.below, "\n")
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}

// againstRemark is a counterexample: who and what, the object that decides it, what would
// turn it around, and how to see it again.
func (p *Proved) againstRemark(k prove.Kind, c prove.Counterexample) remark {
	sign := "+ "
	if !admits(k) || c.Change == network.ChangeRemoved || c.Change == network.ChangeNarrowed {
		sign = "− "
	}
	r := remark{head: sign + againstText(k, c), below: append(p.decidesLines(c), p.closeLines(k, c.Close)...)}
	if line := p.tryLine(c); line != "" {
		r.last = "  try: " + line + p.commandNote(c)
	}
	return r
}

// doubtRemark is a doubt: whom it is about, the fact that is missing, and where to state it.
func (p *Proved) doubtRemark(d prove.Doubt) remark {
	var r remark
	if subject := doubtSubject(d); subject != "" {
		r = remark{head: "? " + subject, below: []string{"  " + doubtWords(d)}}
	} else {
		r.head = "? " + doubtWords(d)
	}
	o := d.Origin
	if o.IsZero() {
		o = d.Step.Origin
	}
	if o = p.located(o); !o.IsZero() {
		r.below = append(r.below, "    → "+o.String())
	}
	if hint := settles(d); hint != "" {
		r.below = append(r.below, "  what would settle it: "+hint)
	}
	return r
}
