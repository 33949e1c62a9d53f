package kube

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

var until = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// keyPair is a certificate of its own signature with its key, in PEM.
func keyPair(t *testing.T, in x509.Certificate) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	in.SerialNumber, in.NotAfter, in.BasicConstraintsValid = big.NewInt(1), until, true
	der, err := x509.CreateCertificate(rand.Reader, &in, &in, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// secretOf converts one Secret with these fields beside its identity.
func secretOf(t *testing.T, fields map[string]any) *snapshot.Snapshot {
	t.Helper()
	all := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "a", "labels": map[string]string{"l": "1"}}}
	for k, v := range fields {
		all[k] = v
	}
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	s := &snapshot.Snapshot{}
	Convert(objects(t, string(data)), s)
	return s
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestSecretCertificates(t *testing.T) {
	ca, caKey := keyPair(t, x509.Certificate{Subject: pkix.Name{CommonName: "the CA"}, IsCA: true})
	leaf, key := keyPair(t, x509.Certificate{Subject: pkix.Name{CommonName: "ledger"}, DNSNames: []string{"ledger-rw", "ledger-rw.shop"},
		IPAddresses: []net.IP{net.ParseIP("192.0.2.1")}})
	s := secretOf(t, map[string]any{
		"type":       "kubernetes.io/tls",
		"data":       map[string]string{"tls.crt": encoded(leaf + ca), "tls.key": encoded(key), "ca.crt": "", "password": encoded("hunter2"), "b.pem": encoded("old")},
		"stringData": map[string]string{"b.pem": key + ca, "c.pem": caKey},
	})
	if len(s.Problems) > 0 || len(s.Warnings) > 0 || len(s.Secrets) != 1 {
		t.Fatalf("%v %v %v", s.Problems, s.Warnings, s.Secrets)
	}
	certs := s.Secrets[0].Certificates
	if got := fmt.Sprintf("%d %v", len(certs[0].Chain), certs[1].Chain); !strings.HasPrefix(got, "1 [{CN=ledger  CN=ledger } {CN=the CA ") {
		t.Errorf("chains %s", got)
	}
	certs[0].Chain, certs[1].Chain = nil, nil
	got := fmt.Sprintf("%+v", *s.Secrets[0])
	want := fmt.Sprintf("{Namespace:default Name:a Type:kubernetes.io/tls Labels:map[l:1] Keys:[b.pem c.pem ca.crt password tls.crt tls.key] Partial:false Sealed:false "+
		"Certificates:[{Key:b.pem Subject:the CA Names:[] CA:true NotAfter:%d Chain:[]} {Key:tls.crt Subject:ledger Names:[ledger-rw ledger-rw.shop 192.0.2.1] CA:false NotAfter:%d Chain:[]}] "+
		"Origin:Secret default/a}", until.Unix(), until.Unix())
	if got != want {
		t.Errorf("read\n%s\nwant\n%s", got, want)
	}
}

// Of a chain that is not whole nothing is said: what cannot be read may be the one that
// signed it.
func TestBrokenChain(t *testing.T) {
	cert, _ := keyPair(t, x509.Certificate{Subject: pkix.Name{CommonName: "ledger"}})
	broken := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("not DER")}))
	for _, rest := range []string{broken, "-----BEGIN CERTIFICATE-----\ncut off"} {
		s := secretOf(t, map[string]any{"stringData": map[string]string{"tls.crt": cert + rest}})
		if len(s.Secrets) != 1 || len(s.Secrets[0].Certificates) != 1 || s.Secrets[0].Certificates[0].Chain != nil {
			t.Errorf("%+v", s.Secrets)
		}
	}
}

// What is no certificate is worth a warning; the Secret is there all the same.
func TestSecretWithoutCertificate(t *testing.T) {
	broken := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("not DER")}))
	for value, want := range map[string]string{
		"ENC[AES256_GCM,data:x]":                  "is not in base64",
		encoded("hunter2"):                        "holds none in PEM",
		encoded(broken):                           "cannot be read",
		encoded(strings.Repeat("-----BEGIN ", 9)): "holds none in PEM",
	} {
		s := secretOf(t, map[string]any{"data": map[string]string{"tls.crt": value}})
		if len(s.Problems) > 0 || len(s.Secrets) != 1 || s.Secrets[0].Type != "Opaque" || len(s.Warnings) != 1 ||
			!strings.Contains(s.Warnings[0].Text, want) || s.Warnings[0].Origin.Field != "data[tls.crt]" {
			t.Errorf("%s: %v %v, want %s", value, s.Warnings, s.Problems, want)
		}
	}
}

// A password in the wrong place is in no error, no list and no warning.
func TestSecretsStaySecret(t *testing.T) {
	const password, number = "hunter2hunter2", 7355608
	for _, wrong := range []map[string]any{
		{"type": []string{password}},
		{"type": number},
		{"data": password},
		{"data": []string{password}},
		{"data": map[string]any{"password": number}},
		{"data": map[string]any{"password": []string{password}}},
		{"data": map[string]any{"tls.crt": map[string]string{password: password}}},
		{"stringData": password},
		{"stringData": number},
		{"stringData": map[string]any{"password": number}},
		{"stringData": map[string]any{"password": map[string]int{"a": number}}},
		{"stringData": map[string]any{"ca.crt": password, "password": password}},
		{"data": map[string]any{"ca.crt": password, "tls.key": encoded(password)}},
		{"data": map[string]any{"ca.crt": encoded("-----BEGIN CERTIFICATE-----\n" + encoded(password) + "\n-----END CERTIFICATE-----\n")}},
	} {
		s := secretOf(t, wrong)
		if len(s.Problems)+len(s.Warnings) == 0 {
			t.Errorf("%v: nothing is told", wrong)
		}
		said := fmt.Sprintf("%+v %+v %+v", s.Problems, s.Warnings, s)
		for _, x := range s.Secrets {
			said += fmt.Sprintf("%+v", *x)
		}
		for _, secret := range []string{password, encoded(password), fmt.Sprint(number)} {
			if strings.Contains(said, secret) {
				t.Errorf("%v: the value is in %s", wrong, said)
			}
		}
	}
}

// The field is told, and the doubt is of the namespace.
func TestSecretProblem(t *testing.T) {
	s := secretOf(t, map[string]any{"stringData": map[string]any{"pass.word": 1}})
	if len(s.Problems) != 1 || s.Problems[0].Err != "stringData[pass.word]: want a string" || s.Problems[0].Namespace != "default" {
		t.Errorf("%v", s.Problems)
	}
}

func TestOtherSecretsAreNotKept(t *testing.T) {
	for _, kind := range otherSecrets {
		if s := secretOf(t, map[string]any{"type": kind, "data": map[string]string{"ca.crt": "x"}}); len(s.Secrets)+len(s.Warnings)+len(s.Problems) > 0 {
			t.Errorf("%s: %v", kind, s)
		}
	}
}
