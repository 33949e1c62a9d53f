package zalando

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// addPoolers adds those that the cluster asks for: the section alone is enough for
// the primary's [zal pkg/cluster/connection_pooler.go@1.15.1].
func (c *cluster) addPoolers() {
	on := c.spec.EnablePooler
	switch {
	case on != nil && *on:
		c.addPooler(snapshot.Primary, "spec.enableConnectionPooler")
	case on == nil && c.spec.Pooler != nil:
		c.addPooler(snapshot.Primary, "spec.connectionPooler")
	}
	if on := c.spec.EnableReplicaPooler; on != nil && *on {
		c.addPooler(snapshot.Replica, "spec.enableReplicaConnectionPooler")
	}
}

func (c *cluster) poolerSection() poolerSpec {
	if c.spec.Pooler == nil {
		return poolerSpec{}
	}
	return *c.spec.Pooler
}

func (c *cluster) addPooler(part, field string) {
	name, target := c.obj.Name+"-pooler", c.obj.Name
	d := door{
		lb: c.spec.MasterPoolerLoadBalancer, lbField: "spec.enableMasterPoolerLoadBalancer", lbKey: "enable_master_pooler_load_balancer",
		np: c.spec.MasterPoolerNodePort, npField: "spec.enableMasterPoolerNodePort", npKey: "enable_master_pooler_node_port",
		port: c.spec.MasterPoolerPort, annotations: c.spec.MasterAnnotations, annotationsField: "spec.masterServiceAnnotations",
	}
	if part == snapshot.Replica {
		name, target = name+"-repl", target+"-repl"
		d = door{
			lb: c.spec.ReplicaPoolerLoadBalancer, lbField: "spec.enableReplicaPoolerLoadBalancer", lbKey: "enable_replica_pooler_load_balancer",
			np: c.spec.ReplicaPoolerNodePort, npField: "spec.enableReplicaPoolerNodePort", npKey: "enable_replica_pooler_node_port",
			port: c.spec.ReplicaPoolerPort, annotations: c.spec.ReplicaAnnotations, annotationsField: "spec.replicaServiceAnnotations",
		}
	}
	at := c.at("%s", field)
	wl := c.poolerWorkload(name, part, field)
	p := &snapshot.Pooler{
		Workload: wl, Port: 5432, Target: target, Part: part, AuthUser: c.poolerUser(), Origin: at,
		TLS: snapshot.TLS{Enabled: verdict.Unknown, Origin: at}, HBA: c.poolerHBA(at),
	}
	if ownPooler(c.poolerImage()) {
		p.TLS.Enabled, p.TLS.ClientCA, p.ServerTLS = verdict.Allow, verdict.Deny, "require"
		c.certify(&p.TLS, "pooler")
	}
	if c.config.release.from(2, 0, 0) {
		p.AuthDatabase = "postgres" // auth_dbname
	}
	s := snapshot.Service{
		Namespace: c.obj.Namespace, Name: name, Selector: world.Equals(map[string]string{poolerLabel: name}),
		Ports: []snapshot.ServicePort{world.TCPPort(name, 5432, "", 5432)}, Origin: at,
	}
	c.open(&s, d)
	known := world.AddService(c.w, s)
	if !known.Synthetic {
		c.compareService(s, known)
	}
	p.Services = []*snapshot.Service{known} // whether it leads to the pods or not
	c.server.Poolers = append(c.server.Poolers, p)
}

// poolerWorkload is the Deployment, with the pods that were read or the one that all
// of them are like. They carry a role label too, that of the members they lead to.
func (c *cluster) poolerWorkload(name, part, field string) *snapshot.Workload {
	ref := snapshot.Ref{Kind: "Deployment", Namespace: c.obj.Namespace, Name: name}
	wl := c.w.Find(ref)
	if wl == nil {
		wl = &snapshot.Workload{Ref: ref, Origin: c.at("%s", field)}
		c.w.Snapshot.Workloads = append(c.w.Snapshot.Workloads, wl)
	}
	if len(wl.Pods) > 0 {
		return wl
	}
	set := c.labels()
	set[applicationLabel], set[poolerLabel], set[c.roleLabel()] = poolerValue, name, roleValues[part]
	spec := c.poolerSection()
	world.CheckCount(c.w, c.obj, "spec.connectionPooler.numberOfInstances", spec.Instances)
	instances := c.config.number("connection_pooler_number_of_instances", 2)
	if spec.Instances != nil {
		instances = *spec.Instances
	}
	wl.Pods = []*snapshot.Pod{{
		Workload: wl, Namespace: c.obj.Namespace, Many: instances > 1,
		Labels: netpol.Labels{Set: set, Unknown: []string{"pod-template-hash"}}, ServiceAccount: c.serviceAccount(),
		Demands: c.unsaid(),
		Ports:   []snapshot.ContainerPort{{Protocol: flow.TCP, Port: 5432}}, Origin: c.at("%s", field),
	}}
	return wl
}

// poolerUser is the role that the pooler looks passwords up as. A superuser or a
// protected name is not taken.
func (c *cluster) poolerUser() string {
	own := c.poolerSection().User
	if own == c.superuser() || slices.Contains(c.protected(), own) {
		own = ""
	}
	return cmp.Or(own, c.config.text("connection_pooler_user", "pooler"))
}

func (c *cluster) protected() []string {
	return c.config.list("protected_role_names", "admin", "cron_admin")
}

func (c *cluster) poolerImage() string {
	return cmp.Or(c.poolerSection().DockerImage, c.config.text("connection_pooler_image", ""))
}

// ownPooler reports whether the image is the operator's own, whose settings are known;
// none is its default.
func ownPooler(image string) bool {
	return image == "" || strings.Contains(image, "zalando/postgres-operator/pgbouncer") || strings.Contains(image, "acid/pgbouncer")
}

// poolerHBA is what the image asks of clients: TLS, and a password. It has no
// auth_hba_file [zal pooler/pgbouncer.ini.tmpl@2.0.1]; from 2.0.3 the method is
// scram-sha-256 where md5 was. What another image asks nobody here knows.
func (c *cluster) poolerHBA(at verdict.Origin) hba.File {
	if image := c.poolerImage(); !ownPooler(image) {
		told := "what PgBouncer of the image " + image + " is told"
		c.unsettled("what the pooler of "+at.Field+" asks of its clients, and whether it comes to the server with TLS", told, at)
		return hba.File{Dialect: hba.PgBouncer, Errors: []hba.Error{{Message: told + " is not known", Missing: true, Origin: at}}}
	}
	method := "md5"
	if c.config.release.from(2, 0, 3) && c.spec.PostgreSQL.Parameters["password_encryption"] != "md5" {
		method = "scram-sha-256"
	}
	note := at
	note.Note = "client_tls_sslmode=require in the pooler's image"
	asked := at
	asked.Note = "auth_type in the pooler's image"
	return hba.PgBouncerAuthType(method, "", asked).UnderTLSMode("require", note)
}
