package manifest

import (
	"encoding/json"
	"flag"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

var update = flag.Bool("update", false, "write testdata anew")

func origin(line int, name string) verdict.Origin {
	return verdict.Origin{File: "access.yaml", Line: line, Object: "PostgresAccess payments/" + name}
}

func objectOf(apiVersion, kind, namespace, name string, rest ...artefact.Entry) artefact.Artefact {
	metadata := artefact.Map{{Key: "name", Value: name}}
	if namespace != "" {
		metadata = append(metadata, artefact.Entry{Key: "namespace", Value: namespace})
	}
	return artefact.Artefact{
		Backend: "networkpolicy", APIVersion: apiVersion, Ref: snapshot.Ref{Kind: kind, Namespace: namespace, Name: name},
		Object: append(artefact.Map{{Key: "apiVersion", Value: apiVersion}, {Key: "kind", Value: kind}, {Key: "metadata", Value: metadata}}, rest...),
	}
}

// compiled is a perimeter's policy, the fields of two backends for one Cluster, and what
// could not be said.
func compiled() *compile.Output {
	policy := objectOf("networking.k8s.io/v1", "NetworkPolicy", "payments", "ledger", artefact.Entry{Key: "spec", Value: artefact.Map{
		{Key: "podSelector", Value: artefact.Map{{Key: "matchLabels", Value: artefact.Map{{Key: "cnpg.io/cluster", Value: "ledger"}}}}},
		{Key: "policyTypes", Value: artefact.Strings("Ingress")},
		{Key: "ingress", Value: artefact.List{{
			Comment: "PostgresAccess payments/shop: the shop reads and writes",
			Value: artefact.Map{
				{Key: "from", Value: artefact.List{{Value: artefact.Map{{Key: "podSelector", Value: artefact.Map{{Key: "matchLabels",
					Value: artefact.Map{{Key: "app", Value: "yes"}}}}}}}}},
				{Key: "ports", Value: artefact.List{{Value: artefact.Map{{Key: "protocol", Value: "TCP"}, {Key: "port", Value: int64(5432)}}}}},
			},
		}}},
	}})
	policy.Because = []verdict.Origin{origin(1, "shop"), origin(12, "reports")}
	cluster := artefact.Artefact{
		Backend: "hba", APIVersion: "postgresql.cnpg.io/v1", Ref: snapshot.Ref{Kind: "Cluster", Namespace: "payments", Name: "ledger"},
		At: verdict.Origin{File: "cluster.yaml", Line: 3, Object: "Cluster payments/ledger"}, Because: []verdict.Origin{origin(1, "shop")},
		Fields: []artefact.Field{{
			Path: []string{"spec", "postgresql", "pg_hba"}, Comment: "first match wins",
			Value: artefact.List{
				{Value: "hostssl ledger shop ${podselector:shop} scram-sha-256", Comment: "PostgresAccess payments/shop"},
				{Value: "host all all all reject", Comment: "the operator's own line for everybody follows"},
			},
		}},
	}
	tls := cluster
	tls.Backend, tls.Because = "tls", []verdict.Origin{origin(12, "reports")}
	tls.Fields = []artefact.Field{
		{Path: []string{"spec", "postgresql", "parameters", "ssl_min_protocol_version"}, Value: "TLSv1.3"},
		{Path: []string{"metadata", "annotations"}, Value: artefact.Map{{Key: "a/b", Value: "on"}}},
	}
	account := objectOf("rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:ledger")
	return &compile.Output{
		Artefacts: []artefact.Artefact{policy, cluster, tls, account},
		Gaps: []artefact.Gap{
			{Code: "hba/other-namespace", Backend: "hba", What: "clients in namespace web", Consequence: "pg_hba.conf cannot tell them from other clients", Carried: "networkpolicy", Origin: origin(12, "reports")},
			{Code: "networkpolicy/service-account", Backend: "networkpolicy", What: "service account batch", Consequence: "it gets no policy, and no access"},
		},
		Notes: []artefact.Note{{Code: "networkpolicy/no-egress", Text: "no policy closes the clients outwards: nothing isolates them", Origin: origin(1, "shop")}},
	}
}

// source is the Cluster as it was read.
func source(t *testing.T) Options {
	t.Helper()
	o, err := object.New([]byte(`{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"ledger","namespace":"payments"},
		"spec":{"instances":3,"postgresql":{"pg_hba":["host all all all md5"]}}}`), object.Source{File: "cluster.yaml", Line: 3}, "")
	if err != nil {
		t.Fatal(err)
	}
	return Options{Objects: []object.Object{o}}
}

// forms writes all three as one archive.
func forms(t *testing.T, out *compile.Output, opts Options) string {
	t.Helper()
	var stream strings.Builder
	if err := Stream(&stream, out, opts); err != nil {
		t.Fatal(err)
	}
	archive := &txtar.Archive{Comment: []byte("What compile writes: a stream, a directory, a kustomize component.\n\n"),
		Files: []txtar.File{{Name: "stream.yaml", Data: []byte(stream.String())}}}
	for prefix, form := range map[string]func(*compile.Output, Options) ([]File, error){"dir/": Dir, "kustomize/": Kustomize} {
		files, err := form(out, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			archive.Files = append(archive.Files, txtar.File{Name: prefix + f.Name, Data: []byte(f.Data)})
		}
	}
	slices.SortStableFunc(archive.Files, func(a, b txtar.File) int {
		return strings.Compare(path.Dir(a.Name), path.Dir(b.Name))
	})
	return string(txtar.Format(archive))
}

func TestForms(t *testing.T) {
	got := forms(t, compiled(), source(t))
	name := filepath.Join("testdata", "forms.txtar")
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || got != string(want) {
		t.Errorf("%v; go test -update, and read the diff:\n%s", err, got)
	}
	if again := forms(t, compiled(), source(t)); again != got {
		t.Error("the same input gave other bytes")
	}
}

// A stream holds whole objects and nothing that kubectl apply could take for one.
func TestStreamHoldsObjects(t *testing.T) {
	var b strings.Builder
	if err := Stream(&b, compiled(), source(t)); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for doc := range strings.SplitSeq(b.String(), "---\n") {
		var o struct{ Kind string }
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, o.Kind)
	}
	if !slices.Equal(kinds, []string{"", "NetworkPolicy", "ClusterRole"}) {
		t.Errorf("%v", kinds)
	}
}

// The fields that stand as comments in a stream are those that stand as YAML in a file.
func TestCommentedFields(t *testing.T) {
	var b strings.Builder
	if err := Stream(&b, compiled(), source(t)); err != nil {
		t.Fatal(err)
	}
	_, fields, _ := strings.Cut(b.String(), "is not pgmoat's")
	var lines []string
	for l := range strings.Lines(fields) {
		if rest, ok := strings.CutPrefix(l, "#   "); ok {
			lines = append(lines, rest)
		}
	}
	var got, want any
	if err := yaml.Unmarshal([]byte(strings.Join(lines, "")), &got); err != nil {
		t.Fatal(err)
	}
	files, err := Kustomize(compiled(), source(t))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(files, func(f File) bool { return f.Name == "fields/payments/cluster-ledger.yaml" })
	if err := yaml.Unmarshal([]byte(files[i].Data), &want); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %v, want %v", err, got, want)
	}
}

// Kustomize knows an object by what stands in its text, which may lack the namespace.
func TestKustomizeNames(t *testing.T) {
	for text, want := range map[string]string{
		`{"apiVersion":"postgresql.cnpg.io/v2","kind":"Cluster","metadata":{"name":"ledger"}}`:                        "apiVersion: postgresql.cnpg.io/v2\nkind: Cluster\nmetadata:\n  name: ledger\n  annotations:\n",
		`{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"ledger","namespace":"payments"}}`: "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: ledger\n  namespace: payments\n  annotations:\n",
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"other"}}`:                                                "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: ledger\n  namespace: payments\n  annotations:\n",
	} {
		o, err := object.New([]byte(text), object.Source{}, "payments")
		if err != nil {
			t.Fatal(err)
		}
		files, err := Kustomize(compiled(), Options{Objects: []object.Object{o}})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(files, func(f File) bool { return f.Name == "kustomization.yaml" })
		var got struct{ Patches []struct{ Patch string } }
		if err := yaml.Unmarshal([]byte(files[i].Data), &got); err != nil || !strings.HasPrefix(got.Patches[0].Patch, want) {
			t.Errorf("%v\n%v", err, got)
		}
	}
}

// A patch that has nothing to do is not written. One of an object that nobody read merges,
// where that can say it; one of an object that was there and is no more is an error.
func TestPatches(t *testing.T) {
	opts := source(t)
	out := &compile.Output{Artefacts: []artefact.Artefact{{Backend: "hba", APIVersion: "postgresql.cnpg.io/v1beta1",
		Ref:    snapshot.Ref{Kind: "Cluster", Namespace: "payments", Name: "ledger"},
		Fields: []artefact.Field{{Path: []string{"spec", "instances"}, Value: int64(3)}}}}}
	files, err := Dir(out, opts)
	if err != nil || slices.ContainsFunc(files, func(f File) bool { return strings.HasPrefix(f.Name, "patches") }) {
		t.Errorf("%v %v", files, err)
	}
	files, err = Dir(out, Options{})
	i := slices.IndexFunc(files, func(f File) bool { return f.Name == "patches/payments/cluster-ledger.yaml" })
	want := "# Made by hba.\n#\n# It sets these fields, each as a whole, and leaves everything else as it is. It may be applied with:\n" +
		"#   kubectl patch cluster.v1beta1.postgresql.cnpg.io ledger --namespace payments --type merge --patch-file patches/payments/cluster-ledger.yaml\n" +
		"apiVersion: postgresql.cnpg.io/v1beta1\nkind: Cluster\nmetadata:\n  name: ledger\n  namespace: payments\nspec:\n  instances: 3\n"
	if err != nil || i < 0 || files[i].Data != want {
		t.Errorf("%v %v", err, files)
	}
	out.Artefacts[0].Fields = []artefact.Field{{Path: []string{"spec", "postgresql"}, Value: artefact.Map{}}}
	files, err = Dir(out, opts)
	i = slices.IndexFunc(files, func(f File) bool { return f.Name == "patches/payments/cluster-ledger.yaml" })
	if err != nil || !strings.HasSuffix(files[i].Data, "spec:\n  postgresql:\n    pg_hba: null\n") || !strings.Contains(files[i].Data, "# spec.postgresql is to have nothing else") {
		t.Errorf("%v %v", err, files)
	}
	out.Artefacts[0].Fields = []artefact.Field{{Path: []string{"spec", "instances"}, Value: artefact.Map{}}}
	if _, err := Dir(out, Options{}); err == nil || err.Error() != "Cluster payments/ledger: spec.instances: cannot be set, since the object was not read" {
		t.Error(err)
	}
	out.Artefacts[0].At = verdict.Origin{File: "cluster.yaml"}
	if _, err := Dir(out, Options{}); err == nil || err.Error() != "Cluster payments/ledger: is not among the objects that were read" {
		t.Error(err)
	}
	if got := shell([]string{"kubectl", "patch", "it's $(me)"}); got != `kubectl patch 'it'\''s $(me)'` {
		t.Error(got)
	}
}

// What the API server would refuse is not written, in any form.
func TestImmutableObjects(t *testing.T) {
	o, err := object.New([]byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"hba","namespace":"payments"},"immutable":true}`), object.Source{}, "")
	if err != nil {
		t.Fatal(err)
	}
	out := &compile.Output{Artefacts: []artefact.Artefact{{Backend: "hba", APIVersion: "v1",
		Ref:    snapshot.Ref{Kind: "ConfigMap", Namespace: "payments", Name: "hba"},
		Fields: []artefact.Field{{Path: []string{"data", "pg_hba.conf"}, Value: "x"}}}}}
	opts := Options{Objects: []object.Object{o}}
	_, dir := Dir(out, opts)
	_, component := Kustomize(out, opts)
	var text strings.Builder
	for _, err := range []error{dir, component, Stream(&text, out, opts)} {
		if err == nil || !strings.HasPrefix(err.Error(), "ConfigMap payments/hba: data[pg_hba.conf]: the object is immutable") || text.Len() > 0 {
			t.Error(err, text.String())
		}
	}
}

// Names of files are those of objects where they can be; no two are alike, on file systems
// that know no case too, and none leads out of the directory.
func TestNames(t *testing.T) {
	long := strings.Repeat("a", 253)
	var out compile.Output
	for _, r := range []struct{ apiVersion, kind, namespace, name string }{
		{"networking.k8s.io/v1", "NetworkPolicy", "payments", "ledger"},
		{"v1", "Namespace", "", "payments"},
		{"a.io/v1", "Cluster", "n", "x"}, {"b.io/v1", "Cluster", "n", "x"},
		{"v1", "Role", "n", "system:x"}, {"v1", "Role", "n", "system-x"}, {"v1", "Role", "n", "System-x"},
		{"v1", "Role", "n", "..\\x"}, {"v1", "Role", "..", "../../x"}, {"v1", "Role", ".", "x"}, {"v1", "Role", "/", "/etc/passwd"},
		{"v1", "Role", "n", long}, {"v1", "Role", "n", long + "b"}, {"v1", "Role", "N", "x"}, {"v1", "Role", "n", "x\ny"},
		{"v1", "A-b", "n", "c"}, {"v1", "A", "n", "b-c"}, {"v1", "Role", "_cluster", "x"}, {"v1", "Role", "", "x"},
	} {
		out.Artefacts = append(out.Artefacts, objectOf(r.apiVersion, r.kind, r.namespace, r.name))
	}
	files, err := Dir(&out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range files {
		if seen[strings.ToLower(f.Name)] || path.Clean(f.Name) != f.Name || !filepath.IsLocal(f.Name) || len(path.Base(f.Name)) > 255 || strings.ContainsAny(f.Name, "\\\n:") {
			t.Errorf("%q", f.Name)
		}
		if dir, _, _ := strings.Cut(f.Name, "/"); dir != "objects" && f.Name != Index && f.Name != "README" {
			t.Errorf("%q", f.Name)
		}
		seen[strings.ToLower(f.Name)] = true
	}
	for _, want := range []string{"objects/payments/networkpolicy-ledger.yaml", "objects/_cluster/namespace-payments.yaml", "objects/n/role-system-x.yaml"} {
		if !seen[want] {
			t.Errorf("%s is not among %v", want, seen)
		}
	}
}

func TestRemarksJSON(t *testing.T) {
	files, err := Dir(compiled(), source(t))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Files []string
		Gaps  []struct{ Code, Carried string }
		Notes []struct{ Origin struct{ Line int } }
	}
	if err := json.Unmarshal([]byte(files[len(files)-1].Data), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Files) != 5 || len(got.Gaps) != 2 || got.Gaps[0].Carried != "networkpolicy" || got.Notes[0].Origin.Line != 1 {
		t.Errorf("%+v", got)
	}
	r := RemarksOf(compiled(), func(o verdict.Origin) verdict.Origin { o.Line = 99; return o })
	if r.Open() != 1 || r.Notes[0].Origin.Line != 99 {
		t.Errorf("%+v", r)
	}
}
