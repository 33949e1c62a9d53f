package world

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A ServiceSpec is what a template of a Service may say. An operator sets the
// selector itself.
type ServiceSpec struct {
	Type         string     `json:"type"`
	ExternalName string     `json:"externalName"`
	Ports        []PortSpec `json:"ports"`
	SourceRanges []string   `json:"loadBalancerSourceRanges"`
}

// A PortSpec is an entry of spec.ports.
type PortSpec struct {
	Name       string      `json:"name"`
	Protocol   string      `json:"protocol"`
	Port       uint16      `json:"port"`
	TargetPort IntOrString `json:"targetPort"`
	NodePort   uint16      `json:"nodePort"`
}

// IntOrString is a port by number or by name, as it is written.
type IntOrString = json.RawMessage

// target reads a port; what is neither a name nor a number is zero, and the API
// server refuses it.
func target(v IntOrString) (name string, number uint16) {
	if json.Unmarshal(v, &name) != nil && json.Unmarshal(v, &number) != nil {
		return "", 0
	}
	return name, number
}

// Valid refuses what the API server would: a type that is none, a port that is
// neither a name nor a number.
func (s ServiceSpec) Valid() error {
	if !slices.Contains([]string{"", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"}, s.Type) {
		return fmt.Errorf("type: %q: want ClusterIP, NodePort, LoadBalancer or ExternalName", s.Type)
	}
	for i, p := range s.Ports {
		name, number := target(p.TargetPort)
		if said := string(p.TargetPort); said != "" && said != "null" && said != `""` && said != "0" && name == "" && number == 0 {
			return fmt.Errorf("ports[%d].targetPort: %s is neither a name nor a port", i, said)
		}
	}
	_, err := s.Ranges()
	return err
}

// Ranges reads loadBalancerSourceRanges.
func (s ServiceSpec) Ranges() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for i, text := range s.SourceRanges {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("loadBalancerSourceRanges[%d]: %w", i, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// TCPPort is a Service port that leads to a port of the pod, by name where one is
// given, else by number.
func TCPPort(name string, port uint16, target string, number uint16) snapshot.ServicePort {
	p := snapshot.ServicePort{Name: name, Protocol: flow.TCP, Port: port, TargetName: target}
	if target == "" {
		p.Target = cmp.Or(number, port)
	}
	return p
}

// ServicePorts converts the ports of a template; origin is that of the template.
func (s ServiceSpec) ServicePorts(origin verdict.Origin) []snapshot.ServicePort {
	var out []snapshot.ServicePort
	for i, p := range s.Ports {
		name, number := target(p.TargetPort)
		sp := TCPPort(p.Name, p.Port, name, number)
		if proto, err := flow.ParseProtocol(cmp.Or(p.Protocol, "TCP")); err == nil {
			sp.Protocol = proto
		}
		sp.NodePort, sp.Origin = p.NodePort, origin.At("%s.ports[%d]", origin.Field, i)
		out = append(out, sp)
	}
	return out
}

// AddService puts a Service that an operator will create into the Snapshot, unless
// one of this name is there: then that is the truth.
func AddService(w *operator.World, s snapshot.Service) *snapshot.Service {
	if known := w.Service(s.Namespace, s.Name); known != nil {
		known.DeclaredAt = s.Origin
		return known
	}
	s.Synthetic, s.DeclaredAt = true, s.Origin
	s.Type = cmp.Or(s.Type, "ClusterIP")
	w.Snapshot.Services = append(w.Snapshot.Services, &s)
	return &s
}

// Leading returns the Services of the Snapshot that lead to one of the pods, or may,
// and those of own, which are meant to.
func Leading(w *operator.World, pods []*snapshot.Pod, own ...*snapshot.Service) []*snapshot.Service {
	var out []*snapshot.Service
	for _, s := range w.Snapshot.Services {
		if slices.Contains(own, s) || leads(s, pods) {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b *snapshot.Service) int { return a.Ref().Compare(b.Ref()) })
	return out
}

func leads(s *snapshot.Service, pods []*snapshot.Pod) bool {
	return slices.ContainsFunc(pods, func(p *snapshot.Pod) bool {
		if slices.Contains(s.Backends, p) {
			return true
		}
		return s.Namespace == p.Namespace && len(s.Selector) > 0 && s.Selector.Match(p.Labels) != netpol.No
	})
}
