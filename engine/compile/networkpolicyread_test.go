package compile

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// with returns the estate with the policies that were made, read from their trees.
func with(t *testing.T, world *snapshot.Snapshot, out *Output) *snapshot.Snapshot {
	t.Helper()
	after := *world
	after.Policies, after.ClusterPolicies = slices.Clone(world.Policies), slices.Clone(world.ClusterPolicies)
	for _, a := range out.Artefacts {
		switch a.Ref.Kind {
		case "NetworkPolicy":
			after.Policies = append(after.Policies, readPolicy(t, a))
		case clusterPolicyKind:
			after.ClusterPolicies = append(after.ClusterPolicies, readClusterPolicy(t, a))
		}
	}
	return &after
}

func readPolicy(t *testing.T, a artefact.Artefact) *netpol.Policy {
	t.Helper()
	meta, spec := a.Object.Get("metadata").(artefact.Map), a.Object.Get("spec").(artefact.Map)
	p := &netpol.Policy{
		Kind: "NetworkPolicy", Namespace: meta.Get("namespace").(string), Name: meta.Get("name").(string),
		Pods: readSelector(t, spec.Get("podSelector")), Origin: verdict.Origin{Object: a.Ref.String()},
	}
	for _, item := range spec.Get("policyTypes").(artefact.List) {
		p.Isolates[map[string]netpol.Direction{"Ingress": netpol.Ingress, "Egress": netpol.Egress}[item.Value.(string)]] = true
	}
	for dir, keys := range map[netpol.Direction][2]string{netpol.Ingress: {"ingress", "from"}, netpol.Egress: {"egress", "to"}} {
		rules, _ := spec.Get(keys[0]).(artefact.List)
		for _, item := range rules {
			if item.Comment == "" {
				t.Errorf("%s: a rule without a comment", a.Ref)
			}
			rule := item.Value.(artefact.Map)
			r := netpol.Rule{Action: netpol.Accept, Origin: p.Origin}
			for _, peer := range rule.Get(keys[1]).(artefact.List) {
				r.Peers = append(r.Peers, readPeer(t, peer.Value.(artefact.Map)))
			}
			for _, port := range rule.Get("ports").(artefact.List) {
				r.Ports = append(r.Ports, readPort(t, port.Value.(artefact.Map)))
			}
			if len(r.Peers) == 0 || len(r.Ports) == 0 {
				t.Errorf("%s: a rule for everybody", a.Ref)
			}
			p.Rules[dir] = append(p.Rules[dir], r)
		}
	}
	return p
}

func readSelector(t *testing.T, v artefact.Value) netpol.Selector {
	t.Helper()
	out := netpol.Selector{}
	m := v.(artefact.Map)
	labels, _ := m.Get("matchLabels").(artefact.Map)
	for _, e := range labels {
		out = append(out, netpol.Requirement{Key: e.Key, Op: netpol.In, Values: []string{e.Value.(string)}})
	}
	expressions, _ := m.Get("matchExpressions").(artefact.List)
	for _, item := range expressions {
		e := item.Value.(artefact.Map)
		r := netpol.Requirement{Key: e.Get("key").(string)}
		for op, text := range operators {
			if text == e.Get("operator") {
				r.Op = op
			}
		}
		values, _ := e.Get("values").(artefact.List)
		for _, value := range values {
			r.Values = append(r.Values, value.Value.(string))
		}
		out = append(out, r)
	}
	return out
}

func readPeer(t *testing.T, m artefact.Map) netpol.Peer {
	t.Helper()
	if block, ok := m.Get("ipBlock").(artefact.Map); ok {
		prefix := netip.MustParsePrefix(block.Get("cidr").(string))
		return netpol.Peer{Block: &netpol.Block{Text: prefix.String(), Addresses: flow.AddressesOf(prefix)}}
	}
	namespaces, pods := readSelector(t, m.Get("namespaceSelector")), readSelector(t, m.Get("podSelector"))
	return netpol.Peer{Namespaces: &namespaces, Pods: &pods}
}

func readPort(t *testing.T, m artefact.Map) netpol.Port {
	t.Helper()
	proto, err := flow.ParseProtocol(m.Get("protocol").(string))
	if err != nil {
		t.Fatal(err)
	}
	p := netpol.Port{Protocol: proto, From: uint16(m.Get("port").(int64))}
	p.To = p.From
	if end, ok := m.Get("endPort").(int64); ok {
		p.To = uint16(end)
	}
	return p
}

func readClusterPolicy(t *testing.T, a artefact.Artefact) *netpol.Policy {
	t.Helper()
	spec := a.Object.Get("spec").(artefact.Map)
	subject := readPeer(t, spec.Get("subject").(artefact.Map).Get("pods").(artefact.Map))
	p := &netpol.Policy{
		Kind: a.Ref.Kind, Name: a.Ref.Name, Tier: netpol.Admin, Priority: int32(spec.Get("priority").(int64)),
		Namespaces: subject.Namespaces, Pods: *subject.Pods, Origin: verdict.Origin{Object: a.Ref.String()},
	}
	actions := map[string]netpol.Action{ // none that admits: NetworkPolicies have the word
		"Deny": netpol.Deny, "Pass": netpol.Pass,
	}
	rules := spec.Get("ingress").(artefact.List)
	if len(rules) > maxItems {
		t.Errorf("%s has %d rules", a.Ref, len(rules))
	}
	for _, item := range rules {
		rule := item.Value.(artefact.Map)
		r := netpol.Rule{Name: rule.Get("name").(string), Action: actions[rule.Get("action").(string)], Origin: p.Origin}
		for _, from := range rule.Get("from").(artefact.List) {
			if namespaces, ok := from.Value.(artefact.Map).Get("namespaces").(artefact.Map); ok {
				s := readSelector(t, namespaces)
				r.Peers = append(r.Peers, netpol.Peer{Namespaces: &s})
				continue
			}
			r.Peers = append(r.Peers, readPeer(t, from.Value.(artefact.Map).Get("pods").(artefact.Map)))
		}
		protocols, limited := rule.Get("protocols").(artefact.List)
		r.AnyPort = !limited
		for _, protocol := range protocols {
			entry := protocol.Value.(artefact.Map)[0]
			to := entry.Value.(artefact.Map).Get("destinationPort").(artefact.Map)
			port := netpol.Port{Protocol: map[string]flow.Protocol{"tcp": flow.TCP, "udp": flow.UDP}[entry.Key]}
			if number, ok := to.Get("number").(int64); ok {
				port.From, port.To = uint16(number), uint16(number)
			} else {
				span := to.Get("range").(artefact.Map)
				port.From, port.To = uint16(span.Get("start").(int64)), uint16(span.Get("end").(int64))
			}
			r.Ports = append(r.Ports, port)
		}
		p.Rules[netpol.Ingress] = append(p.Rules[netpol.Ingress], r)
	}
	return p
}
