package network

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The facts that this layer uses, as the facts file calls them.
const (
	factCNI      = "cni"
	factPodCIDRs = "podCIDRs"
	factDomains  = "domains"
	factEstate   = "estate"
	factStrict   = "strict"
	factSkipped  = "skip"
	// factCoverage is what a cluster did not tell, factMissing what is deployed from
	// elsewhere.
	factCoverage = "coverage"
	factMissing  = "missing"
	// factFamilies is no fact that anybody states: whether some pod has addresses of
	// both IP families that policies tell apart.
	factFamilies = "families"
)

// takeFact makes one fact of a snapshot that of another.
var takeFact = map[string]func(into, from *snapshot.Snapshot){
	factCNI: func(into, from *snapshot.Snapshot) {
		into.Facts.CNI, into.Facts.Enforces = from.Facts.CNI, from.Facts.Enforces
		into.Facts.CNIOrigin, into.Facts.Profile = from.Facts.CNIOrigin, from.Facts.Profile
	},
	factPodCIDRs: func(into, from *snapshot.Snapshot) { into.Facts.PodCIDRs = from.Facts.PodCIDRs },
	factDomains:  func(into, from *snapshot.Snapshot) { into.Facts.Domains = from.Facts.Domains },
	factEstate:   func(into, from *snapshot.Snapshot) { into.Facts.Complete = from.Facts.Complete },
	factStrict:   func(into, from *snapshot.Snapshot) { into.Facts.Strict = from.Facts.Strict },
	factSkipped:  func(into, from *snapshot.Snapshot) { into.Skipped = from.Skipped },
	factCoverage: func(into, from *snapshot.Snapshot) { into.Coverage = from.Coverage },
	factMissing:  func(into, from *snapshot.Snapshot) { into.Missing = from.Missing },
}

// factTexts says what a snapshot holds of a fact; equal texts are equal facts.
var factTexts = map[string]func(*snapshot.Snapshot) string{
	factCNI: func(s *snapshot.Snapshot) string {
		f := s.Facts
		traits := make([]string, len(f.Profile.Differences))
		for i, d := range f.Profile.Differences {
			traits[i] = string(d.Trait)
		}
		return strings.TrimSpace(fmt.Sprintf("%s (enforces: %s) %s", f.CNI, f.Enforces, strings.Join(traits, " ")))
	},
	factPodCIDRs: func(s *snapshot.Snapshot) string { return prefixes(flow.AddressesOf(s.Facts.PodCIDRs...)) },
	factDomains: func(s *snapshot.Snapshot) string {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(s.Facts.Domains)) {
			parts = append(parts, name+" "+s.Facts.Domains[name].Text())
		}
		return strings.Join(parts, "; ")
	},
	factEstate:   func(s *snapshot.Snapshot) string { return map[bool]string{true: "complete"}[s.Facts.Complete] },
	factStrict:   func(s *snapshot.Snapshot) string { return map[bool]string{true: "strict"}[s.Facts.Strict] },
	factSkipped:  func(s *snapshot.Snapshot) string { return map[bool]string{true: "something"}[len(s.Skipped) > 0] },
	factCoverage: func(s *snapshot.Snapshot) string { return strings.Join(s.Coverage.Limits(), "; ") },
	factMissing: func(s *snapshot.Snapshot) string {
		var parts []string
		for _, m := range s.Missing {
			parts = append(parts, m.What)
		}
		slices.Sort(parts)
		return strings.Join(slices.Compact(parts), "; ")
	},
}

func (l *ledger) editedFacts() {
	for _, field := range slices.Sorted(maps.Keys(factTexts)) {
		was, is := factTexts[field](l.world(before)), factTexts[field](l.world(after))
		if was == is {
			continue
		}
		e := Edit{Kind: EditFacts, Change: changeOf(was != "", is != ""), Object: "facts", Field: field, Was: was, Is: is}
		if field == factCNI {
			e.Old, e.New = l.world(before).Facts.CNIOrigin, l.world(after).Facts.CNIOrigin
		}
		l.addFact(e)
	}
	if l.engines[before].twoFamilies() != l.engines[after].twoFamilies() {
		text := map[bool]string{false: "one IP family", true: "two IP families"}
		l.addFact(Edit{Kind: EditFacts, Change: ChangeMoved, Object: "facts", Field: factFamilies,
			Was: text[l.engines[before].twoFamilies()], Is: text[l.engines[after].twoFamilies()]})
	}
}

func (l *ledger) addFact(e Edit) {
	l.facts[e.Field] = l.add(e)
	l.factsSet = append(l.factsSet, l.facts[e.Field])
}

// samePolicy reports whether two policies say the same, wherever they are written.
func samePolicy(a, b *netpol.Policy) bool {
	return a == b || a.Kind == b.Kind && a.Tier == b.Tier && a.Priority == b.Priority && a.Isolates == b.Isolates &&
		sameSelectors(a.Namespaces, b.Namespaces) && sameSelector(a.Pods, b.Pods) &&
		slices.EqualFunc(a.Rules[netpol.Ingress], b.Rules[netpol.Ingress], sameRule) &&
		slices.EqualFunc(a.Rules[netpol.Egress], b.Rules[netpol.Egress], sameRule)
}

// policyPart tells where two versions of a policy differ: the only part that does, or
// the whole where more do or one is missing.
func policyPart(pair [2]*netpol.Policy) (field string, old, next verdict.Origin) {
	a, b := pair[before], pair[after]
	if b == nil {
		return "", a.Origin, next
	}
	if a == nil {
		return "", old, b.Origin
	}
	parts := rulesApart(a, b)
	for name, same := range map[string]bool{
		"spec.policyTypes": a.Isolates == b.Isolates, "spec.podSelector": sameSelector(a.Pods, b.Pods),
	} {
		if !same {
			parts = append(parts, name)
		}
	}
	if len(parts) != 1 || a.Tier.IsOrdered() {
		return "", a.Origin, b.Origin // rules of ordered tiers have ports and peers by other names
	}
	return parts[0], a.Origin.At("%s", parts[0]), b.Origin.At("%s", parts[0])
}

// rulesApart names the rules that differ, and the part of a rule where only one does.
func rulesApart(a, b *netpol.Policy) []string {
	var out []string
	for _, dir := range netpol.Directions {
		old, next := a.Rules[dir], b.Rules[dir]
		if len(old) != len(next) {
			out = append(out, "spec."+dir.String())
			continue
		}
		for i := range old {
			if !sameRule(old[i], next[i]) {
				out = append(out, fmt.Sprintf("spec.%s[%d]%s", dir, i, rulePart(dir, old[i], next[i])))
			}
		}
	}
	return out
}

func rulePart(dir netpol.Direction, a, b netpol.Rule) string {
	if a.FailsClosed || b.FailsClosed || a.Action != b.Action {
		return ""
	}
	peers := a.AnyPeer == b.AnyPeer && slices.EqualFunc(a.Peers, b.Peers, samePeer)
	ports := a.AnyPort == b.AnyPort && slices.EqualFunc(a.Ports, b.Ports, samePort)
	switch {
	case peers && !a.AnyPort && !b.AnyPort:
		return ".ports"
	case ports && !a.AnyPeer && !b.AnyPeer:
		return map[netpol.Direction]string{netpol.Ingress: ".from", netpol.Egress: ".to"}[dir]
	}
	return ""
}

// sameRule ignores what a rule is called.
func sameRule(a, b netpol.Rule) bool {
	return a.Action == b.Action && a.AnyPeer == b.AnyPeer && a.AnyPort == b.AnyPort && a.FailsClosed == b.FailsClosed &&
		slices.EqualFunc(a.Peers, b.Peers, samePeer) && slices.EqualFunc(a.Ports, b.Ports, samePort)
}

func samePeer(a, b netpol.Peer) bool {
	return sameBlock(a.Block, b.Block) && sameSelectors(a.Namespaces, b.Namespaces) && sameSelectors(a.Pods, b.Pods) &&
		sameSelectors(a.Nodes, b.Nodes) && slices.Equal(a.Domains, b.Domains)
}

func sameBlock(a, b *netpol.Block) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Pods == b.Pods && a.Addresses.Equal(b.Addresses)
}

func samePort(a, b netpol.Port) bool {
	return a.Protocol == b.Protocol && a.Name == b.Name && a.From == b.From && a.To == b.To && a.EndPort == b.EndPort
}

func sameSelectors(a, b *netpol.Selector) bool {
	if a == nil || b == nil {
		return a == b
	}
	return sameSelector(*a, *b)
}

func sameSelector(a, b netpol.Selector) bool {
	return slices.EqualFunc(a, b, func(r, s netpol.Requirement) bool {
		return r.Key == s.Key && r.Op == s.Op && slices.Equal(r.Values, s.Values)
	})
}

func sameUnmodelled(a, b *snapshot.Unmodelled) bool {
	return a.Layer == b.Layer && a.Directions == b.Directions && sameSelectors(a.Pods, b.Pods) &&
		(a.Namespaces == nil) == (b.Namespaces == nil) && reflect.DeepEqual(a.Namespaces, b.Namespaces)
}
