package podrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// POD1002 finds namespaces of databases that take any pod.
var POD1002 = &audit.Rule{
	ID:       "POD1002",
	Title:    "the database's namespace takes any pod",
	Severity: audit.Low,
	Why: `Without a level of Pod Security, or with privileged, whoever may make a pod in the
namespace may make one that is privileged, shares the node's network and mounts its
disks: it is past every NetworkPolicy, and reads the database's files and the tokens of
its pods. A default for the whole cluster may say otherwise; the label says so here.`,
	Setting: database("", ""),
	Bad:     namespace("legacy", "team: crm"),
	Good:    namespace("legacy", enforce+": baseline"),
	Needs:   []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		asked := map[string]bool{}
		for _, t := range tenants(p.World) {
			name := t.ref.Namespace
			if asked[name] {
				continue
			}
			asked[name] = true
			ns, level := enforced(p.World, name)
			ref := snapshot.Ref{Kind: "Namespace", Name: name}
			if !ns.Declared {
				p.Useless(ref, untold)
				continue
			}
			if level == "" || level == privileged {
				p.Report(taking(p, ns, ref, level))
			}
		}
	},
}

func taking(p *audit.Pass, ns *snapshot.Namespace, ref snapshot.Ref, level string) audit.Finding {
	does := "enforces no level of Pod Security"
	if level == privileged {
		does = "enforces privileged, which refuses nothing"
	}
	f := audit.Finding{Subject: ref, Namespace: ns.Name, Origin: ns.Origin.At("metadata.labels"), Certain: true,
		Message: fmt.Sprintf("namespace %s holds a database and %s", ns.Name, does)}
	var all []snapshot.Demand
	for _, pod := range p.PodsIn(ns.Name) {
		all = append(all, pod.Demands...)
	}
	if to := fits(all); to == privileged {
		f.Fix = "some pods here fit no other level; move them to a namespace of their own, and enforce baseline:\n" + labels(baseline)
	} else {
		f.Fix = "the pods that are known here fit " + to + ":\n" + labels(to)
	}
	return f
}
