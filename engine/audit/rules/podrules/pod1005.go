package podrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// POD1005 finds pods of others that a Service of the database leads to as well.
var POD1005 = &audit.Rule{
	ID:       "POD1005",
	Title:    "the database's Service leads to pods of others",
	Severity: audit.High,
	Why: `A Service leads to every pod of its namespace with the labels that it selects, whoever
made the pod. Where an application has the labels of the database too, part of the
connections ends in it: they fail now and then, or the pod takes the clients' passwords
when it listens there. The same labels let it through policies that are meant for the
database.`,
	Setting: database("", "") + `---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: legacy}
spec:
  selector: {app: db}
  ports: [{port: 5432}]
`,
	Bad:   application("app: db"),
	Good:  application("app: crm"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		byLabel := doorsByLabel(p.World)
		for _, w := range p.World.Workloads {
			var told []*snapshot.Service
			for _, pod := range w.Pods {
				for _, d := range byLabel.near(pod) {
					if match := d.leads(pod); match != netpol.No && !slices.Contains(d.own, w) && !slices.Contains(told, d.service) {
						told = append(told, d.service)
						p.Report(strayed(d, pod, match))
					}
				}
			}
		}
	},
}

// application is a workload of no database with labels.
func application(labels string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata: {name: crm, namespace: legacy}
spec:
  selector: {matchLabels: {` + labels + `}}
  template:
    metadata: {labels: {` + labels + `}}
    spec: {containers: [{name: crm, image: crm}]}
`
}

// A door is a Service in front of databases, with the workloads that are meant to be
// behind it and its ports that lead to PostgreSQL.
type door struct {
	service *snapshot.Service
	own     []*snapshot.Workload
	ports   []snapshot.ServicePort
	ref     snapshot.Ref
}

// leads asks whether the Service leads to a pod; a named port that the pod has not makes it
// no endpoint of that port.
func (d *door) leads(pod *snapshot.Pod) netpol.Match {
	if !slices.ContainsFunc(d.ports, func(sp snapshot.ServicePort) bool { return sp.PodPort(pod) != 0 }) {
		return netpol.No
	}
	return d.service.Selector.Match(pod.Labels)
}

// A label is one that a Service asks for, in its namespace.
type label struct{ namespace, key, value string }

// labelled finds doors by one of the labels that they ask for, so that a pod is held
// against few of them. Without a value it is for pods whose value is not known.
type labelled map[label][]*door

func doorsByLabel(world *snapshot.Snapshot) labelled {
	known := map[*snapshot.Service]*door{}
	out := labelled{}
	for _, t := range tenants(world) {
		for _, s := range t.services {
			d := known[s]
			if d == nil {
				d = &door{service: s, ref: t.ref}
				known[s] = d
				out.add(d)
			}
			d.own = append(d.own, t.workload)
			d.ports = append(d.ports, t.leading(s)...)
		}
	}
	return out
}

func (l labelled) add(d *door) {
	for _, r := range d.service.Selector {
		if r.Op == netpol.In && len(r.Values) == 1 {
			for _, value := range []string{r.Values[0], ""} {
				at := label{d.service.Namespace, r.Key, value}
				l[at] = append(l[at], d)
			}
			return
		}
	}
}

// near are the doors that the pod may be behind.
func (l labelled) near(pod *snapshot.Pod) (out []*door) {
	for key, value := range pod.Labels.Set {
		if value != "" {
			out = append(out, l[label{pod.Namespace, key, value}]...)
		}
	}
	for _, key := range pod.Labels.Unknown {
		out = append(out, l[label{pod.Namespace, key, ""}]...)
	}
	slices.SortFunc(out, func(a, b *door) int { return a.service.Ref().Compare(b.service.Ref()) })
	return out
}

// leading are the ports of the Service that lead to PostgreSQL.
func (t tenant) leading(s *snapshot.Service) (out []snapshot.ServicePort) {
	for _, sp := range s.Ports {
		if slices.ContainsFunc(t.pods, func(pod *snapshot.Pod) bool { return slices.Contains(t.ports, sp.PodPort(pod)) }) {
			out = append(out, sp)
		}
	}
	return out
}

func strayed(d *door, pod *snapshot.Pod, match netpol.Match) audit.Finding {
	f := audit.Finding{Subject: d.service.Ref(), Origin: labelsOf(pod), Certain: match == netpol.Yes,
		Also:    []verdict.Origin{d.service.At("spec.selector")},
		Message: fmt.Sprintf("%s, in front of %s, leads to %s too: part of the connections ends there", d.service.Ref(), d.ref, pod.Workload.Ref),
		Fix:     "give the pods other labels; where the Service is yours, have it select a label that only the database has"}
	if !f.Certain {
		f.Message = fmt.Sprintf("%s, in front of %s, may lead to %s too: one of its labels is not known", d.service.Ref(), d.ref, pod.Workload.Ref)
	}
	return f
}

// labelsOf is where the labels of a pod are written.
func labelsOf(pod *snapshot.Pod) verdict.Origin {
	if pod.Origin.Field == "" {
		return pod.Origin.At("metadata.labels")
	}
	return pod.Origin.At("%s.metadata.labels", pod.Origin.Field)
}
