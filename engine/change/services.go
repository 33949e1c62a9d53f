package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// findServices compares Services by name and then field by field.
func (e *edits) findServices(worlds [2]*snapshot.Snapshot) {
	all := map[snapshot.Ref][2]*snapshot.Service{}
	var order []snapshot.Ref
	for v, w := range worlds {
		for _, s := range w.Services {
			two, known := all[s.Ref()]
			if !known {
				order = append(order, s.Ref())
			}
			two[v] = s
			all[s.Ref()] = two
		}
	}
	slices.SortFunc(order, snapshot.Ref.Compare)
	for _, ref := range order {
		e.findService(ref, all[ref])
	}
}

// serviceFields are the parts of a Service that decide where it leads, as text.
var serviceFields = []struct {
	field string
	text  func(*snapshot.Service) string
	take  func(into, from *snapshot.Service)
}{
	{"spec.type", func(s *snapshot.Service) string { return s.Type }, func(into, from *snapshot.Service) { into.Type = from.Type }},
	{"spec.externalName", func(s *snapshot.Service) string { return s.ExternalName },
		func(into, from *snapshot.Service) { into.ExternalName = from.ExternalName }},
	{"spec.selector", func(s *snapshot.Service) string { return s.Selector.String() },
		func(into, from *snapshot.Service) { into.Selector = from.Selector }},
	{"spec.ports", portsText, func(into, from *snapshot.Service) { into.Ports = from.Ports }},
	{"spec.loadBalancerSourceRanges", func(s *snapshot.Service) string { return fmt.Sprint(s.SourceRanges) },
		func(into, from *snapshot.Service) { into.SourceRanges = from.SourceRanges }},
	{"spec.externalIPs", func(s *snapshot.Service) string { return fmt.Sprint(s.ExternalIPs) },
		func(into, from *snapshot.Service) { into.ExternalIPs = from.ExternalIPs }},
	{"spec.externalTrafficPolicy", func(s *snapshot.Service) string {
		return map[bool]string{true: "Local", false: "Cluster"}[s.KeepsClient]
	}, func(into, from *snapshot.Service) { into.KeepsClient = from.KeepsClient }},
	{"spec.allocateLoadBalancerNodePorts", func(s *snapshot.Service) string { return fmt.Sprint(!s.NoNodePorts) },
		func(into, from *snapshot.Service) { into.NoNodePorts = from.NoNodePorts }},
	{"metadata.annotations", func(s *snapshot.Service) string {
		return map[verdict.Verdict]string{verdict.Allow: "internal", verdict.Deny: "public"}[s.Internal]
	}, func(into, from *snapshot.Service) { into.Internal = from.Internal }},
	{"endpoints", func(s *snapshot.Service) string {
		var out []string
		for _, p := range s.Backends {
			out = append(out, p.Ref().String())
		}
		return strings.Join(out, ", ")
	}, func(into, from *snapshot.Service) { into.Backends = from.Backends }},
}

func portsText(s *snapshot.Service) string {
	var out []string
	for _, p := range s.Ports {
		target := p.TargetName
		if target == "" {
			target = fmt.Sprint(p.Target)
		}
		text := fmt.Sprintf("%d to %s", p.Port, target)
		if p.NodePort != 0 {
			text += fmt.Sprintf(" (node port %d)", p.NodePort)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func (e *edits) findService(ref snapshot.Ref, two [2]*snapshot.Service) {
	if two[before] == nil || two[after] == nil {
		x := Cause{Kind: "service", Change: changeOf(two[before] != nil, two[after] != nil), Object: ref.String()}
		for v, at := range []*verdict.Origin{&x.Old, &x.New} {
			if s := two[v]; s != nil {
				if *at = s.Origin; rendersService(s) {
					x.Object, x.Field = s.Origin.Object, ref.String()
				}
			}
		}
		e.add(e.services, ref, x)
		return
	}
	for _, f := range serviceFields {
		was, is := f.text(two[before]), f.text(two[after])
		if was == is {
			continue
		}
		x := Cause{Kind: "service", Change: network.ChangeMoved, Object: ref.String(), Field: f.field,
			Was: was, Is: is, Old: two[before].At(f.field), New: two[after].At(f.field)}
		if rendersService(two[after]) {
			x.Object, x.Field = two[after].Origin.Object, ref.String()+" "+f.field
		}
		e.add(e.services, ref, x)
	}
}

// rendersService reports whether another object makes a Service.
func rendersService(s *snapshot.Service) bool {
	return s.Origin.Object != "" && s.Origin.Object != s.Ref().String()
}

// servicesBefore makes the edits of the Services that lead to a server ones that can be
// undone; all fields of one are taken back together.
func (e *edits) servicesBefore(pair serverPair) {
	var found [2]map[snapshot.Ref]*snapshot.Service
	var order []snapshot.Ref
	for v, s := range pair {
		found[v] = map[snapshot.Ref]*snapshot.Service{}
		for _, svc := range s.Services {
			if found[before][svc.Ref()] == nil {
				order = append(order, svc.Ref())
			}
			found[v][svc.Ref()] = svc
		}
	}
	slices.SortFunc(order, snapshot.Ref.Compare)
	for _, ref := range slices.Compact(order) {
		old := e.carried(found[before][ref])
		for _, x := range e.services[ref] {
			field := strings.TrimPrefix(x.Field, ref.String()+" ")
			undo := func(m *mixture) { m.service(ref, old, field) }
			if x.Object != ref.String() && len(e.makers[pair.ref()]) > 0 {
				e.rendered[pair.ref()] = append(e.rendered[pair.ref()], undo)
				continue
			}
			e.reverts[pair.ref()] = append(e.reverts[pair.ref()], revert{[]Cause{x}, undo})
		}
	}
}

// carried is an old Service with the new pods behind it, where no selector finds them.
func (e *edits) carried(old *snapshot.Service) *snapshot.Service {
	if old == nil || old.Backends == nil {
		return old
	}
	next := *old
	next.Backends = []*snapshot.Pod{}
	for _, p := range old.Backends {
		if twin := e.after(p); twin != nil {
			next.Backends = append(next.Backends, twin)
		}
	}
	return &next
}

// service takes a Service, or a field of it, back to what it was.
func (m *mixture) service(ref snapshot.Ref, old *snapshot.Service, field string) {
	at := slices.IndexFunc(m.server.Services, func(s *snapshot.Service) bool { return s.Ref() == ref })
	m.server.Services = slices.Clone(m.server.Services)
	switch {
	case at < 0 && old != nil:
		m.server.Services = append(m.server.Services, old)
	case at >= 0 && old == nil:
		m.server.Services = slices.Delete(m.server.Services, at, at+1)
	case at >= 0:
		next := *m.server.Services[at]
		for _, f := range serviceFields {
			if f.field == field {
				f.take(&next, old)
			}
		}
		m.server.Services[at] = &next
	}
}
