//go:build linux

// Package controlplane starts a real Kubernetes API server with its etcd, both on this
// machine's loopback only and with nothing turned off that decides about objects:
// admission, RBAC, schemas and their rules are as in any cluster. No node is behind it, and
// no controller but those that Control starts, so that objects stay as they were written.
//
// scripts/need.sh cluster builds the programs, once, from the modules that Kubernetes
// publishes.
package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// ErrUnavailable is why there can be no control plane here: nobody built it.
var ErrUnavailable = errors.New("no Kubernetes control plane here")

// A Cluster is a running API server. Its fields are for whoever connects.
type Cluster struct {
	// URL is that of the API server, CA what its certificate is checked with, in PEM.
	URL string
	CA  []byte
	// AdminCertificate and AdminKey are a client that may do everything, in PEM.
	AdminCertificate, AdminKey []byte

	etcd, server, controllers *program // controllers is nil until Control
	client                    *http.Client
	resources                 sync.Map // of the server's kinds
}

// Start starts a cluster with its files and logs below dir, which stay there for the
// caller to look at and to take away, and waits until it is ready; ctx is for that wait
// only. The programs end with Stop, or when the program that called is gone, however it
// ends.
func Start(ctx context.Context, dir string) (*Cluster, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	// A port that was free a moment ago may be somebody else's now.
	for try := 1; ; try++ {
		c, err := begin(ctx, bin, filepath.Join(dir, fmt.Sprintf("start%d", try)))
		if err == nil || try == 3 || !portTaken(err) {
			return c, err
		}
	}
}

func portTaken(err error) bool { return strings.Contains(err.Error(), "address already in use") }

func begin(ctx context.Context, bin, dir string) (_ *Cluster, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // below the directory that the caller gave
		return nil, err
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	c := &Cluster{URL: fmt.Sprintf("https://127.0.0.1:%d", ports[0])}
	if err := c.identify(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = c.Stop() // whatever is wrong with them was said
		}
	}()
	if c.etcd, err = start(filepath.Join(bin, "etcd"), dir, etcdFlags(dir, ports[1], ports[2])...); err != nil {
		return nil, err
	}
	if c.server, err = start(filepath.Join(bin, "kube-apiserver"), dir, serverFlags(dir, ports[0], ports[1])...); err != nil {
		return nil, err
	}
	return c, c.ready(ctx)
}

// identify makes the certificates.
func (c *Cluster) identify(dir string) error {
	ca, err := newAuthority()
	if err != nil {
		return err
	}
	if err := ca.write(dir); err != nil {
		return err
	}
	admin, err := ca.client("lab-admin", "system:masters")
	if err != nil {
		return err
	}
	c.CA = ca.pem()
	return c.connect(admin)
}

// connect makes the client that all requests are made with.
func (c *Cluster) connect(as pair) error {
	own, err := tls.X509KeyPair(as.certificate, as.key)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.CA)
	c.AdminCertificate, c.AdminKey = as.certificate, as.key
	c.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13},
	}}
	return nil
}

// etcdFlags leave out the waits for the disk: what is in it need not outlive the machine.
func etcdFlags(dir string, port, peerPort int) []string {
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", port), fmt.Sprintf("http://127.0.0.1:%d", peerPort)
	return []string{
		"--data-dir=" + filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
	}
}

// serverFlags turn off nothing but the Endpoints of the server itself, which cannot be on
// loopback.
func serverFlags(dir string, port, etcdPort int) []string {
	in := func(name string) string { return filepath.Join(dir, name) }
	return []string{
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", etcdPort),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/108",
		"--authorization-mode=Node,RBAC", "--allow-privileged", "--profiling=false",
		"--client-ca-file=" + in(caFile), "--tls-cert-file=" + in(serverFile), "--tls-private-key-file=" + in(serverKeyFile),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + in(tokenKeyFile), "--service-account-signing-key-file=" + in(tokenKeyFile),
	}
}

// startTime is long: a machine that is busy with other tests takes its time.
const startTime = 2 * time.Minute

// ready waits until the server takes requests.
func (c *Cluster) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	last := errors.New("nobody answers")
	for {
		a, err := c.Do(ctx, Request{Path: "/readyz"})
		if err == nil && a.Status == http.StatusOK {
			return nil
		}
		if err == nil {
			last = fmt.Errorf("/readyz: %d %s", a.Status, a.Body)
		}
		select {
		case <-c.etcd.ended:
			return c.etcd.died()
		case <-c.server.ended:
			return c.server.died()
		case <-ctx.Done():
			return fmt.Errorf("kube-apiserver is not ready: %w; %s says more: %w", last, c.server.log, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the programs and waits for their ends. An error says that one ended before, or
// had to be killed.
func (c *Cluster) Stop() error {
	c.client.CloseIdleConnections()
	var failed error
	for _, p := range []*program{c.controllers, c.server, c.etcd} { // each would wait for the next
		if p != nil && p.process != nil {
			failed = errors.Join(failed, p.stop())
		}
	}
	return failed
}

// freePorts returns ports that nobody has now.
func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // after all are chosen, so that they differ
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}
