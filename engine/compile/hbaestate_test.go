package compile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A fileShape is how an operator's complete pg_hba.conf is made: its own lines around
// those of the field.
type fileShape struct {
	operator, kind, release string
	field                   string
	before, after           []string
	// fallback are lines that are there only while the field is empty.
	fallback []string
	whole    bool
	vital    []snapshot.VitalFlow
}

func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }

// vitalSessionOf is a flow to the server; pods stand in it by name until the estate has
// them.
func vitalSessionOf(id, role, database string, replication bool) snapshot.VitalFlow {
	return snapshot.VitalFlow{ID: id, What: id + " of the operator", Phase: snapshot.Steady, Role: role, Database: database,
		Replication: replication, Ports: []flow.PortRange{{Protocol: flow.TCP, From: 5432, To: 5432}}}
}

func certified(f snapshot.VitalFlow) snapshot.VitalFlow {
	f.Cert = f.Role
	return f
}

// shapes are those of CloudNativePG 1.30, StackGres 1.18, Zalando 1.15, Crunchy 6.0,
// Percona 2.9 and the image of the Docker library, as their adapters render them.
var shapes = []fileShape{
	{operator: "cloudnative-pg", kind: "Cluster", release: "1.30.0", field: "spec.postgresql.pg_hba", before: lines(`
local all cnpg_metrics_exporter peer map=cnpg_metrics_exporter
local all all peer map=local
hostssl postgres streaming_replica all cert map=cnpg_streaming_replica
hostssl replication streaming_replica all cert map=cnpg_streaming_replica
hostssl all cnpg_pooler_pgbouncer all cert map=cnpg_pooler_pgbouncer`),
		after: lines(`host all all all scram-sha-256`),
		vital: []snapshot.VitalFlow{certified(vitalSessionOf("replication", "streaming_replica", "", true)),
			certified(vitalSessionOf("rewind", "streaming_replica", "postgres", false)),
			certified(vitalSessionOf("pooler", "cnpg_pooler_pgbouncer", "postgres", false))}},
	{operator: "stackgres", kind: "SGCluster", release: "1.18.6", field: "spec.configurations.patroni.dynamicConfig.postgresql.pg_hba", after: lines(`
local all all trust
host all all 127.0.0.1/32 md5
host all all ::1/128 md5
local replication all trust
host all all 0.0.0.0/0 md5
host all all ::/0 md5
host replication replicator 0.0.0.0/0 md5
host replication replicator ::/0 md5`),
		vital: []snapshot.VitalFlow{vitalSessionOf("replication", "replicator", "", true), vitalSessionOf("rewind", "postgres", "postgres", false)}},
	{operator: "zalando", kind: "postgresql", release: "1.15.1", field: "spec.patroni.pg_hba", whole: true, fallback: lines(`
local all all trust
hostssl all +zalandos 127.0.0.1/32 pam
host all all 127.0.0.1/32 md5
hostssl all +zalandos ::1/128 pam
host all all ::1/128 md5
local replication standby trust
hostssl replication standby all md5
hostnossl all all all reject
hostssl all +zalandos all pam
hostssl all all all md5`),
		vital: []snapshot.VitalFlow{vitalSessionOf("replication", "standby", "", true), vitalSessionOf("rewind", "postgres", "postgres", false),
			vitalSessionOf("operator-sql", "postgres", "postgres", false)}},
	{operator: "crunchy", kind: "PostgresCluster", release: "6.0.3", field: "spec.authentication.rules", before: lines(`
"local" all "postgres" "peer"
"hostssl" replication "_crunchyrepl" all "cert"
"hostssl" "postgres" "_crunchyrepl" all "cert"
"host" all "_crunchyrepl" all "reject"
"hostssl" all "_crunchypgbouncer" all "scram-sha-256"
"host" all "_crunchypgbouncer" all "reject"`),
		fallback: lines(`hostssl all all all scram-sha-256`),
		vital: []snapshot.VitalFlow{certified(vitalSessionOf("replication", "_crunchyrepl", "", true)),
			vitalSessionOf("pooler", "_crunchypgbouncer", "ledger", false)}},
	{operator: "percona", kind: "PerconaPGCluster", release: "2.9.0", field: "spec.patroni.dynamicConfiguration.postgresql.pg_hba", before: lines(`
local all "postgres" peer
hostssl replication "_crunchyrepl" all cert
hostssl "postgres" "_crunchyrepl" all cert
host all "_crunchyrepl" all reject
host all "monitor" "127.0.0.0/8" scram-sha-256
host all "monitor" "::1/128" scram-sha-256
host all "monitor" all reject`),
		fallback: lines(`hostssl all all all scram-sha-256`),
		vital:    []snapshot.VitalFlow{certified(vitalSessionOf("replication", "_crunchyrepl", "", true))}},
	{operator: "plain", kind: "StatefulSet", field: "data.pg_hba.conf", whole: true, fallback: lines(`
local all all trust
host all all 127.0.0.1/32 trust
host all all ::1/128 trust
local replication all trust
host replication all 127.0.0.1/32 trust
host replication all ::1/128 trust
host all all all scram-sha-256`)},
}

// An hbaEstate is one server with clients around it.
type hbaEstate struct {
	shape  fileShape
	world  *snapshot.Snapshot
	server *snapshot.Server
	site   *Site
	pods   map[string]*snapshot.Pod
}

// hbaEstateOf makes an estate: in namespace db the server, a pooler, and pods shop and
// report; in web pods shop and front; in ops the operator.
func hbaEstateOf(shape fileShape, version int, user ...string) *hbaEstate {
	e := &hbaEstate{shape: shape, world: &snapshot.Snapshot{Namespaces: map[string]*snapshot.Namespace{}}, pods: map[string]*snapshot.Pod{}}
	members := e.workload(shape.kind, "db", "ledger", "10.244.0.1")
	for _, p := range members.Pods {
		p.Part = snapshot.Primary
	}
	e.workload("Deployment", "db", "shop", "10.244.1.1")
	e.workload("Deployment", "db", "report", "10.244.1.2")
	e.workload("Deployment", "web", "shop", "10.244.2.1")
	e.workload("Deployment", "web", "front", "10.244.2.2")
	e.workload("Deployment", "ops", "operator", "10.244.3.1")
	pooler := e.workload("Pooler", "db", "pool", "10.244.4.1")
	e.server = &snapshot.Server{
		Operator: shape.operator, OperatorVersion: shape.release, Workload: members, Version: version,
		Ports:  []snapshot.ServerPort{{Name: "postgres", Port: 5432, Sees: snapshot.SeesClient}},
		TLS:    snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow},
		Roles:  []snapshot.Role{{Name: "postgres", Superuser: true}},
		Origin: e.origin(""),
	}
	if shape.operator == "cloudnative-pg" {
		e.server.Poolers = []*snapshot.Pooler{{
			Workload: pooler, Port: 5432, ServerTLS: "verify-ca", AuthUser: "cnpg_pooler_pgbouncer", AuthDatabase: "postgres",
			TLS: snapshot.TLS{Enabled: verdict.Allow, MinProtocol: "TLSv1.2"}, Origin: verdict.Origin{Object: "Pooler db/pool"},
			Services: []*snapshot.Service{{Namespace: "db", Name: "pool", Type: "ClusterIP",
				Selector: netpol.Selector{{Key: "app", Op: netpol.In, Values: []string{"pool"}}}}},
		}}
	}
	for _, f := range shape.vital {
		f.From, f.To = snapshot.VitalPeer{Name: "members", Pods: members.Pods}, snapshot.VitalPeer{Pods: members.Pods}
		if f.ID == "operator-sql" {
			f.From = snapshot.VitalPeer{Name: "the operator", Namespace: "ops", Labels: netpol.Labels{Set: map[string]string{"app": "operator"}}}
		}
		e.server.Vital = append(e.server.Vital, f)
	}
	e.server.HBA = e.file(nil, user...)
	e.world.Servers = []*snapshot.Server{e.server}
	e.site = &Site{Server: e.server, Perimeter: &intent.Perimeter{Namespace: "db", Name: "ledger", Origin: verdict.Origin{Object: "PostgresPerimeter db/ledger"}}}
	return e
}

func (e *hbaEstate) origin(field string) verdict.Origin {
	return verdict.Origin{Object: e.shape.kind + " db/ledger", Field: field, Line: 3, File: "ledger.yaml"}
}

func (e *hbaEstate) workload(kind, namespace, name, address string) *snapshot.Workload {
	wl := &snapshot.Workload{Ref: snapshot.Ref{Kind: kind, Namespace: namespace, Name: name}}
	p := &snapshot.Pod{Workload: wl, Namespace: namespace, ServiceAccount: name, Addresses: []netip.Addr{netip.MustParseAddr(address)},
		Labels: netpol.Labels{Set: map[string]string{"app": name}, Unknown: []string{"pod-template-hash"}}}
	wl.Pods = []*snapshot.Pod{p}
	e.world.Workloads = append(e.world.Workloads, wl)
	e.pods[namespace+"/"+name] = p
	return wl
}

// file is the operator's complete file with the lines of a field in it.
func (e *hbaEstate) file(refs map[string]hba.Address, field ...string) hba.File {
	var sources []hba.Source
	own := func(texts []string) {
		for _, t := range texts {
			sources = append(sources, hba.Source{Text: t, Origin: verdict.Origin{File: "pg_hba.conf", Line: len(sources) + 1, Note: "written by the operator"}})
		}
	}
	own(e.shape.before)
	for i, t := range field {
		sources = append(sources, hba.Source{Text: t, Addresses: refs, Origin: e.origin(fmt.Sprintf("%s[%d]", e.shape.field, i))})
	}
	own(e.shape.after)
	if len(field) == 0 {
		own(e.shape.fallback)
	}
	return hba.Parse(sources, e.server.Version)
}

// compiled asks a backend, twice: the same input gives the same output.
func (e *hbaEstate) compiled(t testing.TB, b Backend) *Output {
	t.Helper()
	job := &Job{World: e.world, Sites: []*Site{e.site}}
	out := Compile(job, []Backend{b})
	if again := Compile(job, []Backend{b}); fmt.Sprint(out) != fmt.Sprint(again) {
		t.Fatalf("twice compiled is not the same:\n%v\n%v", out, again)
	}
	return out
}

// result is the file that the output makes of the server's.
func (e *hbaEstate) result(t testing.TB, out *Output) hba.File {
	t.Helper()
	refs := map[string]hba.Address{}
	var field []string
	for _, a := range out.Artefacts {
		switch {
		case a.Ref.Kind == "Pooler":
		case a.Object != nil:
			data, _ := a.Object.Get("data").(artefact.Map)
			text, _ := data.Get("pg_hba.conf").(string)
			field = append(field, lines(text)...)
		default:
			for _, f := range a.Fields {
				field = append(field, textsOf(t, f, refs)...)
			}
		}
	}
	return e.file(refs, field...)
}

// textsOf are the lines of a field; those of spec.podSelectorRefs are put into refs.
func textsOf(t testing.TB, f artefact.Field, refs map[string]hba.Address) (out []string) {
	t.Helper()
	list, ok := f.Value.(artefact.List)
	if !ok {
		t.Fatalf("%v is no list", f.Path)
	}
	for _, item := range list {
		switch v := item.Value.(type) {
		case string:
			out = append(out, v)
		case artefact.Map:
			if line, isRule := v.Get("hba").(string); isRule {
				out = append(out, line)
				continue
			}
			name, _ := v.Get("name").(string)
			refs["${podselector:"+name+"}"] = hba.Address{Kind: hba.Pods, Name: "podselector:" + name, Namespace: "db", Pods: selectorOf(v.Get("selector"))}
		}
	}
	return out
}

// selectorOf reads a label selector back; of expressions it knows none.
func selectorOf(v artefact.Value) netpol.Selector {
	out := netpol.Selector{}
	m, _ := v.(artefact.Map)
	labels, _ := m.Get("matchLabels").(artefact.Map)
	for _, l := range labels {
		out = append(out, netpol.Requirement{Key: l.Key, Op: netpol.In, Values: []string{l.Value.(string)}})
	}
	return out
}

// fieldTexts are the lines of a field of the output, of an object of a kind.
func fieldTexts(t testing.TB, out *Output, kind, path string) []string {
	t.Helper()
	for _, a := range out.Artefacts {
		for _, f := range a.Fields {
			if a.Ref.Kind == kind && strings.Join(f.Path, ".") == path {
				return textsOf(t, f, map[string]hba.Address{})
			}
		}
	}
	return nil
}

func (o *Output) hasGap(code string) bool {
	return slices.ContainsFunc(o.Gaps, func(g artefact.Gap) bool { return g.Code == code })
}

// podsOf is a peer: pods with label app of namespaces.
func podsOf(app string, namespaces ...string) intent.Peer {
	s := netpol.Selector{{Key: "app", Op: netpol.In, Values: []string{app}}}
	return intent.Peer{Namespaces: namespaces, Pods: &s, Origin: verdict.Origin{Object: "PostgresAccess db/a", Field: "spec.from[0]"}}
}

func rangesOf(texts ...string) intent.Peer {
	var prefixes []netip.Prefix
	for _, t := range texts {
		prefixes = append(prefixes, netip.MustParsePrefix(t))
	}
	return intent.Peer{Addresses: flow.AddressesOf(prefixes...), Names: texts}
}

func (e *hbaEstate) access(from []intent.Peer, to ...intent.Entry) {
	n := fmt.Sprintf("a%d", len(e.site.Accesses))
	e.site.Accesses = append(e.site.Accesses, &intent.Access{Namespace: "db", Name: n, From: from, To: to,
		Origin: verdict.Origin{Object: "PostgresAccess db/" + n}})
}
