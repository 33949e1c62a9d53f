package estategen

import (
	"fmt"
	"maps"
	"strings"
)

// A server is one PostgreSQL cluster with what intents may name of it.
type server struct {
	operator, kind, namespace, name string
	// labels are on all pods that run PostgreSQL.
	labels           Tree
	databases, roles []string
	poolers          []pooler
	// port is the pod port that leads to PostgreSQL itself.
	port int
	tls  bool
}

type pooler struct {
	name string
	// part is what it leads to: "rw", "ro".
	part string
}

var (
	// Names that are legal in PostgreSQL, and that files quote or take for something else.
	oddRoles     = []string{"app", "app_ro", "report", "App User", "o'brien", `say "hi"`, "/slash", "+group", "all", "replication", "samerole", "grün", "a,b", "#x", "$(HOME)", "${podselector:web}"}
	oddDatabases = []string{"ledger", "orders", "Db One", "all", "sameuser", "/re", `quo"ted`, "replication", "+plus", "a,b", "#x", "@file", "größe"}
)

// names are mostly plain, and some odd ones.
func (g *generator) names(plain int, from []string) []string {
	n := plain
	if g.one(3) {
		n = len(from)
	}
	return some(g, from[:n]...)
}

// server adds a server of some operator.
func (g *generator) server() {
	s := &server{port: 5432, tls: true}
	s.namespace = g.space(of(g, "data", "data", "db", g.home[0]))
	s.name = g.name("server", s.namespace, "ledger", "orders", "pg-1", "a-rather-long-cluster-name")
	s.databases, s.roles = g.names(2, oddDatabases), g.names(3, oddRoles)
	g.servers = append(g.servers, s)
	of(g, g.cnpg, g.cnpg, g.stackgres, g.zalando, g.crunchy, g.percona, g.plain)(s)
}

// lines are what somebody wrote into pg_hba.conf before.
func (g *generator) lines(s *server) List {
	if g.one(3) {
		return nil
	}
	out := List{}
	for range 1 + g.IntN(3) {
		out = append(out, of(g,
			"host all all 0.0.0.0/0 md5",
			"host all all ::/0 scram-sha-256",
			"hostssl all all all scram-sha-256",
			"hostssl ledger app 10.244.0.0/16 scram-sha-256",
			"hostssl orders,ledger report 203.0.113.0/24 scram-sha-256",
			"host ledger app_ro 10.0.0.0/8 trust",
			"hostnossl all all all reject",
			"hostssl all app 10.244.0.0/16 cert",
			"host all all 10.244.0.0/16 reject",
			"hostssl ledger app fd00:10:244::/48 scram-sha-256",
		))
	}
	if s.operator == "zalando" {
		out = append(List{"local all all trust", "host all all 127.0.0.1/32 md5", "hostssl replication standby all md5", "hostssl all postgres all md5"}, out...)
	}
	return out
}

func (g *generator) operator(namespace, name string, labels Tree, image string) {
	if !g.one(3) {
		return
	}
	if g.seen["operator/"+namespace] {
		return
	}
	g.seen["operator/"+namespace] = true
	g.space(namespace)
	g.workload(&client{kind: "Deployment", namespace: namespace, name: name, labels: labels})
	o := g.estate.Objects
	for _, object := range o {
		if object["kind"] == "Deployment" && object["metadata"].(Tree)["name"] == name {
			object["spec"].(Tree)["template"].(Tree)["spec"].(Tree)["containers"] = list(Tree{"name": "operator", "image": image})
		}
	}
}

func (g *generator) cnpg(s *server) {
	s.operator, s.kind, s.labels = "cloudnative-pg", "Cluster", Tree{"cnpg.io/cluster": s.name}
	postgresql := Tree{}
	spec := Tree{"instances": 1 + g.IntN(3), "imageName": fmt.Sprintf("ghcr.io/cloudnative-pg/postgresql:%d", 13+g.IntN(6)), "storage": Tree{"size": "1Gi"}, "postgresql": postgresql,
		"bootstrap": Tree{"initdb": Tree{"database": "ledger", "owner": "app"}}}
	if lines := g.lines(s); lines != nil {
		if g.one(3) {
			spec["podSelectorRefs"] = list(Tree{"name": "web", "selector": Tree{"matchLabels": Tree{"app": "web"}}})
			lines = append(lines, "hostssl ledger app ${podselector:web} scram-sha-256")
		}
		postgresql["pg_hba"] = lines
	}
	if g.one(4) {
		postgresql["pg_ident"] = list("mymap cn app")
	}
	var roles List
	for _, r := range s.roles {
		if g.one(2) && strings.IndexFunc(r, func(c rune) bool { return c < 'a' || c > 'z' }) < 0 && r != "all" && r != "replication" {
			roles = append(roles, Tree{"name": r, "ensure": "present", "login": true, "passwordSecret": Tree{"name": s.name + "-" + r}})
		}
	}
	if roles != nil {
		spec["managed"] = Tree{"roles": roles}
	}
	if g.one(4) {
		spec["backup"] = Tree{"barmanObjectStore": Tree{"destinationPath": "s3://ledger-backups/", "endpointURL": "https://203.0.113.20:9000",
			"s3Credentials": Tree{"accessKeyId": Tree{"name": "k", "key": "id"}, "secretAccessKey": Tree{"name": "k", "key": "secret"}}}}
	}
	g.add("postgresql.cnpg.io/v1", "Cluster", s.namespace, s.name, Tree{"spec": spec})
	for _, part := range []string{"rw", "ro"} {
		if !g.one(3) {
			continue
		}
		p := pooler{name: g.name("pooler", s.namespace, s.name+"-pooler-"+part), part: part}
		bouncer := Tree{"poolMode": of(g, "session", "transaction")}
		if g.one(2) {
			bouncer["pg_hba"] = some(g, "hostssl ledger app 10.244.0.0/16 scram-sha-256", "host all all 0.0.0.0/0 md5", "host all all ::/0 md5")
		}
		g.add("postgresql.cnpg.io/v1", "Pooler", s.namespace, p.name, Tree{"spec": Tree{"cluster": Tree{"name": s.name}, "instances": 1, "type": part, "pgbouncer": bouncer}})
		s.poolers = append(s.poolers, p)
	}
	g.operator("cnpg-system", "cnpg-controller-manager", Tree{"app.kubernetes.io/name": "cloudnative-pg"}, "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0")
}

func (g *generator) stackgres(s *server) {
	s.operator, s.kind = "stackgres", "SGCluster"
	s.labels = Tree{"app": "StackGresCluster", "stackgres.io/cluster-name": s.name}
	pods := Tree{"persistentVolume": Tree{"size": "1Gi"}, "disableEnvoy": !g.one(3)}
	if g.one(3) {
		pods["disableConnectionPooling"] = true
	} else {
		s.poolers = []pooler{{name: s.name}}
	}
	s.tls = !g.one(4)
	spec := Tree{"instances": 1 + g.IntN(2), "postgres": Tree{"version": of(g, "14", "16", "17"), "ssl": Tree{"enabled": s.tls}}, "pods": pods}
	if lines := g.lines(s); lines != nil {
		spec["configurations"] = Tree{"patroni": Tree{"dynamicConfig": Tree{"postgresql": Tree{"pg_hba": lines}}}}
	}
	g.add("stackgres.io/v1", "SGCluster", s.namespace, s.name, Tree{"spec": spec})
	g.operator("stackgres", "stackgres-operator", Tree{"app": "stackgres-operator", "group": "stackgres.io"}, "quay.io/stackgres/operator:1.18.6")
}

func (g *generator) zalando(s *server) {
	s.operator, s.kind = "zalando", "postgresql"
	s.labels = Tree{"application": "spilo", "cluster-name": s.name}
	spec := Tree{"teamId": strings.SplitN(s.name, "-", 2)[0], "numberOfInstances": 1 + g.IntN(2), "volume": Tree{"size": "1Gi"},
		"postgresql": Tree{"version": of(g, "14", "16", "17")}, "users": Tree{"app": List{}, "report": List{}}, "databases": Tree{"ledger": "app"}}
	if lines := g.lines(s); lines != nil {
		spec["patroni"] = Tree{"pg_hba": lines}
	}
	if g.one(2) {
		spec["enableConnectionPooler"] = true
		s.poolers = append(s.poolers, pooler{name: s.name + "-pooler", part: "rw"})
	}
	if g.one(3) {
		spec["enableReplicaConnectionPooler"] = true
		s.poolers = append(s.poolers, pooler{name: s.name + "-pooler-repl", part: "ro"})
	}
	g.add("acid.zalan.do/v1", "postgresql", s.namespace, s.name, Tree{"spec": spec})
	g.operator("postgres-operator", "postgres-operator", Tree{"name": "postgres-operator"}, "ghcr.io/zalando/postgres-operator:v1.15.1")
}

// rule is a line as an entry of spec.authentication.rules; Percona's definition asks for its
// parts besides.
func (s *server) rule(line string) Tree {
	words := strings.Fields(line)
	if s.kind != "PerconaPGCluster" || len(words) < 2 {
		return Tree{"hba": line}
	}
	return Tree{"hba": line, "connection": words[0], "method": words[len(words)-1]}
}

// pgo is what Crunchy's and Percona's operators have in common.
func (g *generator) pgo(s *server) Tree {
	s.labels = Tree{"postgres-operator.crunchydata.com/cluster": s.name}
	volume := Tree{"accessModes": list("ReadWriteOnce"), "resources": Tree{"requests": Tree{"storage": "1Gi"}}}
	spec := Tree{"postgresVersion": 14 + g.IntN(4),
		"instances": list(Tree{"name": "main", "replicas": 1 + g.IntN(2), "dataVolumeClaimSpec": volume}),
		"users":     list(Tree{"name": "app", "databases": list("ledger")}, Tree{"name": "report", "databases": list("ledger", "orders")}),
		"backups":   Tree{"pgbackrest": Tree{"repos": list(Tree{"name": "repo1", "volume": Tree{"volumeClaimSpec": maps.Clone(volume)}})}}}
	if lines := g.lines(s); lines != nil {
		if g.one(2) {
			var rules List
			for _, l := range lines {
				rules = append(rules, s.rule(fmt.Sprint(l)))
			}
			spec["authentication"] = Tree{"rules": rules}
		} else {
			key := "patroni"
			spec[key] = Tree{"dynamicConfiguration": Tree{"postgresql": Tree{"pg_hba": lines}}}
		}
	}
	if g.one(2) {
		spec["proxy"] = Tree{"pgBouncer": Tree{"replicas": 1}}
		s.poolers = append(s.poolers, pooler{name: s.name + "-pgbouncer", part: "rw"})
	}
	return spec
}

func (g *generator) crunchy(s *server) {
	s.operator, s.kind = "crunchy", "PostgresCluster"
	g.add("postgres-operator.crunchydata.com/v1beta1", s.kind, s.namespace, s.name, Tree{"spec": g.pgo(s)})
	g.operator("pgo", "pgo", Tree{"postgres-operator.crunchydata.com/control-plane": "postgres-operator"},
		"registry.developers.crunchydata.com/crunchydata/postgres-operator:ubi9-6.0.3-0")
}

func (g *generator) percona(s *server) {
	s.operator, s.kind = "percona", "PerconaPGCluster"
	spec := g.pgo(s)
	spec["crVersion"] = of(g, "2.7.0", "2.9.0", "3.0.0")
	g.add("pgv2.percona.com/v2", s.kind, s.namespace, s.name, Tree{"spec": spec})
	g.operator("percona", "percona-postgresql-operator", Tree{"app.kubernetes.io/name": "percona-postgresql-operator"}, "percona/percona-postgresql-operator:3.0.0")
}

// plain is PostgreSQL in a workload of somebody's own, with its file or that of its image.
func (g *generator) plain(s *server) {
	s.operator, s.kind = "plain", of(g, "StatefulSet", "StatefulSet", "Deployment")
	s.labels = Tree{"app": s.name}
	s.tls = g.one(2)
	args := List{}
	if s.tls {
		args = list("-c", "ssl=on", "-c", "ssl_cert_file=/tls/tls.crt", "-c", "ssl_key_file=/tls/tls.key")
		if g.one(2) {
			args = append(args, "-c", "ssl_ca_file=/tls/ca.crt")
		}
	}
	container := Tree{"name": "postgres", "image": fmt.Sprintf("postgres:%d", 13+g.IntN(6)), "ports": list(Tree{"name": "postgres", "containerPort": 5432}),
		"env": list(Tree{"name": "POSTGRES_DB", "value": "ledger"}, Tree{"name": "POSTGRES_USER", "value": of(g, "postgres", "owner")})}
	pod := Tree{"containers": list(container)}
	if lines := g.lines(s); lines != nil && !g.one(4) {
		args = append(args, "-c", "hba_file=/etc/pg/pg_hba.conf")
		container["volumeMounts"] = list(Tree{"name": "conf", "mountPath": "/etc/pg"})
		pod["volumes"] = list(Tree{"name": "conf", "configMap": Tree{"name": s.name + "-conf"}})
		text := "local all all trust\n"
		for _, l := range lines {
			text += l.(string) + "\n"
		}
		g.add("v1", "ConfigMap", s.namespace, s.name+"-conf", Tree{"data": Tree{"pg_hba.conf": text}})
	}
	if len(args) > 0 {
		container["args"] = args
	}
	template := Tree{"metadata": Tree{"labels": maps.Clone(s.labels)}, "spec": pod}
	spec := Tree{"replicas": 1, "selector": Tree{"matchLabels": maps.Clone(s.labels)}, "template": template}
	if s.kind == "StatefulSet" {
		spec["serviceName"] = s.name
	}
	g.add("apps/v1", s.kind, s.namespace, s.name, Tree{"spec": spec})
	service := Tree{"selector": maps.Clone(s.labels), "ports": list(Tree{"name": "postgres", "port": 5432, "targetPort": of[any](g, "postgres", 5432)})}
	if g.one(4) {
		service["type"] = "LoadBalancer"
		if g.one(2) {
			service["externalTrafficPolicy"] = "Local"
		}
	}
	g.add("v1", "Service", s.namespace, s.name, Tree{"spec": service})
}
