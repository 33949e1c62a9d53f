package kube

import (
	"fmt"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func TestTellsRoutes(t *testing.T) {
	for text, want := range map[string]bool{"name: tcp-services": true, "name: ingress-nginx-tcp": true, "name: tcp": false} {
		if TellsRoutes(configMapType, []byte(text)) != want || TellsRoutes(object.Type{Kind: "Secret"}, []byte(text)) {
			t.Errorf("%s: want %t", text, want)
		}
	}
}

func TestMatchedHosts(t *testing.T) {
	for match, want := range map[string]string{
		"HostSNI(`*`)":                             "[]",
		"HostSNI(`a.b`)":                           "[a.b]",
		"Host(`a.b`, `c.d`) && PathPrefix(`/x`)":   "[a.b c.d]",
		`Host("a.b") || Host("c.d")`:               "[a.b c.d]",
		"!Host(`a.b`)":                             "[]",
		"HostRegexp(`.*`) || Host(`a.b`)":          "[]",
		"HostSNIRegexp(`.*`)":                      "[]",
		"ClientIP(`10.0.0.0/8`) && HostSNI(`a.b`)": "[a.b]",
		"":      "[]",
		"Host(": "[]",
	} {
		if got := fmt.Sprint(matchedHosts(match)); got != want {
			t.Errorf("%s: %s, want %s", match, got, want)
		}
	}
}

func TestSharedHosts(t *testing.T) {
	for _, c := range []struct {
		listener string
		route    []string
		want     string
	}{
		{"", nil, "[] true"},
		{"", []string{"a.b"}, "[a.b] true"},
		{"a.b", nil, "[a.b] true"},
		{"*.b", []string{"a.b", "x.a.b", "b", "c"}, "[a.b x.a.b] true"},
		{"a.b", []string{"*.b"}, "[a.b] true"},
		{"*.a.b", []string{"*.b"}, "[*.a.b] true"},
		{"a.b", []string{"a.c"}, "[] false"},
	} {
		hosts, ok := shared(c.listener, c.route)
		if got := fmt.Sprint(hosts, ok); got != c.want {
			t.Errorf("%v: %s", c, got)
		}
	}
}

func TestTCPBackend(t *testing.T) {
	for text, want := range map[string]string{
		"shop/db:5432":             "shop db 5432 ",
		"shop/db:pg":               "shop db 0 pg",
		"shop/db:5432:PROXY:PROXY": "shop db 5432 ",
		"shop/db":                  "none",
		"/db:1":                    "none",
		"db:1":                     "none",
		"shop/:1":                  "none",
		"shop/db:":                 "none",
		"":                         "none",
	} {
		b, ok := tcpBackend(text)
		got := fmt.Sprint(b.Namespace, " ", b.Service, " ", b.Port, " ", b.PortName)
		if !ok {
			got = "none"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// A proxy that asks for nothing must not look as if it did.
func TestAuth(t *testing.T) {
	const tls, verify = "nginx.ingress.kubernetes.io/auth-tls-secret", "nginx.ingress.kubernetes.io/auth-tls-verify-client"
	for _, c := range []struct {
		annotations map[string]string
		want        string
	}{
		{nil, ""},
		{map[string]string{"nginx.ingress.kubernetes.io/auth-url": ""}, ""},
		{map[string]string{tls: "a/b"}, tls},
		{map[string]string{tls: "a/b", verify: "on"}, tls},
		{map[string]string{tls: "a/b", verify: "optional"}, ""},
		{map[string]string{tls: "a/b", verify: "off"}, ""},
		{map[string]string{"alb.ingress.kubernetes.io/auth-type": "none"}, ""},
		{map[string]string{"alb.ingress.kubernetes.io/auth-type": "oidc"}, "alb.ingress.kubernetes.io/auth-type"},
	} {
		if got := auth(c.annotations); got != c.want {
			t.Errorf("%v: %q, want %q", c.annotations, got, c.want)
		}
	}
}

// A filter counts only where no rule leads past it.
func TestExternalAuth(t *testing.T) {
	const asking = `{"filters":[{"type":"ExternalAuth"}],"backendRefs":[{"name":"a"}]}`
	for rules, want := range map[string]string{
		asking: externalAuth, asking + `,{"backendRefs":[{"name":"b"}]}`: "", asking + `,{"filters":[{"type":"RequestRedirect"}]}`: externalAuth,
	} {
		s := &snapshot.Snapshot{}
		Convert(objects(t, `{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"name":"a"},
			"spec":{"parentRefs":[{"name":"g"}],"rules":[`+rules+`]}}`), s)
		if len(s.Routes) != 1 || s.Routes[0].Auth != want {
			t.Errorf("%s: %+v", rules, s.Routes)
		}
	}
}

// A field of a wrong type is a Problem that names it, and an unknown one is none.
func TestRouteProblems(t *testing.T) {
	for _, c := range []struct{ apiVersion, kind, spec, want string }{
		{"traefik.io/v1alpha1", "IngressRouteTCP", `{"routes":[{"services":[{"name":"a","port":[1]}]}]}`, "spec.routes.services.port"},
		{"traefik.io/v1alpha1", "IngressRouteTCP", `{"routes":[{"services":[{"name":"a","port":70000}]}]}`, "spec.routes.services.port"},
		{"traefik.io/v1alpha1", "Middleware", `{"basicAuth":[]}`, "spec.basicAuth"},
		{"route.openshift.io/v1", "Route", `{"port":{"targetPort":{}}}`, "spec.port.targetPort"},
		{"projectcontour.io/v1", "HTTPProxy", `{"routes":{}}`, "spec.routes"},
		{"gateway.networking.k8s.io/v1", "Gateway", `{"listeners":[{"port":"a"}]}`, "spec.listeners[0].port"},
		{"gateway.networking.k8s.io/v1", "ReferenceGrant", `{"from":{}}`, "spec.from"},
		{"networking.k8s.io/v1", "Ingress", `{"tls":{}}`, "spec.tls"},
		{"networking.k8s.io/v1", "Ingress", `{"other":{}}`, ""},
	} {
		s := &snapshot.Snapshot{}
		Convert(objects(t, fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":"a"},"spec":%s}`, c.apiVersion, c.kind, c.spec)), s)
		switch {
		case c.want == "" && len(s.Problems) > 0:
			t.Errorf("%v: %v", c, s.Problems)
		case c.want != "" && (len(s.Problems) != 1 || s.Problems[0].Origin.Field != c.want):
			t.Errorf("%v: %+v", c, s.Problems)
		}
	}
}
