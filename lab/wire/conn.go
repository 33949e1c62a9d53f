//go:build linux

// Package wire speaks PostgreSQL's protocol to a server as far as its authentication,
// and asks simple queries where that succeeded. It keeps to what is on the wire, so
// that nothing a driver does on its own comes between an attempt and its answer.
package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

const (
	protocol3     = 196608
	sslRequest    = 80877103
	gssencRequest = 80877104
	cancelRequest = 80877102
)

// patience is how long a server may take for one answer.
const patience = 20 * time.Second

// A Conn is a connection at the protocol's level.
type Conn struct {
	net.Conn
	in *bufio.Reader
}

// New speaks the protocol over c.
func New(c net.Conn) *Conn {
	return &Conn{Conn: c, in: bufio.NewReader(c)}
}

// A Message is one of the server's.
type Message struct {
	Type byte
	Body []byte
}

// Receive reads the next message, passing over notices and what concerns the
// protocol's version.
func (c *Conn) Receive() (Message, error) {
	for {
		m, err := c.receive()
		if err != nil || m.Type != 'N' && m.Type != 'v' {
			return m, err
		}
	}
}

func (c *Conn) receive() (Message, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return Message{}, err
	}
	var head [5]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return Message{}, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size < 4 || size > 1<<26 {
		return Message{}, fmt.Errorf("message %q has the length %d", head[0], size)
	}
	m := Message{Type: head[0], Body: make([]byte, size-4)}
	_, err := io.ReadFull(c.in, m.Body)
	return m, err
}

// Send writes a message. Type 0 is the startup packet's, which has none.
func (c *Conn) Send(kind byte, body []byte) error {
	var out []byte
	if kind != 0 {
		out = append(out, kind)
	}
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)+4)) //nolint:gosec // our messages are short
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := c.Write(append(out, body...))
	return err
}

// Startup sends the startup packet with names and values in turn.
func (c *Conn) Startup(params ...string) error {
	body := binary.BigEndian.AppendUint32(nil, protocol3)
	for _, s := range params {
		body = append(append(body, s...), 0)
	}
	return c.Send(0, append(body, 0))
}

// request asks for encryption and returns the server's one byte.
func (c *Conn) request(code uint32) (byte, error) {
	if err := c.Send(0, binary.BigEndian.AppendUint32(nil, code)); err != nil {
		return 0, err
	}
	return c.in.ReadByte()
}

// RequestSSL asks for TLS; the answer is S or N.
func (c *Conn) RequestSSL() (byte, error) { return c.request(sslRequest) }

// RequestGSS asks for GSSAPI encryption; the answer is G or N.
func (c *Conn) RequestGSS() (byte, error) { return c.request(gssencRequest) }

// Nudge asks to cancel what is not there and waits for the server to close: it then
// has done all that it was told before.
func (c *Conn) Nudge() error {
	body := binary.BigEndian.AppendUint32(nil, cancelRequest)
	if err := c.Send(0, append(body, make([]byte, 8)...)); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, c.in)
	return err
}

// An Error is an ErrorResponse.
type Error struct {
	SQLState, Message string
}

func (e *Error) Error() string { return e.SQLState + ": " + e.Message }

// ErrorOf reads the body of an ErrorResponse.
func ErrorOf(body []byte) *Error {
	e := &Error{}
	for field := range strings.SplitSeq(string(body), "\x00") {
		switch {
		case strings.HasPrefix(field, "C"):
			e.SQLState = field[1:]
		case strings.HasPrefix(field, "M"):
			e.Message = field[1:]
		}
	}
	return e
}

// Query runs one simple query and returns the first column of each row; null is "".
func (c *Conn) Query(sql string) ([]string, error) {
	if err := c.Send('Q', append([]byte(sql), 0)); err != nil {
		return nil, err
	}
	var rows []string
	var failed error
	for {
		m, err := c.Receive()
		if err != nil {
			return nil, err
		}
		switch m.Type {
		case 'D':
			rows = append(rows, firstColumn(m.Body))
		case 'E':
			failed = ErrorOf(m.Body)
		case 'Z':
			return rows, failed
		}
	}
}

func firstColumn(row []byte) string {
	if len(row) < 6 {
		return ""
	}
	size := binary.BigEndian.Uint32(row[2:])
	if size == 1<<32-1 || int(size) > len(row)-6 {
		return ""
	}
	return string(row[6 : 6+size])
}

// Login starts a session that needs no secret and waits until it is ready.
func (c *Conn) Login(user, database string) error {
	if err := c.Startup("user", user, "database", database); err != nil {
		return err
	}
	for {
		m, err := c.Receive()
		switch {
		case err != nil:
			return err
		case m.Type == 'E':
			return ErrorOf(m.Body)
		case m.Type == 'R' && authOf(m.Body) != 0:
			return fmt.Errorf("the server asks for a secret (%d)", authOf(m.Body))
		case m.Type == 'Z':
			return nil
		}
	}
}

// authOf returns the code of an authentication request.
func authOf(body []byte) uint32 {
	if len(body) < 4 {
		return 1<<32 - 1
	}
	return binary.BigEndian.Uint32(body)
}

// mechanisms returns the names that an AuthenticationSASL offers.
func mechanisms(body []byte) []string {
	names := strings.Split(string(body[4:]), "\x00")
	return slices.DeleteFunc(names, func(s string) bool { return s == "" })
}
