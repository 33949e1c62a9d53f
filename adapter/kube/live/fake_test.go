package live

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// hidden is the token that no error may say.
const hidden = "hunter2-token"

// A fake is an API server that answers what a test says.
type fake struct {
	*httptest.Server
	// answers are by path; those of a test stand before the usual ones.
	answers map[string]http.HandlerFunc
	mu      sync.Mutex
	asked   []*http.Request
}

// serving starts a fake that serves Namespaces, ConfigMaps, Secrets, Services and Clusters
// of CloudNativePG, with nothing in it.
func serving(t *testing.T, answers map[string]http.HandlerFunc) *fake {
	t.Helper()
	f := &fake{answers: map[string]http.HandlerFunc{
		"/version": says(`{"gitVersion": "v1.36.3"}`),
		"/api": says(`{"kind": "APIGroupDiscoveryList", "items": [{"metadata": {}, "versions": [{"version": "v1", "freshness": "Current", "resources": [
 {"resource": "namespaces", "scope": "Cluster", "responseKind": {"group": "", "version": "v1", "kind": "Namespace"}, "verbs": ["list", "get"]},
 {"resource": "configmaps", "scope": "Namespaced", "responseKind": {"kind": "ConfigMap"}, "verbs": ["list"]},
 {"resource": "secrets", "scope": "Namespaced", "responseKind": {"kind": "Secret"}, "verbs": ["list"]},
 {"resource": "bindings", "scope": "Namespaced", "responseKind": {"kind": "Binding"}, "verbs": ["create"]},
 {"resource": "services", "scope": "Namespaced", "responseKind": {"kind": "Service"}, "verbs": ["list"],
  "subresources": [{"subresource": "status", "responseKind": {"kind": "Service"}, "verbs": ["get"]}]}]}]}]}`),
		"/apis": says(`{"kind": "APIGroupDiscoveryList", "items": [
 {"metadata": {"name": "postgresql.cnpg.io"}, "versions": [{"version": "v1", "freshness": "Current", "resources": [
  {"resource": "clusters", "scope": "Namespaced", "responseKind": {"group": "postgresql.cnpg.io", "kind": "Cluster"}, "verbs": ["list"]}]}]},
 {"metadata": {"name": "projectcalico.org"}, "versions": [{"version": "v3", "freshness": "Stale"}]}]}`),
		"/api/v1/namespaces":                   list("Namespace", ""),
		"/api/v1/configmaps":                   list("ConfigMap", ""),
		"/api/v1/secrets":                      list("PartialObjectMetadata", ""),
		"/api/v1/services":                     list("Service", ""),
		"/apis/postgresql.cnpg.io/v1/clusters": list("Cluster", ""),
	}}
	for path, answer := range answers {
		f.answers[path] = answer
	}
	f.Server = httptest.NewTLSServer(f)
	t.Cleanup(f.Close)
	return f
}

// ServeHTTP notes the request and answers it.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked = append(f.asked, r)
	f.mu.Unlock()
	answer := f.answers[r.URL.Path]
	if answer == nil {
		answer = refuses(http.StatusNotFound, "the server could not find the requested resource")
	}
	answer(w, r)
}

// requests are those to a path.
func (f *fake) requests(path string) []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*http.Request
	for _, r := range f.asked {
		if r.URL.Path == path {
			out = append(out, r)
		}
	}
	return out
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(text))
	}
}

// list is a list without further pages.
func list(kind, items string) http.HandlerFunc { return says(page1(kind, items, "")) }

// page1 is a page with the token of the next.
func page1(kind, items, token string) string {
	return fmt.Sprintf(`{"kind": "%sList", "apiVersion": "v1", "metadata": {"resourceVersion": "7", "continue": %q}, "items": [%s]}`, kind, token, items)
}

// pages answers with the page whose token is asked for, "" for the first.
func pages(kind string, items map[string]string, next map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := r.URL.Query().Get("continue")
		says(page1(kind, items[token], next[token]))(w, r)
	}
}

func refuses(code int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code})
	}
}

// named is an object of a typed list, which does not say what it is.
func named(namespace, name string) string {
	return fmt.Sprintf(`{"metadata": {"namespace": %q, "name": %q}}`, namespace, name)
}

// options lead to the fake.
func (f *fake) options(t *testing.T, types ...Type) Options {
	t.Helper()
	return Options{Kubeconfig: f.kubeconfig(t), Types: types}
}

func (f *fake) kubeconfig(t *testing.T) string {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
	caFile := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(caFile, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig(t, fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: prod
clusters:
- {name: prod, cluster: {server: %q, certificate-authority: %s}}
users:
- {name: me, user: {token: %s}}
contexts:
- {name: prod, context: {cluster: prod, user: me}}
- {name: test, context: {cluster: nowhere, user: me}}
`, f.URL, caFile, hidden))
}

func kubeconfig(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var (
	namespaces = Type{Type: namespaceType}
	configMaps = Type{Type: object.Type{Kind: "ConfigMap"}}
	secrets    = Type{Type: secretType}
	services   = Type{Type: object.Type{Kind: "Service"}, Version: "v1", Decides: true}
	clusters   = Type{Type: object.Type{Group: "postgresql.cnpg.io", Kind: "Cluster"}, Decides: true}
)

func mustRead(t *testing.T, opts Options) object.Batch {
	t.Helper()
	b, err := Read(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mustFail reads what cannot be read, and returns why.
func mustFail(t *testing.T, opts Options) string {
	t.Helper()
	b, err := Read(t.Context(), opts)
	if err == nil {
		t.Fatalf("no error, and %+v", b)
	}
	if len(b.Objects) > 0 || b.Coverage != nil {
		t.Errorf("an error, and %+v", b)
	}
	if strings.Contains(err.Error(), hidden) || strings.Contains(err.Error(), "\n") {
		t.Errorf("it says %q", err)
	}
	return err.Error()
}

// kindOf is what came of asking for a kind.
func kindOf(t *testing.T, b object.Batch, name string) snapshot.Kind {
	t.Helper()
	var found []snapshot.Kind
	for _, k := range b.Coverage.Kinds {
		if k.Name == name {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s is there %d times", name, len(found))
	}
	return found[0]
}

func names(b object.Batch) string {
	var out []string
	for _, o := range b.Objects {
		out = append(out, o.Ref().String())
	}
	return strings.Join(out, ", ")
}

// says reports a fault where a text lacks a part.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q\ndoes not say %q", text, p)
		}
	}
}
