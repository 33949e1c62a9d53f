//go:build linux

package controlplane

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/adapter/kube/live"
)

// mustRefuse reads with credentials that are refused, and holds what is said against what a
// person needs to know. The token is not in it.
func mustRefuse(t *testing.T, opts live.Options, token string) {
	t.Helper()
	b, err := live.Read(t.Context(), opts)
	if err == nil || len(b.Objects) > 0 || b.Coverage != nil {
		t.Fatalf("%v %+v", err, b.Coverage)
	}
	for _, part := range []string{`context "lab"`, "refuses the credentials", "expired", "log in again", "kubectl config current-context"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), strings.Split(token, ".")[0]) {
		t.Errorf("the token is in %q", err)
	}
}

// A token that has expired is refused, and so is one of an account that is gone; either is an
// error that says what to do.
func TestLiveExpiredToken(t *testing.T) {
	c := populated(t)
	a := mustAccount(t, c, "expired", "", mustReader(t))
	fresh := account{a.name, signed(t, c, a, time.Hour)}
	if without := notListed(mustReadLive(t, fresh.options(t, c.URL, c.CA))); len(without) > 0 {
		t.Fatalf("a token that is signed here is not as good as the server's: %v", without)
	}
	old := account{a.name, signed(t, c, a, -time.Minute)}
	mustRefuse(t, old.options(t, c.URL, c.CA), old.token)
	mustRefuse(t, account{a.name, "bogus-token"}.options(t, c.URL, c.CA), "bogus-token")

	// The server remembers for some seconds that a token is good: this one it never saw.
	gone := mustAccount(t, c, "gone", "")
	answer, err := c.Delete(t.Context(), Name{APIVersion: "v1", Kind: "ServiceAccount", Namespace: home, Name: "gone"})
	if err := errors.Join(err, answer.Err()); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, gone.options(t, c.URL, c.CA), gone.token)
}

// signed is a token of the account as the server itself would sign it.
func signed(t *testing.T, c *Cluster, a account, lasts time.Duration) string {
	t.Helper()
	keys, err := filepath.Glob(filepath.Join(living.dir, "start*", tokenKeyFile))
	if err != nil || len(keys) == 0 {
		t.Fatal(keys, err)
	}
	text, err := os.ReadFile(keys[len(keys)-1])
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Get(t.Context(), Name{APIVersion: "v1", Kind: "ServiceAccount", Namespace: home, Name: a.name})
	if err != nil {
		t.Fatal(err)
	}
	var is struct{ Metadata struct{ UID string } }
	if err := json.Unmarshal(answer.Body, &is); err != nil {
		t.Fatal(err)
	}
	const issuer = "https://kubernetes.default.svc"
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": issuer, "aud": []string{issuer}, "sub": "system:serviceaccount:" + home + ":" + a.name,
		"iat": now.Add(-time.Hour).Unix(), "nbf": now.Add(-time.Hour).Unix(), "exp": now.Add(lasts).Unix(),
		"kubernetes.io": map[string]any{"namespace": home, "serviceaccount": map[string]string{"name": a.name, "uid": is.Metadata.UID}},
	})
	if err != nil {
		t.Fatal(err)
	}
	body := unpadded([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + unpadded(claims)
	sum := sha256.Sum256([]byte(body))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return body + "." + unpadded(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func unpadded(text []byte) string { return base64.RawURLEncoding.EncodeToString(text) }

// A token that expires under way is no list of kinds that are refused.
func TestLiveExpiresUnderWay(t *testing.T) {
	c := populated(t)
	a := mustAccount(t, c, "underway", "", mustReader(t))
	p := newProxy(t, c)
	n := 0
	p.instead = func(_ http.ResponseWriter, r *http.Request) bool {
		if n++; n > 20 {
			r.Header.Set("Authorization", "Bearer expired")
		}
		return false
	}
	mustRefuse(t, p.options(t, a), a.token)
}

// Without credentials one is system:anonymous, who may not even ask what is served.
func TestLiveAnonymous(t *testing.T) {
	c := populated(t)
	_, err := live.Read(t.Context(), account{name: "nobody"}.options(t, c.URL, c.CA))
	if err == nil || !strings.Contains(err.Error(), "system:anonymous") || !strings.Contains(err.Error(), "system:discovery") {
		t.Errorf("%v", err)
	}
}

// A server whose certificate nobody vouches for is not read.
func TestLiveStranger(t *testing.T) {
	c := populated(t)
	other, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	_, err = live.Read(t.Context(), account{"a", "token-of-a"}.options(t, c.URL, other.pem()))
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "token-of-a") {
		t.Errorf("%v", err)
	}
}

// An account that may list nothing at all has every kind refused, and that is no error: what it
// could see is told.
func TestLiveNoRights(t *testing.T) {
	c := populated(t)
	a := mustAccount(t, c, "rightless", "")
	b := mustReadLive(t, a.options(t, c.URL, c.CA))
	if len(b.Objects) > 0 || len(b.Coverage.Unlisted()) != len(asked()) {
		t.Errorf("%d objects, %d refused", len(b.Objects), len(b.Coverage.Unlisted()))
	}
}
