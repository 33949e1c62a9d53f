//go:build linux

package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/pgmoat/pgmoat/lab/island"
	"github.com/pgmoat/pgmoat/lab/wire"
)

// The lab's own superuser and database, which no case has.
const (
	labRole     = "pgmoat_lab"
	labDatabase = "pgmoat_lab"
)

const port = 5432

// A server is one running PostgreSQL and what it was last told.
type server struct {
	version int
	native  string
	isle    *island.Island
	pki     *pki
	log     *logFile
	process *exec.Cmd
	ended   chan struct{} // closed when process has ended
	// control is a session from before the case's rules came into force; what they
	// say does not concern it.
	control *wire.Conn
	world   world
	loaded  loaded
}

func newServer(version int, native string, isle *island.Island) (*server, error) {
	s := &server{version: version, native: native, isle: isle}
	for _, dir := range []string{s.conf(), s.dir("socket")} {
		if err := ownDir(dir); err != nil {
			return nil, err
		}
	}
	var err error
	if s.pki, err = newPKI(); err != nil {
		return nil, err
	}
	if err := s.pki.write(s.dir("tls")); err != nil {
		return nil, err
	}
	if s.log, err = openLog(s.dir("log")); err != nil {
		return nil, err
	}
	return s, s.start()
}

func (s *server) dir(name string) string { return s.isle.Root + "/" + name }

// conf is the directory that ${DIR} stands for.
func (s *server) conf() string { return s.dir("conf") }

// ownDir makes an empty directory that belongs to the server.
func ownDir(dir string) error {
	//nolint:gosec // ours, in memory
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	//nolint:gosec // as above
	if err := os.Chown(dir, island.ServerUID, island.ServerUID); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755) //nolint:gosec // clients enter it for the socket
}

// command is a program of the server's, run as its user.
func (s *server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(s.native+"/bin/"+program, args...) //nolint:gosec // a server that we installed
	cmd.Dir = s.isle.Root
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: island.ServerUID, Gid: island.ServerUID},
		Setpgid:    true,
	}
	return cmd
}

func (s *server) initdb() error {
	//nolint:gosec // ours, in memory
	if err := os.RemoveAll(s.dir("data")); err != nil {
		return err
	}
	if err := ownDir(s.dir("data")); err != nil {
		return err
	}
	if err := os.Chmod(s.dir("data"), 0o700); err != nil { //nolint:gosec // as the server wants it
		return err
	}
	out, err := s.command("initdb", "-D", s.dir("data"), "-U", labRole, "-A", "trust",
		"--encoding=UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return os.WriteFile(s.dir("data")+"/postgresql.conf", []byte(s.settings()), 0o600) //nolint:gosec // as above
}

func (s *server) settings() string {
	return fmt.Sprintf(`listen_addresses = '*'
port = %d
unix_socket_directories = '%s'
hba_file = '%s/pg_hba.conf'
ident_file = '%[3]s/pg_ident.conf'
max_connections = 100
superuser_reserved_connections = 3
shared_buffers = 1MB
dynamic_shared_memory_type = mmap
max_wal_senders = 40
max_replication_slots = 0
autovacuum = off
fsync = off
full_page_writes = off
synchronous_commit = off
log_connections = on
log_line_prefix = '%%p '
ssl_cert_file = '%s/server.crt'
ssl_key_file = '%[4]s/server.key'
include = '%s'
`, port, s.dir("socket"), s.conf(), s.dir("tls"), s.settingsFile())
}

// settingsFile holds the settings that cases change.
func (s *server) settingsFile() string { return s.dir("case.conf") }

// start starts the server with files that let only the lab in, and with a new data
// directory where what is in the old one is not known.
func (s *server) start() error {
	if s.world.empty() {
		if err := s.initdb(); err != nil {
			return err
		}
	}
	s.loaded = loaded{}
	safe := map[string]string{"pg_hba.conf": "local all " + labRole + " trust\n", "pg_ident.conf": ""}
	if err := s.writeFiles(safe); err != nil {
		return err
	}
	if err := s.writeSettings("ssl = off\n"); err != nil {
		return err
	}
	s.process = s.command("postgres", "-D", s.dir("data"))
	s.process.Stderr = s.log.file
	if err := s.process.Start(); err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func(p *exec.Cmd, ended chan struct{}) {
		_ = p.Wait() // how it ended is in its log
		close(ended)
	}(s.process, s.ended)
	return s.connect()
}

// connect opens the lab's own session as soon as the server takes it.
func (s *server) connect() error {
	var failed error
	for begun := time.Now(); time.Since(begun) < 30*time.Second; {
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended at once: %q", s.log.drain())
		case <-time.After(10 * time.Millisecond):
		}
		if failed = s.login(); failed == nil {
			return nil
		}
	}
	return fmt.Errorf("no session: %w", failed)
}

func (s *server) login() error {
	if s.world.empty() {
		if err := s.sessionIn("postgres"); err != nil {
			return err
		}
		if _, err := s.control.Query("create database " + labDatabase); err != nil {
			return err
		}
		_ = s.control.Close() // the next one is better
		s.world = newWorld()
	}
	return s.sessionIn(labDatabase)
}

func (s *server) sessionIn(database string) error {
	c, err := s.dialSocket(0)
	if err != nil {
		return err
	}
	if err := c.Login(labRole, database); err != nil {
		return errors.Join(err, c.Close())
	}
	s.control = c
	return nil
}

func (s *server) dialSocket(uid int) (*wire.Conn, error) {
	c, err := s.isle.DialUnix(fmt.Sprintf("%s/.s.PGSQL.%d", s.dir("socket"), port), uid)
	if err != nil {
		return nil, err
	}
	return wire.New(c), nil
}

// running reports whether the server and the lab's session are alive.
func (s *server) running() bool {
	select {
	case <-s.ended:
		return false
	default:
		_, err := s.control.Query("select 1")
		return err == nil
	}
}

// restart begins anew with safe files after a server or the lab's session was lost.
func (s *server) restart() error {
	s.stop()
	return s.start()
}

// stop ends the server and all its processes, gently at first.
func (s *server) stop() {
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
		_ = syscall.Kill(-s.process.Process.Pid, sig) // gone already is fine
		select {
		case <-s.ended:
			return
		case <-time.After(5 * time.Second):
		}
	}
}
