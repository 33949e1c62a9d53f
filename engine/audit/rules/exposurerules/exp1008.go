package exposurerules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1008 finds ports of nodes that lead into a database's or a pooler's pods.
var EXP1008 = &audit.Rule{
	ID:       "EXP1008",
	Title:    "a host port in front of the database",
	Severity: audit.Medium,
	Why: `hostPort opens a port of the node that the pod runs on, on all of the node's addresses
unless hostIP names one. It needs no Service, so that nobody who looks at Services sees
it, and it moves with the pod. Whoever reaches the node reaches the database.`,
	Setting: "",
	Bad:     hostPorted("{containerPort: 5432, hostPort: 5432}"),
	Good:    hostPorted("{containerPort: 5432}"),
	Needs:   []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, d := range doors(p.World) {
			var told []verdict.Origin
			for _, pod := range d.pods {
				for _, c := range pod.Ports {
					if pod.HostNetwork || !opensHost(c, d) || slices.Contains(told, c.Origin) {
						continue
					}
					told = append(told, c.Origin)
					p.Report(audit.Finding{Subject: d.ref, Origin: c.Origin, Certain: true, Severity: hostSeverity(c, d),
						Message: fmt.Sprintf("port %d of %s leads to port %d of %s", c.HostPort, hosts(c), c.Port, d.ref),
						Fix:     "take hostPort away and lead clients there by a Service; for an agent of the same node hostIP: 127.0.0.1 suffices"})
				}
			}
		}
	},
}

// opensHost reports whether a container's port is one of the door, or one that controls
// its server, and open on the node.
func opensHost(c snapshot.ContainerPort, d door) bool {
	return c.HostPort != 0 && c.Protocol == flow.TCP && !c.HostIP.IsLoopback() &&
		(slices.Contains(d.ports, c.Port) || controls(c, d) != nil)
}

// controls is the control port that a container's port is; nil for none.
func controls(c snapshot.ContainerPort, d door) *snapshot.ControlPort {
	if d.pooler != nil {
		return nil
	}
	for i := range d.server.Control {
		if d.server.Control[i].Port == c.Port {
			return &d.server.Control[i]
		}
	}
	return nil
}

func hostSeverity(c snapshot.ContainerPort, d door) audit.Severity {
	if control := controls(c, d); control != nil {
		return severities[control.Gives]
	}
	return audit.NoSeverity
}

func hosts(c snapshot.ContainerPort) string {
	if c.HostIP.IsValid() {
		return "the node's address " + c.HostIP.String()
	}
	return "every address of the node"
}
