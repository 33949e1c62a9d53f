package roundtrip

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// ends are all clients that an access is about, pods and parts of the outside.
func (t *trip) ends(a *access) (out []network.Endpoint) {
	for _, w := range t.after.World.Workloads {
		for _, p := range w.Pods {
			if from := network.PodEndpoint(p); t.client(a, from) {
				out = append(out, from)
			}
		}
	}
	for _, p := range a.Spec.From {
		if addresses := t.addresses(p); !addresses.IsEmpty() {
			out = append(out, network.OutsideEndpoint(addresses))
		}
	}
	return out
}

// session is how a client of an entry presents itself.
func session(e entry, database string) reach.Session {
	s := reach.Session{Database: database, Role: e.Role, TLS: e.TLS != "Optional"}
	if strings.Contains(e.Authentication, "Certificate") {
		s.Cert = e.Role
	}
	return s
}

// open finds declared clients that do not get in, though nothing of before and no gap
// keeps them out.
func (t *trip) open(note func(string)) (faults []fault) {
	for _, s := range t.after.World.Servers {
		for _, a := range t.accesses(s) {
			for _, from := range t.ends(a) {
				for _, e := range a.Spec.To {
					for _, database := range e.Databases {
						why, f := t.entry(s, a, from, e, database)
						if f != nil {
							faults = append(faults, *f)
						}
						if why != "" {
							note("open: " + why)
						}
					}
				}
			}
		}
	}
	return faults
}

// entry asks one question: why is what excuses that the client does not get in; without an
// excuse it is a fault.
func (t *trip) entry(s *snapshot.Server, a *access, from network.Endpoint, e entry, database string) (why string, f *fault) {
	if from.Pod != nil && slices.ContainsFunc(s.Poolers, func(p *snapshot.Pooler) bool { return p.Workload == from.Pod.Workload && p.Ref().Name == e.Pooler }) {
		return "a pooler is no client of itself", nil
	}
	q := reach.Question{From: from, To: reach.Target{Server: s}, Session: session(e, database)}
	d := t.after.Decide(q)
	var paths []reach.Path
	for _, p := range d.Paths {
		r := reach.Route{Port: p.Port}
		if p.Pooler != nil {
			r.Pooler = p.Pooler.Ref().Namespace + "/" + p.Pooler.Ref().Name
		}
		if p.Pooler == nil && p.Member.Workload != s.Workload {
			continue // the way ends at a pooler that leads to nobody
		}
		if door(e, s, r) {
			if p.Verdict == verdict.Allow {
				return "", nil
			}
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 && slices.ContainsFunc(s.Poolers, func(p *snapshot.Pooler) bool {
		return p.Ref().Name == e.Pooler && p.Part == snapshot.Replica && len(s.Members()) > 0 && !slices.ContainsFunc(s.Members(), func(m *snapshot.Pod) bool { return m.Part == snapshot.Replica })
	}) {
		return "the pooler leads to replicas, and there is none", nil
	}
	if len(paths) == 0 && from.Pod != nil && from.Pod.Workload == s.Workload {
		return "a member is no client of itself", nil
	}
	for _, p := range paths {
		if reason := t.excused(p, a, e, s, from); reason != "" {
			return reason, nil
		}
	}
	var b strings.Builder
	for _, p := range paths {
		fmt.Fprintf(&b, "    %s through %q port %d to %s\n%s", p.Verdict, p.Through, p.Port, p.Member.Ref(), t.steps(p))
		if b.Len() > 2500 {
			break
		}
	}
	f = &fault{class: "open", server: s, entry: e, paths: paths}
	f.text = fmt.Sprintf("PostgresAccess %s/%s: %s does not get into %s, database %q as %q through %q (%s)\n%s", a.Metadata.Namespace, a.Metadata.Name,
		endText(from, snapshot.Ref{Name: from.Outside.Text()}), s.Ref(), database, e.Role, e.Pooler, d.Verdict, b.String())
	return "", f
}

// gapsOf are the gaps that say that clients are refused at a layer, or may be.
var gapsOf = map[verdict.Layer][]string{
	verdict.Egress:  {"networkpolicy/client-closed"},
	verdict.Ingress: {"networkpolicy/service-account", "networkpolicy/host-network-peer", "networkpolicy/no-port", "networkpolicy/no-address", "networkpolicy/node-address", "networkpolicy/no-pods"},
	verdict.Pooler:  {"hba/name", "hba/superuser", "hba/certificate-through-pooler", "hba/no-tls", "hba/node-source", "hba/two-methods"},
	verdict.HBA: {"hba/name", "hba/superuser", "hba/certificate-through-pooler", "hba/no-client-ca", "hba/no-map", "hba/two-methods", "hba/no-tls",
		"hba/service-account", "hba/pooler-user", "hba/pooler-without-tls", "hba/node-source", "hba/no-pooler", "hba/unknown-file"},
}

// excused says what keeps a path closed all the same: a gap that tells of it at each layer
// that refuses, an object that stood there before, or a fact that is missing; empty where
// it is an artefact, or nothing at all.
func (t *trip) excused(p reach.Path, a *access, e entry, s *snapshot.Server, from network.Endpoint) string {
	out := ""
	for _, step := range p.Steps {
		if step.Verdict == verdict.Allow {
			continue
		}
		reason := t.excuse(step, a, from)
		if reason == "" {
			reason = t.told(step, a, e, s, from)
		}
		if reason == "" {
			return ""
		}
		out = reason
	}
	return out
}

func (t *trip) excuse(s verdict.Step, a *access, from network.Endpoint) string {
	switch {
	case s.Verdict == verdict.Unknown:
		return "doubt " + string(s.Layer) + " " + string(s.Reason)
	case s.Layer == verdict.Service, s.Layer == verdict.DNS:
		// The name of a Service is one way to a pod; its address is another path.
		return string(s.Layer) + " " + string(s.Reason)
	case s.Reason == network.Denied && !t.ours(s):
		return "denied by another's " + string(s.Layer)
	}
	return ""
}

// told finds a gap, of the access or of the server, that tells of a refusal.
func (t *trip) told(step verdict.Step, a *access, e entry, s *snapshot.Server, from network.Endpoint) string {
	object := "PostgresAccess " + a.Metadata.Namespace + "/" + a.Metadata.Name
	for _, g := range t.output.Gaps {
		mine := g.Origin.Object == object
		server := slices.Contains([]string{"hba/no-tls", "hba/unknown-file", "hba/pooler-user", "networkpolicy/no-pods"}, g.Code) && t.gap(s, g.Code)
		if (mine || server) && slices.Contains(gapsOf[step.Layer], g.Code) && entryGap(g, e, from) {
			return "gap " + g.Code
		}
	}
	if step.Layer == verdict.HBA && t.gap(s, "hba/mount") {
		return "gap hba/mount" // the file waits to be mounted, and nothing reads it
	}
	return ""
}

// entryGap leaves out gaps that say for themselves that they are about somebody else.
func entryGap(g artefact.Gap, e entry, from network.Endpoint) bool {
	switch g.Code {
	case "hba/node-source", "networkpolicy/node-address", "networkpolicy/no-address":
		return from.Pod == nil
	case "networkpolicy/host-network-peer":
		return from.Pod != nil && from.Pod.HostNetwork
	case "networkpolicy/client-closed":
		return from.Pod != nil && strings.Contains(g.What, "NetworkPolicy "+from.Pod.Namespace+"/")
	case "hba/pooler-without-tls", "hba/pooler-user", "hba/certificate-through-pooler", "hba/no-pooler":
		return e.Pooler != ""
	case "hba/name":
		return strings.Contains(g.What, e.Role) || slices.ContainsFunc(e.Databases, func(d string) bool { return strings.Contains(g.What, d) })
	}
	return true
}
