//go:build linux

package pgbouncer

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/lab/wire"
)

// attempt makes one connection.
func (w *world) attempt(a Attempt) Answer {
	raw, err := w.dial(a)
	if err != nil {
		return Answer{Failure: err.Error()}
	}
	defer raw.Close() //nolint:errcheck // what was to be read is read
	c := wire.New(raw)
	if a.TLS {
		answer, err := c.RequestSSL()
		switch {
		case err != nil:
			return Answer{Failure: fmt.Sprintf("SSLRequest: %v", err)}
		case answer == 'N':
			return Answer{Outcome: TLSRefused}
		}
		if c, err = w.encrypt(raw, a); err != nil {
			return Answer{Outcome: TLSFailed}
		}
	}
	params := []string{"user", a.User, "database", a.Database}
	if a.Replication != "" {
		params = append(params, "replication", a.Replication)
	}
	if err := c.Startup(params...); err != nil {
		return unheard(a, err)
	}
	answer, err := c.FirstAnswer()
	if err != nil {
		return unheard(a, err)
	}
	return answerOf(answer)
}

// unheard is no answer. With TLS 1.3 a server refuses a certificate when the client
// believes that it is through.
func unheard(a Attempt, err error) Answer {
	if a.TLS {
		return Answer{Outcome: TLSFailed}
	}
	return Answer{Failure: err.Error()}
}

func (w *world) dial(a Attempt) (net.Conn, error) {
	if a.From != "" {
		from, err := netip.ParseAddr(a.From)
		if err != nil {
			return nil, err
		}
		return w.isle.DialTCP(from, bouncerPort)
	}
	uid, err := w.isle.UID(a.OSUser)
	if err != nil {
		return nil, err
	}
	return w.isle.DialUnix(fmt.Sprintf("%s/.s.PGSQL.%d", w.path("socket"), bouncerPort), uid)
}

func (w *world) encrypt(raw net.Conn, a Attempt) (*wire.Conn, error) {
	shown := &tls.Certificate{}
	if a.Cert != "" {
		var err error
		if shown, err = w.pki.client(a.Cert, a.Rogue); err != nil {
			return nil, err
		}
	}
	c := tls.Client(raw, &tls.Config{
		InsecureSkipVerify:   true, //nolint:gosec // whose PgBouncer it is we know
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil },
	})
	if err := c.Handshake(); err != nil {
		return nil, err
	}
	return wire.New(c), nil
}

var challenges = map[wire.Challenge]string{wire.OK: In, wire.MD5: MD5, wire.SCRAM: SCRAM, wire.Password: Password}

// answerOf names what was seen. PgBouncer hands on what PostgreSQL said when it
// refused a session.
func answerOf(a wire.Answer) Answer {
	if a.Challenge != wire.None {
		return Answer{Outcome: challenges[a.Challenge]}
	}
	message := a.Error.Message
	own := []string{Rejected, PeerFailed, CertFailed, TrustFailed, TLSRequired}
	if !slices.Contains(own, message) && strings.Contains(message, "pg_hba.conf") {
		return Answer{Outcome: ServerRejected, Message: message}
	}
	return Answer{Outcome: message}
}
