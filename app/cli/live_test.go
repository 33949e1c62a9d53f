//go:build linux

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/adapter/saved"
	"github.com/pgmoat/pgmoat/config/rbac"
	"github.com/pgmoat/pgmoat/lab/controlplane"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// ledger is the server that most is asked about.
const ledger = "payments/ledger"

// TestLive runs the program against a real API server with the example company on it, as its
// users do. The last of the tests change the cluster.
func TestLive(t *testing.T) {
	c := liveCluster(t)
	t.Setenv("KUBECONFIG", liveFile(t, "config", c.Kubeconfig()))
	t.Run("named", liveNamed)
	t.Run("narrowed", liveNarrowed)
	t.Run("agrees", func(t *testing.T) { liveAgrees(t, dumped(t, c)) })
	t.Run("saved", liveSaved)
	t.Run("over", liveOver)
	t.Run("rights", func(t *testing.T) { liveRights(t, c) })
	t.Run("unreachable", func(t *testing.T) { liveUnreachable(t, c) })
	t.Run("changed", func(t *testing.T) { liveChanged(t, c) })
}

// ran runs the program, whose arguments are told when something is wrong.
func ran(t *testing.T, status int, args ...string) (out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	if got := Main(t.Context(), append([]string{"pgmoat"}, args...), strings.NewReader(""), &o, &e); got != status {
		t.Errorf("%v: status %d, want %d\n%s%s", args, got, status, o.String(), e.String())
	}
	if strings.Contains(o.String()+e.String(), hidden) {
		t.Errorf("%v: tells what a Secret holds", args)
	}
	return o.String(), e.String()
}

func liveFile(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A cluster has many names, and nothing is left to assume of one that was read whole: the
// strict answer is the answer.
func liveNamed(t *testing.T) {
	want, warned := ran(t, 0, "who-can", ledger)
	if !strings.Contains(want, "payments/api, shop/orders") || strings.Contains(want, "assumptions:") || warned != "" {
		t.Errorf("%s%s", want, warned)
	}
	config := os.Getenv("KUBECONFIG")
	for _, args := range [][]string{
		{"--context", "lab"}, {"--kubeconfig", config}, {"-f", "live:"}, {"-f", "live:lab"}, {"-f", "live:", "--context", "lab"},
		{"--strict"}, {"-f", "live:", "-f", "live:lab"},
	} {
		if got, warned := ran(t, 0, append([]string{"who-can", ledger}, args...)...); got != want || warned != "" {
			t.Errorf("%v: %s%s", args, got, warned)
		}
	}
	_, err := ran(t, 3, "who-can", ledger, "--context", "other")
	if !strings.Contains(err, `has no context "other"; there are "lab"`) {
		t.Error(err)
	}
}

// What lies outside of the namespaces that were read is an assumption, which says which they are.
func liveNarrowed(t *testing.T) {
	out, _ := ran(t, 0, "who-can", ledger, "-n", "payments, shop")
	for _, want := range []string{"payments/api, shop/orders", "namespaces-narrowed", "read: payments, shop", "cluster-dns"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	if strings.Contains(out, "analytics") || strings.Contains(out, "estate-complete") {
		t.Error(out)
	}
	if _, err := ran(t, 3, "who-can", ledger, "-n", "payments,nosuch"); !strings.Contains(err, "there is no namespace nosuch") {
		t.Error(err)
	}
}

// A dump of all objects that is called complete has the same answers as the cluster.
func liveAgrees(t *testing.T, dump string) {
	facts := liveFile(t, "facts.yaml", []byte("estate: complete\n"))
	for _, command := range [][]string{{"who-can", ledger}, {"matrix"}, {"connections"}, {"vital", ledger}, {"audit"}, {"prove"}, {"compile", "--unproven"}} {
		args := append(slices.Clone(command), "-o", "json")
		status, got := answered(t, args...)
		wantStatus, want := answered(t, append(args, "-f", dump, "--facts", facts)...)
		got, want = withoutSource(got), withoutSource(want)
		if status != wantStatus || status == exitFailed || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: status %d, of the dump %d\n%s", command[0], status, wantStatus, difference(want, got))
		}
	}
}

// withoutSource leaves out how and when objects were read: files, the command that asks again, and of
// an audit what is not known of a Secret of which only the metadata was read.
func withoutSource(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range []string{"file", "sources", "command", "sha256", "summary", "now"} {
			delete(v, name)
		}
		for name := range v {
			v[name] = withoutSource(v[name])
		}
	case []any:
		out := slices.DeleteFunc(slices.Clone(v), func(e any) bool {
			is, ok := e.(map[string]any)
			reason, _ := is["reason"].(string)
			return ok && strings.HasSuffix(reason, "is not known: not all of it was read")
		})
		for i := range out {
			out[i] = withoutSource(out[i])
		}
		return inOrder(out)
	}
	return v
}

// What was saved of the cluster answers as it does, and holds nothing that a Secret holds.
func liveSaved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lab.snapshot")
	if out, err := ran(t, 0, "snapshot", "save", file, "--context", "lab"); !strings.HasPrefix(out, file+": ") || err != "" {
		t.Error(out, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if shown, _ := ran(t, 0, "snapshot", "show", file); !strings.Contains(shown, "of      live:lab\n") || !strings.Contains(shown, "all namespaces") {
		t.Error(shown)
	}
	_, b, err := saved.ReadFile(t.Context(), file, nil)
	if err != nil || len(b.Objects) == 0 {
		t.Fatal(err)
	}
	for _, o := range b.Objects {
		if strings.Contains(string(o.JSON), hidden) || strings.Contains(string(o.JSON), "managedFields") {
			t.Errorf("%s: %s", o.Ref(), o.JSON)
		}
	}
	for _, command := range [][]string{{"who-can", ledger}, {"matrix"}, {"audit"}, {"explain", "dev/debug", ledger, "--as", "app_rw", "--db", "ledger"}} {
		var said [2]bytes.Buffer
		status := Main(t.Context(), append([]string{"pgmoat"}, command...), nil, &said[0], &said[0])
		if again := Main(t.Context(), append(append([]string{"pgmoat"}, command...), "-f", file), nil, &said[1], &said[1]); again != status || said[0].String() != said[1].String() {
			t.Errorf("%v: status %d, of the snapshot %d\n%s\n%s", command, status, again, said[0].String(), said[1].String())
		}
	}
	if out, _ := ran(t, 0, "snapshot", "diff", file, "live:", "--all"); out != "no object differs\n" {
		t.Error(out)
	}
}

// A pull request is laid over the cluster, and objects are taken away from it.
func liveOver(t *testing.T) {
	pr := liveFile(t, "open.yaml", []byte(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: payments}
spec:
  podSelector: {}
  ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: dev}}}]}]
`))
	out, _ := ran(t, 1, "diff", "live:", pr, "--over", "--context", "lab")
	for _, want := range []string{"from live:lab to ", "+ opened", "dev/debug", "because NetworkPolicy payments/open added", "-f live:lab -f " + pr} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	ask := []string{"can", "payments/api", ledger, "--as", "app_rw", "--db", "ledger"}
	ran(t, 0, ask...)
	if out, _ := ran(t, 1, append(ask, "--delete", "networkpolicy/payments/ledger-clients")...); !strings.Contains(out, "netpol ingress") {
		t.Error(out)
	}
	if _, err := ran(t, 3, append(ask, "--delete", "networkpolicy/payments/nosuch")...); !strings.Contains(err, "there is no such object") {
		t.Error(err)
	}
}

// The least role reads all. Without the right to a kind that decides, the kind is named and
// nobody knows.
func liveRights(t *testing.T, c *controlplane.Cluster) {
	want, _ := ran(t, 0, "who-can", ledger)
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(rbac.Reader(), &role); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", liveAccount(t, c, "least", role))
	if got, warned := ran(t, 0, "who-can", ledger); got != want || warned != "" {
		t.Errorf("%s%s", got, warned)
	}
	_, warned := ran(t, 2, "audit", "--certificates")
	if strings.Count(warned, `cannot get resource "secrets"`) != 1 {
		t.Errorf("certificates that may not be read: %s", warned)
	}
	for i := range role.Rules {
		role.Rules[i].Resources = slices.DeleteFunc(role.Rules[i].Resources, func(r string) bool {
			return r == "networkpolicies" && slices.Contains(role.Rules[i].APIGroups, "networking.k8s.io")
		})
	}
	t.Setenv("KUBECONFIG", liveAccount(t, c, "less", role))
	out, warned := ran(t, 3, "can", "dev/debug", ledger, "--as", "app_rw", "--db", "ledger")
	if !strings.HasPrefix(out, "cannot tell: ") || strings.Count(warned, `cannot list resource "networkpolicies"`) != 1 {
		t.Errorf("%s%s", out, warned)
	}
}

// liveAccount makes an account with a role, and a kubeconfig of it.
func liveAccount(t *testing.T, c *controlplane.Cluster, name string, role rbacv1.ClusterRole) string {
	t.Helper()
	role.Name = name
	text, err := json.Marshal(role)
	if err != nil {
		t.Fatal(err)
	}
	liveMake(t, c, text)
	liveMake(t, c, fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": "default", "name": %q}}`, name))
	liveMake(t, c, fmt.Appendf(nil, `{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": %[1]q},
	  "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": %[1]q}, "subjects": [{"kind": "ServiceAccount", "namespace": "default", "name": %[1]q}]}`, name))
	a, err := c.Do(t.Context(), controlplane.Request{Method: http.MethodPost, Path: "/api/v1/namespaces/default/serviceaccounts/" + name + "/token",
		Body: []byte(`{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}`)})
	var is struct{ Status struct{ Token string } }
	if err == nil && a.Err() == nil {
		err = json.Unmarshal(a.Body, &is)
	}
	if err != nil || a.Err() != nil {
		t.Fatal(err, a.Err())
	}
	config := strings.Replace(string(c.Kubeconfig()), "current-context", "users: [{name: admin, user: {token: "+is.Status.Token+"}}]\ncurrent-context", 1)
	begin := strings.Index(config, "users: [{name: admin, user: {client-")
	end := begin + strings.Index(config[begin:], "\n")
	path := liveFile(t, name, []byte(config[:begin]+config[end+1:]))
	liveHeeded(t, path)
	return path
}

// liveHeeded waits until the server heeds the rights of an account, of which it hears a moment
// after they were made.
func liveHeeded(t *testing.T, config string) {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), 20*time.Second)
	defer done()
	for {
		var out, err bytes.Buffer
		Main(t.Context(), []string{"pgmoat", "who-can", ledger, "--kubeconfig", config}, nil, &out, &err)
		if strings.Count(err.String(), "forbidden") < 2 && out.Len() > 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Credentials that nobody takes and a server that is not there are errors that say so.
func liveUnreachable(t *testing.T, c *controlplane.Cluster) {
	stranger := strings.Replace(string(c.Kubeconfig()), "client-certificate-data", "token: nobody, x-was", 1)
	stranger = strings.Replace(stranger, "client-key-data", "x-key", 1)
	for name, test := range map[string]struct{ config, want string }{
		"expired": {stranger, "refuses the credentials: they have expired or were withdrawn; log in again"},
		"down":    {strings.Replace(string(c.Kubeconfig()), c.URL, "https://127.0.0.1:1", 1), `context "lab" at https://127.0.0.1:1: cannot ask what is served: dial tcp 127.0.0.1:1: connect: connection refused`},
		"nowhere": {"apiVersion: v1\nkind: Config\n", "nothing to read: name manifests with -f FILE"},
	} {
		t.Setenv("KUBECONFIG", liveFile(t, name, []byte(test.config)))
		out, err := ran(t, 3, "who-can", ledger)
		if !strings.Contains(err, test.want) || out != "" || strings.Count(err, "\n") != 1 {
			t.Errorf("%s: %s%s", name, out, err)
		}
	}
}

// What changed since a snapshot is named, object by object and answer by answer.
func liveChanged(t *testing.T, c *controlplane.Cluster) {
	old := filepath.Join(t.TempDir(), "old.snapshot")
	ran(t, 0, "snapshot", "save", old)
	livePatch(t, c, controlplane.Name{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Namespace: "payments", Name: "ledger-clients"}, "", `{"spec": {"ingress": []}}`)
	if out, _ := ran(t, 1, "snapshot", "diff", old, "live:"); !strings.Contains(out, "~ NetworkPolicy payments/ledger-clients\n") || !strings.Contains(out, "1 difference: 1 changed") {
		t.Error(out)
	}
	if out, _ := ran(t, 1, "diff", old, "live:"); !strings.Contains(out, "− cut") || !strings.Contains(out, "because NetworkPolicy payments/ledger-clients changed") {
		t.Error(out)
	}
}
