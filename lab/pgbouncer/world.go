//go:build linux

package pgbouncer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pgmoat/pgmoat/lab/island"
	"github.com/pgmoat/pgmoat/lab/wire"
)

const (
	bouncerProgram   = "/usr/sbin/pgbouncer"
	postgresPrograms = "/usr/lib/postgresql/15/bin"

	bouncerPort  = 6432
	postgresPort = 5432

	labRole = "pgmoat_lab" // PostgreSQL's superuser, whom no case has
)

// A world is both programs and what they were last told.
type world struct {
	isle    *island.Island
	pki     *pki
	running []*daemon
	bouncer *daemon
	// console is a session of PgBouncer's own administrator.
	console *wire.Conn
	// ini is the setting that the running PgBouncer was started with.
	ini       string
	serverHBA string
	logged    int
}

func newWorld(isle *island.Island) (*world, error) {
	w := &world{isle: isle}
	for _, name := range []string{"conf", "socket", "data", "tls"} {
		if err := w.directory(name); err != nil {
			return nil, err
		}
	}
	var err error
	if w.pki, err = newPKI(); err != nil {
		return nil, err
	}
	if err := w.pki.write(w); err != nil {
		return nil, err
	}
	if err := w.startPostgres(); err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (w *world) path(name string) string { return w.isle.Root + "/" + name }

// directory makes one that belongs to the programs, where it is not there.
func (w *world) directory(name string) error {
	if _, err := os.Stat(w.path(name)); err == nil {
		return nil
	}
	if above := filepath.Dir(filepath.Clean(name)); above != "." {
		if err := w.directory(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(w.path(name), 0o750); err != nil {
		return err
	}
	if err := os.Chmod(w.path(name), 0o755); err != nil { //nolint:gosec // clients enter it for the socket
		return err
	}
	return os.Chown(w.path(name), island.ServerUID, island.ServerUID)
}

func (w *world) write(name, text string) error {
	if strings.HasSuffix(name, "/") {
		return w.directory(name)
	}
	if err := w.directory(filepath.Dir(name)); err != nil {
		return err
	}
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		return err
	}
	return os.Chown(w.path(name), island.ServerUID, island.ServerUID)
}

// A daemon is one program under way.
type daemon struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func (w *world) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...) //nolint:gosec // ours, as installed
	cmd.Dir = w.isle.Root
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: island.ServerUID, Gid: island.ServerUID}, Setpgid: true}
	return cmd
}

func (w *world) daemon(log, program string, args ...string) (*daemon, error) {
	cmd := w.command(program, args...)
	f, err := os.OpenFile(w.path(log), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // the program has it
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	d := &daemon{cmd, make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(d.ended)
	}()
	w.running = append(w.running, d)
	return d, nil
}

func (d *daemon) stop() {
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
		_ = syscall.Kill(-d.cmd.Process.Pid, sig) // gone already is fine
		select {
		case <-d.ended:
			return
		case <-time.After(5 * time.Second):
		}
	}
}

func (w *world) stop() {
	for _, d := range w.running {
		d.stop()
	}
}

const trusting = "local all all trust\nhost all all all trust\n"

func (w *world) startPostgres() error {
	if err := os.Chmod(w.path("data"), 0o700); err != nil { //nolint:gosec // as initdb wants it
		return err
	}
	out, err := w.command(postgresPrograms+"/initdb", "-D", w.path("data"), "-U", labRole, "-A", "trust",
		"--encoding=UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	settings := fmt.Sprintf(`listen_addresses = '*'
port = %d
unix_socket_directories = '%s'
max_connections = 300
shared_buffers = 1MB
dynamic_shared_memory_type = mmap
max_wal_senders = 0
wal_level = minimal
autovacuum = off
fsync = off
ssl = on
ssl_cert_file = '%s/server.crt'
ssl_key_file = '%[3]s/server.key'
`, postgresPort, w.path("socket"), w.path("tls"))
	if err := w.write("data/postgresql.conf", settings); err != nil {
		return err
	}
	if err := w.write("data/pg_hba.conf", trusting); err != nil {
		return err
	}
	d, err := w.daemon("postgres.log", postgresPrograms+"/postgres", "-D", w.path("data"))
	if err != nil {
		return err
	}
	return w.populate(d)
}

// populate makes a role and a database of each user's name.
func (w *world) populate(d *daemon) error {
	session, err := w.login(d, "postgres.log", postgresPort, labRole, "postgres")
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // it has done its work
	for _, user := range append([]string{"ghost"}, Users...) {
		name := `"` + strings.ReplaceAll(user, `"`, `""`) + `"`
		for _, sql := range []string{"create role " + name + " login", "create database " + name + " strategy file_copy"} {
			if _, err := session.Query(sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
	}
	return nil
}

// login opens a session over the program's socket, as soon as there is one.
func (w *world) login(d *daemon, log string, port int, user, database string) (*wire.Conn, error) {
	var failed error
	for begun := time.Now(); time.Since(begun) < 30*time.Second; {
		select {
		case <-d.ended:
			text, _ := os.ReadFile(w.path(log))
			return nil, fmt.Errorf("%s ended at once: %s", d.cmd.Path, text)
		case <-time.After(5 * time.Millisecond):
		}
		c, err := w.isle.DialUnix(fmt.Sprintf("%s/.s.PGSQL.%d", w.path("socket"), port), island.ServerUID)
		if failed = err; err != nil {
			continue
		}
		session := wire.New(c)
		if failed = session.Login(user, database); failed == nil {
			return session, nil
		}
		_ = c.Close() // it said why not
	}
	return nil, failed
}

// become brings both programs to the state of a setup. It returns the lines that
// PgBouncer could not read.
func (w *world) become(s Setup) ([]int, error) {
	if err := w.becomeServer(s.ServerHBA); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(w.path("conf")); err != nil {
		return nil, err
	}
	for name, text := range s.Files {
		if err := w.write("conf/"+name, text); err != nil {
			return nil, err
		}
	}
	if err := w.write("conf/pg_hba.conf", s.HBA); err != nil {
		return nil, err
	}
	if s.Unreadable {
		if err := os.Chown(w.path("conf/pg_hba.conf"), 0, 0); err != nil {
			return nil, err
		}
	}
	ini := w.settings(s)
	if ini == w.ini {
		if _, err := w.console.Query("RELOAD"); err != nil {
			return nil, err
		}
	} else if err := w.startBouncer(ini); err != nil {
		return nil, err
	}
	return w.skipped()
}

// becomeServer loads another pg_hba.conf, for which PgBouncer has to begin anew: it
// keeps sessions that it has, and remembers those that failed.
func (w *world) becomeServer(hba string) error {
	if hba == "" {
		hba = trusting
	}
	if hba == w.serverHBA {
		return nil
	}
	w.ini, w.serverHBA = "", hba
	if err := w.write("data/pg_hba.conf", "local all "+labRole+" trust\n"+hba); err != nil {
		return err
	}
	return w.command(postgresPrograms+"/pg_ctl", "reload", "-s", "-D", w.path("data")).Run()
}

func (w *world) settings(s Setup) string {
	target := fmt.Sprintf("host=%s port=%d", PoolerAddress, postgresPort)
	if s.User != "" {
		target += " dbname=postgres user=" + s.User
	}
	mode, server := s.TLSMode, ""
	if mode == "" {
		mode = "allow"
	}
	if s.ServerTLS != "" {
		server = "server_tls_sslmode = " + s.ServerTLS + "\n"
	}
	return fmt.Sprintf(`[databases]
* = %s
[pgbouncer]
listen_addr = *
listen_port = %d
unix_socket_dir = %s
auth_type = hba
auth_hba_file = %s/conf/pg_hba.conf
auth_file = %[4]s/users.txt
client_tls_sslmode = %s
client_tls_key_file = %[4]s/tls/server.key
client_tls_cert_file = %[4]s/tls/server.crt
client_tls_ca_file = %[4]s/tls/ca.crt
max_client_conn = 1000
server_login_retry = 0
`, target, bouncerPort, w.path("socket"), w.isle.Root, mode) + server
}

// startBouncer starts a PgBouncer with other settings in place of the one that runs.
func (w *world) startBouncer(ini string) error {
	if w.bouncer != nil {
		_ = w.console.Close() // of no more use
		w.bouncer.stop()
	}
	var users strings.Builder
	for _, u := range Users {
		fmt.Fprintf(&users, "\"%s\" \"secret\"\n", strings.ReplaceAll(u, `"`, `""`))
	}
	if err := errors.Join(w.write("users.txt", users.String()), w.write("pgbouncer.ini", ini)); err != nil {
		return err
	}
	if info, err := os.Stat(w.path("pgbouncer.log")); err == nil {
		w.logged = int(info.Size())
	}
	var err error
	if w.bouncer, err = w.daemon("pgbouncer.log", bouncerProgram, w.path("pgbouncer.ini")); err != nil {
		return err
	}
	w.ini = ini
	w.console, err = w.login(w.bouncer, "pgbouncer.log", bouncerPort, "pgbouncer", "pgbouncer")
	return err
}

var unread = regexp.MustCompile(`could not parse hba config line (\d+)`)

// skipped reads in the log which lines were passed over since it was called last. All
// of the file is logged before the console answers.
func (w *world) skipped() ([]int, error) {
	text, err := os.ReadFile(w.path("pgbouncer.log"))
	if err != nil {
		return nil, err
	}
	news := text[min(w.logged, len(text)):]
	w.logged = len(text)
	var out []int
	for _, m := range unread.FindAllSubmatch(news, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}
