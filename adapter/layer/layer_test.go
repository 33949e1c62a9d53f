package layer

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A manifest that says again what the cluster has leaves the pods and their addresses; a
// person would edit it where the manifest is.
func TestUnchanged(t *testing.T) {
	base, next := fromFile(t, "live.yaml", live), fromFile(t, "pr.yaml", manifest)
	got := Over(base, next)
	if refs(got) != refs(base) || podsOf(got) != podsOf(base) {
		t.Errorf("%s\n%s", refs(got), podsOf(got))
	}
	o := find(t, got, "Deployment shop/web")
	if o.UID != "d1" || o.Source != next.Objects[0].Source {
		t.Errorf("%+v", o)
	}
	at := got.Locate(o.Origin().At("spec.template.spec.containers[0].ports"))
	if at.File != "pr.yaml" || at.Line != 9 {
		t.Errorf("the line is of another file: %v", at)
	}
}

// Who relabels pods asks about the new labels. Pods of another are as they were.
func TestChanged(t *testing.T) {
	const other = "Pod shop/other map[app:other] [10.0.0.2]"
	for name, edit := range map[string][2]string{
		"a label more":       {"tier: front", "tier: front, db: allowed"},
		"a label less":       {", tier: front", ""},
		"a label changed":    {"tier: front", "tier: back"},
		"another image":      {"web:1", "web:2"},
		"a port less":        {", ports: [{containerPort: 80}]", ""},
		"a sidecar":          {"containers: [", "containers: [{name: proxy, image: \"proxy:1\"}, "},
		"the host's network": {"{containers:", "{hostNetwork: true, containers:"},
	} {
		text := strings.ReplaceAll(manifest, edit[0], edit[1])
		if text == manifest {
			t.Fatal(name)
		}
		got := Over(fromFile(t, "live.yaml", live), fromFile(t, "pr.yaml", text))
		if want := "Deployment shop/web, Pod shop/other"; refs(got) != want {
			t.Errorf("%s: %s, want %s", name, refs(got), want)
		}
		alone := batchOf(t, text)
		if want := podsOf(alone) + "\n" + other; podsOf(got) != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, podsOf(got), want)
		}
		if o := find(t, got, "Deployment shop/web"); !strings.Contains(string(o.JSON), `"status"`) || o.UID != "d1" || !strings.Contains(string(o.JSON), `"replicas":2`) {
			t.Errorf("%s: %s", name, o.JSON)
		}
	}
}

// What a Deployment's own labels are changes no pod of it.
func TestOwnLabels(t *testing.T) {
	base := batchOf(t, live)
	got := Over(base, batchOf(t, strings.Replace(manifest, "team: a", "team: b", 1)))
	if refs(got) != refs(base) || find(t, got, "Deployment shop/web").Labels["team"] != "b" {
		t.Errorf("%s %v", refs(got), find(t, got, "Deployment shop/web").Labels)
	}
}

// Without the ReplicaSet, which a file of the cluster may lack, its Deployment is known by
// the hash of the pods.
func TestUnreadOwner(t *testing.T) {
	base := batchOf(t, live)
	base.Objects = slices.DeleteFunc(base.Objects, func(o object.Object) bool { return o.Kind == "ReplicaSet" })
	got := Over(base, batchOf(t, strings.ReplaceAll(manifest, "web:1", "web:2")))
	if want := "Deployment shop/web, Pod shop/other"; refs(got) != want {
		t.Error(refs(got))
	}
}

// The owner of another uid is another owner, of the same name and gone.
func TestUID(t *testing.T) {
	base := batchOf(t, strings.Replace(live, "name: web, uid: d1, controller", "name: web, uid: d0, controller", 1))
	got := Over(base, batchOf(t, strings.ReplaceAll(manifest, "web:1", "web:2")))
	if refs(got) != refs(base) {
		t.Error(refs(got))
	}
}

// So it is where the changed object itself keeps no uid.
func TestUIDOfResource(t *testing.T) {
	base := batchOf(t, cluster, strings.ReplaceAll(owned, "uid: c1", "uid: c0"))
	if got := Over(base, batchOf(t, strings.Replace(strings.Replace(cluster, ", uid: c1", "", 1), "trust", "reject", 1))); refs(got) != refs(base) {
		t.Error(refs(got))
	}
}

// A version that is no longer served says nothing, whatever it holds: the reader has to see it.
func TestAPIVersion(t *testing.T) {
	got := Over(batchOf(t, live), batchOf(t, strings.Replace(manifest, "apps/v1", "apps/v1beta2", 1)))
	if o := find(t, got, "Deployment shop/web"); o.APIVersion != "apps/v1beta2" {
		t.Errorf("%s", o.JSON)
	}
}

const service = `
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop, uid: s1}
spec:
  allocateLoadBalancerNodePorts: true
  clusterIP: 10.96.0.7
  clusterIPs: [10.96.0.7]
  externalTrafficPolicy: Cluster
  internalTrafficPolicy: Cluster
  ipFamilies: [IPv4]
  ipFamilyPolicy: SingleStack
  ports: [{name: pg, port: 5432, protocol: TCP, targetPort: 5432, nodePort: 30001}, {name: b, port: 6432, protocol: TCP, targetPort: 6432, nodePort: 30002}]
  selector: {app: db}
  sessionAffinity: None
  type: LoadBalancer
status: {loadBalancer: {ingress: [{ip: 192.0.2.9}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-x, namespace: shop, labels: {kubernetes.io/service-name: db}, ownerReferences: [{apiVersion: v1, kind: Service, name: db, uid: s1, controller: true}]}
addressType: IPv4
---
apiVersion: v1
kind: Endpoints
metadata: {name: db, namespace: shop}
`

// A Service keeps what was allocated for it, as far as it still has a place for that.
func TestService(t *testing.T) {
	for name, test := range map[string]struct {
		manifest, want string
		slices         bool
	}{
		"the same": {"type: LoadBalancer, selector: {app: db}, ports: [{name: pg, port: 5432}, {name: b, port: 6432}]",
			"LoadBalancer [10.96.0.7] 30001 30002 [192.0.2.9]", true},
		"another selector": {"type: LoadBalancer, selector: {app: pg}, ports: [{name: pg, port: 5432}]",
			"LoadBalancer [10.96.0.7] 30001 [192.0.2.9]", false},
		"a port by another name": {"type: NodePort, selector: {app: db}, ports: [{name: q, port: 6432}, {port: 80, name: w}]",
			"NodePort [10.96.0.7] 30002 0 []", false},
		"a port of one's own": {"type: NodePort, selector: {app: db}, ports: [{port: 5432, nodePort: 31000}]", "NodePort [10.96.0.7] 31000 []", false},
		"inside only":         {"selector: {app: db}, ports: [{port: 5432}]", "ClusterIP [10.96.0.7] 0 []", false},
		"another protocol":    {"type: NodePort, selector: {app: db}, ports: [{port: 5432, protocol: UDP}]", "NodePort [10.96.0.7] 0 []", false},
		"a name":              {"type: ExternalName, externalName: db.example.com", "ExternalName [] []", true},
		"no selector":         {"ports: [{port: 5432}]", "ClusterIP [10.96.0.7] 0 []", true},
	} {
		got := Over(batchOf(t, service), batchOf(t, "apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\nspec: {"+test.manifest+"}"))
		s := &snapshot.Snapshot{}
		kube.Convert(got.Objects, s)
		text := fmt.Sprint(s.Services[0].Type, " ", s.Services[0].ClusterIPs, " ")
		for _, p := range s.Services[0].Ports {
			text += fmt.Sprint(p.NodePort, " ")
		}
		if text += fmt.Sprint(s.Services[0].LoadBalancer); text != test.want {
			t.Errorf("%s: %s, want %s", name, text, test.want)
		}
		if (len(got.Objects) == 3) != test.slices || len(s.Problems) > 0 {
			t.Errorf("%s: %s %v", name, refs(got), s.Problems)
		}
	}
}

const policy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: a}}}]}, {from: [{podSelector: {matchLabels: {app: b}}}]}]}
`

// A policy is what the later source says it is: a rule that it takes away is gone.
func TestPolicy(t *testing.T) {
	got := Over(batchOf(t, policy), batchOf(t, strings.Replace(policy, ", {from: [{podSelector: {matchLabels: {app: b}}}]}", "", 1)))
	s := &snapshot.Snapshot{}
	kube.Convert(got.Objects, s)
	if len(s.Policies) != 1 || len(slices.Concat(s.Policies[0].Rules[0], s.Policies[0].Rules[1])) != 1 {
		t.Errorf("%+v", s.Policies)
	}
}

const cluster = `
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop, uid: c1, generation: 3}
spec: {instances: 1, imageName: "postgresql:17", postgresql: {pg_hba: [host all all all trust]}}
status: {image: "postgresql:17"}
`

// owned are objects that the Cluster owns.
var owned = func() string {
	var out []string
	for _, o := range []string{"v1 Pod", "v1 Service", "v1 ConfigMap", "v1 Secret", "v1 PersistentVolumeClaim", "cert-manager.io/v1 Certificate",
		"networking.k8s.io/v1 NetworkPolicy", "rbac.authorization.k8s.io/v1 Role", "apps/v1 Deployment"} {
		apiVersion, kind, _ := strings.Cut(o, " ")
		out = append(out, fmt.Sprintf(`{apiVersion: %s, kind: %s, metadata: {name: pg-1, namespace: shop, ownerReferences: [
 {apiVersion: postgresql.cnpg.io/v1, kind: Cluster, name: pg, uid: c1, controller: true}]}}`, apiVersion, kind))
	}
	return strings.Join(out, "\n---\n")
}()

// Of a custom resource that changes, what operators make anew goes: Secrets, claims,
// certificates, and what no adapter works out, stay.
func TestCustomResource(t *testing.T) {
	const stays = "Cluster shop/pg, Secret shop/pg-1, PersistentVolumeClaim shop/pg-1, Certificate shop/pg-1, NetworkPolicy shop/pg-1, Role shop/pg-1"
	plain := strings.NewReplacer(", uid: c1, generation: 3", "", "status: {image: \"postgresql:17\"}\n", "").Replace(cluster)
	for name, test := range map[string]struct {
		edit    [2]string
		changed bool
	}{
		"nothing":              {[2]string{"", ""}, false},
		"books":                {[2]string{"namespace: shop", "namespace: shop, annotations: {argocd.argoproj.io/tracking-id: x}"}, false},
		"a line":               {[2]string{"trust", "reject"}, true},
		"no line":              {[2]string{"[host all all all trust]", "[]"}, true},
		"no image":             {[2]string{`imageName: "postgresql:17", `, ""}, true},
		"a label, handed on":   {[2]string{"namespace: shop", "namespace: shop, labels: {a: b}"}, true},
		"null is not there":    {[2]string{"instances: 1", "instances: 1, bootstrap: null"}, false},
		"a number and a text":  {[2]string{"instances: 1", `instances: "1"`}, true},
		"a field that is more": {[2]string{"instances: 1", "instances: 1, enablePDB: true"}, true},
	} {
		base := batchOf(t, cluster, owned)
		text := strings.Replace(plain, test.edit[0], test.edit[1], 1)
		got := Over(base, batchOf(t, text))
		want := refs(base)
		if test.changed {
			want = stays
		}
		o := find(t, got, "Cluster shop/pg")
		if refs(got) != want || (o.UID == "c1") == test.changed {
			t.Errorf("%s: %s %q", name, refs(got), o.UID)
		}
		if !strings.Contains(string(o.JSON), `"status"`) {
			t.Errorf("%s: %s", name, o.JSON)
		}
	}
}

// What comes of somebody's own resource nobody here works out: it stays.
func TestForeignResource(t *testing.T) {
	base := batchOf(t, `{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: g, namespace: shop, uid: g1}, spec: {a: 1}}`,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: g, namespace: shop, ownerReferences: [
 {apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, name: g, uid: g1, controller: true}]}}`)
	got := Over(base, batchOf(t, `{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: g, namespace: shop}, spec: {a: 2}}`))
	if refs(got) != refs(base) {
		t.Error(refs(got))
	}
}

// A pod that is not what it was gets no address of the one that ran; relabelled it is the same.
func TestPod(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: other, namespace: shop, labels: {app: %s}}\nspec: {containers: [{name: web, image: \"web:%s\"}]}"
	for _, test := range []struct{ app, image, want string }{
		{"other", "1", "Pod shop/other map[app:other] [10.0.0.2]"},
		{"new", "1", "Pod shop/other map[app:new] [10.0.0.2]"},
		{"other", "2", "Pod shop/other map[app:other] []"},
	} {
		got := podsOf(Over(batchOf(t, live), batchOf(t, fmt.Sprintf(pod, test.app, test.image))))
		if !strings.Contains(got, test.want) {
			t.Errorf("%v: %s", test, got)
		}
	}
}

// What base said of a document that is replaced is no longer said; the rest of both is.
func TestRemarks(t *testing.T) {
	about := func(object, text string) snapshot.Problem {
		return snapshot.Problem{Origin: verdict.Origin{File: "a", Object: object}, Err: text}
	}
	warning := func(object string) snapshot.Warning {
		return snapshot.Warning{Code: "c", Origin: verdict.Origin{Object: object}}
	}
	app := snapshot.Ref{Kind: "Application", Namespace: "argo", Name: "x"}
	const application = "{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: x, namespace: argo}}"
	base := batchOf(t, "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: kn, namespace: shop}}", application)
	base.Problems = []snapshot.Problem{about("NetworkPolicy shop/db", "1"), about("NetworkPolicy shop/else", "2"), about("", "3"), about("Service shop/kn", "4")}
	base.Warnings = []snapshot.Warning{warning("NetworkPolicy shop/db"), warning("Pod shop/a")}
	base.Missing = []snapshot.Missing{{By: app, What: "old"}, {By: snapshot.Ref{Kind: "Application", Name: "y"}, What: "y"}}
	base.Skipped, base.Ignored, base.Unused, base.Inputs = []string{"s"}, 1, 2, []object.Input{{Name: "i"}}
	next := batchOf(t, policy, application, "{apiVersion: v1, kind: Service, metadata: {name: kn, namespace: shop}}")
	next.Problems = []snapshot.Problem{about("NetworkPolicy shop/db", "5")}
	next.Missing = []snapshot.Missing{{By: app, What: "new"}}
	next.Warnings = []snapshot.Warning{warning("Pod shop/b")}
	next.Skipped, next.Ignored, next.Unused, next.Inputs = []string{"t"}, 10, 20, []object.Input{{Name: "j"}}
	got := Over(base, next)
	var text []string
	for _, p := range got.Problems {
		text = append(text, p.Err)
	}
	for _, w := range got.Warnings {
		text = append(text, w.Origin.Object)
	}
	for _, m := range got.Missing {
		text = append(text, m.What)
	}
	for _, i := range got.Inputs {
		text = append(text, i.Name)
	}
	if want := "2 3 4 5 Pod shop/a Pod shop/b y new i j"; strings.Join(text, " ") != want {
		t.Errorf("%q, want %q", text, want)
	}
	if got.Ignored != 11 || got.Unused != 22 || !slices.Equal(got.Skipped, []string{"s", "t"}) {
		t.Errorf("%+v", got)
	}
}

// Each source finds the lines of its own objects; those of a document that counts no more
// are nobody's.
func TestLocate(t *testing.T) {
	base := fromFile(t, "base.yaml", live, policy)
	next := fromFile(t, "pr.yaml", "# one line more", policy)
	got := Over(base, next)
	lineOf := func(b object.Batch, ref, field string) string {
		o := got.Locate(find(t, b, ref).Origin().At("%s", field))
		return fmt.Sprint(o.File, ":", o.Line)
	}
	if at := lineOf(got, "NetworkPolicy shop/db", "spec.ingress[0]"); at != "pr.yaml:7" {
		t.Error(at)
	}
	was := find(t, base, "NetworkPolicy shop/db").Origin().At("spec.ingress[0]")
	if at := got.Locate(was); at != was {
		t.Error("a document that counts no more has a line", at)
	}
	if at, want := lineOf(got, "Pod shop/other", "status.podIP"), base.Locate(find(t, base, "Pod shop/other").Origin().At("status.podIP")); at != fmt.Sprint(want.File, ":", want.Line) || want.Line == 0 {
		t.Error(at, want)
	}
	base.Locate = nil
	if at := Over(base, next).Locate(was); at != was {
		t.Error(at)
	}
	next.Locate = nil
	if Over(base, next).Locate != nil {
		t.Error("lines where no source has any")
	}
}

// A name that the server makes up is never that of an object that is there.
func TestGenerateName(t *testing.T) {
	const job = "{apiVersion: batch/v1, kind: Job, metadata: {generateName: a-, namespace: shop}, spec: {parallelism: %d}}"
	got := Over(batchOf(t, fmt.Sprintf(job, 1)), batchOf(t, fmt.Sprintf(job, 2)))
	if len(got.Objects) != 2 {
		t.Error(refs(got))
	}
}

// The batches that were given stay as they are.
func TestOverChangesNothing(t *testing.T) {
	base, next := batchOf(t, live, service, cluster, owned), batchOf(t, strings.ReplaceAll(manifest, "web:1", "web:2"), policy)
	was, is := slices.Clone(base.Objects), slices.Clone(next.Objects)
	got := Over(base, next)
	if _, err := Delete(got, Ref{Kind: "namespace", Name: "shop"}); err != nil {
		t.Error(err)
	}
	if !reflect.DeepEqual(was, base.Objects) || !reflect.DeepEqual(is, next.Objects) {
		t.Error("a batch has changed")
	}
}

// What another object manages stays, though the changed one is among its owners.
func TestController(t *testing.T) {
	const pod = `{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, ownerReferences: [
 {apiVersion: apps/v1, kind: Deployment, name: web, uid: d1}, {apiVersion: apps/v1, kind: StatefulSet, name: db, uid: x, controller: %s}]}}`
	for controller, want := range map[string]int{"true": 1, "false": 0} {
		got := Over(batchOf(t, live, fmt.Sprintf(pod, controller)), batchOf(t, strings.ReplaceAll(manifest, "web:1", "web:2")))
		if n := strings.Count(refs(got), "Pod shop/p"); n != want {
			t.Errorf("controller: %s: %s", controller, refs(got))
		}
	}
}

// What the later source itself has of a changed object is new, and stays; so does what it
// lists and has.
func TestFreshStays(t *testing.T) {
	next := batchOf(t, strings.ReplaceAll(live, "web:1", "web:2"))
	next.Coverage = &snapshot.Coverage{Kinds: []snapshot.Kind{{Name: "Pod", Listing: snapshot.KindListed}, {Name: "Deployment.apps", Listing: snapshot.KindListed}}}
	base := batchOf(t, live)
	base.Coverage = next.Coverage
	if got := Over(base, next); refs(got) != refs(next) || podsOf(got) != podsOf(next) {
		t.Error(refs(got))
	}
}

// Metadata alone over an object is what is known of it, and the other way round a manifest
// says all.
func TestPartial(t *testing.T) {
	whole := batchOf(t, "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop, uid: u}, data: {k: dg==}}")
	part := batchOf(t, "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop, uid: u}}")
	part.Objects[0].Partial = true
	if got := Over(whole, part).Objects[0]; !got.Partial || strings.Contains(string(got.JSON), "dg==") {
		t.Errorf("%+v", got)
	}
	if got := Over(part, batchOf(t, "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, data: {k: dg==}}")).Objects[0]; got.Partial || !strings.Contains(string(got.JSON), "dg==") {
		t.Errorf("%+v", got)
	}
}
