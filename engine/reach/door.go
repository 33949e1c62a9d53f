package reach

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A door leads from outside the cluster to a pod.
type door struct {
	kind doorKind
	name string // as Path.Through has it
	// service is the Service that stands there, not an alias of it; nil for a host port.
	service *snapshot.Service
	route   *snapshot.Route
	origin  verdict.Origin
	facts   map[string]string
}

type doorKind uint8

// The kinds. A Service that nothing exposes has a closed one, so that there is a step to
// say so.
const (
	closedDoor doorKind = iota
	loadBalancer
	nodePort
	externalIP
	hostPort
	hostAddress // a pod on its node's network
	proxied     // a route through a gateway or an ingress controller
)

func isOutside(from network.Endpoint) bool { return from.Pod == nil && from.Virtual == nil }

// waysFromOutside are the ways in the cluster behind each door that leads to them, and
// those straight to the addresses of pods, which some networks route to.
func (e *Engine) waysFromOutside(q Question) []way {
	var out []way
	for _, w := range e.waysInCluster(q) {
		switch {
		case w.firstPod() == nil: // the Service leads nowhere
			out = append(out, w)
		case w.service != nil:
			out = append(out, e.throughDoors(w, e.serviceDoors(e.alias(w.service), *w.entry))...)
			out = append(out, e.throughRoutes(w, speaksTCP)...)
		default:
			out = append(out, e.toHost(w)...)
		}
	}
	return out
}

// throughDoors is the way behind each of the doors of its Service.
func (e *Engine) throughDoors(w way, doors []door) []way {
	out := make([]way, len(doors))
	for i := range doors {
		out[i] = w
		out[i].door, out[i].through = &doors[i], doors[i].name
		if doors[i].kind != closedDoor && !doors[i].service.KeepsClient {
			out[i].seen, out[i].as = SeenNode, e.node
		}
	}
	return out
}

// serviceDoors are those of a port of a Service. A load balancer has node ports too,
// unless it was told to do without (Kubernetes documentation, "Disabling load balancer
// NodePort allocation").
func (e *Engine) serviceDoors(svc *snapshot.Service, sp snapshot.ServicePort) []door {
	var out []door
	add := func(kind doorKind, name string, origin verdict.Origin) {
		out = append(out, door{kind: kind, name: name, service: svc, origin: origin,
			facts: map[string]string{"service": svc.Namespace + "/" + svc.Name, "type": svc.Type, "through": name}})
	}
	if svc.Type == "LoadBalancer" {
		add(loadBalancer, "LoadBalancer", svc.At("spec.type"))
	}
	if svc.Type == "NodePort" || svc.Type == "LoadBalancer" && (!svc.NoNodePorts || sp.NodePort != 0) {
		name := "NodePort"
		if sp.NodePort != 0 {
			name = fmt.Sprintf("NodePort %d", sp.NodePort)
		}
		add(nodePort, name, svc.At("spec.type"))
	}
	for _, ip := range svc.ExternalIPs {
		add(externalIP, "external IP "+ip.String(), svc.At("spec.externalIPs"))
	}
	if len(out) == 0 {
		add(closedDoor, "", svc.At("spec.type"))
	}
	return out
}

// toHost is the way to a pod's own address, and those by the ports of its node that lead
// to it. A pod on the host network has no address but its node's.
func (e *Engine) toHost(w way) []way {
	first := w.firstPod()
	out := []way{w}
	if first.HostNetwork {
		d := hostDoor(hostAddress, w.firstPort(), first.Origin)
		out[0].door, out[0].through = &d, d.name
	}
	for _, p := range first.Ports {
		if p.HostPort == 0 || p.Port != w.firstPort() || p.Protocol != flow.TCP || first.HostNetwork || p.HostIP.IsLoopback() {
			continue
		}
		d := hostDoor(hostPort, p.HostPort, p.Origin)
		at := w
		at.door, at.through = &d, d.name
		out = append(out, at)
	}
	return out
}

func hostDoor(kind doorKind, port uint16, origin verdict.Origin) door {
	name := fmt.Sprintf("hostPort %d", port)
	return door{kind: kind, name: name, origin: origin, facts: map[string]string{"through": name, "port": fmt.Sprint(port)}}
}

// enter says whether an outside client gets in by a door, before any policy.
func (e *Engine) enter(from network.Endpoint, d door) verdict.Step {
	step := verdict.Step{Layer: verdict.Service, Verdict: verdict.Allow, Origin: d.origin, Facts: d.facts}
	switch d.kind {
	case closedDoor:
		step.Verdict, step.Reason = verdict.Deny, "service/not-exposed"
	case loadBalancer:
		return e.balance(from, d.service, step)
	case nodePort:
		step.Reason = "service/exposed"
		if d.service.Type == "LoadBalancer" {
			step.Verdict, step.Reason = verdict.Deny, "service/node-port-closed"
			return e.assume(step, snapshot.AssumeNodePortsClosed)
		}
	case externalIP:
		step.Reason = "service/exposed"
	case hostPort:
		step.Reason = "host/port"
	case hostAddress:
		step.Reason = "host/network"
	case proxied:
		return e.proxy(from, d.route, step)
	}
	return step
}

// rangesOrigin is where the ranges are written that a load balancer takes clients from.
func rangesOrigin(svc *snapshot.Service) verdict.Origin {
	if !svc.SourceRangesOrigin.IsZero() {
		return svc.SourceRangesOrigin
	}
	return svc.At("spec.loadBalancerSourceRanges")
}

// balance says from whom a load balancer takes connections: it asks about the client's
// own address, whatever the pods see of it afterwards.
func (e *Engine) balance(from network.Endpoint, svc *snapshot.Service, step verdict.Step) verdict.Step {
	step.Reason = "service/exposed"
	if len(svc.SourceRanges) > 0 {
		step = only(step, from, flow.AddressesOf(svc.SourceRanges...), "service/source-ranges", rangesOrigin(svc))
	}
	if svc.Internal == verdict.Allow {
		step = only(step, from, e.nearby(), "service/internal", svc.InternalOrigin)
	}
	if svc.KeepsClient && step.Verdict == verdict.Allow {
		return e.assume(step, snapshot.AssumeNodeSource)
	}
	return step
}

// only limits a step to clients of some addresses.
func only(step verdict.Step, from network.Endpoint, takes flow.Addresses, reason verdict.Reason, origin verdict.Origin) verdict.Step {
	known := !from.Outside.IsEmpty()
	switch {
	case known && from.Outside.Minus(takes).IsEmpty():
		return step
	case known && from.Outside.Intersect(takes).IsEmpty():
		step.Verdict, step.Reason, step.Origin = verdict.Deny, reason, origin
	case step.Verdict == verdict.Allow:
		step.Verdict, step.Reason, step.Origin = verdict.Unknown, reason+"-part", origin
	}
	return step
}

// nearby are the addresses that may reach an internal load balancer: private ones, and
// those that the facts file names, which somebody knows to be near.
func (e *Engine) nearby() flow.Addresses {
	out := flow.Private()
	for _, o := range e.World.Facts.Outside {
		out = out.Union(o.Addresses)
	}
	return out
}

// doorCuts are the ranges at which it may change whether outside clients get in through
// a Service.
func (e *Engine) doorCuts(svc *snapshot.Service) []flow.Addresses {
	var out []flow.Addresses
	svc = e.alias(svc)
	for _, r := range e.World.Routes {
		if len(r.Sources) > 0 && slices.ContainsFunc(r.Backends, func(b snapshot.RouteBackend) bool {
			return b.Namespace == svc.Namespace && b.Service == svc.Name
		}) {
			out = append(out, flow.AddressesOf(r.Sources...))
		}
	}
	if svc.Type != "LoadBalancer" {
		return out
	}
	if len(svc.SourceRanges) > 0 {
		out = append(out, flow.AddressesOf(svc.SourceRanges...))
	}
	if svc.Internal == verdict.Allow {
		out = append(out, e.nearby())
	}
	return out
}

// nodeEndpoint is whoever a node puts in a client's place: one of the nodes, as far as
// they are known.
func nodeEndpoint(world *snapshot.Snapshot) *network.Endpoint {
	var prefixes []netip.Prefix
	for _, n := range world.Nodes {
		for _, a := range n.Addresses {
			prefixes = append(prefixes, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
		}
	}
	return &network.Endpoint{Outside: flow.AddressesOf(prefixes...), OutsideUnknown: len(prefixes) == 0}
}

// arrive asks the network layers for the first packet that reaches a pod, from whoever
// the pod sees.
func (e *Engine) arrive(from network.Endpoint, w way) []verdict.Step {
	var steps []verdict.Step
	if w.door != nil {
		steps = append(steps, e.enter(from, *w.door))
	}
	packets := e.landed(from, w)
	last := len(packets) - 1
	switch {
	case w.seen == SeenNode && !w.as.OutsideUnknown && !indifferent(packets[last]):
		packets[last] = e.assume(packets[last], snapshot.AssumeNodeAddress)
	case w.seen == SeenProxy && w.as.OutsideUnknown && !indifferent(packets[last]):
		packets[last] = unknownProxy(packets[last], *w.door)
	case w.door == nil && isOutside(from) && packets[last].Verdict == verdict.Allow:
		packets[last] = e.assume(packets[last], snapshot.AssumePodsRoutable)
	}
	return append(steps, packets...)
}

// landed asks whether packets get to the pod, of each part of the outside once.
func (e *Engine) landed(from network.Endpoint, w way) []verdict.Step {
	if !isOutside(from) || e.listing == nil || e.listing.outside.packets == nil {
		return e.packets(w.sender(from), w.firstPod(), w.firstPort())
	}
	key := landing{w.as, passage{w.firstPod(), w.firstPort()}}
	steps, known := e.listing.outside.packets[key]
	if !known {
		steps = e.packets(w.sender(from), key.at.pod, key.at.port)
		e.listing.outside.packets[key] = steps
	}
	return slices.Clone(steps)
}

// indifferent reports whether policies say the same of whoever asks.
func indifferent(s verdict.Step) bool {
	return slices.Contains([]verdict.Reason{network.NotIsolated, network.NotEnforced, network.Unmodelled, network.Unreadable}, s.Reason)
}
