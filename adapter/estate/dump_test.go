package estate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// dump writes what a test is to see of a snapshot, a line each.
type dump struct{ strings.Builder }

func (d *dump) line(format string, args ...any) {
	d.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

func textOf(s *snapshot.Snapshot) string {
	var d dump
	for _, name := range slices.Sorted(maps.Keys(s.Namespaces)) {
		ns := s.Namespaces[name]
		if ns.Declared {
			d.line("namespace %s %s", name, labelText(ns.Labels))
		}
	}
	for _, w := range s.Workloads {
		d.line("%s @ %s", w.Ref, place(s, w.Origin))
		for _, p := range w.Pods {
			d.line("  pod%s", podText(p))
		}
	}
	for _, v := range s.Services {
		d.service(v)
	}
	for _, r := range s.Routes {
		d.route(r)
	}
	for _, x := range s.Secrets {
		d.line("secret %s/%s %s %v", x.Namespace, x.Name, x.Type, x.Keys)
	}
	for _, p := range s.Policies {
		d.policy(s, p)
	}
	for _, p := range s.ClusterPolicies {
		d.ordered(s, p)
	}
	for _, n := range s.Nodes {
		d.line("node %s %s %v @ %s", n.Name, labelText(n.Labels), n.Addresses, place(s, n.Origin))
	}
	for _, u := range s.Unmodelled {
		d.unmodelled(u)
	}
	d.rest(s)
	return d.String()
}

func (d *dump) rest(s *snapshot.Snapshot) {
	for _, p := range s.Problems {
		d.line("problem %s: %s [%s]", p.Origin, p.Err, cmp.Or(p.Namespace, "all"))
	}
	for _, w := range s.Warnings {
		d.line("warning %s %s: %s", w.Code, w.Origin, w.Text)
	}
	for _, p := range s.Skipped {
		d.line("skipped %s", p)
	}
	if s.Ignored > 0 {
		d.line("ignored %d", s.Ignored)
	}
	if f := s.Facts; f.CNI != "" {
		d.line("cni %s %s @ %s", f.CNI, f.Enforces, f.CNIOrigin)
	}
	if f := s.Facts; !f.APIServer.IsEmpty() || len(f.APIServerPorts) > 0 {
		d.line("kube-apiserver %s ports %v @ %s", f.APIServer.Text(), f.APIServerPorts, s.Locate(f.APIServerOrigin))
	}
	if f := s.Facts.DNS; f != nil {
		d.line("dns %s %s %s port %d @ %s", f.Namespace, labelText(f.Labels), f.Addresses.Text(), f.Port, s.Locate(f.Origin))
	}
}

func place(s *snapshot.Snapshot, o verdict.Origin) string {
	o = s.Locate(o)
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

func labelText(l netpol.Labels) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(l.Set)) {
		parts = append(parts, k+"="+l.Set[k])
	}
	for _, k := range l.Unknown {
		parts = append(parts, k+"=?")
	}
	return "{" + strings.Join(parts, " ") + "}"
}

func podText(p *snapshot.Pod) string {
	parts := []string{"", labelText(p.Labels)}
	if p.Name != "" {
		parts[0] = " " + p.Name
	}
	for _, c := range p.Ports {
		parts = append(parts, fmt.Sprintf("%s:%s/%d", c.Name, c.Protocol, c.Port)+hostText(c))
	}
	for _, a := range p.Addresses {
		parts = append(parts, a.String())
	}
	if p.ServiceAccount != "default" {
		parts = append(parts, "sa="+p.ServiceAccount)
	}
	if p.Many {
		parts = append(parts, "many")
	}
	if p.HostNetwork {
		parts = append(parts, "host")
	}
	if p.Node != "" {
		parts = append(parts, "on "+p.Node)
	}
	return strings.Join(parts, " ")
}

func hostText(c snapshot.ContainerPort) string {
	switch {
	case c.HostPort == 0:
		return ""
	case c.HostIP.IsValid():
		return fmt.Sprintf("<-%s:%d at %s", c.HostIP, c.HostPort, c.Origin.Field)
	}
	return fmt.Sprintf("<-%d at %s", c.HostPort, c.Origin.Field)
}

func (d *dump) route(r *snapshot.Route) {
	var more []string
	for _, g := range r.Gateways {
		more = append(more, "at "+g.String())
	}
	if r.Auth != "" {
		more = append(more, "auth "+r.Auth)
	}
	for _, p := range r.Sources {
		more = append(more, "from "+p.String())
	}
	d.line("route %s class %q %v tcp=%t port %d tls %s %s | %s", r.Ref, r.Class, r.Hosts, r.TCP, r.Port, r.TLS, strings.Join(more, " "), r.Origin.Field)
	for _, b := range r.Backends {
		d.line("  to %s/%s:%s%d | %s", b.Namespace, b.Service, b.PortName, b.Port, b.Origin.Field)
	}
}

// exposureText writes what is known of a Service's way from outside.
func exposureText(v *snapshot.Service) (more []string) {
	if v.KeepsClient {
		more = append(more, "keeps client")
	}
	if v.NoNodePorts {
		more = append(more, "no node ports")
	}
	for _, a := range v.ClusterIPs {
		more = append(more, "cluster "+a.String())
	}
	for _, a := range v.LoadBalancer {
		more = append(more, "balancer "+a.String())
	}
	if !v.InternalOrigin.IsZero() {
		more = append(more, fmt.Sprintf("internal %s by %s", v.Internal, v.InternalOrigin.Field))
	}
	if !v.SourceRangesOrigin.IsZero() {
		more = append(more, "ranges by "+v.SourceRangesOrigin.Field)
	}
	return more
}

func (d *dump) service(v *snapshot.Service) {
	text := "no selector"
	if v.Selector != nil {
		text = v.Selector.String()
	}
	var more []string
	if v.ExternalName != "" {
		more = append(more, "-> "+v.ExternalName)
	}
	for _, b := range v.Backends {
		more = append(more, "backend "+b.Name)
	}
	for _, r := range v.SourceRanges {
		more = append(more, "from "+r.String())
	}
	more = append(more, exposureText(v)...)
	d.line("%s %s %s %s", v.Ref(), v.Type, text, strings.Join(more, " "))
	for _, p := range v.Ports {
		d.line("  port %s %s %d -> %s%d node %d", p.Name, p.Protocol, p.Port, p.TargetName, p.Target, p.NodePort)
	}
}

func (d *dump) policy(s *snapshot.Snapshot, p *netpol.Policy) {
	d.line("policy %s/%s %s @ %s", p.Namespace, p.Name, p.Pods, place(s, p.Origin))
	for _, dir := range netpol.Directions {
		if !p.Isolates[dir] {
			continue
		}
		if len(p.Rules[dir]) == 0 {
			d.line("  %s closed", dir)
		}
		for _, r := range p.Rules[dir] {
			d.line("  %s %s ports %s @ %s", dir, peersText(r), portsText(r), place(s, r.Origin))
			for _, peer := range r.Peers {
				d.line("    %s @ %s", peer.Origin.Field, place(s, peer.Origin))
			}
		}
	}
}

func (d *dump) ordered(s *snapshot.Snapshot, p *netpol.Policy) {
	d.line("%s %s %d %s ns %s pods %s @ %s", p.Tier, p.Kind, p.Priority, p.FullName(), optionalText(p.Namespaces), p.Pods, place(s, p.Origin))
	for _, dir := range netpol.Directions {
		for _, r := range p.Rules[dir] {
			closed := ""
			if r.FailsClosed {
				closed = " (fails closed)"
			}
			d.line("  %s %q %s %s ports %s%s @ %s", dir, r.Name, r.Action, peersText(r), portsText(r), closed, place(s, r.Origin))
			for _, peer := range r.Peers {
				d.line("    %s @ %s", peer.Origin.Field, place(s, peer.Origin))
			}
			for _, port := range r.Ports {
				d.line("    %s @ %s", port.Origin.Field, place(s, port.Origin))
			}
		}
	}
}

func peersText(r netpol.Rule) string {
	if r.AnyPeer {
		return "any peer"
	}
	var parts []string
	for _, p := range r.Peers {
		switch {
		case p.Block != nil:
			text := p.Block.Text
			if p.Block.Pods {
				text = "networks " + text + " = " + p.Block.Addresses.Text()
			}
			parts = append(parts, text)
		case p.Nodes != nil:
			parts = append(parts, "nodes "+p.Nodes.String())
		case len(p.Domains) > 0:
			parts = append(parts, "domains "+strings.Join(p.Domains, ", "))
		default:
			parts = append(parts, "ns "+optionalText(p.Namespaces)+" pods "+optionalText(p.Pods))
		}
	}
	return strings.Join(parts, " | ")
}

func optionalText(s *netpol.Selector) string {
	if s == nil {
		return "-"
	}
	return s.String()
}

func portsText(r netpol.Rule) string {
	if r.AnyPort {
		return "any"
	}
	var parts []string
	for _, p := range r.Ports {
		if p.Name != "" {
			parts = append(parts, p.Protocol.String()+" "+p.Name)
			continue
		}
		parts = append(parts, flow.PortsOf(flow.PortRange{Protocol: p.Protocol, From: p.From, To: p.To}).String())
	}
	return strings.Join(parts, ", ")
}

func (d *dump) unmodelled(u snapshot.Unmodelled) {
	where := "all namespaces"
	if u.Namespaces != nil {
		where = "in " + strings.Join(u.Namespaces, ",")
	}
	pods := "any pod"
	if u.Pods != nil {
		pods = u.Pods.String()
	}
	d.line("unmodelled %s: %s in=%v out=%v %s %s", u.Ref, u.Layer, u.Directions[netpol.Ingress], u.Directions[netpol.Egress], where, pods)
}
