package stackgres

import (
	"reflect"
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

// The table of modes, one line each [sg C/EnvoyUtil.java@1.18.6]; two ports where the
// release would tell.
func TestModes(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name                  string
		disableEnvoy          *bool
		disablePooling        bool
		stored                bool
		release               string
		apps, direct, patroni []uint16
	}{
		{"the CRD's default", nil, false, false, "1.17.0", []uint16{6432}, []uint16{5432}, []uint16{8009}},
		{"the default before 1.17", nil, false, false, "1.16.3", []uint16{7432}, []uint16{7433}, []uint16{8008}},
		{"no envoy", &yes, false, true, "", []uint16{6432}, []uint16{5432}, []uint16{8009}},
		{"no envoy, no pooling", &yes, true, false, "", []uint16{5432}, []uint16{5432}, []uint16{8009}},
		{"envoy", &no, false, false, "1.18.6", []uint16{7432}, []uint16{7433}, []uint16{8008}},
		{"envoy, no pooling", &no, true, false, "", []uint16{7432}, []uint16{7433}, []uint16{8008}},
		{"stored before 1.17", nil, false, true, "1.18.6", []uint16{7432}, []uint16{7433}, []uint16{8008}},
		{"nobody knows", nil, false, false, "", []uint16{6432, 7432}, []uint16{5432, 7433}, []uint16{8009, 8008}},
		{"nobody knows, no pooling", nil, true, false, "", []uint16{5432, 7432}, []uint16{5432, 7433}, []uint16{8009, 8008}},
	} {
		x := &cluster{stored: c.stored, release: parseRelease(c.release)}
		x.spec.Pods.DisableEnvoy, x.spec.Pods.DisableConnectionPooling = c.disableEnvoy, &c.disablePooling
		var apps, direct, patroni []uint16
		for _, m := range x.modes() {
			apps, direct, patroni = append(apps, m.apps()), append(direct, m.direct()), append(patroni, m.patroni())
		}
		if !reflect.DeepEqual(apps, c.apps) || !reflect.DeepEqual(direct, c.direct) || !reflect.DeepEqual(patroni, c.patroni) {
			t.Errorf("%s: %d %d %d", c.name, apps, direct, patroni)
		}
	}
}

// shop is an SGCluster with these lines of its spec.
func shop(spec string) string {
	return "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: shop, namespace: pg}\nspec:\n" +
		"  postgres: {version: \"16\"}\n" + spec + "\n"
}

func adapted(t *testing.T, text string) (*snapshot.Server, *operator.World) {
	t.Helper()
	w := worldtest.World(t, text)
	Adapt(w)
	if len(w.Snapshot.Servers) == 0 {
		t.Fatal("no server")
	}
	return w.Snapshot.Servers[0], w
}

// Pooled sessions arrive on the Unix socket under "local all all trust": no user
// line about addresses restricts them.
func TestPooledSessionsPassTheServersFile(t *testing.T) {
	s, _ := adapted(t, shop(`  configurations: {patroni: {dynamicConfig: {postgresql: {pg_hba: ["host all all all reject"]}}}}`))
	r := hba.Decide(s.HBA, hba.Session{Local: true, Database: hba.Named("x"), User: hba.Named("app")})
	if r.Verdict != verdict.Allow || r.Record.Method != "trust" {
		t.Errorf("%+v", r)
	}
}

// Nothing lets a port through that may not be there.
func TestPortsInDoubtAreUnknown(t *testing.T) {
	s, _ := adapted(t, shop("  instances: 1"))
	if len(s.Ports) != 4 {
		t.Fatalf("%+v", s.Ports)
	}
	for _, p := range s.Ports {
		if p.Maybe == "" || p.Sees == snapshot.SeesUnknown || p.Pooler == nil || len(p.Pooler.Errors) != 1 || !p.Pooler.Errors[0].Missing {
			t.Errorf("%d: %+v", p.Port, p)
		}
	}
	if s.TLS.Enabled != verdict.Unknown || len(s.Unsettled) != 4 {
		t.Errorf("%v %+v", s.TLS.Enabled, s.Unsettled)
	}
}

// A Service leads to either port where nothing tells which there is.
func TestServicesInDoubtLeadToBoth(t *testing.T) {
	s, w := adapted(t, shop("  instances: 1"))
	for _, name := range []string{"shop", "shop-replicas"} {
		var targets []uint16
		for _, p := range w.Service("pg", name).Ports {
			if p.Port == servicePort {
				targets = append(targets, p.PodPort(s.Workload.Pods[0]))
			}
		}
		if !reflect.DeepEqual(targets, []uint16{pooledNumber, envoyNumber}) {
			t.Errorf("%s: %v", name, targets)
		}
	}
}

func TestOnlyAStoredObjectHasAUID(t *testing.T) {
	w := worldtest.World(t, "")
	o := object.Object{APIVersion: "stackgres.io/v1", Kind: "SGCluster", Namespace: "n", Name: "c", UID: "1", JSON: []byte(`{"spec":{}}`)}
	w.Objects["SGCluster.stackgres.io"] = []object.Object{o}
	Adapt(w)
	if got := w.Snapshot.Servers[0].Ports[0].Port; got != 7432 {
		t.Error(got)
	}
}

// Where the release is told, the first of these counts.
func TestReleaseIsFound(t *testing.T) {
	const deployment = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: stackgres-operator, namespace: stackgres, labels: {LABELS}}
spec: {template: {spec: {containers: [{name: o, image: "IMAGE"}]}}}
`
	deployed := func(labels, image string) string {
		return strings.NewReplacer("LABELS", labels, "IMAGE", image).Replace(deployment)
	}
	const config = "---\napiVersion: stackgres.io/v1\nkind: SGConfig\nmetadata: {name: c, namespace: stackgres}\n"
	annotated := strings.Replace(shop(""), "metadata: {", `metadata: {annotations: {stackgres.io/operatorVersion: "1.15.2"}, `, 1)
	for name, c := range map[string]struct{ text, facts, want string }{
		"nothing":             {shop(""), "", ""},
		"facts":               {shop("") + deployed("", "stackgres/operator:1.14.0"), "1.18.6", "1.18.6"},
		"annotation":          {annotated, "1.18.6", "1.15.2"},
		"status of SGConfig":  {shop("") + config + "status: {version: 1.17.1}\n", "", "1.17.1"},
		"tag in SGConfig":     {shop("") + config + "spec: {operator: {image: {tag: 1.17.2}}}\n", "", "1.17.2"},
		"image":               {shop("") + deployed("", "registry:5000/stackgres/operator:1.16.0-jvm@sha256:ab"), "", "1.16.0"},
		"image without a tag": {shop("") + deployed("", "registry:5000/stackgres/operator"), "", ""},
		"label":               {shop("") + deployed("app.kubernetes.io/version: v1.13.0", "x:latest"), "", "1.13.0"},
		"chart":               {shop("") + deployed("helm.sh/chart: stackgres-operator-1.12.0", "x"), "", "1.12.0"},
		"another's operator":  {shop("") + strings.Replace(deployed("", "o:1.18.6"), "stackgres-operator", "zalando", 1), "", ""},
		"definition": {shop("") + "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n" +
			`metadata: {name: sgclusters.stackgres.io, annotations: {stackgres.io/operatorVersion: "1.18.4"}}` + "\n", "", "1.18.4"},
	} {
		w := worldtest.World(t, c.text)
		if c.facts != "" {
			w.Snapshot.Facts.OperatorVersions = map[string]string{Name: c.facts}
		}
		Adapt(w)
		if got := w.Snapshot.Servers[0].OperatorVersion; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestSince(t *testing.T) {
	for text, want := range map[string]since{
		"": sinceUnknown, "latest": sinceUnknown, "1.16.3": before, "1.17": from, "v1.17.0-rc1": from, "1.18.6": from, "2.0.0": from, "1.9.9": before,
	} {
		if got := parseRelease(text).since(1, 17); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// The lines over IPv6 are those of new releases; where the release is not known they
// decide nothing for sure, and what they would have caught is not refused.
func TestLinesOverIPv6(t *testing.T) {
	for version, want := range map[string]verdict.Verdict{
		"": verdict.Unknown, "1.16.3": verdict.Deny, "1.17.4": verdict.Unknown, "1.18.6": verdict.Allow,
	} {
		w := worldtest.World(t, shop(""))
		w.Snapshot.Facts.OperatorVersions = map[string]string{Name: version}
		Adapt(w)
		session := hba.Session{Database: hba.Named("x"), User: hba.Named("app"), Client: hba.Client{Prefixes: prefixes(t, "2001:db8::1/128")}}
		if got := hba.Decide(w.Snapshot.Servers[0].HBA, session).Verdict; got != want {
			t.Errorf("%q: %v, want %v", version, got, want)
		}
	}
}

func TestTLSByRelease(t *testing.T) {
	for _, c := range []struct {
		spec, release string
		want          verdict.Verdict
		names         bool
	}{
		{"", "", verdict.Unknown, false},
		{"", "1.16.0", verdict.Deny, false},
		{"", "1.17.0", verdict.Allow, true},
		{"enabled: false", "1.18.6", verdict.Deny, false},
		{"enabled: true", "", verdict.Allow, true},
		{"enabled: true, certificateSecretKeySelector: {name: s, key: c}, privateKeySecretKeySelector: {name: s, key: k}", "1.18.6", verdict.Allow, false},
	} {
		w := worldtest.World(t, strings.Replace(shop(""), `{version: "16"}`, `{version: "16", ssl: {`+c.spec+`}}`, 1))
		w.Snapshot.Facts.OperatorVersions = map[string]string{Name: c.release}
		Adapt(w)
		if got := w.Snapshot.Servers[0].TLS; got.Enabled != c.want || got.NamesKnown != c.names || len(got.Names) > 0 {
			t.Errorf("%q of %q: %+v", c.spec, c.release, got)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]int{
		"P30D": 720, "PT36H": 36, "P1DT12H30M": 36, "PT90M": 1, "P1Y": -1, "30D": -1, "P": -1, "PT": -1, "": -1,
	} {
		hours, ok := isoHours(text)
		if !ok {
			hours = -1
		}
		if hours != want {
			t.Errorf("%q: %d, want %d", text, hours, want)
		}
	}
}

// What a script makes, by its statements.
func TestScripts(t *testing.T) {
	c := &cluster{server: &snapshot.Server{}}
	c.run(`
-- CREATE ROLE commented SUPERUSER;
CREATE DATABASE Shop; create database "Big One" owner x;
CREATE USER app PASSWORD 'is SUPERUSER; or not' IN ROLE readers;
CREATE ROLE "Ops" WITH LOGIN SUPERUSER; /* CREATE ROLE other; */
CREATE ROLE readers; ALTER ROLE readers REPLICATION; ALTER ROLE unseen SUPERUSER;
GRANT readers TO "Ops" WITH ADMIN OPTION; GRANT SELECT ON t TO app;
`, verdict.Origin{})
	want := []snapshot.Role{
		{Name: "app", MemberOf: []string{"readers"}},
		{Name: "Ops", Superuser: true, MemberOf: []string{"readers"}},
		{Name: "readers", Replication: true, NoLogin: true},
	}
	if !reflect.DeepEqual(c.server.Roles, want) {
		t.Errorf("%+v", c.server.Roles)
	}
	if got := c.server.Databases; !reflect.DeepEqual(got, []string{"shop", "Big One"}) {
		t.Errorf("%q", got)
	}
}

// Behind Envoy nobody gets past a PgBouncer that wants TLS: Envoy ended it.
func TestEnvoyAndRequiredTLS(t *testing.T) {
	const config = "---\napiVersion: stackgres.io/v1\nkind: SGPoolingConfig\nmetadata: {name: p, namespace: pg}\n" +
		"spec: {pgBouncer: {pgbouncer.ini: {pgbouncer: {client_tls_sslmode: require}}}}\n"
	for disable, want := range map[string]verdict.Verdict{"true": verdict.Allow, "false": verdict.Deny} {
		w := worldtest.World(t, shop("  pods: {disableEnvoy: "+disable+"}\n  configurations: {sgPoolingConfig: p}")+config)
		w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "1.18.6"}
		Adapt(w)
		session := hba.Session{TLS: true, Database: hba.Named("x"), User: hba.Named("app")}
		if got := hba.Decide(*w.Snapshot.Servers[0].Ports[0].Pooler, session).Verdict; got != want {
			t.Errorf("disableEnvoy %s: %v, want %v", disable, got, want)
		}
	}
}

// Every flow has a phase, a source, and somebody at both ends.
func TestFlowsAreWhole(t *testing.T) {
	for _, text := range []string{shop("  instances: 2"), shop("  instances: 2\n  pods: {disableEnvoy: false}\n  replicateFrom: {instance: {external: {host: db.example.com, port: 5432}}}")} {
		s, _ := adapted(t, text)
		for _, f := range s.Vital {
			if f.Phase == "" || f.Source == "" || len(f.Ports) == 0 || f.ID == "" || f.What == "" {
				t.Errorf("%+v", f)
			}
			for _, peer := range []snapshot.VitalPeer{f.From, f.To} {
				if len(peer.Pods) == 0 && peer.Namespace == "" && !peer.OutsideUnknown && peer.Outside.IsEmpty() {
					t.Errorf("%s: nobody at %q", f.ID, peer.Name)
				}
			}
		}
	}
}

// A pooler that somebody puts beside the server listens, and nobody knows whom it lets in.
func TestCustomPooler(t *testing.T) {
	s, _ := adapted(t, shop(`  pods: {customContainers: [{name: pool, image: pgcat, ports: [{containerPort: 6433}]}]}`))
	last := s.Ports[len(s.Ports)-1]
	if last.Port != 6433 || last.Pooler == nil || last.Origin.Field != "spec.pods.customContainers[0]" {
		t.Errorf("%+v", s.Ports)
	}
}
