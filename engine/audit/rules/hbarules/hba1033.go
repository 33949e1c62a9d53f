package hbarules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1033 finds podSelectorRefs whose addresses are not only those of the pods that were
// meant, or are none.
var HBA1033 = &audit.Rule{
	ID:       "HBA1033",
	Title:    "podSelectorRefs select other addresses than were meant",
	Severity: audit.Medium,
	Why: `CloudNativePG writes a line for each address of the pods that a selector matches, in
the Cluster's own namespace and in no other. It does not ask for their phase: a Job's pod
that has finished keeps its line while the object exists, though another pod may have its
address by now. A pod of the host network has its node's address, which every process of
the node has. An empty selector is all pods of the namespace. And where no pod matches,
the line is not there: nobody is admitted, or refused, by it.`,
	Bad: clusterWith("  podSelectorRefs: [{name: app, selector: {}}]\n",
		"hostssl ledger app ${podselector:app} scram-sha-256", "host all all all reject"),
	Good: clusterWith("  podSelectorRefs: [{name: app, selector: {matchLabels: {app: app}}}]\n",
		"hostssl ledger app ${podselector:app} scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		labelled := carriers{}
		for _, f := range files(p.World) {
			told := map[string]bool{}
			for _, r := range f.own() {
				if r.Address.Kind != hba.Pods || told[r.Address.Name] {
					continue
				}
				told[r.Address.Name] = true
				for _, why := range complaints(p, labelled, r.Address) {
					out := f.about(r, why.certain, "%s of %s %s", r.Address.Name, words.Quoted(r), why.text)
					out.Also = []verdict.Origin{f.origin.At("spec.podSelectorRefs")}
					out.Severity, out.Assumptions, out.Fix = why.severity, why.assumptions, why.fix
					p.Report(out)
				}
			}
		}
	},
}

// A complaint is one way in which a selector is not what it seems to be.
type complaint struct {
	text, fix   string
	severity    audit.Severity
	certain     bool
	assumptions []string
}

// complaints lists the complaints about a selection.
func complaints(p *audit.Pass, labelled carriers, a hba.Address) (out []complaint) {
	if len(a.Pods) == 0 {
		return []complaint{{text: "is an empty selector: it is every pod of namespace " + a.Namespace + ", other databases and jobs among them",
			fix: "select the clients by their labels", certain: true}}
	}
	hosts, jobs, some := map[string]bool{}, map[string]bool{}, false
	for _, pod := range p.PodsIn(a.Namespace) {
		if a.Pods.Match(pod.Labels) == netpol.No {
			continue
		}
		some = true
		certain := a.Pods.Match(pod.Labels) == netpol.Yes
		switch ref := pod.Workload.Ref.String(); {
		case pod.HostNetwork && !hosts[ref]:
			hosts[ref] = true
			out = append(out, complaint{text: "selects " + ref + " of the host network: the line has addresses of nodes, which every process there has, and clients from outside where a node port translates them",
				fix: "run the client without hostNetwork, or give it a line with a client certificate", certain: certain, severity: audit.High})
		case slices.Contains(finishing, pod.Workload.Kind) && !jobs[ref]:
			jobs[ref] = true
			out = append(out, complaint{text: "selects " + ref + ": its finished pods keep their line while they exist, though other pods may have their addresses by then",
				fix: "delete finished pods (ttlSecondsAfterFinished of the Job), or give the job a role of its own with a client certificate", certain: certain, severity: audit.Low})
		}
	}
	if !some {
		out = append(out, elsewhere(p, labelled, a)...)
	}
	return out
}

// finishing are the kinds whose pods finish.
var finishing = []string{"Job", "CronJob"}

// elsewhere tells of a selector that matches nobody where it looks, and somebody elsewhere.
func elsewhere(p *audit.Pass, labelled carriers, a hba.Address) []complaint {
	for _, pod := range labelled.of(p.World, a.Pods) {
		if pod.Namespace == a.Namespace || a.Pods.Match(pod.Labels) != netpol.Yes {
			continue
		}
		certain, assumptions := p.Complete(a.Namespace)
		return []complaint{{severity: audit.High, certain: certain, assumptions: assumptions,
			text: fmt.Sprintf("selects no pod: %s is in namespace %s, and only pods of %s are looked at; until there are some, the line is not there",
				pod.Workload.Ref, pod.Namespace, a.Namespace),
			fix: "write a line on the network of those pods, and admit only them by a NetworkPolicy with a namespaceSelector",
		}}
	}
	return nobody(p, a)
}

// nobody tells of a selector that matches no pod of an estate that is all there is. In
// another one its pods may only not have been read.
func nobody(p *audit.Pass, a hba.Address) []complaint {
	if !p.World.Holds("Pod", a.Namespace) {
		return nil
	}
	certain, assumptions := p.Complete(a.Namespace)
	return []complaint{{certain: certain, assumptions: assumptions,
		text: "selects no pod of namespace " + a.Namespace + ": until there is one, the line is not there, and nobody is admitted, or refused, by it",
		fix:  "write the labels that the clients' pods have, in their template"}}
}

// carriers are the pods of the estate by each of their labels; filled when first asked.
type carriers map[[2]string][]*snapshot.Pod

// of returns the pods that a selector may match surely: those with a label that it asks
// for, none where it asks for no label of one value.
func (c carriers) of(world *snapshot.Snapshot, s netpol.Selector) []*snapshot.Pod {
	if len(c) == 0 {
		for _, wl := range world.Workloads {
			for _, pod := range wl.Pods {
				for k, v := range pod.Labels.Set {
					c[[2]string{k, v}] = append(c[[2]string{k, v}], pod)
				}
			}
		}
	}
	for _, r := range s {
		if r.Op == netpol.In && len(r.Values) == 1 {
			return c[[2]string{r.Key, r.Values[0]}]
		}
	}
	return nil
}
