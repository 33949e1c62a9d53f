// Package audit finds what is wrong in an estate. A rule is a value with its
// documentation inside; a rule without its facts is not checked, never passed; and
// what may or may not hold is a doubt, which is no finding and no pass.
package audit

import (
	"strings"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Rule looks for one mistake.
type Rule struct {
	ID       string // family and number, "NET1001"; never reused
	Title    string
	Severity Severity // of most of its findings; one finding may be worse or better
	// Why says what the mistake is, what it causes, and how it comes about.
	Why string
	// Setting is what both examples stand in. Bad is reported beside it, and Good is
	// not: all three are manifests. Without a Setting they may also be a bare
	// pg_hba.conf, or a txtar archive of one and what goes with it.
	Setting, Bad, Good string
	Needs              []Fact
	Run                func(*Pass)
}

// IsManifest tells the two forms of an example apart.
func IsManifest(example string) bool { return strings.Contains(example, "apiVersion:") }

// A Fact is a part of the estate that a rule looks at. Where it is missing the rule
// is not checked.
type Fact string

// The facts.
const (
	Policies Fact = "NetworkPolicies"
	Servers  Fact = "PostgreSQL servers"
	Plugin   Fact = "the network plugin"
	// Predecessors are databases that today's operators do not take.
	Predecessors Fact = "databases of an operator's predecessor"
	// ClusterPolicies are those of the ordered tiers.
	ClusterPolicies Fact = "ClusterNetworkPolicies"
	// Doors are Services and routes that lead in from beyond the cluster.
	Doors Fact = "Services or routes that lead in from outside"
	// CiliumPolicies and CalicoPolicies are those in a plugin's own dialect; PluginPolicies
	// are all that only some plugins implement.
	CiliumPolicies Fact = "policies of Cilium"
	CalicoPolicies Fact = "policies of Calico"
	PluginPolicies Fact = "policies that not every network plugin implements"
)

// A Finding is one mistake at one place.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Certain says that it holds whatever is not known. The zero value is a doubt: it
	// may or may not hold, and Because says what it depends on.
	Certain bool `json:"certain"`
	// Message says in plain words what is wrong and what it causes.
	Message string `json:"message"`
	// Fix says what to change, with the lines to write where that helps.
	Fix string `json:"fix,omitempty"`
	// Origin is what a person would edit; Also are other places of the same mistake.
	Origin verdict.Origin   `json:"origin"`
	Also   []verdict.Origin `json:"also,omitempty"`
	// Subject is the object that the mistake is about: a policy, a server.
	Subject   snapshot.Ref `json:"subject"`
	Namespace string       `json:"namespace,omitempty"`
	// Because are the steps of a decision that the finding rests on, if any.
	Because     []verdict.Step `json:"because,omitempty"`
	Assumptions []string       `json:"assumptions,omitempty"`
}

// NotChecked is a rule that could not be checked, for all of the estate or for one
// object of it.
type NotChecked struct {
	Rule    string       `json:"rule"`
	Subject snapshot.Ref `json:"subject,omitzero"`
	Reason  string       `json:"reason"`
	// Doubt says that there is something to check, and that what was read does not
	// tell enough. Otherwise there is nothing to check.
	Doubt bool `json:"doubt"`
}

// A Result is what rules found.
type Result struct {
	Findings    []Finding
	NotChecked  []NotChecked
	Assumptions []string
}

// Found and Doubtful count the findings that hold and those that may.
func (r Result) Found() int { return count(r.Findings, true) }

// Doubtful counts the findings that may or may not hold.
func (r Result) Doubtful() int { return count(r.Findings, false) }

func count(fs []Finding, certain bool) int {
	n := 0
	for _, f := range fs {
		if f.Certain == certain {
			n++
		}
	}
	return n
}

// Unsettled reports whether something could not be told: a doubtful finding, or a
// rule that had something to check and could not.
func (r Result) Unsettled() bool {
	for _, n := range r.NotChecked {
		if n.Doubt {
			return true
		}
	}
	return r.Doubtful() > 0
}

// A Pass is one rule at work on one estate.
type Pass struct {
	World *snapshot.Snapshot
	Reach *reach.Engine

	rule   *Rule
	run    *run
	result *Result
}

// Report adds a finding; rule, severity and namespace are filled in where the rule
// left them out.
func (p *Pass) Report(f Finding) {
	f.Rule = p.rule.ID
	if f.Severity == NoSeverity {
		f.Severity = p.rule.Severity
	}
	if f.Namespace == "" {
		f.Namespace = f.Subject.Namespace
	}
	if p.World.Facts.Strict && len(f.Assumptions) > 0 {
		f.Certain = false
	}
	p.result.Findings = append(p.result.Findings, f)
}

// Skip says that one object could not be checked, because of something that was
// not read or that nobody wrote down.
func (p *Pass) Skip(subject snapshot.Ref, reason string) {
	p.result.NotChecked = append(p.result.NotChecked, NotChecked{p.rule.ID, subject, reason, true})
}

// Useless says that one object was not checked because there is nothing to check.
func (p *Pass) Useless(subject snapshot.Ref, reason string) {
	p.result.NotChecked = append(p.result.NotChecked, NotChecked{p.rule.ID, subject, reason, false})
}

// Complete says of a finding that something is absent: whether it is certain, and
// what that rests on. What could not be read may hold what seems to be missing.
func (p *Pass) Complete(namespaces ...string) (certain bool, assumptions []string) {
	return len(p.World.InDoubt(namespaces...)) == 0, p.World.Standing()
}

// PodsIn returns the pods of a namespace.
func (p *Pass) PodsIn(namespace string) []*snapshot.Pod { return p.run.podsIn[namespace] }

// PoliciesIn returns the policies of a namespace.
func (p *Pass) PoliciesIn(namespace string) []*netpol.Policy { return p.run.policiesIn[namespace] }

// Namespaces returns the names of all namespaces, sorted.
func (p *Pass) Namespaces() []string { return p.run.namespaces }

// Vital returns the decisions about all flows that a server needs.
func (p *Pass) Vital(s *snapshot.Server) []reach.VitalDecision {
	known, ok := p.run.vital[s]
	if !ok {
		known = p.Reach.Vital(s)
		p.run.vital[s] = known
	}
	return known
}

// AtLeast returns the result with the findings of a severity or worse.
func (r Result) AtLeast(s Severity) Result {
	var kept []Finding
	for _, f := range r.Findings {
		if f.Severity >= s {
			kept = append(kept, f)
		}
	}
	r.Findings = kept
	return r
}
