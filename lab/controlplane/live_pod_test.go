//go:build linux

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/kube/live"
)

// podEnv makes the test's program read the cluster as in a pod. It names the directory of the
// files that a pod has.
const podEnv = "PGMOAT_LAB_POD"

// The files are where the client library looks for them, which is nowhere else.
const podRun, podFiles = "/var/run", "/var/run/secrets/kubernetes.io/serviceaccount"

// inPod puts the files in their place, in a mount namespace of its own, and reads.
func inPod(from string) int {
	fail := func(err error) int {
		fmt.Println(err)
		return 1
	}
	place, err := filepath.EvalSymlinks(podRun)
	if err != nil {
		return fail(err)
	}
	if err := syscall.Mount("tmpfs", place, "tmpfs", 0, ""); err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(podFiles, 0o700); err != nil {
		return fail(err)
	}
	if err := os.CopyFS(podFiles, os.DirFS(from)); err != nil {
		return fail(err)
	}
	b, err := live.Read(context.Background(), live.Options{Types: asked()})
	if err != nil {
		return fail(err)
	}
	fmt.Println(b.Coverage.Cluster, b.Coverage.Server, len(notListed(b)), findObject(b, "Service", "db") != nil)
	return 0
}

// Inside a pod that has no kubeconfig its own account reads the cluster.
func TestLiveInCluster(t *testing.T) {
	c := populated(t)
	a := mustAccount(t, c, "pod", "", mustReader(t))
	dir := t.TempDir()
	for name, text := range map[string][]byte{"token": []byte(a.token), "ca.crt": c.CA, "namespace": []byte(home)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(at.Host)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), podEnv+"="+dir, "KUBECONFIG="+dir+"/none", "KUBERNETES_SERVICE_HOST="+host, "KUBERNETES_SERVICE_PORT="+port)
	one := []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: one,
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) && os.Getenv("CI") == "" {
		t.Skip("no mount namespace here: ", err)
	}
	if want := "in-cluster " + c.URL + " 0 true"; err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("%s %v, want %s", out, err, want)
	}
}
