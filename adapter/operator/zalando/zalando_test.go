package zalando

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func TestAdapt(t *testing.T) { worldtest.Run(t, Adapt) }

// adapted is the first server of an estate, which prepare may change before.
func adapted(t *testing.T, text string, prepare ...func(*operator.World)) *snapshot.Server {
	t.Helper()
	w := worldtest.World(t, text)
	for _, p := range prepare {
		p(w)
	}
	Adapt(w)
	if len(w.Snapshot.Servers) == 0 {
		t.Fatalf("no server: %v", w.Snapshot.Problems)
	}
	return w.Snapshot.Servers[0]
}

// postgresql is a cluster with these fields in spec.
func postgresql(spec string) string {
	return "apiVersion: acid.zalan.do/v1\nkind: postgresql\nmetadata: {name: db, namespace: shop}\n" +
		"spec: {numberOfInstances: 2, postgresql: {version: \"17\"}, " + spec + "}\n"
}

func configMap(data string) string {
	return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: postgres-operator, namespace: shop}\ndata: {resync_period: 30m, " + data + "}\n"
}

func operatorConfiguration(configuration string) string {
	return "---\napiVersion: acid.zalan.do/v1\nkind: OperatorConfiguration\nmetadata: {name: o, namespace: shop}\nconfiguration: {" + configuration + "}\n"
}

func stated(text string) func(*operator.World) {
	return func(w *operator.World) { w.Snapshot.Facts.OperatorVersions = map[string]string{Name: text} }
}

// decide asks the file about a session from another pod.
func decide(s *snapshot.Server, tls bool, user, db string) verdict.Verdict {
	return hba.Decide(s.HBA, hba.Session{
		TLS: tls, User: hba.Named(user), Database: hba.Named(db), Client: hba.ClientAt(netip.MustParseAddr("10.1.0.5")),
		Member: func(string, string) hba.Match { return hba.No },
	}).Verdict
}

// Spilo's file keeps plain text out, unless ALLOW_NOSSL has any value; where nobody
// can see it, plain text is in doubt and TLS is not.
func TestPlainText(t *testing.T) {
	const spec = "env: [%s]"
	for env, want := range map[string]verdict.Verdict{
		"":                                   verdict.Deny,
		`{name: ALLOW_NOSSL, value: ""}`:     verdict.Deny,
		`{name: allow_nossl, value: "no"}`:   verdict.Allow,
		`{name: ALLOW_NOSSL, value: "1"}`:    verdict.Allow,
		`{name: ALLOW_NOSSL, valueFrom: {}}`: verdict.Unknown,
	} {
		s := adapted(t, postgresql(fmt.Sprintf(spec, env)))
		if got := decide(s, false, "app", "app"); got != want {
			t.Errorf("%s: plain text %s, want %s", env, got, want)
		}
		if got := decide(s, true, "app", "app"); got != verdict.Allow {
			t.Errorf("%s: TLS %s", env, got)
		}
	}
}

// The environment also comes from objects that the operator's configuration names.
func TestEnvironmentOfObjects(t *testing.T) {
	secret := func(keys ...string) func(*operator.World) {
		return func(w *operator.World) {
			w.Snapshot.Secrets = append(w.Snapshot.Secrets, &snapshot.Secret{Namespace: "shop", Name: "pods", Keys: keys})
		}
	}
	partial := func(w *operator.World) {
		w.Snapshot.Secrets = append(w.Snapshot.Secrets, &snapshot.Secret{Namespace: "shop", Name: "pods", Partial: true})
	}
	config := configMap("pod_environment_secret: pods")
	for _, c := range []struct {
		text    string
		prepare []func(*operator.World)
		want    verdict.Verdict
	}{
		{postgresql("") + config, nil, verdict.Unknown},
		{postgresql("") + config, []func(*operator.World){secret("AWS_ENDPOINT")}, verdict.Deny},
		{postgresql("") + config, []func(*operator.World){secret("ALLOW_NOSSL")}, verdict.Unknown},
		{postgresql("") + config, []func(*operator.World){partial}, verdict.Unknown},
		{postgresql("env: [{name: ALLOW_NOSSL, value: x}]") + config, nil, verdict.Allow},
		{postgresql("envFrom: [{secretRef: {name: pods}, prefix: ALLOW_}]"), []func(*operator.World){secret("OTHER")}, verdict.Deny},
		{postgresql("envFrom: [{configMapRef: {name: absent}}]"), nil, verdict.Unknown},
		{postgresql("envFrom: [{configMapRef: {name: absent}, prefix: X_}]"), nil, verdict.Deny},
		{postgresql("") + configMap("pod_environment_configmap: absent"), nil, verdict.Unknown},
	} {
		s := adapted(t, c.text, c.prepare...)
		if got := decide(s, false, "app", "app"); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
		if told := unsettled(s, "ALLOW_NOSSL"); told != (c.want == verdict.Unknown) {
			t.Errorf("%s: unsettled is %v", c.text, told)
		}
	}
}

func unsettled(s *snapshot.Server, about string) bool {
	for _, u := range s.Unsettled {
		if strings.Contains(u.What, about) {
			return true
		}
	}
	return false
}

// What an image or a parameter puts in the place of Spilo's file is not known.
func TestUnknownFile(t *testing.T) {
	for _, spec := range []string{"dockerImage: \"registry.example/postgres-ha:17\"", "postgresql: {version: \"17\", parameters: {hba_file: /x}}"} {
		text := strings.Replace(postgresql("dockerImage: x"), "dockerImage: x", spec, 1)
		if strings.HasPrefix(spec, "postgresql") {
			text = strings.Replace(postgresql(""), `postgresql: {version: "17"}, `, spec, 1)
		}
		s := adapted(t, text)
		for _, tls := range []bool{true, false} { // Spilo's own file refuses plain text
			if got := decide(s, tls, "app", "app"); got != verdict.Unknown || !unsettled(s, "every line") {
				t.Errorf("%s: TLS %t: %s, %v", spec, tls, got, s.Unsettled)
			}
		}
	}
}

func service(t *testing.T, s *snapshot.Server, name string) *snapshot.Service {
	t.Helper()
	for _, svc := range s.Services {
		if svc.Name == name {
			return svc
		}
	}
	t.Fatalf("no Service %s", name)
	return nil
}

// The load balancer of the primary is the code's default, not the definition's from
// 2.0 on; what the cluster says wins. "When empty the load balancer service becomes
// inaccessible from outside of the Kubernetes cluster" (cluster manifest reference,
// allowedSourceRanges).
func TestLoadBalancer(t *testing.T) {
	for _, c := range []struct {
		name, text, release string
		want                string
		doubt               bool
	}{
		{"nothing read", postgresql(""), "", "LoadBalancer", true},
		{"nothing read, release known", postgresql(""), "1.15.1", "LoadBalancer", true},
		{"the cluster says", postgresql("enableMasterLoadBalancer: false"), "", "ClusterIP", false},
		{"a ConfigMap without it", postgresql("") + configMap(""), "2.0.1", "LoadBalancer", false},
		{"an empty value is false", postgresql("") + configMap(`enable_master_load_balancer: ""`), "", "ClusterIP", false},
		{"an OperatorConfiguration before 2.0", postgresql("") + operatorConfiguration(""), "1.15.1", "LoadBalancer", false},
		{"an OperatorConfiguration from 2.0", postgresql("") + operatorConfiguration(""), "2.0.0", "ClusterIP", false},
		{"an OperatorConfiguration of some release", postgresql("") + operatorConfiguration(""), "", "LoadBalancer", true},
		{"a node port overrides it", postgresql("enableMasterLoadBalancer: true, enableMasterNodePort: true"), "2.0.1", "NodePort", false},
		{"which older ones drop", postgresql("enableMasterLoadBalancer: true, enableMasterNodePort: true"), "1.15.1", "LoadBalancer", false},
		{"or may", postgresql("enableMasterNodePort: true"), "", "NodePort", true},
	} {
		s := adapted(t, c.text, stated(c.release))
		svc := service(t, s, "db")
		if svc.Type != c.want || unsettled(s, "Service shop/db ") != c.doubt {
			t.Errorf("%s: %s, %v", c.name, svc.Type, s.Unsettled)
		}
		if svc.Type == "LoadBalancer" && fmt.Sprint(svc.SourceRanges) != "[127.0.0.1/32]" {
			t.Errorf("%s: open to %v", c.name, svc.SourceRanges)
		}
	}
}

func TestServiceOutside(t *testing.T) {
	s := adapted(t, postgresql(`enableMasterLoadBalancer: true, allowedSourceRanges: [192.0.2.0/24],
    serviceAnnotations: {service.beta.kubernetes.io/azure-load-balancer-internal: "true"}`)+configMap("external_traffic_policy: Local"))
	svc := service(t, s, "db")
	if !svc.KeepsClient || svc.Internal != verdict.Allow || fmt.Sprint(svc.SourceRanges) != "[192.0.2.0/24]" {
		t.Errorf("%+v", svc)
	}
	if svc.InternalOrigin.Field != "spec.serviceAnnotations" {
		t.Errorf("%v", svc.InternalOrigin)
	}
}

// Patroni writes the endpoints of C unless it keeps its state in ConfigMaps: the
// default of releases from 2.0 on.
func TestSelector(t *testing.T) {
	for _, c := range []struct {
		config, release string
		none            bool
	}{
		{"", "1.15.1", true}, {"", "2.0.1", false}, {"", "", true},
		{`kubernetes_use_configmaps: "true"`, "1.15.1", false}, {`kubernetes_use_configmaps: "false"`, "2.0.1", true},
		{`kubernetes_use_configmaps: "true", etcd_host: "etcd:2379"`, "2.0.1", true},
	} {
		s := adapted(t, postgresql("")+configMap(c.config), stated(c.release))
		svc := service(t, s, "db")
		if (svc.Selector == nil) != c.none || (len(svc.Backends) == 2) != c.none {
			t.Errorf("%+v: %v %v", c, svc.Selector, svc.Backends)
		}
	}
}

// Certificates that were read say what they are for; the dummy is for one name.
func TestCertificates(t *testing.T) {
	read := func(w *operator.World) {
		w.Snapshot.Secrets = []*snapshot.Secret{
			{Namespace: "shop", Name: "tls", Keys: []string{"ca.crt", "tls.crt", "tls.key"}, Certificates: []snapshot.SecretCertificate{
				{Key: "tls.crt", Subject: "db", Names: []string{"db.shop.svc"}, NotAfter: 7},
			}},
			{Namespace: "shop", Name: "ca", Keys: []string{"ca.crt", "tls.key"}},
			{Namespace: "shop", Name: "partial", Partial: true},
		}
	}
	for _, c := range []struct {
		tls  string
		want verdict.Verdict
	}{
		{"{secretName: tls, caFile: ca.crt}", verdict.Deny},
		{"{secretName: tls, caFile: ca.crt, caSecretName: ca}", verdict.Allow},
		{"{secretName: tls, caFile: ca.crt, caSecretName: unread}", verdict.Unknown},
		{"{secretName: tls, caFile: ca.crt, caSecretName: partial}", verdict.Unknown},
	} {
		tls := adapted(t, postgresql("tls: "+c.tls), read).TLS
		if !tls.NamesKnown || fmt.Sprint(tls.Names) != "[db.shop.svc]" || tls.ClientCA != verdict.Allow || len(tls.Certificates) != 2 {
			t.Fatalf("%s: %+v", c.tls, tls)
		}
		if tls.Certificates[0].NotAfter != 7 || tls.Certificates[1].CanSign != c.want {
			t.Errorf("%s: %+v", c.tls, tls.Certificates)
		}
	}
	if tls := adapted(t, postgresql("env: [{name: SSL_CERTIFICATE, value: x}]")).TLS; tls.NamesKnown || len(tls.Certificates) != 0 {
		t.Errorf("%+v", tls)
	}
	if tls := adapted(t, postgresql("tls: {secretName: tls}")).TLS; tls.NamesKnown || tls.ClientCA != verdict.Deny {
		t.Errorf("%+v", tls)
	}
}

func TestRelease(t *testing.T) {
	for text, want := range map[string]string{"v1.15.1": "1.15.1", "2.0": "2.0.0", "1.15.1-3-gabc": "1.15.1", "latest": "", "": ""} {
		if got := parseRelease(text).exact(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if r := parseRelease("1.15.1"); r.from(2, 0, 0) || !r.before(2) || !r.from(1, 15, 1) {
		t.Errorf("%+v", r)
	}
	if r := parseRelease(""); r.from(0, 0, 0) || r.before(9) {
		t.Error("an unknown release is neither old nor new")
	}
}

// The definition in the estate tells 1.x from 2.x where nothing else does.
func TestReleaseBySchema(t *testing.T) {
	const crd = `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: postgresqls.acid.zalan.do}
spec: {versions: [{name: v1, schema: {openAPIV3Schema: {properties: {spec: {properties: {teamId: {}%s}}}}}}]}
`
	for field, want := range map[string]string{"": "md5", ", enableMasterNodePort: {}": "scram-sha-256"} {
		s := adapted(t, postgresql("")+fmt.Sprintf(crd, field))
		if got, _ := s.Setting("postgresql.password_encryption"); got.Value != want || s.OperatorVersion != "" {
			t.Errorf("%q: %v %q", field, got, s.OperatorVersion)
		}
	}
}

func TestSpilo(t *testing.T) {
	for image, want := range map[string]spilo{
		"":                                    {ours: true, known: true, major: 4},
		"ghcr.io/zalando/spilo-17:4.0-p3":     {ours: true, known: true, major: 4},
		"registry/acid/spilo-cdp-12:1.6-p115": {ours: true, known: true, major: 1, minor: 6},
		"ghcr.io/zalando/spilo-17:4.0-p3@sha256:abc":       {ours: true, known: true, major: 4},
		"registry.example/spilo-17:custom":                 {ours: true},
		"registry.example/spilo":                           {ours: true},
		"registry.example/postgres-ha:17":                  {},
		"registry.example:5000/acid/spilo-9.6:1.2-p4":      {ours: true, known: true, major: 1, minor: 2},
		"registry.example/notspiloatall-postgres:4.0-p3.1": {},
	} {
		if got := spiloOf(image); got != want {
			t.Errorf("%s: %+v, want %+v", image, got, want)
		}
	}
}

func TestSplitPairs(t *testing.T) {
	for text, want := range map[string]string{"": "[]", "a:b": "[a:b]", "a:b, c:d": "[a:b c:d]", `a:"b,c",d:e`: `[a:"b,c" d:e]`} {
		if got := fmt.Sprint(splitPairs(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestWants(t *testing.T) {
	for _, c := range []struct {
		kind object.Type
		text string
		want bool
	}{
		{object.Type{Kind: "ConfigMap"}, `{"data":{"cluster_name_label":"x"}}`, true},
		{object.Type{Kind: "ConfigMap"}, `{"data":{"ALLOW_NOSSL":"x"}}`, true},
		{object.Type{Kind: "ConfigMap"}, `{"data":{"index.html":"x"}}`, false},
		{object.Type{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}, `postgresqls.acid.zalan.do`, true},
		{object.Type{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}, `others.example`, false},
		{object.Type{Kind: "Secret"}, `cluster_labels`, false},
	} {
		if got := wants(c.kind, []byte(c.text)); got != c.want {
			t.Errorf("%s %s: %v", c.kind, c.text, got)
		}
	}
}

// With two operators each takes the clusters that name its id; two configurations
// without an operator are none.
func TestWhichConfiguration(t *testing.T) {
	const install = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: %[1]s}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [
  {name: o, image: "ghcr.io/zalando/postgres-operator:v1.15.1", env: [{name: CONTROLLER_ID, value: "%[2]s"}, {name: CONFIG_MAP_NAME, value: c}]}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: %[1]s}
data: {watched_namespace: "*", super_username: %[1]s}
`
	two := fmt.Sprintf(install, "one", "") + fmt.Sprintf(install, "two", "second")
	cluster := postgresql("teamId: x") + two
	if s := adapted(t, cluster); s.Roles[0].Name != "one" {
		t.Errorf("%v", s.Roles[0])
	}
	cluster = strings.Replace(cluster, "namespace: shop}", "namespace: shop, annotations: {acid.zalan.do/controller: second}}", 1)
	if s := adapted(t, cluster); s.Roles[0].Name != "two" {
		t.Errorf("%v", s.Roles[0])
	}
	s := adapted(t, postgresql("")+configMap("super_username: a")+operatorConfiguration("users: {super_username: b}"))
	if s.Roles[0].Name != "postgres" || !unsettled(s, "LoadBalancer") {
		t.Errorf("%v %v", s.Roles[0], s.Unsettled)
	}
}

// An operator is known by its image or by what only it reads from its environment, however
// its manifest is escaped.
func TestOperatorsDeployment(t *testing.T) {
	for container, want := range map[string]bool{
		`{"image": "ghcr.io/zalando/postgres-operator:v1.15.1"}`:                                               true,
		`{"image": "ghcr.io/zalando/postgres\u002doperator"}`:                                                  true,
		`{"image": "corp/op", "env": [{"name": "POSTGRES_OPERATOR_CONFIGURATION_OBJECT", "value": "c"}]}`:      true,
		`{"image": "corp/op", "env": [{"name": "POSTGRES_\u004fPERATOR_CONFIGURATION_OBJECT", "value": "c"}]}`: true,
		`{"image": "corp/postgres-operator", "env": [{"name": "CONFIG_MAP_NAME", "value": "c"}]}`:              true,
		`{"image": "corp/op", "env": [{"name": "CONFIG_MAP_NAME", "value": "c"}]}`:                             false,
		`{"image": "corp/app"}`: false,
	} {
		o := object.Object{Kind: "Deployment", JSON: []byte(`{"spec": {"template": {"spec": {"containers": [` + container + `]}}}}`)}
		if got := asInstall(&operator.World{Snapshot: &snapshot.Snapshot{}}, o) != nil; got != want {
			t.Errorf("%s: %t", container, got)
		}
	}
}

// An empty value of an OperatorConfiguration is none; one of a ConfigMap is empty.
func TestEmptyValues(t *testing.T) {
	if s := adapted(t, postgresql("")+operatorConfiguration(`users: {super_username: ""}`)); s.Roles[0].Name != "postgres" {
		t.Errorf("%v", s.Roles[0])
	}
	if s := adapted(t, postgresql("")+configMap(`pam_configuration: ""`)); strings.Contains(fmt.Sprint(s.HBA.Records), "pam") {
		t.Errorf("%v", s.HBA.Records)
	}
}

// A member of every instance is there in each part, and every flow has a phase and a
// source.
func TestContract(t *testing.T) {
	s := adapted(t, postgresql("enableConnectionPooler: true, enableLogicalBackup: true, clone: {cluster: x}, standby: {standby_host: y}"))
	if len(s.Members()) != 4 {
		t.Errorf("%d members", len(s.Members()))
	}
	for _, f := range s.Vital {
		if f.Phase == "" || f.Source == "" || f.From.Name == "" || f.To.Name == "" || len(f.Ports) == 0 {
			t.Errorf("%+v", f)
		}
	}
}

// Of an image that is not the operator's nobody knows what PgBouncer is told: whom it lets
// in, and whether it comes to the server with TLS.
func TestForeignPooler(t *testing.T) {
	for image, known := range map[string]bool{
		"registry.opensource.zalan.do/acid/pgbouncer:master-27": true, "registry.example/pgbouncer:1.24": false,
	} {
		p := adapted(t, postgresql("connectionPooler: {dockerImage: \""+image+"\"}")).Poolers[0]
		if (p.ServerTLS != "") != known || (len(p.HBA.Errors) == 0) != known {
			t.Errorf("%s: server_tls_sslmode %q, %v", image, p.ServerTLS, p.HBA)
		}
	}
}

// A pooler that somebody puts beside the server listens, and nobody knows whom it lets in.
func TestSidecarPooler(t *testing.T) {
	s := adapted(t, postgresql(`sidecars: [{name: pool, image: "edoburu/pgbouncer", ports: [{containerPort: 6433}]}, {name: log, image: fluentd, ports: [{containerPort: 24224}]}]`))
	if len(s.Ports) != 2 || s.Ports[1].Port != 6433 || s.Ports[1].Pooler == nil || s.Ports[1].Origin.Field != "spec.sidecars[0]" {
		t.Errorf("%+v", s.Ports)
	}
}
