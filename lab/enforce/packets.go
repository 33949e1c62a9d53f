//go:build linux

package enforce

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// listen answers at each port of an address, of TCP and of UDP, with the address and
// the port: who is asked is then known to have answered.
func (s *space) listen(a netip.Addr, ports []uint16) error {
	for _, port := range ports {
		at := netip.AddrPortFrom(a, port)
		var tcp *net.TCPListener
		var udp *net.UDPConn
		err := s.do(func() (err error) {
			if tcp, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at)); err != nil {
				return err
			}
			udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
			return err
		})
		if err != nil {
			return err
		}
		go answerTCP(tcp, at)
		go answerUDP(udp, at)
	}
	return nil
}

func answerTCP(l *net.TCPListener, at netip.AddrPort) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			continue // the one who tried is gone
		}
		_, _ = c.Write([]byte(at.String()))
		_ = c.Close()
	}
}

func answerUDP(c *net.UDPConn, at netip.AddrPort) {
	buf := make([]byte, 64)
	for {
		_, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			continue // an ICMP error about an answer that came too late
		}
		_, _ = c.WriteToUDPAddrPort([]byte(at.String()), from)
	}
}

// A manner is how attempts are made: how many at once, how long each waits, and how
// often it is made again when nothing came back.
type manner struct {
	crowd    int
	patience time.Duration
	tries    int
}

// Where refusals are told, silence is a packet that got lost on a busy machine.
var manners = map[Refusal]manner{
	Tell: {crowd: 64, patience: 2 * time.Second, tries: 3},
	Drop: {crowd: 512, patience: 300 * time.Millisecond, tries: 1},
}

// try makes an attempt. What neither connects nor is refused by a rule is an error,
// such as a port where nobody listens: then the lab is not as it should be.
func (n *tree) try(p packet, m manner) (Outcome, error) {
	s := n.at[p.From]
	if s == nil || n.at[p.To] == nil {
		return NoOutcome, fmt.Errorf("%s or %s is nowhere here", p.From, p.To)
	}
	for range m.tries {
		said, err := s.ask(p, m.patience)
		switch want := netip.AddrPortFrom(p.To, p.Port).String(); {
		case err == nil && said == want:
			return Connected, nil
		case err == nil:
			return NoOutcome, fmt.Errorf("%s -> %s: %q answered", p.From, want, said)
		case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
			// What ICMP's "administratively prohibited" becomes in IPv4, in IPv6, and
			// on the machine that has the rule.
			return Refused, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return NoOutcome, fmt.Errorf("%s -> %s: %w", p.From, want, err)
		}
	}
	return Silent, nil
}

// ask opens a connection and returns what is said first. Reading waits for the
// connection, too.
func (s *space) ask(p packet, patience time.Duration) (string, error) {
	fd := -1
	err := s.do(func() (err error) {
		fd, err = p.open()
		return err
	})
	if err != nil {
		return "", err
	}
	f := os.NewFile(uintptr(fd), "socket") //nolint:gosec // a descriptor
	defer f.Close()                        //nolint:errcheck // nothing is lost
	if err := f.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if p.UDP {
		if _, err := f.Write([]byte("who is there")); err != nil {
			return "", err
		}
	}
	buf := make([]byte, 64)
	size, err := f.Read(buf)
	if err != nil {
		return "", reason(f, err)
	}
	return string(buf[:size]), nil
}

// reason returns the socket's own error, where the runtime only knows that there is one.
func reason(f *os.File, err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("closed without a word")
	}
	raw, failed := f.SyscallConn()
	if failed != nil {
		return err
	}
	var own error
	failed = raw.Control(func(fd uintptr) { own = ownError(int(fd)) }) //nolint:gosec // a descriptor
	if failed != nil || own == nil {
		return err
	}
	return own
}

// ownError is also what came back while the call that sent the packet had the socket
// locked: IPv6 tells that to nobody who does not ask.
func ownError(fd int) error {
	own, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err != nil || own == 0 {
		return err
	}
	return syscall.Errno(own) //nolint:gosec // an errno
}

// open begins to connect a socket and does not wait for it.
func (p packet) open() (fd int, err error) {
	domain, kind := syscall.AF_INET, syscall.SOCK_STREAM
	if p.From.Is6() {
		domain = syscall.AF_INET6
	}
	if p.UDP {
		kind = syscall.SOCK_DGRAM
	}
	fd, err = syscall.Socket(domain, kind|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if !p.UDP { // thousands of attempts leave no port waiting
		err = syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
	}
	if err == nil {
		err = syscall.Bind(fd, sockaddr(p.From, 0))
	}
	if err == nil {
		err = syscall.Connect(fd, sockaddr(p.To, p.Port))
	}
	if errors.Is(err, syscall.EINPROGRESS) {
		err = ownError(fd)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

func sockaddr(a netip.Addr, port uint16) syscall.Sockaddr {
	if a.Is4() {
		return &syscall.SockaddrInet4{Port: int(port), Addr: a.As4()}
	}
	return &syscall.SockaddrInet6{Port: int(port), Addr: a.As16()}
}
