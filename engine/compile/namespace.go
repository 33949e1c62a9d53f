package compile

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Namespace writes what concerns a whole namespace that belongs to a server: a policy that
// closes all pods of it both ways, and the level that Pod Security Admission enforces.
var Namespace = Backend{Name: namespaceBackend, Compile: compileNamespaces}

const namespaceBackend = "namespace"

func compileNamespaces(job *Job, out *Output) {
	for _, s := range job.Sites {
		o := s.Perimeter.Owned
		if o == nil {
			continue
		}
		if o.DefaultDeny {
			out.Artefacts = append(out.Artefacts, defaultDeny(s))
		}
		if o.PodSecurity != "" {
			podSecurity(job, s, out)
		}
	}
}

func defaultDeny(s *Site) artefact.Artefact {
	d := &draft{
		name: name("perimeter-"+s.Perimeter.Name, "default-deny"), namespace: s.Server.Ref().Namespace, selector: netpol.Selector{},
		why:      "The namespace belongs to " + s.Server.Ref().String() + ": no pod of it is reached or reaches out but by another policy.",
		isolates: [2]bool{true, true}, because: []verdict.Origin{s.Perimeter.Owned.Origin},
	}
	a := d.artefact()
	a.Backend = namespaceBackend
	return a
}

// enforceLabel says which level Pod Security Admission enforces in a namespace.
const enforceLabel = "pod-security.kubernetes.io/enforce"

// podSecurity sets the level, unless pods of the server would then not be made.
func podSecurity(job *Job, s *Site, out *Output) {
	o, name := s.Perimeter.Owned, s.Server.Ref().Namespace
	if p, d, refused := refusedPod(s, o.PodSecurity); refused {
		what, origin := "does not fit", d.Origin
		if d.Maybe {
			what = "may not fit"
		}
		out.Gaps = append(out.Gaps, artefact.Gap{
			Code: "namespace/pods-refused", Backend: namespaceBackend, Origin: o.Origin,
			What: fmt.Sprintf("%s %s the level %s (%s)", p.Ref(), what, o.PodSecurity, atText(origin)),
			Consequence: "the level is not enforced: a pod of the server that it refuses would not be made again after it stopped; " +
				"change what the pod asks for, or ask for a lower level",
		})
		return
	}
	out.Artefacts = append(out.Artefacts, artefact.Artefact{
		Backend: namespaceBackend, APIVersion: "v1", Ref: snapshot.Ref{Kind: "Namespace", Name: name},
		Fields: []artefact.Field{{
			Path: []string{"metadata", "labels", enforceLabel}, Value: o.PodSecurity,
			Comment: "Perimeter " + s.Perimeter.Namespace + "/" + s.Perimeter.Name + ": pods above this level are not made here. The server's fit.",
		}},
		Because: []verdict.Origin{o.Origin}, At: job.World.NamespaceOf(name).Origin,
	})
}

// refusedPod finds a pod of the site that the level refuses: one that it surely does
// before one that it may.
func refusedPod(s *Site, level string) (*snapshot.Pod, snapshot.Demand, bool) {
	pods := slices.Clone(s.Server.Workload.Pods)
	for _, p := range s.Server.Poolers {
		pods = append(pods, p.Workload.Pods...)
	}
	var pod *snapshot.Pod
	var demand snapshot.Demand
	for _, p := range pods {
		for _, d := range p.Demands {
			refused := level == "restricted" && d.Kind != snapshot.NoDemand || level == "baseline" && d.Kind.Baseline()
			if refused && (pod == nil || demand.Maybe && !d.Maybe) {
				pod, demand = p, d
			}
		}
	}
	return pod, demand, pod != nil
}

// atText writes where something is for people.
func atText(o verdict.Origin) string {
	if o.Field == "" {
		return o.Object
	}
	return o.Object + " " + o.Field
}
