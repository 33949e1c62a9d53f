//go:build linux

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/config/crd"
	"github.com/pgmoat/pgmoat/lab/controlplane"
	"sigs.k8s.io/yaml"
)

// liveControllers make of what people write what others read: the pods of workloads, the
// addresses behind Services, the accounts of namespaces.
var liveControllers = []string{"deployment-controller", "replicaset-controller", "statefulset-controller", "daemonset-controller",
	"endpointslice-controller", "serviceaccount-controller"}

// liveCluster is a real API server that has the example company and what a cluster has besides.
func liveCluster(t *testing.T) *controlplane.Cluster {
	t.Helper()
	dir := t.TempDir()
	c, err := controlplane.Start(t.Context(), dir)
	if errors.Is(err, controlplane.ErrUnavailable) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := c.Control(dir, liveControllers...); err != nil {
		t.Fatal(err)
	}
	estate := companyObjects(t)
	defineAll(t, c, estate)
	for _, o := range estate {
		liveMake(t, c, o.JSON)
	}
	for _, text := range clusterObjects {
		liveMake(t, c, []byte(text))
	}
	liveSettled(t, c)
	return c
}

// companyObjects are those of the example, Namespaces first.
func companyObjects(t *testing.T) []object.Object {
	t.Helper()
	b, err := file.Read(t.Context(), []string{examples("company/mended"), examples("company/access")}, file.Options{Namespace: "default"})
	if err != nil || len(b.Problems) > 0 {
		t.Fatal(err, b.Problems)
	}
	slices.SortStableFunc(b.Objects, func(x, y object.Object) int { return first(x) - first(y) })
	return b.Objects
}

func first(o object.Object) int {
	return slices.Index([]string{"Namespace", "ServiceAccount", "Secret"}, o.Kind) & 0xff
}

// defineAll defines our own kinds as they are applied, and those of others loosely.
func defineAll(t *testing.T, c *controlplane.Cluster, estate []object.Object) {
	t.Helper()
	var definitions [][]byte
	own, err := fs.Glob(crd.Files(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range own {
		text, err := fs.ReadFile(crd.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		if text, err = yaml.YAMLToJSON(text); err != nil {
			t.Fatal(err)
		}
		definitions = append(definitions, text)
	}
	seen := map[object.Type]bool{{Group: "postgresql.cnpg.io", Kind: "Cluster"}: true}
	// What the server drops of a Cluster tells the operator's release.
	cnpg, err := os.ReadFile("../../lab/controlplane/testdata/definitions/clusters.yaml")
	if err == nil {
		cnpg, err = yaml.YAMLToJSON(cnpg)
	}
	if err != nil {
		t.Fatal(err)
	}
	definitions = append(definitions, cnpg)
	for _, o := range estate {
		if group := o.Group(); !seen[o.Type()] && strings.Contains(group, ".") && group != "pgmoat.dev" && !strings.HasSuffix(group, ".k8s.io") {
			seen[o.Type()] = true
			definitions = append(definitions, looseDefinition(group, strings.TrimPrefix(o.APIVersion, group+"/"), o.Kind))
		}
	}
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	for _, text := range definitions { // the server takes as long for one as for all
		if a, err := c.Apply(ctx, text, "lab"); err != nil || a.Err() != nil {
			t.Fatal(err, a.Err())
		}
	}
	for _, text := range definitions {
		if err := c.Define(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
}

// looseDefinition takes anything.
func looseDefinition(group, version, kind string) []byte {
	plural := strings.ToLower(kind) + "s"
	if short, ok := map[string]string{"SGPoolingConfig": "sgpoolconfigs", "SGPostgresConfig": "sgpgconfigs"}[kind]; ok {
		plural = short
	}
	return fmt.Appendf(nil, `{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "%[1]s.%[2]s"},
 "spec": {"group": %[2]q, "names": {"kind": %[4]q, "plural": %[1]q}, "scope": "Namespaced", "versions": [{"name": %[3]q, "served": true, "storage": true,
  "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}`, plural, group, version, kind)
}

// liveMake makes an object, or says again of one that a controller has made what it is.
func liveMake(t *testing.T, c *controlplane.Cluster, text []byte) {
	t.Helper()
	a, err := c.Create(t.Context(), text, url.Values{})
	if err == nil && a.Status == http.StatusConflict {
		a, err = c.Apply(t.Context(), text, "lab")
	}
	if err != nil || a.Err() != nil {
		t.Fatalf("%s: %v %v", text, err, a.Err())
	}
}

// livePatch changes a part of an object, "/status" or "" for the object itself.
func livePatch(t *testing.T, c *controlplane.Cluster, n controlplane.Name, part, patch string) {
	t.Helper()
	path, err := c.Path(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.Do(t.Context(), controlplane.Request{Method: http.MethodPatch, Path: path + part, Type: controlplane.MergePatch, Body: []byte(patch)})
	if err != nil || a.Err() != nil {
		t.Fatalf("%v: %v %v", n, err, a.Err())
	}
}

// hidden is what no answer and no file may say.
const hidden = "tr0ub4dor-and-3"

// clusterObjects are what a cluster has that no manifest of the company says: nodes, the
// network plugin, its own EndpointSlice, the pods, Services and Secrets of the operators.
var clusterObjects = []string{
	`{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-a"}, "spec": {"podCIDRs": ["10.244.0.0/24"]}}`,
	`{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-b"}, "spec": {"podCIDRs": ["10.244.1.0/24"]}}`,
	`{"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"namespace": "kube-system", "name": "calico-node", "labels": {"k8s-app": "calico-node"}},
	  "spec": {"selector": {"matchLabels": {"k8s-app": "calico-node"}}, "template": {"metadata": {"labels": {"k8s-app": "calico-node"}},
	  "spec": {"hostNetwork": true, "tolerations": [{"operator": "Exists"}], "containers": [{"name": "calico-node", "image": "docker.io/calico/node:v3.31.0"}]}}}}`,
	`{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"namespace": "default", "name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
	  "addressType": "IPv4", "endpoints": [{"addresses": ["192.168.40.10"], "conditions": {"ready": true}}], "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}`,
	`{"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "payments", "name": "ledger-app-rw", "annotations": {
	  "kubectl.kubernetes.io/last-applied-configuration": "{\"stringData\":{\"password\":\"` + hidden + `\"}}"}},
	  "type": "kubernetes.io/basic-auth", "stringData": {"username": "app_rw", "password": "` + hidden + `"}}`,
}

// liveSettled waits for the controllers and says what the nodes would.
func liveSettled(t *testing.T, c *controlplane.Cluster) {
	t.Helper()
	for i, name := range []string{"node-a", "node-b"} {
		livePatch(t, c, controlplane.Name{APIVersion: "v1", Kind: "Node", Name: name}, "/status",
			fmt.Sprintf(`{"status": {"addresses": [{"type": "InternalIP", "address": "192.168.40.%d"}]}}`, 21+i))
	}
	cnpgMade(t, c)
	liveQuiet(t, c)
	for i, p := range liveList(t, c, "v1", "Pod") {
		n, err := controlplane.NameOf(p)
		if err != nil {
			t.Fatal(err)
		}
		livePatch(t, c, n, "/status", fmt.Sprintf(`{"status": {"phase": "Running", "podIP": "10.244.%[1]d.%[2]d", "podIPs": [{"ip": "10.244.%[1]d.%[2]d"}],
		  "conditions": [{"type": "Ready", "status": "True"}]}}`, i%2, 10+i))
	}
	liveQuiet(t, c)
}

// liveQuiet waits until the controllers have nothing to do any more: for a while nothing
// changed.
func liveQuiet(t *testing.T, c *controlplane.Cluster) {
	t.Helper()
	var last []byte
	since := time.Now()
	for end := since.Add(30 * time.Second); time.Since(since) < time.Second; time.Sleep(100 * time.Millisecond) {
		var now []byte
		for _, kind := range [][2]string{{"v1", "Pod"}, {"apps/v1", "Deployment"}, {"apps/v1", "DaemonSet"}, {"discovery.k8s.io/v1", "EndpointSlice"}} {
			now = append(now, bytes.Join(liveList(t, c, kind[0], kind[1]), nil)...)
		}
		if !bytes.Equal(now, last) {
			last, since = now, time.Now()
		}
		if time.Now().After(end) {
			t.Fatal("the controllers find no rest")
		}
	}
}

// cnpgMade makes what the operator makes of the ledger.
func cnpgMade(t *testing.T, c *controlplane.Cluster) {
	t.Helper()
	a, err := c.Get(t.Context(), controlplane.Name{APIVersion: "postgresql.cnpg.io/v1", Kind: "Cluster", Namespace: "payments", Name: "ledger"})
	var is struct{ Metadata struct{ UID string } }
	if err == nil {
		err = json.Unmarshal(a.Body, &is)
	}
	if err != nil {
		t.Fatal(err)
	}
	owner := fmt.Sprintf(`"ownerReferences": [{"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "ledger", "uid": %q, "controller": true}]`, is.Metadata.UID)
	liveMake(t, c, fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": "payments", "name": "ledger", %s}}`, owner))
	for i := 1; i <= 3; i++ {
		role := "replica"
		if i == 1 {
			role = "primary"
		}
		liveMake(t, c, fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "payments", "name": "ledger-%d", %s, "labels": {
		  "cnpg.io/cluster": "ledger", "cnpg.io/podRole": "instance", "cnpg.io/instanceName": "ledger-%[1]d", "cnpg.io/instanceRole": %[3]q, "role": %[3]q}},
		  "spec": {"serviceAccountName": "ledger", "automountServiceAccountToken": false, "nodeName": "node-a",
		  "containers": [{"name": "postgres", "image": "ghcr.io/cloudnative-pg/postgresql:17", "ports": [{"name": "postgresql", "containerPort": 5432}]}]}}`, i, owner, role))
	}
	for name, selector := range map[string]string{"ledger-rw": `, "cnpg.io/instanceRole": "primary"`, "ledger-ro": `, "cnpg.io/instanceRole": "replica"`, "ledger-r": `, "cnpg.io/podRole": "instance"`} {
		liveMake(t, c, fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "payments", "name": %q, %s},
		  "spec": {"selector": {"cnpg.io/cluster": "ledger"%s}, "ports": [{"name": "postgres", "port": 5432, "targetPort": 5432}]}}`, name, owner, selector))
	}
}

// liveList lists a kind of all namespaces, as objects that say what they are.
func liveList(t *testing.T, c *controlplane.Cluster, apiVersion, kind string) [][]byte {
	t.Helper()
	path, err := c.Path(t.Context(), controlplane.Name{APIVersion: apiVersion, Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.Do(t.Context(), controlplane.Request{Path: strings.Replace(path, "/namespaces/", "", 1)})
	var list struct{ Items []map[string]any }
	if err == nil && a.Err() == nil {
		err = json.Unmarshal(a.Body, &list)
	}
	if err != nil || a.Err() != nil {
		t.Fatalf("%s: %v %v", path, err, a.Err())
	}
	var out [][]byte
	for _, item := range list.Items {
		item["apiVersion"], item["kind"] = apiVersion, kind
		text, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	return out
}

// dumped writes all objects as kubectl get -o yaml does, and returns the file.
func dumped(t *testing.T, c *controlplane.Cluster) string {
	t.Helper()
	var out bytes.Buffer
	for _, kind := range liveKinds(t, c) {
		for _, text := range liveList(t, c, kind[0], kind[1]) {
			out.WriteString("---\n" + string(text) + "\n")
		}
	}
	name := filepath.Join(t.TempDir(), "dump.yaml")
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// liveKinds are those that the dump has.
func liveKinds(t *testing.T, c *controlplane.Cluster) [][2]string {
	t.Helper()
	out := [][2]string{{"v1", "Namespace"}, {"v1", "Node"}, {"v1", "Pod"}, {"v1", "Service"}, {"v1", "Secret"}, {"v1", "ConfigMap"}, {"v1", "ServiceAccount"},
		{"apps/v1", "Deployment"}, {"apps/v1", "ReplicaSet"}, {"apps/v1", "StatefulSet"}, {"apps/v1", "DaemonSet"}, {"batch/v1", "CronJob"}, {"batch/v1", "Job"},
		{"networking.k8s.io/v1", "NetworkPolicy"}, {"networking.k8s.io/v1", "Ingress"}, {"discovery.k8s.io/v1", "EndpointSlice"}, {"apiextensions.k8s.io/v1", "CustomResourceDefinition"}}
	for _, text := range liveList(t, c, "apiextensions.k8s.io/v1", "CustomResourceDefinition") {
		var is struct {
			Spec struct {
				Group    string
				Names    struct{ Kind string }
				Versions []struct{ Name string }
			}
		}
		if err := json.Unmarshal(text, &is); err != nil {
			t.Fatal(err)
		}
		out = append(out, [2]string{is.Spec.Group + "/" + is.Spec.Versions[0].Name, is.Spec.Names.Kind})
	}
	return out
}
