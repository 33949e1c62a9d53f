package kube

import (
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	corev1 "k8s.io/api/core/v1"
)

// node takes a Node. Host names and what else is no address among its addresses is
// left out: a nodes peer selects "the IPs present in the node.Status.Addresses field".
func (c *converter) node(o object.Object) {
	var in corev1.Node
	err := o.Decode(&in)
	if err == nil {
		err = validLabels("metadata.labels", o.Labels)
	}
	if err != nil {
		c.fail(o, err)
		return
	}
	n := &snapshot.Node{Name: o.Name, Labels: netpol.Labels{Set: o.Labels}, Origin: o.Origin()}
	for _, a := range in.Status.Addresses {
		ip, err := netip.ParseAddr(a.Address)
		if err != nil || ip.Zone() != "" {
			continue
		}
		if ip = ip.Unmap(); !slices.Contains(n.Addresses, ip) {
			n.Addresses = append(n.Addresses, ip)
		}
	}
	c.world.Nodes = append(c.world.Nodes, n)
}
