package layer

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func deleted(t *testing.T, b object.Batch, texts ...string) (object.Batch, error) {
	t.Helper()
	var list []Ref
	for _, text := range texts {
		r, err := ParseRef(text)
		if err != nil {
			return b, err
		}
		list = append(list, r)
	}
	return Delete(b, list...)
}

// A kind is written as for kubectl.
func TestParseRef(t *testing.T) {
	b := batchOf(t, live, service, policy, cluster, "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
		"{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: antrea, namespace: shop}}")
	for text, want := range map[string]string{
		"NetworkPolicy/shop/db": "NetworkPolicy shop/db", "netpol/shop/db": "NetworkPolicy shop/db", "networkpolicies/shop/db": "NetworkPolicy shop/db",
		"networkpolicies.networking.k8s.io/shop/db": "NetworkPolicy shop/db", "networkpolicy.crd.antrea.io/shop/antrea": "NetworkPolicy shop/antrea",
		"deploy/shop/web": "Deployment shop/web", "DEPLOYMENTS/shop/web": "Deployment shop/web", "rs/shop/web-5d4f": "ReplicaSet shop/web-5d4f",
		"endpoints/shop/db": "Endpoints shop/db", "ep/shop/db": "Endpoints shop/db", "endpointslices/shop/db-x": "EndpointSlice shop/db-x",
		"cluster/shop/pg": "Cluster shop/pg", "clusters.postgresql.cnpg.io/shop/pg": "Cluster shop/pg", "po/shop/other": "Pod shop/other",
	} {
		got, err := deleted(t, b, text)
		if err != nil || strings.Contains(refs(got), want+",") {
			t.Errorf("%s: %v %s", text, err, refs(got))
		}
	}
	for text, want := range map[string]string{
		"netpol/db":    `"netpol/db": a NetworkPolicy lives in a namespace: write NetworkPolicy/NAMESPACE/db`,
		"ns/shop/a":    `"ns/shop/a": a Namespace lives in no namespace: write Namespace/a`,
		"netpol":       `"netpol": want KIND/NAMESPACE/NAME, or KIND/NAME for a kind without namespaces`,
		"a/b/c/d":      `"a/b/c/d": want KIND/NAMESPACE/NAME, or KIND/NAME for a kind without namespaces`,
		"netpol//db":   `"netpol//db": want KIND/NAMESPACE/NAME, or KIND/NAME for a kind without namespaces`,
		".x/shop/db":   `".x/shop/db": want KIND/NAMESPACE/NAME, or KIND/NAME for a kind without namespaces`,
		"/shop/db":     `"/shop/db": want KIND/NAMESPACE/NAME, or KIND/NAME for a kind without namespaces`,
		"svc/shop/ db": `"svc/shop/ db": want KIND/NAMESPACE/NAME, or KIND/NAME for a kind without namespaces`,

		"netpol/shop/bd":             "netpol/shop/bd: there is no such object: did you mean shop/db?",
		"netpol/shpo/db":             "netpol/shpo/db: there is no such object: did you mean shop/db?",
		"netpol/shop/antrea":         "netpol/shop/antrea: there is no such object",
		"svc/payments/db":            "svc/payments/db: there is no such object: did you mean shop/db?",
		"deployment/shop/elsewhere":  "deployment/shop/elsewhere: there is no such object",
		"clutser/shop/pg":            "clutser/shop/pg: no object of this kind was read: did you mean cluster?",
		"ns/payments":                "ns/payments: there is no such object",
		"cluster.example.com/shop/x": "cluster.example.com/shop/x: no object of this kind was read: did you mean cluster?",
	} {
		if _, err := deleted(t, b, text); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Two groups may call their kinds alike.
func TestSeveralGroups(t *testing.T) {
	b := batchOf(t, cluster, "{apiVersion: example.com/v1, kind: Cluster, metadata: {name: pg, namespace: shop}}")
	_, err := deleted(t, b, "cluster/shop/pg")
	if want := "cluster/shop/pg: several groups have the kind: write Cluster.postgresql.cnpg.io or Cluster.example.com"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if got, err := deleted(t, b, "cluster.example.com/shop/pg"); err != nil || len(got.Objects) != 1 || got.Objects[0].Group() != "postgresql.cnpg.io" {
		t.Error(refs(got), err)
	}
}

// What an object owns goes with it, as the garbage collector has it: all owners have to go.
func TestCascade(t *testing.T) {
	const shared = `{apiVersion: v1, kind: ConfigMap, metadata: {name: shared, namespace: shop, ownerReferences: [
 {apiVersion: apps/v1, kind: Deployment, name: web, uid: d1}, {apiVersion: v1, kind: Service, name: db, uid: s1}]}}`
	b := batchOf(t, live, service, cluster, owned, shared, "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}", "{apiVersion: v1, kind: Pod, metadata: {name: far, namespace: far}}")
	all := strings.Split(refs(b), ", ")
	for text, want := range map[string][]string{
		"deploy/shop/web": {"Deployment shop/web", "ReplicaSet shop/web-5d4f", "Pod shop/web-5d4f-a"},
		"svc/shop/db":     {"Service shop/db", "EndpointSlice shop/db-x", "Endpoints shop/db"},
		"cluster/shop/pg": {"Cluster shop/pg", "Pod shop/pg-1", "Service shop/pg-1", "ConfigMap shop/pg-1", "Secret shop/pg-1",
			"PersistentVolumeClaim shop/pg-1", "Certificate shop/pg-1", "NetworkPolicy shop/pg-1", "Role shop/pg-1", "Deployment shop/pg-1"},
		"svc/shop/db deploy/shop/web": {"Deployment shop/web", "ReplicaSet shop/web-5d4f", "Pod shop/web-5d4f-a",
			"Service shop/db", "EndpointSlice shop/db-x", "Endpoints shop/db", "ConfigMap shop/shared"},
		"rs/shop/web-5d4f deploy/shop/web": {"Deployment shop/web", "ReplicaSet shop/web-5d4f", "Pod shop/web-5d4f-a"},
	} {
		got, err := deleted(t, b, strings.Fields(text)...)
		left := slices.DeleteFunc(slices.Clone(all), func(ref string) bool { return slices.Contains(want, ref) })
		if err != nil || refs(got) != strings.Join(left, ", ") {
			t.Errorf("%s: %v\n%s\nwant\n%s", text, err, refs(got), strings.Join(left, ", "))
		}
	}
	if got, err := deleted(t, b, "ns/shop"); err != nil || refs(got) != "Pod far/far" {
		t.Error(refs(got), err)
	}
	if got, err := deleted(t, b, "ns/far"); err != nil || len(got.Objects) != len(b.Objects)-1 {
		t.Error("a namespace that nobody declares", refs(got), err)
	}
	if got, err := deleted(t, b); err != nil || refs(got) != refs(b) {
		t.Error(refs(got), err)
	}
}

// What was wrong with a document that goes is no longer said, not even where that is all that
// is known of it.
func TestDeleteRemarks(t *testing.T) {
	b := batchOf(t, policy, "{apiVersion: v1, kind: Pod, metadata: {name: far, namespace: far}}")
	for _, object := range []string{"NetworkPolicy shop/db", "NetworkPolicy shop/broken", "NetworkPolicy far/db", ""} {
		b.Problems = append(b.Problems, snapshot.Problem{Origin: verdict.Origin{Object: object}, Err: object})
		b.Warnings = append(b.Warnings, snapshot.Warning{Origin: verdict.Origin{Object: object}})
	}
	for _, kind := range []string{"Application", "HelmRelease"} {
		b.Missing = append(b.Missing, snapshot.Missing{By: snapshot.Ref{Kind: kind, Namespace: "far", Name: "x"}})
	}
	for text, want := range map[string]string{
		"netpol/shop/db":     "NetworkPolicy shop/broken|NetworkPolicy far/db||2",
		"netpol/shop/broken": "NetworkPolicy shop/db|NetworkPolicy far/db||2",
		"ns/far":             "NetworkPolicy shop/db|NetworkPolicy shop/broken||1",
	} {
		got, err := deleted(t, b, text)
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for i, p := range got.Problems {
			said += p.Err + "|"
			if got.Warnings[i].Origin.Object != p.Err {
				t.Errorf("%s: %v", text, got.Warnings)
			}
		}
		if said += string(rune('0' + len(got.Missing))); said != want {
			t.Errorf("%s: %s, want %s", text, said, want)
		}
	}
}
