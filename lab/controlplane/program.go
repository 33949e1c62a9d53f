//go:build linux

package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A program is one that was started; what it prints is in a file.
type program struct {
	name    string
	log     string
	process *os.Process
	// ended is closed when the program is; status then says how.
	ended  chan struct{}
	status error
}

// start starts a program. The kernel kills it when the program that calls is gone.
func start(path, logs string, args ...string) (*program, error) {
	p := &program{name: filepath.Base(path), ended: make(chan struct{})}
	p.log = filepath.Join(logs, p.name+".log")
	out, err := os.OpenFile(p.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // below the directory that the caller gave
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args...) //nolint:gosec // one of ours, in .cache
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Dir = logs
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + logs}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		Setpgid:   true, // an interrupt from the terminal is for the program outside
	}
	started := make(chan error)
	go p.run(cmd, out, started)
	return p, <-started
}

// run starts the program and waits for it on one thread, whose end would be the
// program's: that is how the kernel tells that its parent is gone.
func (p *program) run(cmd *exec.Cmd, out *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer func() { _ = out.Close() }()
	err := cmd.Start()
	p.process = cmd.Process
	started <- err
	if err != nil {
		return
	}
	p.status = cmd.Wait()
	close(p.ended)
}

// stop asks the program to end, and makes it.
func (p *program) stop() error {
	select {
	case <-p.ended:
		return p.died()
	default:
	}
	if err := p.process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTime):
		err := p.process.Kill()
		<-p.ended
		return errors.Join(fmt.Errorf("%s does not end", p.name), err)
	}
}

const stopTime = 20 * time.Second

// died is the error of a program that ended by itself, with what it said last.
func (p *program) died() error {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	last := strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
	return fmt.Errorf("%s ended by itself: %w\n%s", p.name, p.status, last)
}

// lastLines are enough to tell why a program ended: it says it last, or before its goroutines.
const lastLines = 20
