package nettwin

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// portsOfRule: "Each item in this list is combined using a logical OR. If this field
// is empty or missing, this rule matches all ports (traffic not restricted by port)."
type portsOfRule []networkingv1.NetworkPolicyPort

func (ports portsOfRule) matches(r Reading, to End, proto corev1.Protocol, port int32) bool {
	for _, p := range ports {
		if r.portMatches(p, to, proto, port) {
			return true
		}
	}
	return len(ports) == 0
}

func (r Reading) portMatches(p networkingv1.NetworkPolicyPort, to End, proto corev1.Protocol, port int32) bool {
	// "protocol represents the protocol (TCP, UDP, or SCTP) which traffic must match.
	// If not specified, this field defaults to TCP."
	want := corev1.ProtocolTCP
	if p.Protocol != nil {
		want = *p.Protocol
	}
	switch {
	case want != proto || r.NoSCTP && want == corev1.ProtocolSCTP:
		return false
	// "If this field is not provided, this matches all port names and numbers."
	case p.Port == nil:
		return true
	// "This can either be a numerical or named port on a pod."
	case p.Port.Type == intstr.String:
		return hasNamedPort(to, p.Port.StrVal, proto, port)
	// "endPort indicates that the range of ports from port to endPort if set,
	// inclusive, should be allowed by the policy."
	case p.EndPort != nil && !r.NoEndPort:
		return p.Port.IntVal <= port && port <= *p.EndPort
	}
	return p.Port.IntVal == port
}

// hasNamedPort says whether the destination is a pod that calls this port by the name.
// The ports of a pod are those of its containers, and of its sidecars: "If an init
// container is created with its restartPolicy set to Always, it will start and remain
// running during the entire life of the Pod" (concepts/workloads/pods/sidecar-containers).
func hasNamedPort(to End, name string, proto corev1.Protocol, port int32) bool {
	if to.Pod == nil {
		return false
	}
	for _, c := range runningContainers(to.Pod) {
		for _, p := range c.Ports {
			if p.Name == name && protocolOf(p) == proto && p.ContainerPort == port {
				return true
			}
		}
	}
	return false
}

func runningContainers(p *Pod) []corev1.Container {
	out := p.Spec.Containers
	for _, c := range p.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			out = append(out[:len(out):len(out)], c)
		}
	}
	return out
}

// protocolOf: "Protocol for port. Must be UDP, TCP, or SCTP. Defaults to "TCP"."
func protocolOf(p corev1.ContainerPort) corev1.Protocol {
	if p.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return p.Protocol
}
