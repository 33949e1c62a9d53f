//go:build linux

package enforce

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"sigs.k8s.io/knftables"
)

// A space is a network namespace. It is held by a thread that never leaves it, and
// ends with the process.
type space struct {
	name      string
	addresses []netip.Addr
	thread    int
	work      chan func()
	nft       knftables.Interface // nil until rules are loaded
}

// newSpace makes a namespace; own is the one the process has already.
func newSpace(name string, addresses []netip.Addr, own bool) (*space, error) {
	s := &space{name: name, addresses: addresses, work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread()
		s.thread = syscall.Gettid()
		var err error
		if !own {
			err = syscall.Unshare(syscall.CLONE_NEWNET)
		}
		made <- err
		for what := range s.work {
			what()
		}
	}()
	if err := <-made; err != nil {
		return nil, fmt.Errorf("%w: unshare: %w", ErrUnavailable, err)
	}
	return s, nil
}

// do runs what on the space's thread: sockets and processes it makes are of the space.
func (s *space) do(what func() error) error {
	done := make(chan error)
	s.work <- func() { done <- what() }
	return <-done
}

// ip runs commands of ip in the space.
func (s *space) ip(commands string) error {
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(commands)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := s.do(cmd.Start); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: ip: %w: %s", s.name, err, said.Bytes())
	}
	return nil
}

// load makes rules those of the space, all at once or not at all.
func (s *space) load(rules Ruleset) error {
	err := s.do(func() (err error) {
		if s.nft == nil {
			if s.nft, err = knftables.New(knftables.InetFamily, table); err != nil {
				return err
			}
		}
		return s.nft.Run(context.Background(), rules.Transaction(s.nft))
	})
	if err != nil {
		return fmt.Errorf("%s: nft: %w", s.name, err)
	}
	return nil
}

// set writes a setting below /proc/sys/net, where each namespace sees its own.
func (s *space) set(name, value string) error {
	return s.do(func() error {
		return os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0) //nolint:gosec // ours
	})
}
