// Package operatorrules holds the rules about what an operator makes of a custom resource
// that its writer did not mean.
package operatorrules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Rules are the family's, in the order of their numbers.
var Rules = []*audit.Rule{OPR1001, OPR1002, OPR1003, OPR1004, OPR1005, OPR1006, OPR1007, OPR1008, OPR1009, OPR1010, OPR1011, OPR1012, OPR1013}

// unheeded reports the fields that one thing becomes of; say is the first half of the
// message. A field of an object that several servers share is told of once.
func unheeded(how snapshot.Heed, say func(snapshot.Unheeded) string) func(*audit.Pass) {
	return func(p *audit.Pass) {
		seen := map[verdict.Origin]bool{}
		for _, s := range p.World.Servers {
			for _, u := range s.Unheeded {
				if u.How != how || seen[u.Origin] {
					continue
				}
				seen[u.Origin] = true
				p.Report(finding(s, u, say(u)))
			}
		}
	}
}

func finding(s *snapshot.Server, u snapshot.Unheeded, message string) audit.Finding {
	out := audit.Finding{Subject: subject(s, u.Origin), Origin: u.Origin, Certain: u.Fact == "", Message: message, Fix: u.Fix}
	if u.Effect != "" {
		out.Message += ": " + u.Effect
	}
	if out.Fix == "" {
		out.Fix = "take it away"
	}
	if u.Fact != "" {
		out.Severity = audit.Low
		out.Message += ". Whether it is so depends on " + u.Fact
		out.Fix = "make known " + u.Fact + "; where the field is not known, " + out.Fix
	}
	return out
}

// subject is the object that the field is in; the server where its origin names none.
func subject(s *snapshot.Server, at verdict.Origin) snapshot.Ref {
	if at.Object == "" {
		return s.Ref()
	}
	return named(at)
}

// named reads the object of an origin, "Cluster payments/ledger", as a Ref.
func named(at verdict.Origin) snapshot.Ref {
	kind, rest, _ := strings.Cut(at.Object, " ")
	if ns, name, ok := strings.Cut(rest, "/"); ok {
		return snapshot.Ref{Kind: kind, Namespace: ns, Name: name}
	}
	return snapshot.Ref{Kind: kind, Name: rest}
}

// field names what is written where: "spec.podSelectorRefs of Cluster payments/ledger".
func field(u snapshot.Unheeded) string { return fmt.Sprintf("%s of %s", u.Field, u.Origin.Object) }
