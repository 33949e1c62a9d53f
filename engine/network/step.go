package network

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// explained turns the answers for the parts of a peer into one step.
func (q *query) explained(parts []answer) verdict.Step {
	var step verdict.Step
	switch verdictOf(parts) {
	case verdict.Allow:
		step = q.allowed(parts)
	case verdict.Deny:
		step = q.refused(parts[0], verdict.Deny, NoRule)
	default:
		step = q.undecided(parts)
	}
	q.profiled(&step)
	return step
}

// profiled says which documented traits of the network plugin the answer asked for, and
// which policies it takes no notice of.
func (q *query) profiled(step *verdict.Step) {
	add := func(key, value string) {
		if step.Facts == nil {
			step.Facts = map[string]string{}
		}
		step.Facts[key] = value
	}
	if len(q.traits) > 0 {
		words := make([]string, len(q.traits))
		for i, t := range q.traits {
			words[i] = string(t)
		}
		slices.Sort(words)
		add("profile", q.world.Facts.Profile.Name+": "+strings.Join(words, ", "))
	}
	var names []string
	for _, p := range q.Engine.ignored {
		if len(p.Rules[q.dir]) > 0 && q.isSubject(p) != netpol.No {
			names = append(names, p.Kind+" "+p.FullName())
		}
	}
	if len(names) > 0 {
		add("notEnforced", strings.Join(names, ", "))
	}
}

// allowed explains an Allow by what let every part pass.
func (q *query) allowed(parts []answer) verdict.Step {
	step := q.allowedPart(parts[0])
	for _, a := range parts[1:] {
		other := q.allowedPart(a)
		for _, o := range append([]verdict.Origin{other.Origin}, other.Also...) {
			if !o.IsZero() && o != step.Origin && !slices.Contains(step.Also, o) {
				step.Also = append(step.Also, o)
			}
		}
	}
	return step
}

// allowedPart: an ordered tier accepts, or NetworkPolicies admit, or nothing refuses.
func (q *query) allowedPart(a answer) verdict.Step {
	switch {
	case a.admin.only(netpol.Accept):
		return q.ruled(a.admin, netpol.Accept, Accepted)
	case a.namespaced.admits():
		return q.admitted(a.namespaced)
	case a.ownNode || a.namespaced.isolates() && a.namespaced.node == netpol.Yes:
		step := q.step(verdict.Allow, OwnNode)
		step.Facts = map[string]string{"policies": q.policyNames(a), "node": q.nodeName(q.subject.asPod())}
		return step
	case a.baseline.only(netpol.Accept):
		return q.ruled(a.baseline, netpol.Accept, Accepted)
	case len(a.namespaced.selection.maybe) > 0:
		return q.admitted(a.namespaced)
	}
	step := q.step(verdict.Allow, NotIsolated)
	if names := q.policyNames(a); names != "" {
		step.Facts = map[string]string{"considered": names}
	}
	if by := slices.Concat(a.admin.by[netpol.Pass], a.baseline.by[netpol.Pass]); len(by) > 0 {
		step.Facts["passed"] = by[0].policy.Kind + " " + by[0].policy.FullName()
	}
	return step
}

// ruled explains what a rule of an ordered tier decides; the last is the sure one.
func (q *query) ruled(r ruling, a netpol.Action, reason verdict.Reason) verdict.Step {
	v := verdict.Allow
	if a == netpol.Deny {
		v = verdict.Deny
	}
	step := q.step(v, reason)
	by := r.by[a]
	sure := by[len(by)-1]
	step.Origin = sure.origin
	for _, m := range by[:len(by)-1] {
		step.Also = append(step.Also, m.origin)
	}
	step.Facts = map[string]string{
		"tier": sure.policy.Tier.String(), "policy": sure.policy.FullName(), "kind": sure.policy.Kind,
		"priority": strconv.Itoa(int(sure.policy.Priority)), "policies": sure.policy.FullName(),
	}
	if rule := sure.policy.Rules[q.dir][sure.index]; rule.Name != "" {
		step.Facts["rule"] = rule.Name
	}
	return step
}

// admitted explains an Allow by NetworkPolicies: these rules admit.
func (q *query) admitted(o outcome) verdict.Step {
	step := q.step(verdict.Allow, Allowed)
	deciding := o.sure
	if len(deciding) == 0 {
		deciding = o.maybe
	}
	var origins []verdict.Origin
	for _, a := range deciding {
		origins = append(origins, a.origins(netpol.Yes)...)
	}
	step.Facts = map[string]string{"policies": o.names()}
	if len(origins) > 0 {
		step.Origin, step.Also = origins[0], origins[1:]
	}
	return step
}

// refused explains a refusal: by the rule of an ordered tier that denies, or by the
// NetworkPolicy rule that came nearest to admitting.
func (q *query) refused(a answer, v verdict.Verdict, reason verdict.Reason) verdict.Step {
	switch {
	case a.admin.only(netpol.Deny):
		return q.ruled(a.admin, netpol.Deny, Denied)
	case a.namespaced.isEmpty() || !a.namespaced.isolates() && a.baseline.may[netpol.Deny]:
		return q.ruled(a.baseline, netpol.Deny, Denied)
	}
	step := q.step(v, reason)
	miss := q.nearest(a.namespaced.selection)
	step.Facts = miss.Facts()
	step.Facts["policies"] = a.namespaced.names()
	step.Origin = miss.Origin
	for _, p := range a.namespaced.selection.sure {
		if p != miss.Policy {
			step.Also = append(step.Also, p.Origin)
		}
	}
	return step
}

// undecided explains an Unknown by what it depends on.
func (q *query) undecided(parts []answer) verdict.Step {
	for _, a := range parts {
		switch {
		case a.verdict() != verdict.Unknown:
		case len(a.admin.rivals) > 0 || len(a.baseline.rivals) > 0:
			return q.conflict(slices.Concat(a.admin.rivals, a.baseline.rivals))
		case a.namespaced.node == netpol.Unsure && a.onlyNodeInDoubt():
			return q.refused(a, verdict.Unknown, HostNetwork)
		}
	}
	return q.unsure(parts)
}

// onlyNodeInDoubt reports whether NetworkPolicies surely isolate, none may admit, and
// the ordered tiers leave it to them.
func (a answer) onlyNodeInDoubt() bool {
	o := a.namespaced
	o.node = netpol.No
	return o.isolates() && !o.mayAdmit() && !a.admin.may[netpol.Accept] && !a.admin.may[netpol.Deny]
}

// conflict names the policies of equal priority that disagree.
func (q *query) conflict(rivals []ruleMatch) verdict.Step {
	step := q.step(verdict.Unknown, Conflict)
	var names []string
	for i, m := range rivals {
		names = append(names, m.policy.FullName()+" ("+actionOf(m, q.dir).String()+")")
		if i == 0 {
			step.Origin = m.origin
		} else {
			step.Also = append(step.Also, m.origin)
		}
	}
	step.Facts = map[string]string{
		"tier": rivals[0].policy.Tier.String(), "policies": strings.Join(names, ", "),
		"priority": strconv.Itoa(int(rivals[0].policy.Priority)),
	}
	return step
}

// unsure explains an Unknown by the policies and peers it depends on.
func (q *query) unsure(parts []answer) verdict.Step {
	step := q.step(verdict.Unknown, Unsure)
	first := parts[0]
	step.Facts = map[string]string{"policies": q.policyNames(first), "depends": "peer"}
	origins := q.doubtful(parts)
	if len(origins) == 0 {
		step.Facts["depends"] = "selector"
	}
	for _, p := range first.namespaced.selection.maybe {
		origins = append(origins, p.Origin.At("spec.podSelector"))
	}
	q.outsideFacts(&step, parts)
	if names := q.unresolved(parts); len(names) > 0 {
		step.Facts["domains"] = strings.Join(names, ", ")
	}
	if keys := q.unknownKeys(first); keys != "" {
		step.Facts["unknownLabels"] = keys
	}
	if len(origins) > 0 {
		step.Origin, step.Also = origins[0], origins[1:]
	}
	return step
}

// outsideFacts says which part of an outside peer gets through.
func (q *query) outsideFacts(step *verdict.Step, parts []answer) {
	switch {
	case !q.peer.isOutside():
		if len(parts) > 1 {
			step.Facts["families"] = familyVerdicts(parts)
		}
	case q.peer.addressUnknown():
		step.Facts["address"] = "unknown"
	case len(parts) > 1:
		var in flow.Addresses
		for _, a := range parts {
			if a.verdict() == verdict.Allow {
				in = in.Union(a.peer.Outside)
			}
		}
		step.Facts["outside"], step.Facts["admitted"] = prefixes(q.peer.Outside), prefixes(in)
	}
}

// unresolved are the domain names without addresses that rules in doubt ask for.
func (q *query) unresolved(parts []answer) []string {
	var names []string
	for _, a := range parts {
		for _, m := range a.matches() {
			if m.match != netpol.Unsure {
				continue
			}
			for _, p := range m.policy.Rules[q.dir][m.index].Peers {
				for _, name := range p.Domains {
					if _, known := q.resolve([]string{name}); !known && !slices.Contains(names, name) {
						names = append(names, name)
					}
				}
			}
		}
	}
	return names
}

// familyVerdicts writes "IPv4 allow, IPv6 deny".
func familyVerdicts(parts []answer) string {
	words := make([]string, len(parts))
	for i, a := range parts {
		words[i] = a.family.String() + " " + a.verdict().String()
	}
	return strings.Join(words, ", ")
}

// policyNames lists the policies that may have a say.
func (q *query) policyNames(a answer) string {
	var names []string
	for _, p := range slices.Concat(a.admin.selecting, a.baseline.selecting) {
		names = append(names, p.FullName())
	}
	if n := a.namespaced.names(); n != "" {
		names = append(names, n)
	}
	return strings.Join(names, ", ")
}

// doubtful returns the rules that may match, or that match one part of the peer and not
// another.
func (q *query) doubtful(parts []answer) []verdict.Origin {
	var out []verdict.Origin
	add := func(o verdict.Origin) {
		if !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	for _, a := range parts {
		for _, m := range a.matches() {
			if m.match == netpol.Unsure || len(parts) > 1 {
				add(m.origin)
			}
		}
	}
	return out
}

// matches are all rules that match, or may, in the order of the tiers.
func (a answer) matches() []ruleMatch {
	var out []ruleMatch
	for _, r := range []ruling{a.admin, a.baseline} {
		for _, by := range r.by {
			out = append(out, by...)
		}
	}
	for _, as := range [][]admission{a.namespaced.sure, a.namespaced.maybe} {
		for _, admission := range as {
			out = append(out, admission.rules...)
		}
	}
	return out
}

// unknownKeys names the labels of both sides that the policies ask for and whose
// values nobody wrote down.
func (q *query) unknownKeys(a answer) string {
	asked := vision{values: map[label]bool{}}
	for _, p := range slices.Concat(a.admin.selecting, a.namespaced.selection.sure, a.namespaced.selection.maybe, a.baseline.selecting) {
		asked.selector(&p.Pods)
		for _, r := range p.Rules[q.dir] {
			asked.rule(r)
		}
	}
	var keys []string
	for _, end := range []Endpoint{q.subject, q.peer} {
		if end.isOutside() {
			continue
		}
		for _, key := range end.labels().Unknown {
			if slices.Contains(asked.keys, key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return strings.Join(slices.Compact(keys), ", ")
}
