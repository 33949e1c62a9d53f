//go:build linux

package pgbouncer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"time"
)

// A pki is a CA that PgBouncer trusts, one that it does not, and one key for all.
type pki struct {
	key            *ecdsa.PrivateKey
	trusted, rogue *x509.Certificate
	serial         int64
}

func newPKI() (*pki, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p := &pki{key: key}
	var failed error
	p.trusted, err = p.authority("lab CA")
	p.rogue, failed = p.authority("other CA")
	return p, errors.Join(err, failed)
}

func (p *pki) template(name string) *x509.Certificate {
	p.serial++
	return &x509.Certificate{
		SerialNumber: big.NewInt(p.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
}

func (p *pki) authority(name string) (*x509.Certificate, error) {
	t := p.template(name)
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, p.key.Public(), p.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (p *pki) client(name string, rogue bool) (*tls.Certificate, error) {
	by := p.trusted
	if rogue {
		by = p.rogue
	}
	der, err := x509.CreateCertificate(rand.Reader, p.template(name), by, p.key.Public(), p.key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p.key}, err
}

// write leaves the servers' certificate, its key and the CA where both read them.
func (p *pki) write(w *world) error {
	server, err := p.client("localhost", false)
	if err != nil {
		return err
	}
	key, err := x509.MarshalECPrivateKey(p.key)
	if err != nil {
		return err
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return errors.Join(
		w.write("tls/server.crt", text("CERTIFICATE", server.Certificate[0])),
		w.write("tls/server.key", text("EC PRIVATE KEY", key)),
		w.write("tls/ca.crt", text("CERTIFICATE", p.trusted.Raw)))
}
