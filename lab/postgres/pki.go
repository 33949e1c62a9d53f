//go:build linux

package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/lab/island"
)

// A pki is a CA that the server trusts, one that it does not, and what they signed.
// One key serves all: no secret is kept here.
type pki struct {
	key              *ecdsa.PrivateKey
	trusted, rogue   *x509.Certificate
	certificates     map[hbacase.ClientCert]*tls.Certificate
	serial           int64
	serverPEM, caPEM []byte
}

func newPKI() (*pki, error) {
	p := &pki{certificates: map[hbacase.ClientCert]*tls.Certificate{}}
	var err error
	if p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	if p.trusted, err = p.authority("/CN=lab CA"); err != nil {
		return nil, err
	}
	if p.rogue, err = p.authority("/CN=other CA"); err != nil {
		return nil, err
	}
	server, err := p.sign("/CN=localhost", p.trusted)
	if err != nil {
		return nil, err
	}
	p.serverPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server})
	p.caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.trusted.Raw})
	return p, nil
}

// write leaves the server's certificate, its key and the CA in a new directory.
func (p *pki) write(dir string) error {
	if err := ownDir(dir); err != nil {
		return err
	}
	key, err := x509.MarshalECPrivateKey(p.key)
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{
		"server.crt": p.serverPEM,
		"server.key": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key}),
		"ca.crt":     p.caPEM,
	} {
		if err := os.WriteFile(dir+"/"+name, text, 0o600); err != nil {
			return err
		}
		if err := os.Chown(dir+"/"+name, island.ServerUID, island.ServerUID); err != nil {
			return err
		}
	}
	return nil
}

func (p *pki) template(subject string) (*x509.Certificate, error) {
	raw, err := rawSubject(subject)
	p.serial++
	return &x509.Certificate{
		SerialNumber: big.NewInt(p.serial),
		RawSubject:   raw,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
	}, err
}

func (p *pki) authority(subject string) (*x509.Certificate, error) {
	t, err := p.template(subject)
	if err != nil {
		return nil, err
	}
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, p.key.Public(), p.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (p *pki) sign(subject string, by *x509.Certificate) ([]byte, error) {
	t, err := p.template(subject)
	if err != nil {
		return nil, err
	}
	return x509.CreateCertificate(rand.Reader, t, by, p.key.Public(), p.key)
}

// client returns the certificate that a case asks for.
func (p *pki) client(want hbacase.ClientCert) (*tls.Certificate, error) {
	if have := p.certificates[want]; have != nil {
		return have, nil
	}
	by := p.rogue
	if want.Trusted {
		by = p.trusted
	}
	der, err := p.sign(want.Subject, by)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p.key}
	p.certificates[want] = c
	return c, nil
}

// attributes are the names that openssl has for what a subject is made of.
var attributes = map[string]asn1.ObjectIdentifier{
	"CN": {2, 5, 4, 3}, "SN": {2, 5, 4, 4}, "serialNumber": {2, 5, 4, 5}, "C": {2, 5, 4, 6}, "L": {2, 5, 4, 7},
	"ST": {2, 5, 4, 8}, "street": {2, 5, 4, 9}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "title": {2, 5, 4, 12},
	"GN": {2, 5, 4, 42}, "UID": {0, 9, 2342, 19200300, 100, 1, 1}, "DC": {0, 9, 2342, 19200300, 100, 1, 25},
	"emailAddress": {1, 2, 840, 113549, 1, 9, 1},
}

// rawSubject encodes a subject in openssl's notation: "/O=Acme/CN=alice", where a
// backslash keeps the next character from meaning anything and an unescaped plus
// joins attributes to one RDN.
func rawSubject(subject string) ([]byte, error) {
	if subject != "" && subject[0] != '/' {
		return nil, cannot("subject %q does not begin with a slash", subject)
	}
	var names pkix.RDNSequence
	for _, part := range splitEscaped(subject, '/') {
		var rdn pkix.RelativeDistinguishedNameSET
		for _, pair := range splitEscaped(part, '+') {
			name, value, _ := strings.Cut(pair, "=")
			oid, known := attributes[name]
			if !known {
				return nil, cannot("subject %q: attribute %q is not known here", subject, name)
			}
			rdn = append(rdn, pkix.AttributeTypeAndValue{Type: oid, Value: unescape(value)})
		}
		names = append(names, rdn)
	}
	raw, err := asn1.Marshal(names)
	if err != nil {
		return nil, cannot("subject %q: %w", subject, err)
	}
	return raw, nil
}

// splitEscaped splits at unescaped separators and leaves out what is empty.
func splitEscaped(s string, separator byte) []string {
	var out []string
	begin := 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i < len(s) && s[i] == '\\':
			i++
		case i >= len(s) || s[i] == separator:
			if begin < i {
				out = append(out, s[begin:min(i, len(s))])
			}
			begin = i + 1
		}
	}
	return out
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
