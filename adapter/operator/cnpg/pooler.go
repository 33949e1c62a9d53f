package cnpg

import (
	"cmp"
	"maps"
	"slices"

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
		} `json:"spec"`
	} `json:"template"`
	ServiceTemplate serviceTemplate `json:"serviceTemplate"`
	PgBouncer       struct {
		HBA             []string          `json:"pg_hba"`
		Parameters      map[string]string `json:"parameters"`
		AuthQuerySecret *struct {
			Name string `json:"name"`
		} `json:"authQuerySecret"`
	} `json:"pgbouncer"`
}

// A pooler is a Pooler object on its way to be a snapshot.Pooler.
type pooler struct {
	w    *operator.World
	obj  object.Object
	spec poolerSpec
	out  *snapshot.Pooler
}

func adaptPooler(w *operator.World, o object.Object, clusters map[snapshot.Ref]*cluster) {
	p := &pooler{w: w, obj: o}
	var in struct {
		Spec poolerSpec `json:"spec"`
	}
	world.Read(w, o, &in)
	p.spec = in.Spec
	p.out = &snapshot.Pooler{Workload: world.Workload(w, o.Ref(), o), Port: 5432, HBA: p.hba(), TLS: p.tls(), Origin: o.Origin()}
	p.pods()
	s := p.service()
	world.AddService(w, s)
	p.target()
	if c := in.Spec.of(w, o, clusters); c != nil {
		p.joins(c)
	}
}

// joins makes the pooler one of the server's. It looks passwords up as a role of
// its own unless the user brings one with authQuerySecret.
func (p *pooler) joins(c *cluster) {
	p.out.Services = world.Leading(p.w, p.out.Workload.Pods)
	c.server.Poolers = append(c.server.Poolers, p.out)
	c.poolers = append(c.poolers, p)
	if p.spec.PgBouncer.AuthQuerySecret == nil || p.spec.PgBouncer.AuthQuerySecret.Name == "" {
		p.out.AuthUser, p.out.AuthDatabase = "cnpg_pooler_pgbouncer", "postgres"
		c.addRole(snapshot.Role{Name: p.out.AuthUser, Origin: p.obj.Origin()})
	}
}

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
		world.Fault(p.w, p.obj, "spec.type", "%q: want rw, ro or r", kind)
	}
}

// pods gives the workload the one pod all its pods are like [cnpg
// pkg/specs/pgbouncer/deployments.go@1.30.0], unless live ones are known.
func (p *pooler) pods() {
	wl := p.out.Workload
	if len(wl.Pods) > 0 {
		return
	}
	set := maps.Clone(p.spec.Template.Metadata.Labels)
	if set == nil {
		set = map[string]string{}
	}
	maps.Copy(set, map[string]string{
		poolerLabel: p.obj.Name, clusterLabel: p.spec.Cluster.Name, podRoleLabel: "pooler",
		"app.kubernetes.io/component": "pooler", "app.kubernetes.io/instance": p.spec.Cluster.Name,
		"app.kubernetes.io/managed-by": "cloudnative-pg", "app.kubernetes.io/name": "postgresql",
	})
	wl.Pods = []*snapshot.Pod{{
		Workload: wl, Namespace: p.obj.Namespace, Many: p.spec.Instances != nil && *p.spec.Instances > 1,
		Labels:      netpol.Labels{Set: set, Unknown: []string{"pod-template-hash"}},
		HostNetwork: p.spec.Template.Spec.HostNetwork,
		Ports: []snapshot.ContainerPort{
			{Name: "pgbouncer", Protocol: flow.TCP, Port: 5432}, {Name: "metrics", Protocol: flow.TCP, Port: 9127},
		},
		ServiceAccount: cmp.Or(p.spec.ServiceAccountName, p.spec.Template.Spec.ServiceAccountName, p.obj.Name),
		Origin:         p.obj.Origin(),
	}}
}

// service is named as the Pooler [cnpg pkg/specs/pgbouncer/services.go@1.30.0].
func (p *pooler) service() snapshot.Service {
	own := world.TCPPort("pgbouncer", 5432, "pgbouncer", 0)
	t := p.spec.ServiceTemplate.Spec
	if err := t.Valid(); err != nil {
		world.Fault(p.w, p.obj, "spec.serviceTemplate.spec", "%w", err)
	}
	ranges, _ := t.Ranges()
	template := p.obj.Origin().At("spec.serviceTemplate.spec")
	s := snapshot.Service{
		Namespace: p.obj.Namespace, Name: p.obj.Name, Type: t.Type, SourceRanges: ranges,
		Selector: world.Equals(map[string]string{poolerLabel: p.obj.Name}),
		Ports:    laid(t.ServicePorts(template), own), Origin: p.obj.Origin(),
	}
	if t.Type != "" {
		s.Origin = template
	}
	return s
}

// sslMode is client_tls_sslmode; prefer is the operator's default.
func (p *pooler) sslMode() string {
	return cmp.Or(p.spec.PgBouncer.Parameters["client_tls_sslmode"], "prefer")
}

func (p *pooler) sslOrigin() verdict.Origin {
	return p.obj.Origin().At("spec.pgbouncer.parameters.client_tls_sslmode")
}

// tls is what PgBouncer offers (PgBouncer manual, client_tls_sslmode). The operator
// always gives it a certificate and the client CA.
func (p *pooler) tls() snapshot.TLS {
	out := snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow, Origin: p.sslOrigin()}
	switch p.sslMode() {
	case "disable":
		out.Enabled = verdict.Deny
	case "allow", "prefer", "require", "verify-ca", "verify-full":
	default: // PgBouncer does not start
		out.Enabled = verdict.Unknown
		world.Fault(p.w, p.obj, p.sslOrigin().Field, "%q is not a mode that PgBouncer knows", p.sslMode())
	}
	return out
}

// pgBouncerGrammar is the version whose grammar PgBouncer's own parser is next to:
// it knows no expressions, no includes and no continued lines.
const pgBouncerGrammar = 13

// hba renders the pooler's file: the user's lines stand between an administrator's
// socket and two catch-alls, and podselector tokens are not replaced [cnpg
// pkg/management/pgbouncer/config/config.go@1.30.0].
func (p *pooler) hba() hba.File {
	r := &rendering{file: "pg_hba.conf"}
	r.written(byOperator, "local pgbouncer pgbouncer peer")
	for i, text := range p.spec.PgBouncer.HBA {
		r.user(hba.Source{Text: text, Origin: p.obj.Origin().At("spec.pgbouncer.pg_hba[%d]", i)})
	}
	r.written(appended, "host all all 0.0.0.0/0 md5", "host all all ::/0 md5")
	return p.demanding(hba.Parse(r.sources, pgBouncerGrammar))
}

// demanding adds what client_tls_sslmode asks of every client before the file is
// read: from require on TLS, from verify-ca on a certificate too. It has the form
// of a record, on line zero, and of an option.
func (p *pooler) demanding(f hba.File) hba.File {
	mode := p.sslMode()
	if slices.Contains([]string{"verify-ca", "verify-full"}, mode) {
		for i := range f.Records {
			if f.Records[i].Type != hba.Local {
				f.Records[i].Options = append(f.Records[i].Options, hba.Option{Name: "clientcert", Value: "verify-ca"})
			}
		}
	}
	if !slices.Contains([]string{"require", "verify-ca", "verify-full"}, mode) {
		return f
	}
	origin := p.sslOrigin()
	origin.Note = "refuses plain text before pg_hba.conf is read"
	plain := hba.Parse([]hba.Source{{Text: "hostnossl all,replication all all reject", Origin: origin}}, pgBouncerGrammar)
	plain.Records[0].Line = 0
	f.Records = append(plain.Records, f.Records...)
	return f
}
