package kube

import (
	"fmt"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
)

// clusterProtocol is an entry of protocols (ClusterNetworkPolicy).
type clusterProtocol struct {
	TCP                  *protocolAttributes `json:"tcp"`
	UDP                  *protocolAttributes `json:"udp"`
	SCTP                 *protocolAttributes `json:"sctp"`
	DestinationNamedPort *string             `json:"destinationNamedPort"`
}

type protocolAttributes struct {
	DestinationPort *struct {
		Number int32      `json:"number"`
		Range  *portRange `json:"range"`
	} `json:"destinationPort"`
}

// clusterPort is an entry of ports (AdminNetworkPolicy and its baseline).
type clusterPort struct {
	PortNumber *struct {
		Protocol *string `json:"protocol"`
		Port     int32   `json:"port"`
	} `json:"portNumber"`
	PortRange *struct {
		Protocol *string `json:"protocol"`
		portRange
	} `json:"portRange"`
	NamedPort *string `json:"namedPort"`
}

type portRange struct {
	Start int32 `json:"start"`
	End   int32 `json:"end"`
}

// ports converts the entries of protocols or ports.
func (b *clusterBuilder) ports(field string, in clusterRule) (out []netpol.Port, err error) {
	add := func(list string, i int, convert func(field string) ([]netpol.Port, error)) error {
		at := fmt.Sprintf("%s.%s[%d]", field, list, i)
		ports, err := convert(at)
		for j := range ports {
			ports[j].Origin = b.o.Origin().At("%s", at)
		}
		out = append(out, ports...)
		return err
	}
	for i, p := range in.Protocols {
		if err := add("protocols", i, p.ports); err != nil {
			return nil, err
		}
	}
	for i, p := range in.Ports {
		if err := add("ports", i, p.ports); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p clusterProtocol) ports(field string) ([]netpol.Port, error) {
	switch {
	case p.TCP != nil:
		return p.TCP.ports(field+".tcp", flow.TCP)
	case p.UDP != nil:
		return p.UDP.ports(field+".udp", flow.UDP)
	case p.SCTP != nil:
		return p.SCTP.ports(field+".sctp", flow.SCTP)
	case p.DestinationNamedPort != nil:
		return named(*p.DestinationNamedPort), nil
	}
	return nil, nil
}

// ports of an attribute that nothing here knows are none: the rule fails closed.
func (a protocolAttributes) ports(field string, proto flow.Protocol) ([]netpol.Port, error) {
	switch to := a.DestinationPort; {
	case to == nil:
		return nil, nil
	case to.Range != nil:
		return between(field+".destinationPort.range", proto, *to.Range)
	case to.Number != 0:
		return between(field+".destinationPort.number", proto, portRange{to.Number, to.Number})
	}
	return nil, nil
}

func (p clusterPort) ports(field string) ([]netpol.Port, error) {
	switch {
	case p.PortNumber != nil:
		return ofProtocol(field+".portNumber", p.PortNumber.Protocol, portRange{p.PortNumber.Port, p.PortNumber.Port})
	case p.PortRange != nil:
		return ofProtocol(field+".portRange", p.PortRange.Protocol, p.PortRange.portRange)
	case p.NamedPort != nil:
		return named(*p.NamedPort), nil
	}
	return nil, nil
}

// ofProtocol reads a protocol that the schema leaves any text. Absent is TCP. What a
// plugin would make of another word, or of a range that ends before it starts, nobody
// can say.
func ofProtocol(field string, text *string, r portRange) ([]netpol.Port, error) {
	if text == nil {
		return between(field, flow.TCP, r)
	}
	proto, err := flow.ParseProtocol(*text)
	if err != nil {
		return nil, &object.Fault{Field: field + ".protocol", Err: err}
	}
	return between(field, proto, r)
}

func between(field string, proto flow.Protocol, r portRange) ([]netpol.Port, error) {
	from, err := portNumber(field, r.Start)
	if err != nil {
		return nil, err
	}
	to, err := portNumber(field, r.End)
	if err == nil && to < from {
		err = fault(field, "end %d is less than start %d", to, from)
	}
	return []netpol.Port{{Protocol: proto, From: from, To: to}}, err
}

// named is a port by its name alone: whatever its protocol is on the pod.
func named(name string) []netpol.Port {
	if name == "" {
		return nil
	}
	return []netpol.Port{
		{Protocol: flow.TCP, Name: name}, {Protocol: flow.UDP, Name: name}, {Protocol: flow.SCTP, Name: name},
	}
}

// nameless returns the path of an entry whose port name is empty: to whoever reads it
// into a Go type, an entry without any field.
func nameless(field string, in clusterRule) string {
	for i, p := range in.Protocols {
		if p.DestinationNamedPort != nil && *p.DestinationNamedPort == "" {
			return fmt.Sprintf("%s.protocols[%d].destinationNamedPort", field, i)
		}
	}
	for i, p := range in.Ports {
		if p.NamedPort != nil && *p.NamedPort == "" {
			return fmt.Sprintf("%s.ports[%d].namedPort", field, i)
		}
	}
	return ""
}
