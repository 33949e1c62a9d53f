package live

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

// A context that is not there is answered with those that are.
func TestUnknownContext(t *testing.T) {
	opts := serving(t, nil).options(t, services)
	opts.Context = "nosuch"
	has(t, mustFail(t, opts), opts.Kubeconfig, `no context "nosuch"`, `"prod", "test"`)
	opts.Context = "test"
	has(t, mustFail(t, opts), opts.Kubeconfig, `context "test"`, `has no cluster "nowhere"`)
	opts.Kubeconfig = kubeconfig(t, "apiVersion: v1\nkind: Config\n")
	has(t, mustFail(t, opts), `no context "test", nor any other`)
}

// A context that is named counts before the current one, and is what the cluster is called.
func TestNamedContext(t *testing.T) {
	f := serving(t, nil)
	opts := f.options(t, services)
	text, err := os.ReadFile(opts.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig(t, strings.ReplaceAll(strings.Replace(string(text), "current-context: prod", "current-context: test", 1), "https://", "https://me:"+hidden+"@")))
	opts.Kubeconfig, opts.Context = "", "prod"
	if c := mustRead(t, opts).Coverage; c.Cluster != "prod" || c.Server != f.URL {
		t.Errorf("%+v", c)
	}
}

// Where nothing names a cluster, that is said by an error of its own.
func TestNoCluster(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("KUBECONFIG", missing)
	_, err := Read(t.Context(), Options{})
	if !errors.Is(err, ErrNoCluster) || !strings.Contains(err.Error(), missing) {
		t.Error(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig(t, "apiVersion: v1\nkind: Config\ncontexts: [{name: a, context: {cluster: b}}]"))
	if _, err = Read(t.Context(), Options{}); !errors.Is(err, ErrNoCluster) || !strings.Contains(err.Error(), `name one of "a"`) {
		t.Error(err)
	}
	_, err = Read(t.Context(), Options{Kubeconfig: missing})
	if err == nil || errors.Is(err, ErrNoCluster) {
		t.Error(err)
	}
	has(t, err.Error(), missing, "there is no such file")
}

// A kubeconfig that cannot be read is named with the place of its fault; what stands there is
// not repeated, it may be a token.
func TestUnreadableKubeconfig(t *testing.T) {
	user := func(text string) string {
		return "apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user:\n    " + text + "\n"
	}
	for text, want := range map[string]string{
		user("token: [" + hidden + "]"):              "users.user.token: ",
		user("token: " + hidden + ": x"):             "line 6: ",
		user("token: *" + hidden):                    "kubectl config view",
		user("token: !!int " + hidden):               "kubectl config view",
		user("client-key-data: " + hidden):           "kubectl config view",
		"apiVersion: v1\nkind: " + hidden:            "kubectl config view",
		"apiVersion: " + hidden + "\nkind: Config\n": "kubectl config view",
		hidden: "kubectl config view",
	} {
		name := kubeconfig(t, text)
		has(t, mustFail(t, Options{Kubeconfig: name}), name, want)
		t.Setenv("KUBECONFIG", "/nonexistent:"+name)
		has(t, mustFail(t, Options{}), "kubeconfig "+name+": ", want)
	}
}

// Inside a pod without a kubeconfig it is the pod's own account that reads; one that is named
// counts before it.
func TestInCluster(t *testing.T) {
	f := serving(t, map[string]http.HandlerFunc{"/api/v1/services": list("Service", named("a", "b"))})
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
	pod := func() (*rest.Config, error) {
		return &rest.Config{Host: f.URL, BearerToken: hidden, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}, nil
	}
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "missing"))
	b, err := read(t.Context(), Options{Types: []Type{services}}, pod)
	if err != nil || b.Coverage.Cluster != "in-cluster" || b.Coverage.Server != f.URL || names(b) != "Service a/b" {
		t.Errorf("%v %+v", err, b)
	}
	t.Setenv("KUBECONFIG", f.kubeconfig(t))
	if b, err = read(t.Context(), Options{Types: []Type{services}}, pod); err != nil || b.Coverage.Cluster != "prod" {
		t.Errorf("%v %+v", err, b)
	}
	t.Setenv("KUBECONFIG", "")
	t.Setenv("HOME", t.TempDir())
	denied := refuses(http.StatusUnauthorized, "Unauthorized")
	f.answers["/api"] = denied
	_, err = read(t.Context(), Options{Types: []Type{services}}, pod)
	if err == nil {
		t.Fatal("no error")
	}
	has(t, err.Error(), "in-cluster", "the pod's service account")
	lost := errors.New("open token: no such file")
	if _, err = read(t.Context(), Options{}, func() (*rest.Config, error) { return nil, lost }); !errors.Is(err, lost) {
		t.Error(err)
	}
}

// A program that a kubeconfig names for credentials runs as for kubectl; where it cannot, the
// error is a line.
func TestCredentialProgram(t *testing.T) {
	f := serving(t, map[string]http.HandlerFunc{"/api/v1/services": list("Service", named("a", "b"))})
	opts := f.options(t, services)
	text, err := os.ReadFile(opts.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "login")
	run := func(script string) {
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		opts.Kubeconfig = kubeconfig(t, strings.ReplaceAll(string(text), "token: "+hidden,
			"exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: "+program+"}"))
	}
	run(`echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "` + hidden + `"}}'`)
	if b := mustRead(t, opts); names(b) != "Service a/b" {
		t.Error(names(b))
	}
	if got := f.requests("/api/v1/services")[0].Header.Get("Authorization"); got != "Bearer "+hidden {
		t.Error(got)
	}
	program += "2"
	run("exit 7")
	has(t, mustFail(t, opts), `context "prod"`, "getting credentials", "exit code 7")
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	has(t, mustFail(t, opts), "getting credentials", program)
}

// An answer that is larger than any may be ends in an error; one as large as it may be does
// not.
func TestShortened(t *testing.T) {
	for limit, want := range map[int64]error{2: errTooLarge, 3: nil, 4: nil} {
		text, err := io.ReadAll(&shortened{io.NopCloser(strings.NewReader("abc")), limit})
		if !errors.Is(err, want) || want == nil && string(text) != "abc" {
			t.Errorf("%d: %q %v", limit, text, err)
		}
	}
	answer, err := bounding(endless{}).RoundTrip(httptest.NewRequest(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, answer.Body)
	if closed := answer.Body.Close(); closed != nil {
		t.Error(closed)
	}
	if !errors.Is(err, errTooLarge) || n > maxAnswer {
		t.Errorf("%d bytes: %v", n, err)
	}
}

// An endless server answers without end.
type endless struct{}

func (endless) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{Body: io.NopCloser(endless{})}, nil
}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A server that nobody reaches, as without a VPN, is an error that names it. The network says
// of it that a deadline was exceeded, which is not the caller's.
func TestNobodyAnswers(t *testing.T) {
	c := &cluster{name: "prod", server: "https://prod.example"}
	r := &reader{cluster: c}
	err := r.end(t.Context(), fmt.Errorf("cannot ask what is served: %w", &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}))
	has(t, err.Error(), `context "prod" at https://prod.example: cannot ask what is served: dial tcp: i/o timeout`)
	ended, end := context.WithCancel(t.Context())
	end()
	err = r.end(ended, err)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	has(t, err.Error(), `context "prod": reading was ended: context canceled`)
}
