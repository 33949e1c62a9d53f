//go:build linux

package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// An authority signs certificates of one cluster. It ends with the cluster, and
// its certificates mean nothing afterwards.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	signed      int64
}

// A pair is a certificate with its key, in PEM.
type pair struct{ certificate, key []byte }

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &authority{key: key}
	t := a.template(pkix.Name{CommonName: "lab CA"})
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	a.certificate, err = x509.ParseCertificate(der)
	return a, err
}

func (a *authority) pem() []byte { return certificatePEM(a.certificate.Raw) }

// server signs what programs on this machine show to those who connect.
func (a *authority) server() (pair, error) {
	t := a.template(pkix.Name{CommonName: "kube-apiserver"})
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	t.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	return a.sign(t)
}

// client signs what a user shows; groups are what Kubernetes calls them.
func (a *authority) client(user string, groups ...string) (pair, error) {
	t := a.template(pkix.Name{CommonName: user, Organization: groups})
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(t)
}

func (a *authority) template(subject pkix.Name) *x509.Certificate {
	a.signed++
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.signed),
		Subject:      subject,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(0, 1, 0),
	}
}

func (a *authority) sign(t *x509.Certificate) (pair, error) {
	key, keyText, err := newKey()
	if err != nil {
		return pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.certificate, key.Public(), a.key)
	return pair{certificatePEM(der), keyText}, err
}

func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	return key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), err
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// The files that kube-apiserver reads.
const (
	caFile        = "ca.crt"
	serverFile    = "server.crt"
	serverKeyFile = "server.key"
	tokenKeyFile  = "token.key" // signs tokens of service accounts
)

// write leaves the files in a directory, for nobody but the user.
func (a *authority) write(dir string) error {
	server, err := a.server()
	if err != nil {
		return err
	}
	_, tokens, err := newKey()
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{
		caFile: a.pem(), serverFile: server.certificate, serverKeyFile: server.key, tokenKeyFile: tokens,
	} {
		//nolint:gosec // below the directory that the caller gave
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
