//go:build linux

package island

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
)

// DialTCP connects to port of this machine from the address.
func (i *Island) DialTCP(from netip.Addr, port int) (net.Conn, error) {
	network, to := "tcp4", "127.0.0.1"
	if from.Is6() {
		network, to = "tcp6", "::1"
	}
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)),
		Control:   freeBind,
	}
	c, err := d.Dial(network, net.JoinHostPort(to, fmt.Sprint(port)))
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		err = tcp.SetLinger(0) // thousands of attempts leave no port waiting
	}
	return c, err
}

const (
	ipFreebind   = 15
	ipv6Freebind = 78
)

// freeBind lets a socket have an address that no interface has.
func freeBind(network, _ string, raw syscall.RawConn) error {
	level, option := syscall.SOL_IP, ipFreebind
	if network == "tcp6" {
		level, option = syscall.SOL_IPV6, ipv6Freebind
	}
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), level, option, 1) //nolint:gosec // a descriptor is a small number
	})
	return errors.Join(err, failed)
}

// DialUnix connects to the socket as the user uid: whom a server sees at the other end
// is who called connect.
func (i *Island) DialUnix(path string, uid int) (net.Conn, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path) //nolint:gosec // as above
	defer f.Close()                    //nolint:errcheck // FileConn keeps a descriptor of its own
	if err := as(uid, func() error { return syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}) }); err != nil {
		return nil, fmt.Errorf("connect to %s as %d: %w", path, uid, err)
	}
	return net.FileConn(f)
}

// as runs what with the effective user uid, on a thread of its own: the package
// syscall would change every thread. A thread that cannot be changed back ends with
// its goroutine.
func as(uid int, what func() error) error {
	if uid == 0 {
		return what()
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := setEffective(uid); err != nil {
			result <- err
			return
		}
		err := what()
		if back := setEffective(0); back == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}

func setEffective(uid int) error {
	const keep = ^uintptr(0)
	_, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uintptr(uid), keep) //nolint:gosec // ours, positive
	if errno != 0 {
		return errno
	}
	return nil
}
