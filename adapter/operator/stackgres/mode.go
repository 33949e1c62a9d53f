package stackgres

import (
	"fmt"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A mode is what stands in the pod before PostgreSQL. It decides all ports
// [sg C/EnvoyUtil.java, F/cluster/patroni/Patroni.java,
// F/cluster/sidecars/pooling/PgBouncerPooling.java,
// F/cluster/sidecars/envoy/Envoy.java@1.18.6].
type mode struct{ envoy, pooling bool }

// The names of container ports that Services lead to [sg C/EnvoyUtil.java@1.18.6].
const (
	pgPort          = "pgport"
	pgReplication   = "pgreplication"
	patroniPort     = "patroniport"
	babelfishPort   = "babelfish"
	envoyPort       = "envoy"
	customPrefix    = "c-"
	postgresNumber  = 5432
	pooledNumber    = 6432
	envoyNumber     = 7432
	envoyDirect     = 7433
	envoyBabelfish  = 7434
	babelfishNumber = 1433
	envoyAdmin      = 8001
	patroniBehind   = 8008
	patroniNumber   = 8009
	exporterNumber  = 9187
	fluentdNumber   = 12225
)

// modes returns the mode, or both that are possible where nothing tells whether Envoy
// is in the pods. A stored object without disableEnvoy is taken as false by the
// operator. A manifest without it gets what its release has for a default: true from
// 1.17 on, false before (release notes 1.17.0, "Disable Envoy by default").
func (c *cluster) modes() []mode {
	m := mode{pooling: !isTrue(c.spec.Pods.DisableConnectionPooling, false)}
	switch {
	case c.spec.Pods.DisableEnvoy != nil:
		m.envoy = !*c.spec.Pods.DisableEnvoy
	case c.stored:
		m.envoy = true
	case c.release == nil:
		return []mode{m, {envoy: true, pooling: m.pooling}}
	default:
		m.envoy = c.release.since(1, 17) == before
	}
	return []mode{m}
}

// settleMode decides the mode. Live pods show it by their ports, whatever the object
// says: a change needs a restart.
func (c *cluster) settleMode(live []*snapshot.Pod) {
	c.possible = c.modes()
	for _, p := range live {
		seen, ok := liveMode(p, c.possible[0])
		if !ok {
			continue
		}
		if len(c.possible) == 1 && seen != c.possible[0] {
			c.disagree("ports of pod "+p.Namespace+"/"+p.Name, fmt.Sprint(c.possible[0].apps()), fmt.Sprint(seen.apps()), c.at("spec.pods"), p.Origin)
		}
		c.possible = []mode{seen}
		return
	}
	if len(c.possible) > 1 {
		c.unsettled("whether Envoy is in the pods, which decides their ports and what pg_hba.conf sees", versionFact, "spec.pods.disableEnvoy")
	}
}

// liveMode reads the mode from the ports of a pod. Behind Envoy they are the same with
// and without PgBouncer; there the object's word stays.
func liveMode(p *snapshot.Pod, declared mode) (mode, bool) {
	for _, port := range p.Ports {
		if port.Name != pgPort {
			continue
		}
		switch port.Port {
		case envoyNumber:
			return mode{envoy: true, pooling: declared.pooling}, true
		case pooledNumber:
			return mode{pooling: true}, true
		case postgresNumber:
			return mode{}, true
		}
	}
	return mode{}, false
}

// apps is the port that applications are led to, pgport.
func (m mode) apps() uint16 {
	switch {
	case m.envoy:
		return envoyNumber
	case m.pooling:
		return pooledNumber
	}
	return postgresNumber
}

// direct is the port that goes past the pooler, pgreplication.
func (m mode) direct() uint16 {
	if m.envoy {
		return envoyDirect
	}
	return postgresNumber
}

// patroni is the port at which members ask each other's Patroni.
func (m mode) patroni() uint16 {
	if m.envoy {
		return patroniBehind
	}
	return patroniNumber
}

// babelfish is the port of the TDS protocol.
func (m mode) babelfish() uint16 {
	if m.envoy {
		return envoyBabelfish
	}
	return babelfishNumber
}

// number is the pod port that the operator leads a named port of a Service to; without
// Envoy and PgBouncer both lead to PostgreSQL.
func (m mode) number(name string) uint16 {
	switch name {
	case pgPort:
		return m.apps()
	case pgReplication:
		return m.direct()
	case babelfishPort:
		return m.babelfish()
	case patroniPort:
		return m.patroni()
	}
	return 0
}

// doubtful is a port that may not be there at all. Which mode has it tells what it sees.
func (c *cluster) doubtful(p snapshot.ServerPort) snapshot.ServerPort {
	p.Maybe = versionFact
	p.Pooler = &hba.File{Version: pgBouncerGrammar, Errors: []hba.Error{{
		Message: "whether anything listens at this port is not known: " + versionFact, Missing: true,
		Origin: c.at("spec.pods.disableEnvoy"),
	}}}
	return p
}
