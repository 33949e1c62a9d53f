//go:build linux

package controlplane

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// holdEnv makes the test's program start a cluster and hold it, for whoever kills it.
const holdEnv = "PGMOAT_LAB_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdEnv); dir != "" {
		hold(dir)
	}
	if from := os.Getenv(podEnv); from != "" {
		os.Exit(inPod(from))
	}
	code := m.Run()
	if err := errors.Join(shared.stop(), living.stop()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func hold(dir string) {
	c, err := Start(context.Background(), dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(c.etcd.process.Pid, c.server.process.Pid)
	select {}
}

// shared is the one cluster of all tests: starting one takes seconds. A test keeps to
// objects of its own.
var shared sharing

type sharing struct {
	once    sync.Once
	cluster *Cluster
	dir     string
	lock    *os.File // closed, it would give the claim up
	err     error
}

func (s *sharing) start() {
	sweep()
	if s.dir, s.err = os.MkdirTemp("", prefix); s.err != nil {
		return
	}
	if s.lock, s.err = claim(s.dir); s.err == nil {
		s.cluster, s.err = Start(context.Background(), s.dir)
	}
}

const prefix = "pgmoat-controlplane"

// sweep takes away the files of runs that were killed: nobody claims them any more.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue // another run may be about to claim it
		}
		if lock, err := claim(dir); err == nil {
			_ = lock.Close()
			_ = os.RemoveAll(dir)
		}
	}
}

// claim locks a directory for as long as this program runs.
func claim(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

func (s *sharing) stop() error {
	var err error
	if s.cluster != nil {
		err = s.cluster.Stop()
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// cluster skips where there can be no control plane, except in CI, where a test that is
// skipped would be a test that nobody runs.
func cluster(t *testing.T) *Cluster {
	t.Helper()
	shared.once.Do(shared.start)
	available(t, shared.err)
	return shared.cluster
}

func available(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, ErrUnavailable) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The server is the release that we say it is.
func TestVersion(t *testing.T) {
	var is struct{ GitVersion string }
	read(t, cluster(t), "/version", &is)
	if is.GitVersion != "v1.36.3" {
		t.Errorf("%q", is.GitVersion)
	}
}

// read asks for something that is there.
func read(t *testing.T, c *Cluster, path string, into any) {
	t.Helper()
	a, err := c.Do(t.Context(), Request{Path: path})
	if err == nil {
		err = a.Err()
	}
	if err == nil {
		err = json.Unmarshal(a.Body, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Nobody gets in without a certificate of the cluster's own authority.
func TestStrangersAreRefused(t *testing.T) {
	ca, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	c := cluster(t)
	stranger := &Cluster{URL: c.URL, CA: c.CA}
	if err := stranger.connect(mustClient(t, ca)); err != nil {
		t.Fatal(err)
	}
	a, err := stranger.Do(t.Context(), Request{Path: "/api/v1/namespaces"})
	if err != nil || a.Status != http.StatusUnauthorized {
		t.Errorf("%d %s %v", a.Status, a.Body, err)
	}
}

func mustClient(t *testing.T, a *authority) pair {
	t.Helper()
	p, err := a.client("lab-admin", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// When the program that started a cluster is killed, so is the cluster.
func TestKilledWithItsParent(t *testing.T) {
	_, err := find()
	available(t, err)
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdEnv+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	killed := errors.Join(cmd.Process.Kill(), ignored(cmd.Wait()))
	pids := strings.Fields(line)
	if err != nil || killed != nil || len(pids) != 2 {
		t.Fatal(line, err, killed)
	}
	for _, pid := range pids {
		gone(t, pid)
	}
}

// ignored is for the end of a process that was killed on purpose.
func ignored(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

func gone(t *testing.T, pid string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		state, err := os.ReadFile("/proc/" + pid + "/stat")
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) || strings.Contains(string(state), ") Z ") {
			return
		}
	}
	t.Errorf("process %s lives on", pid)
	if n, err := strconv.Atoi(pid); err == nil {
		_ = syscall.Kill(n, syscall.SIGKILL)
	}
}

// A program that cannot start is told with what it said, and nothing stays behind.
func TestStartSaysWhyNot(t *testing.T) {
	bin, err := find()
	available(t, err)
	p, err := start(bin+"/etcd", t.TempDir(), "--no-such-flag")
	if err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if err := p.stop(); err == nil || !strings.Contains(err.Error(), "no-such-flag") {
		t.Errorf("%v", err)
	}
}

// A port that somebody else has ends a program with the words by which Start knows to try
// others.
func TestTakenPorts(t *testing.T) {
	bin, err := find()
	available(t, err)
	dir := t.TempDir()
	if err := (&Cluster{}).identify(dir); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	free, err := freePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	taken := l.Addr().(*net.TCPAddr).Port
	for name, flags := range map[string][]string{
		"etcd":           etcdFlags(dir, taken, free[0]),
		"kube-apiserver": serverFlags(dir, taken, free[1]),
	} {
		p, err := start(filepath.Join(bin, name), dir, flags...)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-p.ended:
		case <-time.After(30 * time.Second):
		}
		if err := p.stop(); err == nil || !portTaken(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
