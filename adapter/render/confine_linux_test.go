package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lock takes one of the locks.
func lock(name string) error {
	if err := everyThread(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return err
	}
	switch name {
	case "landlock":
		restrictFiles()
	case "seccomp":
		filterCalls()
	default:
		return fmt.Errorf("no lock is called %s", name)
	}
	return nil
}

// TestConfined: in a process like the worker, nothing can be opened, connected or run, from
// any thread; each of the locks does its part by itself; and without them everything can.
func TestConfined(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	tcp := server.Listener.Addr().String()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // of a listener that nobody uses any more
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		locks      string
		namespaces bool
		can        []string
	}{
		{"all", true, nil},
		{"all", false, nil},
		{"seccomp", false, nil},
		{"landlock", false, nil},
		{"none", true, []string{"list", "open", "remove", "run", "unix", "write"}},
		{"none", false, []string{"http", "list", "open", "remove", "run", "tcp", "udp", "unix", "write"}},
	} {
		t.Run(fmt.Sprint(c.locks, c.namespaces), func(t *testing.T) {
			if c.locks == "landlock" && landlockVersion() == 0 {
				t.Skip("the kernel has no Landlock")
			}
			got := tried(t, c.namespaces, trying, c.locks, file, tcp, socket)
			if c.locks == "landlock" {
				// It is for files, and since its version 4 for TCP; http dials in other threads,
				// which it does not confine in a program with C in it.
				got = slices.DeleteFunc(got, func(what string) bool {
					return what == "udp" || what == "unix" || what == "http" || what == "tcp" && landlockVersion() < 4
				})
			}
			if !slices.Equal(got, c.can) {
				t.Errorf("it can %q, want %q", got, c.can)
			}
		})
	}
}

// tried is what a process of this test got to do.
func tried(t *testing.T, namespaces bool, args ...string) []string {
	t.Helper()
	w := &worker{stderr: &head{}, ended: make(chan struct{})}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w.prepare(program, args...)
	var out bytes.Buffer
	w.cmd.Stdout = &out
	confineChild(w.cmd, namespaces)
	started := make(chan error)
	go w.run(started)
	if err := <-started; err != nil {
		if namespaces && os.Getenv("CI") == "" {
			t.Skipf("the host forbids namespaces: %v", err)
		}
		t.Fatal(err)
	}
	await(t, w)
	var got []string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s %s", err, w.stderr.String(), out.String())
	}
	slices.Sort(got)
	return slices.Compact(got)
}

// await waits for the end of a process.
func await(t *testing.T, w *worker) {
	t.Helper()
	select {
	case <-w.ended:
	case <-time.After(time.Minute):
		w.kill()
		t.Fatal("the process does not end")
	}
}

// TestRefuseCalls: the filter refuses what it lists, and what another machine would call, on
// each machine that it knows.
func TestRefuseCalls(t *testing.T) {
	const listed, other = 7, 8
	for name, m := range machines {
		program := refuseCalls(m, []uint32{listed})
		refused := append([]uint32{listed, listed | x32, other | x32}, m.old...)
		for _, call := range refused {
			if allows(program, m.arch, call) {
				t.Errorf("%s: %#x is allowed", name, call)
			}
		}
		if !allows(program, m.arch, other) || allows(program, m.arch+1, other) {
			t.Errorf("%s: the machine is not told", name)
		}
	}
}

// allows runs the program as the kernel does, as far as it is one of ours.
func allows(program []unix.SockFilter, arch, number uint32) bool {
	var loaded uint32
	for at := 0; ; at++ {
		var jump bool
		switch i := program[at]; i.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			loaded = map[uint32]uint32{0: number, 4: arch}[i.K]
			continue
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			jump = loaded == i.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			jump = loaded >= i.K
		default:
			return i.K == unix.SECCOMP_RET_ALLOW
		}
		if jump {
			at += int(program[at].Jt)
		} else {
			at += int(program[at].Jf)
		}
	}
}
