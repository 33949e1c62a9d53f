package operatorrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// OPR1007 tells which facts are missing, and what hangs on each. That nobody states them
// is certain; where another rule's finding hangs on one, that is a doubt there. What a
// parameter puts in the place of a file is OPR1011's.
var OPR1007 = &audit.Rule{
	ID:       "OPR1007",
	Title:    "what the operator makes hangs on a fact that nobody states",
	Severity: audit.Low,
	Why: `Releases differ in the lines, labels and ports that they give the same custom resource,
and some of it is in a Secret, a file or an object that was not read. What hangs on such a
fact is in doubt. A line in the facts file settles it; so does reading the operator's own
Deployment and definitions with the rest.`,
	Bad:   cluster("", ""),
	Good:  release("1.30.0") + cluster("", ""),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, g := range gaps(p.World.Servers) {
			p.Report(g.finding())
		}
	},
}

// A gap is one fact that is missing, for one or several servers.
type gap struct {
	server *snapshot.Server // the first of them
	fact   string
	what   []string
	at     []verdict.Origin
}

// gaps lists the facts in the order in which they are first missed.
func gaps(servers []*snapshot.Server) []*gap {
	var out []*gap
	byFact := map[string]*gap{}
	for _, s := range servers {
		for _, u := range s.Unsettled {
			if replaced(s, u.Origin) {
				continue
			}
			g := byFact[u.Fact]
			if g == nil {
				g = &gap{server: s, fact: u.Fact}
				byFact[u.Fact] = g
				out = append(out, g)
			}
			if !slices.Contains(g.what, u.What) {
				g.what = append(g.what, u.What)
			}
			if at := u.Origin; len(g.at) < told+1 && !slices.Contains(g.at, at) {
				g.at = append(g.at, at)
			}
		}
	}
	return out
}

// told is how many things are listed before the rest is counted.
const told = 4

func (g *gap) finding() audit.Finding {
	what := g.what
	if len(what) > told {
		what = append(slices.Clone(what[:told]), fmt.Sprintf("%d more", len(g.what)-told))
	}
	return audit.Finding{Subject: g.server.Ref(), Origin: g.at[0], Also: g.at[1:], Certain: true,
		Message: "not known: " + strings.Join(what, "; ") + ". It would be told by " + g.fact,
		Fix:     "state it in the facts file, or read with the rest what tells it: the operator's Deployment and definitions, or the object that is named"}
}
