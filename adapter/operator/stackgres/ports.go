package stackgres

import (
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// ports are those that speak PostgreSQL. Where the mode is not known they are those of
// both, each in doubt.
func (c *cluster) ports() []snapshot.ServerPort {
	if len(c.possible) == 1 {
		return c.portsOf(c.possible[0])
	}
	var out []snapshot.ServerPort
	for _, m := range c.possible {
		for _, p := range c.portsOf(m) {
			out = append(out, c.doubtful(p))
		}
	}
	return out
}

// portsOf are the ports of one mode. A pooled session reaches PostgreSQL over the Unix
// socket; one that Envoy passes on comes from 127.0.0.1, and Envoy ends TLS.
func (c *cluster) portsOf(m mode) []snapshot.ServerPort {
	at := c.at("spec.pods")
	plain := !c.mayTLS()
	direct := snapshot.ServerPort{Name: "postgres", Port: m.direct(), Sees: snapshot.SeesClient, NoTLS: plain, Origin: at}
	if m.envoy {
		direct.Name, direct.Sees, direct.Terminates = "envoy direct", snapshot.SeesLoopback, c.mayTLS()
	}
	if m.apps() == direct.Port {
		return []snapshot.ServerPort{direct}
	}
	apps := direct
	apps.Name, apps.Port = "pooled", m.apps()
	if m.envoy {
		apps.Name = "envoy"
	}
	if m.pooling {
		file := c.pooler.file(m, c.release)
		apps.Sees, apps.Pooler = snapshot.SeesSocket, &file
		if !m.envoy && !c.pooler.offersTLS(c.release) {
			apps.NoTLS, apps.Origin = true, c.pooler.origin
		}
	}
	return []snapshot.ServerPort{apps, direct}
}

// control are the other ports of a pod. Those of Patroni are always the first.
func (c *cluster) control() []snapshot.ControlPort {
	var out []snapshot.ControlPort
	have := map[uint16]bool{}
	for _, m := range c.possible {
		for _, p := range c.controlOf(m) {
			if !have[p.Port] {
				have[p.Port] = true
				out = append(out, p)
			}
		}
	}
	return out
}

const patroniSource = "Patroni documentation, REST API [sg F/cluster/patroni/Patroni.java@1.18.6]"

// controlOf are those of one mode. Behind Envoy Patroni still listens on every address
// itself, beside the port that Envoy has for it.
func (c *cluster) controlOf(m mode) []snapshot.ControlPort {
	out := []snapshot.ControlPort{{
		Name: "patroni", Port: m.patroni(), Gives: snapshot.Guarded, Source: patroniSource,
		Why: "anyone may read the cluster's state; what changes it (switchover, restart, configuration) asks for the password of " +
			"Patroni's API, which the cluster's Secret has and which crosses without TLS",
	}}
	if m.envoy {
		out = append(out, snapshot.ControlPort{
			Name: "patroni behind envoy", Port: patroniNumber, Gives: snapshot.Guarded, Source: "[sg F/cluster/patroni/PatroniConfigMap.java@1.18.6]",
			Why: "Patroni listens on every address of the pod, so that its API is open beside Envoy too",
		})
	}
	out = append(out, snapshot.ControlPort{
		Name: "cluster-controller", Port: 8080, Gives: snapshot.Tells, Why: "health of the controller in the pod", Source: "[sg F/cluster/controller/@1.18.6]",
	})
	if c.exports() {
		out = append(out, snapshot.ControlPort{
			Name: "exporter", Port: exporterNumber, Gives: snapshot.Tells, Why: "metrics tell names of databases, roles and hosts without authentication",
			Source: "[sg F/cluster/sidecars/pgexporter/@1.18.6]",
		})
	}
	if m.envoy {
		out = append(out, snapshot.ControlPort{
			Name: "envoy admin", Port: envoyAdmin, Gives: snapshot.Obeys, Why: "Envoy's administration, on every address and without authentication: it stops the proxy",
			Fix:    "do without the proxy: spec.pods.disableEnvoy: true",
			Source: "[sg stackgres-k8s/src/operator/src/main/resources/envoy/envoy.yaml@1.18.6]",
		})
	}
	if c.babelfish() {
		out = append(out, snapshot.ControlPort{
			Name: "babelfish", Port: m.babelfish(), Gives: snapshot.Guarded, Why: "the TDS protocol of SQL Server leads into the same databases, past the PostgreSQL protocol",
			Source: "Babelfish documentation [sg C/EnvoyUtil.java@1.18.6]",
		})
	}
	if c.logsFor != "" {
		out = append(out, snapshot.ControlPort{
			Name: "fluentd", Port: fluentdNumber, Gives: snapshot.Obeys, Why: "takes log records from whoever reaches it",
			Source: "[sg F/distributedlogs/DistributedLogsCluster.java@1.18.6]",
		})
	}
	return out
}

func (c *cluster) babelfish() bool { return c.spec.Postgres.Flavor == babelfishPort }

// exports reports whether the pods have the exporter.
func (c *cluster) exports() bool {
	return !isTrue(c.spec.Pods.DisableMetricsExporter, false) && !c.spec.Configurations.Observability.DisableMetrics
}

// containerPorts are the ports that the pod declares: those of the mode, and those of
// the user's own containers, whose names get a prefix. Of a mode that is not known the
// ports of both have one name.
func (c *cluster) containerPorts() []snapshot.ContainerPort {
	var out []snapshot.ContainerPort
	have := map[uint16]bool{}
	add := func(name string, number uint16) {
		if !have[number] {
			have[number] = true
			out = append(out, snapshot.ContainerPort{Name: name, Protocol: flow.TCP, Port: number})
		}
	}
	for _, m := range c.possible {
		add(pgPort, m.apps())
		add(pgReplication, m.direct())
		add(patroniPort, m.patroni())
		if c.babelfish() {
			add(babelfishPort, m.babelfish())
		}
		if m.envoy {
			add(envoyPort, envoyAdmin)
		}
	}
	for _, p := range c.custom {
		have[p.Port] = true
	}
	for _, p := range c.control() {
		add("", p.Port)
	}
	return append(out, c.custom...)
}

// customPorts are those of spec.pods.customContainers.
func (c *cluster) customPorts() []snapshot.ContainerPort {
	var out []snapshot.ContainerPort
	for i, container := range c.spec.Pods.CustomContainers {
		for j, p := range container.Ports {
			at := c.at("spec.pods.customContainers[%d].ports[%d]", i, j)
			port := snapshot.ContainerPort{Protocol: flow.TCP, Port: p.ContainerPort, HostPort: p.HostPort, Origin: at}
			if p.Name != "" {
				port.Name = customPrefix + p.Name
			}
			if p.Protocol != "" {
				protocol, err := flow.ParseProtocol(p.Protocol)
				if err != nil {
					world.Fault(c.w, c.owner, at.Field+".protocol", "%w", err)
					continue
				}
				port.Protocol = protocol
			}
			out = append(out, port)
		}
	}
	return out
}

// customPoolers are the ports of poolers that people put beside the server.
func (c *cluster) customPoolers() (out []snapshot.ServerPort) {
	for i, container := range c.spec.Pods.CustomContainers {
		var ports []uint16
		for _, p := range container.Ports {
			ports = append(ports, p.ContainerPort)
		}
		if program := world.Passes(container.Image, ports...); program != "" {
			out = append(out, world.SidecarPorts(program, container.Name, ports, c.at("spec.pods.customContainers[%d]", i))...)
		}
	}
	return out
}
