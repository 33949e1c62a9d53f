package cnpg

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// poolerSpec is what is read of a Pooler [cnpg api/v1/pooler_types.go@1.30.0].
type poolerSpec struct {
	inCluster
	Type               string `json:"type"`
	Instances          *int   `json:"instances"`
	ServiceAccountName string `json:"serviceAccountName"`
	Template           struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
		Spec struct {
			HostNetwork        bool   `json:"hostNetwork"`
			ServiceAccountName string `json:"serviceAccountName"`
			podSpec
		} `json:"spec"`
	} `json:"template"`
	ServiceTemplate serviceTemplate `json:"serviceTemplate"`
	PgBouncer       struct {
		Paused          bool              `json:"paused"`
		HBA             []string          `json:"pg_hba"`
		Parameters      map[string]string `json:"parameters"`
		Image           string            `json:"image"`
		AuthQuery       string            `json:"authQuery"`
		AuthQuerySecret secretRef         `json:"authQuerySecret"`
		ClientCA        secretRef         `json:"clientCASecret"`
		ClientTLS       secretRef         `json:"clientTLSSecret"`
		ServerCA        secretRef         `json:"serverCASecret"`
		ServerTLS       secretRef         `json:"serverTLSSecret"`
	} `json:"pgbouncer"`
	Monitoring monitoringSpec `json:"monitoring"`
}

type poolerStatus struct {
	Image string `json:"image"`
}

// poolerRole is the role of poolers that the operator makes.
const poolerRole = "cnpg_pooler_pgbouncer"

// A pooler is a Pooler object on its way to be a snapshot.Pooler.
type pooler struct {
	w       *operator.World
	release release
	obj     object.Object
	spec    poolerSpec
	status  poolerStatus
	out     *snapshot.Pooler
	// own is its Service.
	own *snapshot.Service
	// live says that its pods have been seen.
	live bool
}

func adaptPooler(w *operator.World, o object.Object, clusters map[snapshot.Ref]*cluster, rel release) {
	p := &pooler{w: w, obj: o, release: rel}
	var in struct {
		Spec   poolerSpec   `json:"spec"`
		Status poolerStatus `json:"status"`
	}
	world.Read(w, o, &in)
	p.spec, p.status = in.Spec, in.Status
	p.out = &snapshot.Pooler{Workload: world.Workload(w, o.Ref(), o), Port: 5432, HBA: p.hba(), TLS: p.tls(),
		ServerTLS: p.serverTLS(), Origin: o.Origin()}
	if p.out.Stopped = world.Stopped(p.spec.Instances, o.Origin().At("spec.instances")); p.spec.PgBouncer.Paused {
		p.out.Stopped = o.Origin().At("spec.pgbouncer.paused")
	}
	p.target()
	c := in.Spec.of(w, o, clusters)
	if c != nil {
		p.release = c.release
	}
	p.pods()
	declared := p.service()
	p.own = world.AddService(w, declared)
	if c != nil {
		p.joins(c)
		p.compare(c, declared)
	}
}

// joins makes the pooler one of the server's.
func (p *pooler) joins(c *cluster) {
	p.out.Services = world.Leading(p.w, p.out.Workload.Pods, p.own)
	c.server.Poolers = append(c.server.Poolers, p.out)
	c.poolers = append(c.poolers, p)
	p.out.AuthUser, p.out.AuthDatabase = p.authUser(c), "postgres"
	if p.out.AuthUser == "" {
		p.out.AuthDatabase = ""
	}
	if p.integrated() {
		c.addRole(snapshot.Role{Name: poolerRole, Origin: p.obj.Origin()})
	}
	p.names(c)
	p.keep(c)
	p.unheeded(c)
}

// integrated reports whether the operator makes the role, its certificate and the function
// that looks passwords up [cnpg api/v1/pooler_funcs.go IsAutomatedIntegration].
func (p *pooler) integrated() bool {
	b := p.spec.PgBouncer
	return b.AuthQuery == "" && b.AuthQuerySecret.Name == "" && b.ServerTLS.Name == ""
}

// authUser is whom the pooler looks passwords up as: of a Secret with a certificate the
// certificate's name, of one with a password who it says, which nobody reads here [cnpg
// pkg/management/pgbouncer/config/config.go@1.30.0].
func (p *pooler) authUser(c *cluster) string {
	b := p.spec.PgBouncer
	if b.AuthQuerySecret.Name == "" && b.ServerTLS.Name == "" {
		return poolerRole
	}
	if s := c.secret(cmp.Or(b.AuthQuerySecret.Name, b.ServerTLS.Name)); s != nil && s.Type == tlsType {
		if held := certificateIn(s, tlsKey); held != nil {
			return held.Subject
		}
	}
	return ""
}

// tlsType is the type of Secrets with a certificate and its key.
const tlsType = "kubernetes.io/tls"

// integrated returns a Pooler that the operator makes role and certificate for, nil where
// there is none.
func (c *cluster) integrated() *pooler {
	for _, p := range c.poolers {
		if p.integrated() {
			return p
		}
	}
	return nil
}

// clientTLS is the Secret that the pooler shows its clients [cnpg
// api/v1/pooler_funcs.go@1.30.0].
func (p *pooler) clientTLS(c *cluster) string {
	return cmp.Or(p.spec.PgBouncer.ClientTLS.Name, c.serverSecret())
}

// names are those of the certificate that clients see: the server's, which does not name
// the pooler, unless the user brings another.
func (p *pooler) names(c *cluster) {
	if p.spec.PgBouncer.ClientTLS.Name == "" {
		p.out.TLS.Names, p.out.TLS.NamesKnown = c.server.TLS.Names, c.server.TLS.NamesKnown
		return
	}
	secret := p.spec.PgBouncer.ClientTLS.Name
	cert := snapshot.Certificate{Use: "server", Secret: p.obj.Namespace + "/" + secret, Key: tlsKey,
		Readers: []string{p.account()}, Origin: p.obj.Origin().At("spec.pgbouncer.clientTLSSecret")}
	if s := c.secret(secret); s != nil {
		if held := certificateIn(s, tlsKey); held != nil {
			cert.Subject, cert.Names, cert.NotAfter = held.Subject, held.Names, held.NotAfter
			p.out.TLS.Names, p.out.TLS.NamesKnown = held.Names, true
		}
	}
	p.out.TLS.Certificates = append(p.out.TLS.Certificates, cert)
}

// reads are the Secrets that the pooler's Role names [cnpg pkg/specs/pgbouncer/rbac.go@1.30.0].
func (p *pooler) reads(c *cluster) []string {
	b := p.spec.PgBouncer
	out := []string{
		cmp.Or(b.ClientCA.Name, c.clientCASecret()), cmp.Or(b.ServerCA.Name, c.serverCASecret()), p.clientTLS(c),
		cmp.Or(b.AuthQuerySecret.Name, c.poolerSecret()),
	}
	if b.ServerTLS.Name != "" {
		out = append(out, b.ServerTLS.Name)
	}
	return out
}

// poolersReading are the accounts of the poolers that read a Secret.
func (c *cluster) poolersReading(secret string) []string {
	var out []string
	for _, p := range c.poolers {
		if slices.Contains(p.reads(c), secret) {
			out = append(out, p.account())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// secrets lists those that the user brings for the pooler.
func (p *pooler) secrets(c *cluster) {
	b := p.spec.PgBouncer
	for _, s := range []struct{ name, what, role, field string }{
		{b.AuthQuerySecret.Name, "pooler", p.out.AuthUser, "authQuerySecret"},
		{b.ServerTLS.Name, "pooler", p.out.AuthUser, "serverTLSSecret"},
		{b.ClientTLS.Name, "TLS", "", "clientTLSSecret"},
		{b.ClientCA.Name, "CA", "", "clientCASecret"},
		{b.ServerCA.Name, "CA", "", "serverCASecret"},
	} {
		if s.name != "" {
			c.addSecret(s.name, s.what, s.role, p.obj.Origin().At("spec.pgbouncer.%s.name", s.field))
		}
	}
}

func (p *pooler) serviceAccount() string {
	if p.release.since(version{1, 29, 0}) != netpol.No && p.spec.ServiceAccountName != "" {
		return p.spec.ServiceAccountName
	}
	return cmp.Or(p.spec.Template.Spec.ServiceAccountName, p.obj.Name)
}

func (p *pooler) account() string { return account(p.obj.Namespace, p.serviceAccount()) }

// target is the Service the pooler connects to: * = host=C-rw [cnpg
// pkg/management/pgbouncer/config/config.go@1.30.0].
func (p *pooler) target() {
	kind := cmp.Or(p.spec.Type, "rw")
	p.out.Target = p.spec.Cluster.Name + "-" + kind
	switch kind {
	case "rw":
		p.out.Part = snapshot.Primary
	case "ro":
		p.out.Part = snapshot.Replica
	case "r":
	default:
		world.Refuse(p.w, p.obj, "spec.type", "%q: want rw, ro or r", kind)
	}
}

// pods gives the workload the one pod all its pods are like [cnpg
// pkg/specs/pgbouncer/deployments.go@1.30.0], unless live ones are known.
func (p *pooler) pods() {
	wl := p.out.Workload
	if p.live = len(wl.Pods) > 0; p.live {
		return
	}
	labels := p.labels()
	doubt(&labels, "pod-template-hash")
	wl.Pods = []*snapshot.Pod{{
		Workload: wl, Namespace: p.obj.Namespace, Many: p.spec.Instances != nil && *p.spec.Instances > 1,
		Labels:      labels,
		HostNetwork: p.spec.Template.Spec.HostNetwork,
		Ports: []snapshot.ContainerPort{
			{Name: "pgbouncer", Protocol: flow.TCP, Port: 5432}, {Name: "metrics", Protocol: flow.TCP, Port: 9127},
		},
		ServiceAccount: p.serviceAccount(),
		Origin:         p.obj.Origin(),
	}}
	if wl.Pods[0].HostNetwork {
		wl.Pods[0].Demands = []snapshot.Demand{{Kind: snapshot.HostNamespace, Origin: p.obj.Origin().At("spec.template.spec.hostNetwork")}}
	}
}

// labels are those of the template, and the operator's own, which replace them.
func (p *pooler) labels() netpol.Labels {
	l := netpol.Labels{Set: maps.Clone(p.spec.Template.Metadata.Labels)}
	if l.Set == nil {
		l.Set = map[string]string{}
	}
	p.release.common(&l, commonLabels("pooler", p.spec.Cluster.Name))
	maps.Copy(l.Set, map[string]string{poolerLabel: p.obj.Name, clusterLabel: p.spec.Cluster.Name, podRoleLabel: "pooler"})
	return l
}

// service is named as the Pooler [cnpg pkg/specs/pgbouncer/services.go@1.30.0].
func (p *pooler) service() snapshot.Service {
	own := world.TCPPort("pgbouncer", 5432, "pgbouncer", 0)
	t := p.spec.ServiceTemplate.Spec
	if err := t.Valid(); err != nil {
		world.Refuse(p.w, p.obj, "spec.serviceTemplate.spec", "%w", err)
	}
	ranges, _ := t.Ranges()
	template := p.obj.Origin().At("spec.serviceTemplate.spec")
	s := snapshot.Service{
		Namespace: p.obj.Namespace, Name: p.obj.Name, Type: cmp.Or(t.Type, "ClusterIP"), SourceRanges: ranges,
		Selector: world.Equals(map[string]string{poolerLabel: p.obj.Name}),
		Ports:    laid(t.ServicePorts(template), own), Origin: p.obj.Origin(),
	}
	p.spec.ServiceTemplate.outside(&s, "spec.serviceTemplate")
	if t.Type != "" {
		s.Origin = template
	}
	return s
}

// poolerDefaults are the operator's, in place of PgBouncer's [cnpg
// pkg/management/pgbouncer/config/config.go@1.30.0].
var poolerDefaults = map[string]string{
	"auth_type": "hba", "client_tls_sslmode": "prefer", "server_tls_sslmode": "verify-ca",
}

// parameter is one of PgBouncer's, with the operator's default.
func (p *pooler) parameter(name string) string {
	return cmp.Or(p.spec.PgBouncer.Parameters[name], poolerDefaults[name])
}

func (p *pooler) sslMode() string { return p.parameter("client_tls_sslmode") }

func (p *pooler) sslOrigin() verdict.Origin {
	return p.obj.Origin().At("spec.pgbouncer.parameters.client_tls_sslmode")
}

// tls is what PgBouncer offers (PgBouncer manual, client_tls_sslmode). The operator
// always gives it a certificate and the client CA.
func (p *pooler) tls() snapshot.TLS {
	out := snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow, Origin: p.sslOrigin()}
	out.MinProtocol, out.MinProtocolOrigin = p.minProtocol()
	switch mode := p.sslMode(); {
	case mode == "disable":
		out.Enabled = verdict.Deny
	case !slices.Contains(hba.SSLModes, mode): // PgBouncer does not start
		out.Enabled = verdict.Unknown
		world.Refuse(p.w, p.obj, p.sslOrigin().Field, "%q is not a mode that PgBouncer knows", p.sslMode())
	}
	return out
}

// serverTLS is server_tls_sslmode; empty for a mode with which PgBouncer does not start.
func (p *pooler) serverTLS() string {
	const key = "server_tls_sslmode"
	mode := p.parameter(key)
	if !slices.Contains(hba.SSLModes, mode) {
		world.Refuse(p.w, p.obj, "spec.pgbouncer.parameters."+key, "%q is not a mode that PgBouncer knows", mode)
		return ""
	}
	return mode
}

// oldestProtocols are the protocols that a value of client_tls_protocols begins with
// (PgBouncer manual).
var oldestProtocols = map[string]string{
	"": "TLSv1.2", "secure": "TLSv1.2", "default": "TLSv1.2", "all": "TLSv1", "legacy": "TLSv1",
	"tlsv1.0": "TLSv1", "tlsv1.1": "TLSv1.1", "tlsv1.2": "TLSv1.2", "tlsv1.3": "TLSv1.3",
}

// minProtocol is the oldest protocol of client_tls_protocols; empty for a value that is
// none.
func (p *pooler) minProtocol() (string, verdict.Origin) {
	const key = "client_tls_protocols"
	value, written := p.spec.PgBouncer.Parameters[key]
	least := ""
	for word := range strings.SplitSeq(value, ",") {
		protocol, known := oldestProtocols[strings.ToLower(strings.TrimSpace(word))]
		if !known {
			return "", p.obj.Origin().At("spec.pgbouncer.parameters.%s", key)
		}
		if least == "" || protocol < least {
			least = protocol
		}
	}
	if !written {
		return least, p.obj.Origin()
	}
	return least, p.obj.Origin().At("spec.pgbouncer.parameters.%s", key)
}
