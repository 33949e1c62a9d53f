//go:build linux

package controlplane

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/kube/live"
)

// A proxy stands in front of the server, sees all that passes, and may answer itself.
type proxy struct {
	*httptest.Server
	// instead answers a request and says so; nil answers none.
	instead func(http.ResponseWriter, *http.Request) bool

	mu       sync.Mutex
	requests []*http.Request
	bytes    int
	// leaked are the paths whose answers had the password in them.
	leaked []string
}

func newProxy(t *testing.T, c *Cluster) *proxy {
	t.Helper()
	to, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.CA)
	p := &proxy{}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Del("Accept-Encoding") // so that the answer can be looked at
		},
		Transport:      &http.Transport{DisableCompression: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}},
		ModifyResponse: p.look,
		FlushInterval:  -1,
	}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.requests = append(p.requests, r.Clone(r.Context()))
		p.mu.Unlock()
		if p.instead == nil || !p.instead(w, r) {
			forward.ServeHTTP(w, r)
		}
	}))
	p.Server.Config.ErrorLog = nil
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

// look notes an answer's size, and whether the password is in it.
func (p *proxy) look(answer *http.Response) error {
	answer.Body = &looking{ReadCloser: answer.Body, proxy: p, path: answer.Request.URL.Path}
	return nil
}

type looking struct {
	io.ReadCloser
	proxy *proxy
	path  string
	last  []byte
}

// Read looks for the password, also where it is in two parts.
func (l *looking) Read(to []byte) (int, error) {
	n, err := l.ReadCloser.Read(to)
	l.last = append(l.last, to[:n]...)
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	l.proxy.bytes += n
	if bytes.Contains(l.last, []byte(password)) {
		l.proxy.leaked = append(l.proxy.leaked, l.path)
		l.last = nil
	}
	l.last = l.last[max(0, len(l.last)-len(password)):]
	return n, err
}

// options lead an account through the proxy.
func (p *proxy) options(t *testing.T, a account) live.Options {
	t.Helper()
	return a.options(t, p.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw}))
}

// paged fails for a request that watches, changes anything or asks for a list as a whole, and
// returns how many asked for each path, and with "begin " before it, how many for its beginning.
func (p *proxy) paged(t *testing.T) map[string]int {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]int{}
	for _, r := range p.requests {
		out[r.URL.Path]++
		if !r.URL.Query().Has("continue") {
			out["begin "+r.URL.Path]++
		}
		is := strings.Count(r.URL.Path, "/") >= 3 && !strings.HasPrefix(r.URL.Path, "/api/v1/namespaces/")
		if r.Method != http.MethodGet || r.URL.Query().Has("watch") || is != r.URL.Query().Has("limit") {
			t.Errorf("%s %s", r.Method, r.URL)
		}
	}
	return out
}

// No request watches, each list is asked for in pages, each kind once, and no value of a Secret
// is sent but of those whose certificates are asked for.
func TestLiveOnTheWire(t *testing.T) {
	c := populated(t)
	p := newProxy(t, c)
	admin := mustAccount(t, c, "wire", "", mustReader(t), everything())
	opts := p.options(t, admin)
	b := mustReadLive(t, opts)
	if len(notListed(b)) > 0 || findObject(b, "Secret", "login") == nil {
		t.Errorf("%v", notListed(b))
	}
	begun := 0
	for path, n := range p.paged(t) {
		if !strings.HasPrefix(path, "begin ") {
			continue
		}
		if begun++; n != 1 {
			t.Errorf("%s is asked for %d times", path, n)
		}
	}
	if want := len(asked()) + len([]string{"/api", "/apis", "/version"}); begun != want {
		t.Errorf("%d paths, want %d", begun, want)
	}
	if len(p.leaked) > 0 {
		t.Errorf("the password is sent by %v", p.leaked)
	}
	if _, _, err := live.Certificates(t.Context(), opts, nil); err != nil || len(p.leaked) > 0 {
		t.Error(err, p.leaked)
	}
	// The proxy does see what is sent.
	if _, _, err := live.Certificates(t.Context(), opts, refsOf("tls")); err != nil || len(p.leaked) != 1 || !strings.HasSuffix(p.leaked[0], "/secrets/tls") {
		t.Error(err, p.leaked)
	}
}

// A server that goes away under way is an error that says where, whatever was read by then.
func TestLiveServerGoesAway(t *testing.T) {
	c := populated(t)
	fill(t, c, 500)
	a := mustAccount(t, c, "away", "", mustReader(t))
	for name, cut := range map[string]func(*proxy, http.ResponseWriter){
		"in a page": func(_ *proxy, w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"continue": "", "resourceVersion": "1"}, "items": [`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"between pages": func(p *proxy, _ http.ResponseWriter) {
			_ = p.Listener.Close()
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, c)
			pages := 0
			p.instead = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/api/v1/configmaps" {
					if pages++; pages > 3 {
						cut(p, w)
					}
				}
				return false
			}
			b, err := live.Read(t.Context(), p.options(t, a))
			if err == nil || len(b.Objects) > 0 || b.Coverage != nil {
				t.Fatalf("%v %+v", err, b.Coverage)
			}
			for _, part := range []string{`context "lab" at ` + p.URL, "ConfigMap: the list ended after 300 objects"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

// A server that compacts its history under way forgets the place in a list, which is then read
// anew: what was read twice is there once.
func TestLiveForgotten(t *testing.T) {
	c := populated(t)
	fill(t, c, 500)
	a := mustAccount(t, c, "forgotten", "", mustReader(t))
	p := newProxy(t, c)
	forgets := 2
	p.instead = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/configmaps" || !r.URL.Query().Has("continue") || forgets == 0 {
			return false
		}
		forgets--
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusGone)
		_, _ = fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410, "message": "The provided continue parameter is too old"}`)
		return true
	}
	opts := p.options(t, a)
	b := mustReadLive(t, opts)
	names := map[string]int{}
	for _, o := range b.Objects {
		if o.Kind == "ConfigMap" {
			names[o.Ref().String()]++
		}
	}
	if len(names) < 500 {
		t.Errorf("%d ConfigMaps", len(names))
	}
	for name, n := range names {
		if n != 1 {
			t.Fatalf("%s is there %d times", name, n)
		}
	}
}
