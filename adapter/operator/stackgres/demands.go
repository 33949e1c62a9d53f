package stackgres

import "github.com/pgmoat/pgmoat/model/snapshot"

// demands are what the level restricted refuses of an instance: containers say nothing of
// privileges, capabilities and seccomp, and no field of the SGCluster does [sg
// F/PodSecurityFactory.java@1.18.6].
func (c *cluster) demands() []snapshot.Demand {
	at := c.owner.Origin()
	return []snapshot.Demand{
		{Kind: snapshot.Escalation, Origin: at}, {Kind: snapshot.Capabilities, Origin: at}, {Kind: snapshot.NoSeccomp, Origin: at},
	}
}
