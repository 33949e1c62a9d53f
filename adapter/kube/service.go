package kube

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func (c *converter) service(o object.Object, read result[*corev1.Service]) {
	if read.err != nil {
		c.fail(o, read.err)
		return
	}
	in := read.value
	s, err := newService(o, in.Spec)
	if err == nil {
		err = c.balancer(s, o, in.Spec)
	}
	if err != nil {
		c.fail(o, err)
		return
	}
	s.LoadBalancer = ingressAddresses(in.Status)
	c.world.Services = append(c.world.Services, s)
}

// newService converts a Service. An empty selector is no selector, and that of an
// ExternalName Service does nothing (kubernetes pkg/controller/endpointslice).
func newService(o object.Object, in corev1.ServiceSpec) (*snapshot.Service, error) {
	s := &snapshot.Service{Namespace: o.Namespace, Name: o.Name, Type: string(in.Type), Origin: o.Origin()}
	if s.Type == "" {
		s.Type = string(corev1.ServiceTypeClusterIP)
	}
	if err := validLabels("spec.selector", in.Selector); err != nil {
		return nil, err
	}
	switch in.Type {
	case corev1.ServiceTypeExternalName:
		s.ExternalName = in.ExternalName
	case "", corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer:
		if len(in.Selector) > 0 {
			s.Selector = labelsEqual(in.Selector)
		}
	default:
		return nil, fault("spec.type", "%q: want ClusterIP, NodePort, LoadBalancer or ExternalName", in.Type)
	}
	for i, p := range in.Ports {
		port, err := servicePort(fmt.Sprintf("spec.ports[%d]", i), p)
		if err != nil {
			return nil, err
		}
		port.Origin = o.Origin().At("spec.ports[%d]", i)
		s.Ports = append(s.Ports, port)
	}
	var err error
	if s.ExternalIPs, err = externalIPs(in.ExternalIPs); err != nil {
		return nil, err
	}
	if s.ClusterIPs, err = clusterIPs(in); err != nil {
		return nil, err
	}
	s.Headless = in.ClusterIP == corev1.ClusterIPNone
	s.NoNodePorts = in.AllocateLoadBalancerNodePorts != nil && !*in.AllocateLoadBalancerNodePorts
	if s.KeepsClient, err = local(in.ExternalTrafficPolicy); err != nil {
		return nil, err
	}
	s.SourceRanges, err = sourceRanges(in.LoadBalancerSourceRanges)
	return s, err
}

// local reports whether nodes send outside clients to their own pods alone, and so need
// not give them another source. internalTrafficPolicy is about clients inside.
func local(in corev1.ServiceExternalTrafficPolicy) (bool, error) {
	switch in {
	case corev1.ServiceExternalTrafficPolicyLocal:
		return true, nil
	case "", corev1.ServiceExternalTrafficPolicyCluster:
		return false, nil
	}
	return false, fault("spec.externalTrafficPolicy", "%q: want Cluster or Local", in)
}

// clusterIPs are those of a live Service. "None" is that of a headless one.
func clusterIPs(in corev1.ServiceSpec) (out []netip.Addr, err error) {
	texts := in.ClusterIPs
	if len(texts) == 0 && in.ClusterIP != "" {
		texts = []string{in.ClusterIP}
	}
	for i, t := range texts {
		if t == corev1.ClusterIPNone || t == "" {
			continue
		}
		a, err := netip.ParseAddr(t)
		if err != nil {
			field := "spec.clusterIP"
			if len(in.ClusterIPs) > 0 {
				field = fmt.Sprintf("spec.clusterIPs[%d]", i)
			}
			return nil, fault(field, "%q is no address", t)
		}
		out = append(out, a)
	}
	return out, nil
}

// ingressAddresses are those of the load balancer that a controller made. It may have a
// name instead.
func ingressAddresses(in corev1.ServiceStatus) (out []netip.Addr) {
	for _, i := range in.LoadBalancer.Ingress {
		if a, err := netip.ParseAddr(i.IP); err == nil {
			out = append(out, a.Unmap())
		}
	}
	return out
}

func externalIPs(texts []string) (out []netip.Addr, err error) {
	for i, t := range texts {
		a, err := netip.ParseAddr(t)
		if err != nil {
			return nil, fault(fmt.Sprintf("spec.externalIPs[%d]", i), "%q is no address", t)
		}
		out = append(out, a)
	}
	return out, nil
}

func servicePort(field string, in corev1.ServicePort) (out snapshot.ServicePort, err error) {
	out.Name = in.Name
	if out.Protocol, err = protocol(field+".protocol", string(in.Protocol)); err != nil {
		return out, err
	}
	if out.Port, err = portNumber(field+".port", in.Port); err != nil {
		return out, err
	}
	if in.NodePort != 0 {
		if out.NodePort, err = portNumber(field+".nodePort", in.NodePort); err != nil {
			return out, err
		}
	}
	target := in.TargetPort
	switch {
	case target.Type == intstr.String && target.StrVal != "":
		out.TargetName = target.StrVal
	case target.Type == intstr.Int && target.IntVal != 0:
		out.Target, err = portNumber(field+".targetPort", target.IntVal)
	default: // absent: the Service's own port
		out.Target = out.Port
	}
	return out, err
}

func sourceRanges(texts []string) (out []netip.Prefix, err error) {
	for i, t := range texts {
		p, err := prefix(fmt.Sprintf("spec.loadBalancerSourceRanges[%d]", i), strings.TrimSpace(t))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
