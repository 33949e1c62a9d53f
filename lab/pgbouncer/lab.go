//go:build linux

// Package pgbouncer asks a real PgBouncer, before a real PostgreSQL, what it makes of
// an auth_hba_file and of attempts. Both run in one process on an island of its own, as
// the servers of lab/postgres do.
//
// The program that uses it calls Inside first thing in main or TestMain.
package pgbouncer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/pgmoat/pgmoat/lab/child"
	"github.com/pgmoat/pgmoat/lab/island"
)

// PoolerAddress is where PostgreSQL sees the sessions of PgBouncer come from.
const PoolerAddress = "10.9.9.9"

// A Setup is what PgBouncer and PostgreSQL are told.
type Setup struct {
	// HBA is the auth_hba_file; Files are what it may name, by their paths beside it. One
	// that ends in a slash is an empty directory.
	HBA   string
	Files map[string]string
	// Unreadable says that PgBouncer may not open HBA.
	Unreadable bool
	// TLSMode is client_tls_sslmode; "" is allow.
	TLSMode string
	// ServerTLS is server_tls_sslmode; "" is PgBouncer's default.
	ServerTLS string
	// User is the role of every session at PostgreSQL; "" is the client's.
	User string
	// ServerHBA is PostgreSQL's pg_hba.conf; "" trusts everybody. It is asked from the
	// next session on that PgBouncer opens.
	ServerHBA string
}

// An Attempt is one connection to PgBouncer.
type Attempt struct {
	// From is the client's address; "" is the Unix socket, with OSUser at its other end.
	From, OSUser string
	TLS          bool
	// Cert is the common name of the certificate that the client shows, "" for none;
	// Rogue, that no CA which PgBouncer knows has signed it.
	Cert  string
	Rogue bool

	User, Database string
	// Replication is the parameter; "" is not sent.
	Replication string
}

// The Outcomes of an attempt.
const (
	In             = "in" // a session at PostgreSQL
	MD5            = "md5"
	SCRAM          = "scram"
	Password       = "password"
	Rejected       = "login rejected"
	PeerFailed     = "unix socket login rejected"
	CertFailed     = "certificate authentication failed"
	TrustFailed    = `"trust" authentication failed`
	TLSRefused     = "TLS refused"
	TLSFailed      = "TLS failed"
	TLSRequired    = "SSL required"
	ServerRejected = "server"
)

// An Answer is what the client sees: Outcome is one of the above, or the message of
// any other error.
type Answer struct {
	Outcome string
	// Message is what PostgreSQL said of the session, where it refused it.
	Message string
	// Failure says why the attempt could not be made.
	Failure string
}

// Users are who PgBouncer knows, with passwords in clear text. They are also roles of
// PostgreSQL, and their names databases.
var Users = []string{"app", "bob", "ledger", "all", "sameuser", "a b", `q"q`, "+app", "@app", "/app", "replication"}

// ErrUnavailable is why there can be no PgBouncer here: not root, not Linux, or not
// installed.
var ErrUnavailable = errors.New("no PgBouncer here")

// A Lab is one PgBouncer and one PostgreSQL, running. It is for one caller at a time.
type Lab struct {
	// Release is that of the PgBouncer that is installed: "1.18.0".
	Release string
	process *child.Process
}

// Start starts both.
func Start() (*Lab, error) {
	if os.Getuid() != 0 {
		return nil, fmt.Errorf("%w: making network namespaces needs root", ErrUnavailable)
	}
	for _, program := range []string{bouncerProgram, postgresPrograms + "/postgres"} {
		if _, err := os.Stat(program); err != nil {
			return nil, fmt.Errorf("%w: %s is not installed, run scripts/need.sh servers", ErrUnavailable, program)
		}
	}
	release, err := exec.Command(bouncerProgram, "--version").Output()
	if err != nil {
		return nil, err
	}
	cmd, err := island.Command()
	if err != nil {
		return nil, err
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), insideEnv + "=yes"}
	cmd.Stderr = os.Stderr
	process, err := child.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("%w: namespaces: %w", ErrUnavailable, err)
	}
	first, _, _ := strings.Cut(string(release), "\n")
	l := &Lab{strings.TrimPrefix(first, "PgBouncer "), process}
	if _, err := l.read(); err != nil { // a first empty reply: both are up
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Close ends both and waits for their ends.
func (l *Lab) Close() error { return l.process.Stop("PgBouncer") }

// Try brings both to the state of the setup and makes the attempts, each answered in
// its place. Skipped are the lines of the file that PgBouncer could not read. An error
// means that the lab is broken.
func (l *Lab) Try(s Setup, attempts ...Attempt) (skipped []int, answers []Answer, err error) {
	if err := l.process.Send(request{s, attempts}); err != nil {
		return nil, nil, err
	}
	r, err := l.read()
	return r.Skipped, r.Answers, err
}

type request struct {
	Setup    Setup
	Attempts []Attempt
}

type reply struct {
	Skipped []int
	Answers []Answer
	Error   string
}

func (l *Lab) read() (reply, error) {
	var r reply
	if err := l.process.Receive(&r); err != nil {
		return r, fmt.Errorf("the process on the island is gone: %w", err)
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}
