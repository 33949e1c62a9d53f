//go:build linux

package postgres

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/lab/wire"
)

// A seen is all there is to see of one attempt.
type seen struct {
	wire.Answer
	refusedSSL bool
	brokenTLS  bool
	log        []line
}

// observe answers a case with an attempt.
func (s *server) observe(c hbacase.Case) (Observation, error) {
	var o Observation
	if c.Attempt == nil {
		return o, cannot("the case has no attempt")
	}
	if err := s.prepare(c.Server); err != nil {
		return o, err
	}
	o.Load = s.loaded.load
	if o.Load.HBA == "rejected" {
		o.Blind = []string{"outcome"}
		return o, nil
	}
	if err := s.clearMaps(); err != nil {
		return o, err
	}
	got, err := s.attempt(*c.Attempt)
	if err != nil {
		return o, err
	}
	o, err = s.classify(c, got)
	o.Load = s.loaded.load
	if err != nil || s.version > 13 || o.Outcome != "trust" {
		return o, err
	}
	return s.tellApart(c, o)
}

// attempt makes one connection and reads what there is to read. A server that is
// still busy with earlier ones is asked again: that says nothing about its files.
func (s *server) attempt(a hbacase.Attempt) (seen, error) {
	if a.GSS {
		return seen{}, cannot("GSSAPI encryption needs a Kerberos realm, which the lab has not")
	}
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		got, err := s.once(a)
		if err != nil || got.Error == nil || !busy[got.Error.SQLState] || time.Since(begun) > 20*time.Second {
			return got, err
		}
	}
}

// busy are too_many_connections and cannot_connect_now.
var busy = map[string]bool{"53300": true, "57P03": true}

// once makes one connection.
func (s *server) once(a hbacase.Attempt) (seen, error) {
	s.log.drain()
	raw, err := s.dial(a)
	if err != nil {
		return seen{}, err
	}
	defer raw.Close() //nolint:errcheck // what was to be read is read
	return s.converse(a, raw)
}

func (s *server) dial(a hbacase.Attempt) (net.Conn, error) {
	if a.Type == "local" {
		uid, err := s.isle.UID(a.OSUser)
		if err != nil {
			return nil, unobservable{err}
		}
		return s.isle.DialUnix(fmt.Sprintf("%s/.s.PGSQL.%d", s.dir("socket"), port), uid)
	}
	from, err := netip.ParseAddr(a.Address)
	if err != nil {
		return nil, unobservable{err}
	}
	s.isle.SetIdent(a.IdentUser)
	c, err := s.isle.DialTCP(from, port)
	if err != nil {
		return nil, cannot("from %s: %w", from, err)
	}
	return c, nil
}

// converse says what a client says until the server has answered.
func (s *server) converse(a hbacase.Attempt, raw net.Conn) (seen, error) {
	var got seen
	from := origin(raw)
	c := wire.New(raw)
	if a.TLS && a.Type == "host" {
		answer, err := c.RequestSSL()
		if err != nil {
			return got, fmt.Errorf("SSLRequest: %w", err)
		}
		if answer == 'N' {
			got.refusedSSL = true
			return got, nil
		}
		if c, err = s.encrypt(raw, a.ClientCert); err != nil {
			got.brokenTLS = true
			return got, nil
		}
	}
	err := c.Startup(parameters(a)...)
	if err == nil {
		got.Answer, err = c.FirstAnswer()
	}
	lines := s.log.drain()
	if err != nil && a.TLS {
		lines, got.brokenTLS = s.awaitTLSFailure(lines)
	}
	got.log = of(lines, from)
	if err != nil && !got.brokenTLS {
		return got, cannot("no answer: %w; the server's log: %q", err, got.log)
	}
	return got, nil
}

// awaitTLSFailure waits for the server to log that the handshake failed: the alert may
// come first, or be lost.
func (s *server) awaitTLSFailure(lines []line) ([]line, bool) {
	for begun := time.Now(); time.Since(begun) < 2*time.Second; time.Sleep(time.Millisecond) {
		lines = append(lines, s.log.drain()...)
		if logged(lines, tlsFailure) != nil {
			return lines, true
		}
	}
	return lines, false
}

var tlsFailure = regexp.MustCompile(`^could not accept SSL connection`)

// origin is how the log calls the client.
func origin(c net.Conn) string {
	if tcp, ok := c.LocalAddr().(*net.TCPAddr); ok {
		return fmt.Sprintf("host=%s port=%d", tcp.AddrPort().Addr().Unmap(), tcp.Port)
	}
	return "host=[local]"
}

// encrypt goes on under TLS. The certificate is shown whether or not the server says
// that it knows its issuer.
func (s *server) encrypt(raw net.Conn, cert *hbacase.ClientCert) (*wire.Conn, error) {
	shown := &tls.Certificate{}
	if cert != nil {
		var err error
		if shown, err = s.pki.client(*cert); err != nil {
			return nil, err
		}
	}
	c := tls.Client(raw, &tls.Config{
		InsecureSkipVerify:   true, //nolint:gosec // whose server it is we know
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil },
	})
	if err := c.Handshake(); err != nil {
		return nil, err
	}
	return wire.New(c), nil
}

func parameters(a hbacase.Attempt) []string {
	p := []string{"user", a.User}
	if a.Database != nil {
		p = append(p, "database", *a.Database)
	}
	if a.Replication.Sent {
		p = append(p, "replication", a.Replication.Text)
	}
	return p
}

// tellApart asks again where 13, which logs nothing of who was let in, leaves it open
// how: as a user whom the operating system does not know, whom ident knows nothing of,
// or with a certificate in another name.
func (s *server) tellApart(c hbacase.Case, o Observation) (Observation, error) {
	again := *c.Attempt
	if again.Type == "local" {
		again.OSUser = ""
		return s.otherwise(o, again, "peer-ok")
	}
	if again.IdentUser != "" {
		again.IdentUser = ""
		if found, err := s.otherwise(o, again, "ident-ok"); err != nil || found.Outcome != "trust" {
			return found, err
		}
	}
	if again.ClientCert == nil {
		return o, nil
	}
	again.ClientCert = &hbacase.ClientCert{Subject: "/CN=" + labRole, Trusted: true}
	if found, err := s.otherwise(o, again, "cert-ok"); err != nil || found.Outcome != "trust" {
		return found, err
	}
	return s.anyName(o, again)
}

// anyName is o, which a map that takes any name for the user's leaves open, unless no
// certificate is needed at all.
func (s *server) anyName(o Observation, again hbacase.Attempt) (Observation, error) {
	again.ClientCert = nil
	got, err := s.attempt(again)
	if err == nil && got.Challenge == wire.None {
		o.Among = []string{"trust", "cert-ok"}
		o.Blind = append(o.Blind, "method")
	}
	return o, err
}

// otherwise is o with the outcome that the other attempt, if it fails, proves. With
// clientcert=verify-full a certificate in another name fails on a trust line too, but
// it says so.
func (s *server) otherwise(o Observation, other hbacase.Attempt, proves string) (Observation, error) {
	got, err := s.attempt(other)
	if err != nil {
		return o, err
	}
	if got.Challenge == wire.None && !strings.HasPrefix(got.Error.Message, `"trust" authentication failed`) {
		o.Outcome = proves
		o.Method = method(proves)
	}
	return o, nil
}
