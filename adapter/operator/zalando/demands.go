package zalando

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// demands are what an instance asks of its node: its container says nothing of seccomp,
// drops no capabilities and may run as root, and the rest hangs on the operator's
// configuration [zal pkg/cluster/k8sres.go generateContainer@1.15.1].
func (c *cluster) demands() (out []snapshot.Demand) {
	add := func(kind snapshot.DemandKind, key string) {
		out = append(out, snapshot.Demand{Kind: kind, Origin: c.configuredAt(key)})
	}
	if c.config.flag("spilo_privileged", false) {
		add(snapshot.Privileged, "spilo_privileged")
	}
	if kind, _ := snapshot.CapabilityDemand(c.config.list("additional_pod_capabilities"), nil); kind == snapshot.Capability {
		add(kind, "additional_pod_capabilities")
	}
	if c.config.flag("spilo_allow_privilege_escalation", true) {
		add(snapshot.Escalation, "spilo_allow_privilege_escalation")
	}
	return slices.Concat(out, c.unsaid())
}

// unsaid are the demands of every pod that the operator makes, which no field changes.
func (c *cluster) unsaid() []snapshot.Demand {
	at := c.obj.Origin()
	return []snapshot.Demand{
		{Kind: snapshot.Root, Origin: at}, {Kind: snapshot.Capabilities, Origin: at}, {Kind: snapshot.NoSeccomp, Origin: at},
	}
}
