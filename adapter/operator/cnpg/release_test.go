package cnpg

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]version{
		"1.30.0": {1, 30, 0}, "v1.29.1": {1, 29, 1}, "1.30.0-rc1": {1, 30, 0}, "1.28": {1, 28, 0}, "1.27.4+up": {1, 27, 4},
		"": {}, "latest": {}, "1": {}, "1.x": {}, "main-1.30.0": {},
	} {
		if got, ok := parseVersion(text); got != want || ok != (want != version{}) {
			t.Errorf("%q: %v %t", text, got, ok)
		}
	}
}

// When the exporter got a role of its own: in 1.28.3 and 1.29.1, not in 1.29.0.
func TestExporter(t *testing.T) {
	for text, want := range map[string]netpol.Match{
		"1.27.9": netpol.No, "1.28.2": netpol.No, "1.28.3": netpol.Yes, "1.28.9": netpol.Yes,
		"1.29.0": netpol.No, "1.29.1": netpol.Yes, "1.30.0": netpol.Yes, "2.0.0": netpol.Yes,
	} {
		v, _ := parseVersion(text)
		if got := exactly(v).exporter(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, r := range []release{anyRelease, {from: version{1, 29, 0}}, {from: version{1, 28, 3}}, {oldest, version{1, 29, 0}}} {
		if got := r.exporter(); got != netpol.Unsure {
			t.Errorf("%s: %v", r, got)
		}
	}
}

const tiny = `
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop}
spec: {imageName: "x:17"}
`

// Where the release is told, in the order of how much is told.
func TestReleaseOf(t *testing.T) {
	deployment := func(namespace, image, label string) string {
		return `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: ` + namespace + `, labels: {app.kubernetes.io/name: cloudnative-pg, app.kubernetes.io/version: "` + label + `"}}
spec:
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: manager, image: "` + image + `"}]}}`
	}
	schema := func(name, text string) string {
		return "\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + name + ".postgresql.cnpg.io}\nspec: {x: {" + text + ": {}}}"
	}
	for name, c := range map[string]struct {
		in    string
		facts map[string]string
		want  string
	}{
		"nothing":       {tiny, nil, "a release from 1.22.0 on"},
		"the facts":     {tiny + deployment("a", "x:1.29.1", ""), map[string]string{Name: "1.30.0"}, "1.30.0"},
		"an image":      {tiny + deployment("a", "r:5000/x:1.29.1@sha256:ab", "1.28.0"), nil, "1.29.1"},
		"a label":       {tiny + deployment("a", "r:5000/x@sha256:ab", "1.28.0"), nil, "1.28.0"},
		"no version":    {tiny + deployment("a", "x:latest", ""), nil, "a release from 1.22.0 on"},
		"two of them":   {tiny + deployment("a", "x:1.28.3", "") + deployment("b", "x:1.29.1", ""), nil, "a release before 1.29.2"},
		"a new schema":  {tiny + schema("clusters", "podSelectorRefs"), nil, "a release from 1.29.0 on"},
		"an old schema": {tiny + schema("clusters", "instances"), nil, "a release before 1.29.0"},
		"a new kind":    {tiny + schema("databaseroles", "name"), nil, "a release from 1.30.0 on"},
		"an annotation": {tiny + "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: pg-rw, namespace: shop, annotations: {cnpg.io/operatorVersion: 1.29.0}, " +
			"ownerReferences: [{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, name: pg}]}\nspec: {ports: [{port: 5432}]}", nil, "a release from 1.29.0 on"},
		"another's annotation": {tiny + "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: pg-rw, namespace: shop, annotations: {cnpg.io/operatorVersion: 1.29.0}}\n" +
			"spec: {ports: [{port: 5432}]}", nil, "a release from 1.22.0 on"},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldtest.World(t, c.in)
			w.Snapshot.Facts.OperatorVersions = c.facts
			made := &cluster{w: w, obj: w.Objects["Cluster.postgresql.cnpg.io"][0]}
			if got := made.annotated(releaseOf(w)).String(); got != c.want {
				t.Errorf("%s", got)
			}
		})
	}
}

// Where the facts name the operator's namespace, another operator beside it does not count.
func TestReleaseOfTheNamedNamespace(t *testing.T) {
	w := worldtest.World(t, strings.ReplaceAll(`apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: A, labels: {app.kubernetes.io/name: cloudnative-pg, app.kubernetes.io/version: 1.28.0}}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: B, labels: {app.kubernetes.io/name: cloudnative-pg, app.kubernetes.io/version: 1.30.0}}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}}}
`, "namespace: ", "namespace: ns-"))
	w.Snapshot.Facts.Operators = map[string]string{Name: "ns-B"}
	if got := releaseOf(w).exact(); got != "1.30.0" {
		t.Error(got)
	}
}

func TestWants(t *testing.T) {
	for _, c := range []struct {
		t    object.Type
		text string
		want bool
	}{
		{crdType, "name: clusters.postgresql.cnpg.io", true},
		{crdType, "name: certificates.cert-manager.io", false},
		{object.Type{Kind: "ConfigMap"}, "name: cnpg-controller-manager-config", true},
		{object.Type{Kind: "ConfigMap"}, "name: other", false},
		{object.Type{Kind: "Secret"}, "cnpg-controller-manager-config", false},
	} {
		if got := wants(c.t, []byte(c.text)); got != c.want {
			t.Errorf("%s %q: %t", c.t, c.text, got)
		}
	}
}

// What hangs on a release that nothing tells is in doubt, with what would settle it.
func TestUnknownRelease(t *testing.T) {
	in := `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop}
spec:
  imageName: x:17
  serviceAccountName: shared
  podSelectorRefs: [{name: api, selector: {matchLabels: {app: api}}}]
  postgresql: {pg_hba: ["host all all ${podselector:api} trust"]}
`
	s := adapted(t, worldtest.World(t, in))
	var doubted []int
	for _, r := range s.HBA.Records {
		if r.Maybe != "" {
			doubted = append(doubted, r.Line)
		}
	}
	if len(doubted) != 2 || doubted[0] != 7 || doubted[1] != 20 {
		t.Errorf("lines %v", doubted)
	}
	if len(s.Unsettled) != 4 || s.OperatorVersion != "" {
		t.Errorf("%q %v", s.OperatorVersion, s.Unsettled)
	}
	w := worldtest.World(t, in)
	w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "1.28.1"}
	s = adapted(t, w)
	client := hba.Client{Pod: true, Namespace: "shop", Labels: netpol.Labels{Set: map[string]string{"app": "api"}}}
	for i, r := range s.HBA.Records {
		if r.Method == "trust" && s.HBA.Records[i].MatchAddress(&client) != netpol.No {
			t.Errorf("%s matches %v: 1.28 does not replace the reference", r, client)
		}
	}
	if s.Workload.Pods[0].ServiceAccount != "pg" || len(s.Unsettled) > 0 {
		t.Errorf("%s %v", s.Workload.Pods[0].ServiceAccount, s.Unsettled)
	}
}

// What whoever reaches port 8000 can do hangs on the release.
func TestControl(t *testing.T) {
	for text, want := range map[string]string{"1.30.0": "need the operator's certificate", "1.29.1": "neither status nor", "": "before 1.30"} {
		w := worldtest.World(t, cluster1("monitoring: {tls: {enabled: true}}"))
		w.Snapshot.Facts.OperatorVersions = map[string]string{Name: text}
		ports := adapted(t, w).Control
		if !strings.Contains(ports[0].Why, want) || ports[0].Port != 8000 {
			t.Errorf("%q: %s", text, ports[0].Why)
		}
		if !strings.HasSuffix(ports[1].Why, "over TLS") {
			t.Error(ports[1].Why)
		}
	}
}
