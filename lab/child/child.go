//go:build linux

// Package child runs a process that answers JSON with JSON, one value at a time, and
// that ends when its parent does.
package child

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// A Process is running until Stop. It is for one caller at a time.
type Process struct {
	in    *json.Encoder
	out   *json.Decoder
	stdin io.Closer
	cmd   *exec.Cmd
	ended chan error
}

// Start starts cmd, whose SysProcAttr is set; the kernel kills it when the program that
// calls is gone.
func Start(cmd *exec.Cmd) (*Process, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	p := &Process{json.NewEncoder(stdin), json.NewDecoder(stdout), stdin, cmd, make(chan error, 1)}
	started := make(chan error)
	go p.run(started)
	return p, <-started
}

// run starts the process and waits for it on one thread, whose end would be the
// process's: that is how the kernel tells that its parent is gone.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	state, err := p.cmd.Process.Wait() // not cmd.Wait, which would close stdout under its reader
	if err == nil && !state.Success() {
		err = errors.New(state.String())
	}
	p.ended <- err
}

// Send writes one value to the process.
func (p *Process) Send(v any) error { return p.in.Encode(v) }

// Receive reads one value that the process wrote.
func (p *Process) Receive(v any) error { return p.out.Decode(v) }

// Stop closes the process's input, upon which it ends; who names it where it does not.
func (p *Process) Stop(who string) error {
	err := p.stdin.Close()
	select {
	case ended := <-p.ended:
		return errors.Join(err, ended)
	case <-time.After(20 * time.Second):
		return errors.Join(err, fmt.Errorf("%s does not end", who), p.cmd.Process.Kill())
	}
}
