//go:build linux

package controlplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/kube/live"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/config/rbac"
	"github.com/pgmoat/pgmoat/model/snapshot"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// living is the cluster of the tests that read a live one. All kinds that a cluster is asked
// for are defined in it, most by a definition that takes anything; no other test may see that.
var living sharing

// password is what no account here may be sent but one that may get Secrets.
const password = "aHVudGVyMg==" // hunter2

// noted is in an annotation of a Secret, which nobody looks at: it is sent, and not kept.
const noted = "ed1f3a7c"

// home is the namespace of those tests.
const home = "payments"

// populated starts the cluster once, with the kinds and an object of most.
func populated(t *testing.T) *Cluster {
	t.Helper()
	living.once.Do(func() {
		if living.start(); living.err == nil {
			living.err = populate(context.Background(), living.cluster)
		}
	})
	available(t, living.err)
	return living.cluster
}

// asked are the kinds that a cluster is asked for.
func asked() []live.Type { return estate.Types(known.Adapters(), true) }

func populate(ctx context.Context, c *Cluster) error {
	for _, o := range []string{
		`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "` + home + `"}}`,
		`{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": "` + home + `", "name": "default"}}`,
		`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "` + home + `", "name": "conf"}, "data": {"postgresql.conf": "ssl = on"}}`,
		`{"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "` + home + `", "name": "db"}, "spec": {"ports": [{"port": 5432}]}}`,
		`{"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "` + home + `", "name": "login", "labels": {"a": "b"},
		  "annotations": {"note": "` + noted + `"}}, "data": {"password": "` + password + `"}}`,
		`{"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "` + home + `", "name": "tls"}, "data": {"tls.key": "` + password + `", "tls.crt": "` + certificateText() + `"}}`,
		`{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"namespace": "` + home + `", "name": "closed"}, "spec": {"podSelector": {}}}`,
		`{"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "` + home + `", "name": "db-0"}, "spec": {"automountServiceAccountToken": false, "containers": [{"name": "db", "image": "postgres"}]}}`,
	} {
		if err := c.make(ctx, []byte(o)); err != nil {
			return err
		}
	}
	// All are defined before the first is waited for: the server takes as long for one.
	others := slices.DeleteFunc(asked(), func(t live.Type) bool { return !isDefined(t) })
	if err := eachOf(others, func(t live.Type) error { return c.defineLoosely(ctx, t) }); err != nil {
		return err
	}
	return eachOf(others, func(t live.Type) error { return c.makeOne(ctx, t) })
}

// isDefined reports whether a kind is not the API server's own.
func isDefined(t live.Type) bool {
	return strings.Contains(t.Group, ".") && !slices.Contains([]string{"apiextensions.k8s.io", "discovery.k8s.io", "networking.k8s.io"}, t.Group)
}

// certificateText is a certificate as a Secret has it.
var certificateText = sync.OnceValue(func() string {
	a, err := newAuthority()
	if err != nil {
		panic(err)
	}
	return encoded(a.pem())
})

func encoded(text []byte) string {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return strings.Trim(string(out), `"`)
}

// defineLoosely defines a kind, as the role calls its resource.
func (c *Cluster) defineLoosely(ctx context.Context, t live.Type) error {
	var definition map[string]any
	if err := json.Unmarshal(permissive(object.Object{APIVersion: versionOf(t), Kind: t.Kind}), &definition); err != nil {
		return err
	}
	plural, err := resourceOf(t)
	if err != nil {
		return err
	}
	definition["spec"].(map[string]any)["names"].(map[string]any)["plural"] = plural
	definition["metadata"] = map[string]any{"name": plural + "." + t.Group, "annotations": map[string]any{"api-approved.kubernetes.io": "unapproved, a test"}}
	text, err := json.Marshal(definition)
	if err != nil {
		return err
	}
	return c.make(ctx, text)
}

// versionOf is what objects of a kind say here.
func versionOf(t live.Type) string {
	if t.Version != "" {
		return t.Group + "/" + t.Version
	}
	return t.Group + "/v1"
}

// makeOne makes an object of a kind that was defined, as soon as the server takes one.
func (c *Cluster) makeOne(ctx context.Context, t live.Type) error {
	plural, err := resourceOf(t)
	if err != nil {
		return err
	}
	in, namespace := "/", ""
	if t.Namespaced() {
		in, namespace = "/namespaces/"+home+"/", home
	}
	body := fmt.Appendf(nil, `{"apiVersion": %q, "kind": %q, "metadata": {"namespace": %q, "name": "one"}}`, versionOf(t), t.Kind, namespace)
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		a, err := c.Do(ctx, Request{Method: http.MethodPost, Path: "/apis/" + versionOf(t) + in + plural, Body: body})
		if err != nil || a.Err() == nil {
			return err
		}
		if a.Status != http.StatusNotFound || time.Now().After(end) {
			return fmt.Errorf("%s: %w", t, a.Err())
		}
	}
}

// A right is one resource of the role.
type right struct{ group, resource string }

func reader() (*rbacv1.ClusterRole, error) {
	var role rbacv1.ClusterRole
	err := yaml.UnmarshalStrict(rbac.Reader(), &role)
	return &role, err
}

// rights are all that the role has.
func rights(role *rbacv1.ClusterRole) []right {
	var out []right
	for _, rule := range role.Rules {
		for _, name := range rule.Resources {
			out = append(out, right{rule.APIGroups[0], name})
		}
	}
	return out
}

// resourceOf finds what the role calls a kind: of the resources of its group, which are in
// another order than the kinds, the one that is nearest.
func resourceOf(t live.Type) (string, error) {
	role, err := reader()
	if err != nil {
		return "", err
	}
	kind := strings.ToLower(t.Kind)
	special := map[string]string{"sgpostgresconfig": "sgpgconfigs", "sgpoolingconfig": "sgpoolconfigs", "securitygroup": "security-groups"}
	for _, r := range rights(role) {
		stem := strings.TrimSuffix(strings.TrimSuffix(kind, "y"), "s")
		if r.group == t.Group && (special[kind] == r.resource || strings.HasPrefix(r.resource, stem) && len(r.resource) <= len(kind)+2) {
			return r.resource, nil
		}
	}
	return "", fmt.Errorf("the role does not name %s", t)
}

// make creates an object; one that is there is fine.
func (c *Cluster) make(ctx context.Context, o []byte) error {
	a, err := c.Create(ctx, o, url.Values{})
	if err != nil {
		return err
	}
	if err := a.Err(); err != nil && a.Status != http.StatusConflict {
		return fmt.Errorf("%s: %w", o, err)
	}
	return nil
}

// eachOf calls a function for each, some at once.
func eachOf[T any](all []T, do func(T) error) error {
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed error
	free := make(chan struct{}, 8)
	for _, one := range all {
		free <- struct{}{}
		wait.Go(func() {
			err := do(one)
			mu.Lock()
			failed = errors.Join(failed, err)
			mu.Unlock()
			<-free
		})
	}
	wait.Wait()
	return failed
}

// An account is a service account with a token.
type account struct{ name, token string }

// account makes one in the home namespace, with the role where there is one, in the whole
// cluster or in one namespace.
func (c *Cluster) account(ctx context.Context, name string, namespace string, roles ...*rbacv1.ClusterRole) (account, error) {
	out := account{name: name}
	if err := c.make(ctx, fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": %q, "name": %q}}`, home, name)); err != nil {
		return out, err
	}
	for _, role := range roles {
		if err := c.grant(ctx, out, namespace, role); err != nil {
			return out, err
		}
	}
	a, err := c.Do(ctx, Request{
		Method: http.MethodPost, Path: "/api/v1/namespaces/" + home + "/serviceaccounts/" + name + "/token",
		Body: []byte(`{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}`),
	})
	if err == nil {
		err = a.Err()
	}
	var in struct{ Status struct{ Token string } }
	if err == nil {
		err = json.Unmarshal(a.Body, &in)
	}
	out.token = in.Status.Token
	return out, err
}

// grant makes a role of the account's own and binds it.
func (c *Cluster) grant(ctx context.Context, to account, namespace string, role *rbacv1.ClusterRole) error {
	own := role.DeepCopy()
	own.Name = to.name + "-" + role.Name
	text, err := json.Marshal(own)
	if err != nil {
		return err
	}
	kind := "ClusterRoleBinding"
	if namespace != "" {
		kind = "RoleBinding"
	}
	return errors.Join(c.make(ctx, text), c.make(ctx, fmt.Appendf(nil, `{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": %q, "metadata": {"name": %q, "namespace": %q},
 "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": %q}, "subjects": [{"kind": "ServiceAccount", "namespace": %q, "name": %q}]}`,
		kind, own.Name, namespace, own.Name, home, to.name)))
}

// mustAccount makes an account that may list something, and waits until the server knows it.
func mustAccount(t *testing.T, c *Cluster, name, namespace string, roles ...*rbacv1.ClusterRole) account {
	t.Helper()
	a, err := c.account(t.Context(), name, namespace, roles...)
	if err == nil && len(roles) > 0 {
		err = c.heeded(t.Context(), a, namespace)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// heeded waits until the role of an account is heeded, which it is as a whole.
func (c *Cluster) heeded(ctx context.Context, a account, namespace string) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.CA)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}}
	defer client.CloseIdleConnections()
	in := ""
	if namespace != "" {
		in = "/namespaces/" + namespace
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, path := range []string{"/api/v1" + in + "/services", "/api/v1" + in + "/pods"} {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+path+"?limit=1", nil)
			if err != nil {
				return err
			}
			r.Header.Set("Authorization", "Bearer "+a.token)
			answer, err := client.Do(r)
			if err != nil {
				return err
			}
			if err := answer.Body.Close(); err != nil || answer.StatusCode == http.StatusOK {
				return err
			}
		}
	}
	return fmt.Errorf("the role of %s is not heeded", a.name)
}

// options read the cluster as the account, at an address that may be another one's.
func (a account) options(t *testing.T, address string, ca []byte) live.Options {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: lab
clusters: [{name: lab, cluster: {server: %q, certificate-authority-data: %q}}]
users: [{name: %s, user: {token: %q}}]
contexts: [{name: lab, context: {cluster: lab, user: %s}}]
`, address, encoded(ca), a.name, a.token, a.name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return live.Options{Kubeconfig: name, Types: asked()}
}

func mustReadLive(t *testing.T, opts live.Options) object.Batch {
	t.Helper()
	b, err := live.Read(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// notListed are the kinds that were not listed.
func notListed(b object.Batch) []string {
	var out []string
	for _, k := range b.Coverage.Kinds {
		if k.Listing != snapshot.KindListed {
			out = append(out, k.Name)
		}
	}
	return out
}

// without is the role without one right.
func without(role *rbacv1.ClusterRole, r right) *rbacv1.ClusterRole {
	out := role.DeepCopy()
	for i, rule := range out.Rules {
		if rule.APIGroups[0] == r.group {
			out.Rules[i].Resources = slices.DeleteFunc(rule.Resources, func(name string) bool { return name == r.resource })
		}
	}
	out.Rules = slices.DeleteFunc(out.Rules, func(rule rbacv1.PolicyRule) bool { return len(rule.Resources) == 0 })
	return out
}

// find returns the object of that name.
func findObject(b object.Batch, kind, name string) *object.Object {
	i := slices.IndexFunc(b.Objects, func(o object.Object) bool { return o.Kind == kind && o.Name == name })
	if i < 0 {
		return nil
	}
	return &b.Objects[i]
}

// holds reports whether any of the objects has the text in it.
func holds(b object.Batch, text string) bool {
	return slices.ContainsFunc(b.Objects, func(o object.Object) bool { return bytes.Contains(o.JSON, []byte(text)) })
}
