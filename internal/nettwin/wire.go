package nettwin

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An OrderedPolicy is a ClusterNetworkPolicy (v1alpha2), an AdminNetworkPolicy or a
// BaselineAdminNetworkPolicy (v1alpha1), which have most of their fields in common.
type OrderedPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Tier     string        `json:"tier"` // ClusterNetworkPolicy
		Priority int32         `json:"priority"`
		Subject  Subject       `json:"subject"`
		Ingress  []OrderedRule `json:"ingress"`
		Egress   []OrderedRule `json:"egress"`
	} `json:"spec"`
}

// isBaseline: "ClusterNetworkPolicy can use 2 of these tiers: Admin and Baseline", and
// the older kinds are named after them.
func (p *OrderedPolicy) isBaseline() bool {
	return p.Kind == "BaselineAdminNetworkPolicy" || p.Spec.Tier == "Baseline"
}

// A Subject selects the pods of a policy. "Exactly one field must be set."
type Subject struct {
	Namespaces *metav1.LabelSelector `json:"namespaces"`
	Pods       *NamespacedPod        `json:"pods"`
}

// A NamespacedPod selects pods in namespaces.
type NamespacedPod struct {
	NamespaceSelector metav1.LabelSelector `json:"namespaceSelector"`
	PodSelector       metav1.LabelSelector `json:"podSelector"`
}

// An OrderedRule is a rule of either direction and of either version.
type OrderedRule struct {
	Name      string          `json:"name"`
	Action    string          `json:"action"`
	From      []OrderedPeer   `json:"from"`
	To        []OrderedPeer   `json:"to"`
	Protocols []RuleProtocol  `json:"protocols"` // v1alpha2
	Ports     []AdminRulePort `json:"ports"`     // v1alpha1
}

// An OrderedPeer has one field that is set, or none that these versions know.
type OrderedPeer struct {
	Namespaces  *metav1.LabelSelector `json:"namespaces"`
	Pods        *NamespacedPod        `json:"pods"`
	Nodes       *metav1.LabelSelector `json:"nodes"`
	Networks    []string              `json:"networks"`
	DomainNames []string              `json:"domainNames"`
}

func (p OrderedPeer) isUnknown() bool {
	return p.Namespaces == nil && p.Pods == nil && p.Nodes == nil && len(p.Networks) == 0 && len(p.DomainNames) == 0
}

// A RuleProtocol is an entry of protocols.
type RuleProtocol struct {
	TCP                  *DestinationPort `json:"tcp"`
	UDP                  *DestinationPort `json:"udp"`
	SCTP                 *DestinationPort `json:"sctp"`
	DestinationNamedPort string           `json:"destinationNamedPort"`
}

func (p RuleProtocol) isUnknown() bool {
	return p.TCP == nil && p.UDP == nil && p.SCTP == nil && p.DestinationNamedPort == ""
}

// A DestinationPort is what tcp, udp and sctp have.
type DestinationPort struct {
	DestinationPort *struct {
		Number int32 `json:"number"`
		Range  *struct {
			Start int32 `json:"start"`
			End   int32 `json:"end"`
		} `json:"range"`
	} `json:"destinationPort"`
}

// An AdminRulePort is an entry of ports.
type AdminRulePort struct {
	PortNumber *struct {
		Protocol corev1.Protocol `json:"protocol"`
		Port     int32           `json:"port"`
	} `json:"portNumber"`
	NamedPort *string `json:"namedPort"`
	PortRange *struct {
		Protocol corev1.Protocol `json:"protocol"`
		Start    int32           `json:"start"`
		End      int32           `json:"end"`
	} `json:"portRange"`
}

func (p AdminRulePort) isUnknown() bool {
	return p.PortNumber == nil && p.NamedPort == nil && p.PortRange == nil
}

// contains asks one block about one address.
func contains(cidr string, a netip.Addr) bool { return netip.MustParsePrefix(cidr).Contains(a) }
