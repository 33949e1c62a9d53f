// Package reach composes the layers: for one question it walks every path that a
// packet and a session could take and says, layer by layer, who decides.
package reach

import (
	"slices"
	"sync"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Session is what the client asks PostgreSQL for.
type Session struct {
	Database string `json:"database"`
	Role     string `json:"role"`
	// Replication asks for physical replication; Database is then ignored.
	Replication bool `json:"replication,omitempty"`
	TLS         bool `json:"tls"`
	// Cert is the common name of the client certificate; empty for none.
	Cert string `json:"cert,omitempty"`
}

// A Question is one attempt: From wants a session at To.
type Question struct {
	From network.Endpoint
	// Inside says that the client is a process in the pod itself or comes through the
	// kubelet: From is then not asked.
	Inside  Inside
	To      Target
	Session Session
	// Port limits the paths to this port of the Service, or of the pod where no
	// Service is named; zero asks every port that speaks PostgreSQL.
	Port uint16
}

// Inside is a way into a pod that no policy sees: whoever may create pods/portforward
// or pods/exec there takes it. The zero value is none: over the network.
type Inside uint8

// The ways. A forwarded port arrives from 127.0.0.1 in the pod's own network
// (Kubernetes documentation, "Use Port Forwarding to Access Applications in a
// Cluster"), and exec has the Unix socket besides.
const (
	OverNetwork Inside = iota
	PortForward
	Exec
)

// A Target is where the client connects. Server is always set; the others narrow
// the paths to one Service, one pooler or one member.
type Target struct {
	Server  *snapshot.Server
	Service *snapshot.Service
	Pooler  *snapshot.Pooler
	// Members are one pod in each of its parts, or all of one part; nil for all.
	Members []*snapshot.Pod
}

// A Decision is the answer to a question: allowed if any path is.
type Decision struct {
	Verdict verdict.Verdict
	Paths   []Path
	// AsFarAs is the last layer that was decided; NotDecided are those that no
	// engine models yet.
	AsFarAs     verdict.Layer
	NotDecided  []verdict.Layer
	Assumptions []string
}

// A Path is one way from the client to one member of the server.
type Path struct {
	Verdict verdict.Verdict
	Service *snapshot.Service // nil for straight to the pod's address
	Pooler  *snapshot.Pooler  // nil where no pooler workload stands between
	Member  *snapshot.Pod     // the PostgreSQL member the session ends at
	Port    uint16            // the pod port, after DNAT, that the client reaches first
	// Through is what stands before the pod and is no Service that a pod could use:
	// "LoadBalancer", "NodePort 30432", "hostPort 5432", "TCPRoute edge/pg",
	// "port-forward", "exec"; empty otherwise.
	Through string
	// Sees says what the first pod sees as the client's address; ServerSees what
	// PostgreSQL does, which a pooler or a proxy in the pod may make another. Sender is
	// who has the address that PostgreSQL sees; zero for loopback and for the socket.
	Sees, ServerSees Seen
	Sender           network.Endpoint
	Steps            []verdict.Step
	// Method is what pg_hba.conf asks for, "scram-sha-256"; empty unless it matched.
	Method string
	// as is way.as.
	as *network.Endpoint
}

// Seen is what a listener sees as the address of a client. The zero value is the
// client's own.
type Seen uint8

// What it can be. A node's address is there where a node translates the source
// (externalTrafficPolicy: Cluster), a proxy's where a gateway stands between.
const (
	SeenClient Seen = iota
	SeenNode
	SeenProxy
	SeenPooler
	SeenLoopback
	SeenSocket
	SeenUnknown // nobody knows
)

// Engine composes the layers over one snapshot. It is safe for concurrent use.
type Engine struct {
	World    *snapshot.Snapshot
	Network  *network.Engine
	podsIn   map[string][]*snapshot.Pod
	services map[[2]string]*snapshot.Service // by namespace and name
	// listing is what is remembered while a whole list of one server is made; nil
	// otherwise.
	listing *listing
	lazy    *lazy
	// meshed says that mesh objects decide too, so that pods of a class differ.
	meshed bool
	// node is who pods see where nodes translate the source; never nil.
	node *network.Endpoint
	// passers are the pods of poolers that nobody understands.
	passers []*snapshot.Pod
}

// A listing is what all answers about one server share.
type listing struct {
	decided map[hop]verdict.Step
	member  func(role, group string) hba.Match
	// terse leaves out what is told beside verdicts: nobody will read it.
	terse bool
	// outside remembers what was asked last about addresses outside.
	outside outsideMemo
}

// isTerse reports whether only verdicts are asked for.
func (e *Engine) isTerse() bool { return e.listing != nil && e.listing.terse }

// A lazy is made when it is first asked for.
type lazy struct {
	once   sync.Once
	lookup *network.Lookup
	// resolves are the verdicts of dnsStep by class.
	names    sync.Once
	resolves []verdict.Verdict
	// resolver are the pods that resolve names.
	resolvers sync.Once
	resolver  []*snapshot.Pod
	// kinds are those of the pods, in the order of Pods.
	numbered sync.Once
	kinds    []podKind
}

// A podKind is what most answers about a pod depend on.
type podKind struct {
	class int32 // as of classOf
	like  uint8 // likeness
}

// classOf is the class of network.Lookup that a pod is asked about with; -1 for one that
// has to be asked by itself: a resolver that may ask itself for a name is not like others
// of its class.
func (e *Engine) classOf(p *snapshot.Pod) int32 {
	e.lazy.resolvers.Do(func() { e.lazy.resolver, _ = e.Resolvers() })
	if slices.Contains(e.lazy.resolver, p) {
		return -1
	}
	return int32(e.lookup().Class(p)) //nolint:gosec // far below 2^31
}

// kinds are those of all pods, in the order of Pods.
func (e *Engine) kinds() []podKind {
	e.lazy.numbered.Do(func() {
		for _, p := range e.Pods() {
			e.lazy.kinds = append(e.lazy.kinds, podKind{e.classOf(p), likeness(p)})
		}
	})
	return e.lazy.kinds
}

func (e *Engine) lookup() *network.Lookup {
	e.lazy.once.Do(func() { e.lazy.lookup = e.Network.Lookup() })
	return e.lazy.lookup
}

// Pass says what policies alone make of packets from one pod of the snapshot to a TCP port
// of another; Unknown of pods that it does not hold.
func (e *Engine) Pass(from, to *snapshot.Pod, port uint16) verdict.Verdict {
	return e.lookup().Pass(from, to, flow.TCP, port)
}

// New prepares an engine.
func New(world *snapshot.Snapshot) *Engine {
	e := &Engine{
		World: world, Network: network.New(world),
		podsIn: map[string][]*snapshot.Pod{}, services: map[[2]string]*snapshot.Service{}, lazy: &lazy{},
		node:   nodeEndpoint(world),
		meshed: world.HasMesh(), passers: passersOf(world),
	}
	for _, w := range world.Workloads {
		for _, p := range w.Pods {
			e.podsIn[p.Namespace] = append(e.podsIn[p.Namespace], p)
		}
	}
	for _, s := range world.Services {
		e.services[[2]string{s.Namespace, s.Name}] = s
	}
	return e
}

// A VitalDecision says whether one flow that a server needs gets through.
type VitalDecision struct {
	Flow    snapshot.VitalFlow
	Verdict verdict.Verdict
	// Steps are those of the first pair of members that is not allowed, else of any.
	Steps       []verdict.Step
	Assumptions []string
}
