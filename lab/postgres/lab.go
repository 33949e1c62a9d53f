//go:build linux

// Package postgres asks real PostgreSQL servers what a hbacase.Case asks: what they
// make of the files, and what they answer first to an attempt. Each major version has
// a process of its own on an island of its own, where the server, its network, its
// names and its users are as the case says.
//
// The program that uses it calls Inside first thing in main or TestMain.
package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/lab/child"
	"github.com/pgmoat/pgmoat/lab/island"
)

// An Observation is what a server answered to an attempt.
type Observation struct {
	hbacase.Answer
	// Load is what the server made of the files. Where it rejected pg_hba.conf there
	// was no attempt, as it would not have started with that file.
	Load hbacase.Load `json:"load"`
	// Blind names the fields of the Answer that this version lets nobody see: they are
	// null, and say nothing. Among are the outcomes that look alike, with Outcome the
	// likeliest.
	Blind []string `json:"blind,omitempty"`
	Among []string `json:"among,omitempty"`
	// After is what followed AuthenticationOk, or a wrong secret; null is a session.
	After *After `json:"after,omitempty"`
	// Failure says why the lab could not observe this case; the rest is then empty.
	Failure string `json:"failure,omitempty"`
}

// After is an error that is not the first answer.
type After struct {
	SQLState string `json:"sqlstate"`
	Message  string `json:"message"`
}

// Rules is what a server shows of the files.
type Rules struct {
	hbacase.Rules
	// Log is what it logged while loading them.
	Log []string `json:"log,omitempty"`
	// Crashed says that the files ended the server.
	Crashed bool   `json:"crashed,omitempty"`
	Failure string `json:"failure,omitempty"`
}

// ErrUnavailable is why there can be no servers here: not root, not Linux on amd64,
// or not installed.
var ErrUnavailable = errors.New("no PostgreSQL servers here")

// A Lab is a set of running servers. Its methods may be called from several goroutines;
// cases of one version wait for each other.
type Lab struct {
	workers map[int]*worker
}

// Start starts servers of these major versions.
func Start(versions ...int) (*Lab, error) {
	if os.Getuid() != 0 {
		return nil, fmt.Errorf("%w: making network namespaces needs root", ErrUnavailable)
	}
	l := &Lab{workers: map[int]*worker{}}
	for _, v := range versions {
		if l.workers[v] != nil {
			continue
		}
		w, err := startWorker(v)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.workers[v] = w
	}
	for _, w := range l.workers {
		if _, err := w.read(); err != nil { // a first empty reply: the server is up
			return nil, errors.Join(fmt.Errorf("postgres %d: %w", w.version, err), l.Close())
		}
	}
	return l, nil
}

// Close ends the servers and waits for their ends.
func (l *Lab) Close() error {
	var failed error
	for _, w := range l.workers {
		failed = errors.Join(failed, w.stop())
	}
	return failed
}

// Observe makes the attempt of c. An error means that the lab is broken; a case that
// cannot be observed has a Failure.
func (l *Lab) Observe(c hbacase.Case) (Observation, error) {
	r, err := l.ask(request{Case: c})
	if err != nil || r.Observation == nil {
		return Observation{}, err
	}
	return *r.Observation, nil
}

// Rules asks what the server makes of the files of c.
func (l *Lab) Rules(c hbacase.Case) (Rules, error) {
	r, err := l.ask(request{Case: c, Rules: true})
	if err != nil || r.Rules == nil {
		return Rules{}, err
	}
	return *r.Rules, nil
}

type request struct {
	Case  hbacase.Case
	Rules bool
}

type reply struct {
	Observation *Observation
	Rules       *Rules
	Error       string
}

func (l *Lab) ask(q request) (reply, error) {
	w := l.workers[q.Case.Server.Version]
	if w == nil {
		return reply{}, fmt.Errorf("no server of version %d was started", q.Case.Server.Version)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.process.Send(q); err != nil {
		return reply{}, fmt.Errorf("postgres %d: %w", w.version, err)
	}
	r, err := w.read()
	if err != nil {
		return reply{}, fmt.Errorf("postgres %d: case %s: %w", w.version, q.Case.ID, err)
	}
	return r, nil
}

// A worker is the process on one island.
type worker struct {
	version int
	mu      sync.Mutex
	process *child.Process
}

func startWorker(version int) (*worker, error) {
	native, err := find(version)
	if err != nil {
		return nil, err
	}
	cmd, err := island.Command()
	if err != nil {
		return nil, err
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), insideEnv + "=" + fmt.Sprint(version), nativeEnv + "=" + native}
	cmd.Stderr = os.Stderr
	process, err := child.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("%w: namespaces: %w", ErrUnavailable, err)
	}
	return &worker{version: version, process: process}, nil
}

// stop closes the process's input, upon which it ends, and its server with it.
func (w *worker) stop() error { return w.process.Stop(fmt.Sprintf("postgres %d", w.version)) }

func (w *worker) read() (reply, error) {
	var r reply
	if err := w.process.Receive(&r); err != nil {
		return r, fmt.Errorf("the process on the island is gone: %w", err)
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}

// find returns the directory that bin, lib and share of a version's server are in.
func find(version int) (string, error) {
	dir := fmt.Sprintf("/usr/lib/postgresql/%d", version)
	if version != debian {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		dir = fmt.Sprintf("%s/.cache/postgres/node_modules/pg%d/native", root, version)
	}
	if _, err := os.Stat(dir + "/bin/postgres"); err != nil {
		return "", fmt.Errorf("%w: PostgreSQL %d is not installed, run scripts/need.sh servers", ErrUnavailable, version)
	}
	return dir, nil
}

// debian is the version that Debian's package has. Its files are found by the paths
// they were built for.
const debian = 15

// features are what the server of a version is built with.
func features(version int) []string {
	if version == debian {
		return []string{"gssapi", "ldap", "openssl", "pam"}
	}
	return []string{"openssl"}
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(at + "/go.mod"); err == nil {
			return at, nil
		}
	}
	return "", fmt.Errorf("%w: no go.mod at or above %s", ErrUnavailable, dir)
}
