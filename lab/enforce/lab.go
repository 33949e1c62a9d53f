//go:build linux

package enforce

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/pgmoat/pgmoat/lab/child"
	"github.com/pgmoat/pgmoat/model/flow"
)

// A Site is a machine or a pod of the lab: a network namespace with its addresses.
type Site struct {
	Name      string
	Addresses []netip.Addr
}

// A Node is a Site with the pods that run on it.
type Node struct {
	Site
	Pods []Site
}

// A Ground is what stands still while policies change. No address is in it twice.
type Ground struct {
	// Outside are addresses beyond the cluster.
	Outside []netip.Addr
	Nodes   []Node
	// Ports are open at each address, of TCP and of UDP.
	Ports []uint16
}

// An Attempt is one connection: TCP as far as the first bytes of the other side, or a
// UDP datagram and its answer.
type Attempt struct {
	From, To netip.Addr
	Protocol flow.Protocol
	Port     uint16
}

func (a Attempt) String() string {
	return fmt.Sprintf("%s -> %s %s", a.From, netip.AddrPortFrom(a.To, a.Port), a.Protocol)
}

// An Outcome is what became of an attempt. The zero value is none.
type Outcome uint8

// The outcomes.
const (
	NoOutcome Outcome = iota
	// Connected: who was meant has answered.
	Connected
	// Refused: a rule said so, to the one who tried.
	Refused
	// Silent: nobody answered in time.
	Silent
)

func (o Outcome) String() string {
	return [...]string{"no outcome", "connected", "refused", "silent"}[min(o, 3)]
}

// ErrUnavailable is why there can be no lab here: namespaces are forbidden, or ip or
// nft is missing.
var ErrUnavailable = errors.New("no network namespaces with nftables here")

// A Lab is a running process that holds the namespaces of a Ground.
type Lab struct{ process *child.Process }

// Start makes the namespaces.
func Start(g Ground) (*Lab, error) {
	for _, program := range []string{"ip", "nft"} {
		if !installed(program) {
			return nil, fmt.Errorf("%w: %s is not installed, run scripts/need.sh packets", ErrUnavailable, program)
		}
	}
	cmd, err := command()
	if err != nil {
		return nil, err
	}
	process, err := child.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("%w: making namespaces: %w", ErrUnavailable, err)
	}
	l := &Lab{process}
	if _, err := l.ask(request{Ground: &g}); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// sbin has the programs of the administrator, and is not on every user's PATH.
const sbin = "/usr/sbin"

func installed(program string) bool {
	_, err := exec.LookPath(program)
	_, ours := exec.LookPath(filepath.Join(sbin, program))
	return err == nil || ours == nil
}

// command is this program in a network of its own; in a user namespace, too, where it
// is not root.
func command() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self) //nolint:gosec // ourselves
	cmd.Env = []string{"PATH=" + os.Getenv("PATH") + ":" + sbin, insideEnv + "=1"}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET,
		Setpgid:    true, // an interrupt from the terminal is for the program outside
	}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return cmd, nil
}

// Close ends the process, and the kernel its namespaces.
func (l *Lab) Close() error { return l.process.Stop("the lab") }

// Observe loads each node's rules, by the node's name, and makes the attempts, knowing
// how the rules refuse. Outcomes are in the order of the attempts.
func (l *Lab) Observe(rules map[string]Ruleset, attempts []Attempt, how Refusal) ([]Outcome, error) {
	q := request{Rules: rules, How: how}
	for _, a := range attempts {
		q.Packets = append(q.Packets, packet{a.From, a.To, a.Protocol == flow.UDP, a.Port})
		if a.Protocol != flow.TCP && a.Protocol != flow.UDP {
			return nil, fmt.Errorf("%s: the lab has TCP and UDP only", a)
		}
	}
	r, err := l.ask(q)
	if err == nil && len(r.Outcomes) != len(attempts) {
		err = fmt.Errorf("%d outcomes of %d attempts", len(r.Outcomes), len(attempts))
	}
	return r.Outcomes, err
}

func (l *Lab) ask(q request) (reply, error) {
	var r reply
	if err := l.process.Send(q); err != nil {
		return r, fmt.Errorf("the lab's process: %w", err)
	}
	if err := l.process.Receive(&r); err != nil {
		return r, fmt.Errorf("the lab's process is gone: %w", err)
	}
	switch {
	case r.Unavailable:
		return r, fmt.Errorf("%w: %s", ErrUnavailable, r.Error)
	case r.Error != "":
		return r, errors.New(r.Error)
	}
	return r, nil
}
