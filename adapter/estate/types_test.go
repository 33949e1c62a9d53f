package estate

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/kube/live"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/pgmoat"
	"github.com/pgmoat/pgmoat/model/intent"
	corev1 "k8s.io/api/core/v1"
)

// unasked are the types that manifests are read for and no cluster is asked for, with the
// reason.
var unasked = map[string]string{
	"Endpoints":                          "the cluster copies them to EndpointSlices",
	"SealedSecret.bitnami.com":           "the cluster has the Secret",
	"ExternalSecret.external-secrets.io": "the cluster has the Secret",
	"EgressNetworkPolicy":                "nobody serves it without a group",
}

func allTypes() map[string]live.Type {
	out := map[string]live.Type{}
	for _, t := range Types(known.Adapters(), true) {
		out[t.String()] = t
	}
	return out
}

// What anybody wants of all that the tests and examples of this tree hold, a cluster is asked
// for. Kubernetes' own kinds with a group that is not theirs, and ours with one that is nearly
// ours, are wanted so that manifests are refused: a cluster has none.
func TestTypesAreWhatIsWanted(t *testing.T) {
	types := allTypes()
	of := map[string]bool{}
	for _, is := range types {
		of[is.Kind] = true
	}
	wants := Options{Adapters: known.Adapters(), Intents: &intent.Intents{}}.wants()
	seen := map[string]bool{}
	for name, text := range documents(t) {
		is, ok := typeIn(text)
		if !ok || !wants(is, []byte(text)) || seen[is.String()] {
			continue
		}
		seen[is.String()] = true
		if _, asked := types[is.String()]; !asked && unasked[is.String()] == "" && !of[is.Kind] && !pgmoat.Wants(is) {
			t.Errorf("%s: %s is wanted, and no cluster is asked for it", name, is)
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d types in all documents", len(seen))
	}
}

var (
	apiVersionLine = regexp.MustCompile(`\bapiVersion: *"?([\w./-]+)`)
	kindLine       = regexp.MustCompile(`\bkind: *"?(\w+)`)
)

func typeIn(text string) (object.Type, bool) {
	group, kind := apiVersionLine.FindStringSubmatch(text), kindLine.FindStringSubmatch(text)
	if group == nil || kind == nil {
		return object.Type{}, false
	}
	return object.Type{Group: object.GroupOf(group[1]), Kind: kind[1]}, true
}

// documents are the texts between the lines that part documents, in all files that may have
// manifests, by the file's name and a number.
func documents(t *testing.T) map[string]string {
	t.Helper()
	apart := regexp.MustCompile(`(?m)^(---|-- .* --).*$`)
	out := map[string]string{}
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." && name != "../..":
			return fs.SkipDir
		case d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".txtar", ".md"}, filepath.Ext(name)):
			return nil
		}
		text, err := os.ReadFile(name)
		for i, doc := range apart.Split(string(text), -1) {
			out[name+":"+strconv.Itoa(i)] = doc
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every type that the sources of the operators' adapters name, and every kind that they look
// for among the objects, a cluster is asked for.
func TestTypesAreWhatAdaptersName(t *testing.T) {
	types := allTypes()
	named := namedTypes(t)
	if len(named) < 30 {
		t.Fatalf("only %v", named)
	}
	for name, where := range named {
		if _, ok := types[name]; !ok && unasked[name] == "" {
			t.Errorf("%s: %s is looked for, and no cluster is asked for it", where, name)
		}
	}
}

func namedTypes(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir("../operator", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || d.Name() == "testdata" || d.Name() == "worldtest" {
			return err
		}
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			return err
		}
		constants := map[string]string{}
		var syntax []*ast.File
		set := token.NewFileSet()
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				return err
			}
			syntax = append(syntax, f)
			ast.Inspect(f, func(n ast.Node) bool { return constant(n, constants) })
		}
		for _, f := range syntax {
			ast.Inspect(f, func(n ast.Node) bool {
				if name, ok := nameOf(n, constants); ok {
					out[name] = set.Position(n.Pos()).String()
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// constant notes the texts that a package gives names to.
func constant(n ast.Node, into map[string]string) bool {
	if spec, ok := n.(*ast.ValueSpec); ok {
		for i, v := range spec.Values {
			if text, ok := textOfExpr(v, nil); ok && i < len(spec.Names) {
				into[spec.Names[i].Name] = text
			}
		}
	}
	return true
}

// textOfExpr is the text that an expression of literals, names of constants and + stands for.
func textOfExpr(e ast.Expr, constants map[string]string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		text, ok := constants[e.Name]
		return text, ok
	case *ast.BinaryExpr:
		x, okX := textOfExpr(e.X, constants)
		y, okY := textOfExpr(e.Y, constants)
		return x + y, okX && okY
	}
	return "", false
}

// nameOf is the name of a type that is written {Group: "…", Kind: "…"}, or Objects["…"].
func nameOf(n ast.Node, constants map[string]string) (string, bool) {
	switch n := n.(type) {
	case *ast.IndexExpr:
		if s, ok := n.X.(*ast.SelectorExpr); ok && s.Sel.Name == "Objects" {
			return textOfExpr(n.Index, constants)
		}
	case *ast.CompositeLit:
		got := map[string]string{}
		for _, e := range n.Elts {
			pair, ok := e.(*ast.KeyValueExpr)
			if !ok {
				return "", false
			}
			key, ok := pair.Key.(*ast.Ident)
			text, read := textOfExpr(pair.Value, constants)
			if !ok || !read || key.Name != "Group" && key.Name != "Kind" {
				return "", false
			}
			got[key.Name] = text
		}
		return object.Type{Group: got["Group"], Kind: got["Kind"]}.String(), got["Kind"] != ""
	}
	return "", false
}

// Secrets are listed as metadata, with the annotations that somebody looks at.
func TestTypesOfSecrets(t *testing.T) {
	is := allTypes()["Secret"]
	if !is.Metadata || is.Decides || !slices.Contains(is.Annotations, "cnpg.io/operatorVersion") || slices.Contains(is.Annotations, corev1.LastAppliedConfigAnnotation) {
		t.Errorf("%+v", is)
	}
	for name, other := range allTypes() {
		if name != "Secret" && other.Metadata {
			t.Errorf("%s is asked for its metadata only", name)
		}
	}
}

// Answers are made of what Decides; for the rest there are assumptions.
func TestTypesThatDecide(t *testing.T) {
	types := allTypes()
	for _, name := range []string{
		"Pod", "Deployment.apps", "StatefulSet.apps", "Service", "NetworkPolicy.networking.k8s.io", "ClusterNetworkPolicy.policy.networking.k8s.io",
		"CiliumNetworkPolicy.cilium.io", "GlobalNetworkPolicy.crd.projectcalico.org", "AuthorizationPolicy.security.istio.io",
		"Cluster.postgresql.cnpg.io", "SGCluster.stackgres.io", "postgresql.acid.zalan.do", "PostgresAccess.pgmoat.dev",
	} {
		if is, ok := types[name]; !ok || !is.Decides {
			t.Errorf("%s does not decide: %+v", name, is)
		}
	}
	for _, name := range []string{
		"Namespace", "Node", "Secret", "ConfigMap", "CustomResourceDefinition.apiextensions.k8s.io", "EndpointSlice.discovery.k8s.io",
		"Ingress.networking.k8s.io", "HTTPRoute.gateway.networking.k8s.io", "Gateway.gateway.networking.k8s.io", "Installation.operator.tigera.io",
	} {
		if is, ok := types[name]; !ok || is.Decides {
			t.Errorf("%s decides: %+v", name, is)
		}
	}
	if len(Types(nil, false)) >= len(types) || slices.ContainsFunc(Types(nil, false), func(t live.Type) bool { return t.Group == "pgmoat.dev" }) {
		t.Error("kinds are asked for that nobody reads")
	}
}

// Calico's kinds have two groups, of which one is kept as the other.
func TestTypesThatAreStored(t *testing.T) {
	n := 0
	for name, is := range allTypes() {
		want := object.Type{}
		if is.Group == "projectcalico.org" {
			n++
			want = object.Type{Group: "crd.projectcalico.org", Kind: is.Kind}
		}
		if is.Stored != want {
			t.Errorf("%s: %v, want %v", name, is.Stored, want)
		}
	}
	if n < 5 {
		t.Errorf("%d kinds of Calico", n)
	}
}

// The versions that package kube refuses others of are asked for.
func TestTypesHaveVersions(t *testing.T) {
	types := allTypes()
	for name, version := range map[string]string{
		"Service": "v1", "Deployment.apps": "v1", "ClusterNetworkPolicy.policy.networking.k8s.io": "v1alpha2",
		"AdminNetworkPolicy.policy.networking.k8s.io": "v1alpha1", "PostgresAccess.pgmoat.dev": "v1alpha1", "Cluster.postgresql.cnpg.io": "",
	} {
		if types[name].Version != version {
			t.Errorf("%s: %q, want %q", name, types[name].Version, version)
		}
	}
}
