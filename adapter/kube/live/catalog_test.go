package live

import (
	"net/http"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// older answers as servers do that do not know the aggregated form.
func older(t *testing.T, answers map[string]http.HandlerFunc) *fake {
	t.Helper()
	f := serving(t, map[string]http.HandlerFunc{
		"/api": says(`{"kind": "APIVersions", "versions": ["v1"]}`),
		"/apis": says(`{"kind": "APIGroupList", "groups": [
 {"name": "gateway.networking.k8s.io", "preferredVersion": {"version": "v1"}, "versions": [{"version": "v1beta1"}, {"version": "v1"}]},
 {"name": "projectcalico.org", "preferredVersion": {"version": "v3"}, "versions": [{"version": "v3"}]}]}`),
		"/api/v1": says(`{"resources": [{"name": "services/status", "kind": "Service", "namespaced": true, "verbs": ["get"]},
 {"name": "services", "kind": "Service", "namespaced": true, "verbs": ["list", "get"]}]}`),
		"/apis/gateway.networking.k8s.io/v1": says(`{"resources": [{"name": "gateways", "kind": "Gateway", "namespaced": true, "verbs": ["list"]}]}`),
		"/apis/gateway.networking.k8s.io/v1beta1": says(`{"resources": [{"name": "gateways", "kind": "Gateway", "namespaced": true, "verbs": ["list"]},
 {"name": "referencegrants", "kind": "ReferenceGrant", "namespaced": true, "verbs": ["list"]}]}`),
		"/apis/projectcalico.org/v3": refuses(http.StatusServiceUnavailable, "the server is currently unable to handle the request"),

		"/apis/gateway.networking.k8s.io/v1/gateways":             list("Gateway", named("a", "new")),
		"/apis/gateway.networking.k8s.io/v1beta1/gateways":        list("Gateway", named("a", "old")),
		"/apis/gateway.networking.k8s.io/v1beta1/referencegrants": list("ReferenceGrant", named("a", "b")),
	})
	for path, answer := range answers {
		f.answers[path] = answer
	}
	return f
}

func gatewayType(kind, version string) Type {
	return Type{Type: object.Type{Group: "gateway.networking.k8s.io", Kind: kind}, Version: version}
}

// Older servers are asked for each group and version that matters, once, and for no other.
func TestOlderServer(t *testing.T) {
	f := older(t, nil)
	calico := Type{Type: object.Type{Group: "projectcalico.org", Kind: "NetworkPolicy"}}
	b := mustRead(t, f.options(t, services, gatewayType("Gateway", ""), gatewayType("ReferenceGrant", ""), calico))
	if got, want := names(b), "Gateway a/new, ReferenceGrant a/b"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if b.Objects[0].APIVersion != "gateway.networking.k8s.io/v1" || b.Objects[1].APIVersion != "gateway.networking.k8s.io/v1beta1" {
		t.Errorf("%+v", b.Objects)
	}
	is := kindOf(t, b, "NetworkPolicy.projectcalico.org")
	if is.Listing != snapshot.KindRefused || is.Why != "projectcalico.org/v3: the server is currently unable to handle the request" {
		t.Errorf("%+v", is)
	}
	if n := len(f.requests("/apis/gateway.networking.k8s.io/v1")); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// The version that is understood is read where it is served, else the one that the server
// prefers; where no version has the kind, there are no objects of it.
func TestVersions(t *testing.T) {
	f := older(t, nil)
	for want, of := range map[string]Type{
		"Gateway a/old":      gatewayType("Gateway", "v1beta1"),
		"Gateway a/new":      gatewayType("Gateway", "v7"),
		"ReferenceGrant a/b": gatewayType("ReferenceGrant", "v1"),
	} {
		if b := mustRead(t, f.options(t, of)); names(b) != want {
			t.Errorf("%s, want %s", names(b), want)
		}
	}
	if is := kindOf(t, mustRead(t, f.options(t, gatewayType("TCPRoute", ""))), "TCPRoute.gateway.networking.k8s.io"); is.Listing != snapshot.KindAbsent {
		t.Errorf("%+v", is)
	}
}

// A version that does not answer leaves the kind in doubt only where no other has it.
func TestUnavailableVersion(t *testing.T) {
	f := older(t, map[string]http.HandlerFunc{"/apis/gateway.networking.k8s.io/v1": refuses(http.StatusServiceUnavailable, "down")})
	b := mustRead(t, f.options(t, services, gatewayType("Gateway", ""), gatewayType("TCPRoute", "")))
	if is := kindOf(t, b, "Gateway.gateway.networking.k8s.io"); is.Listing != snapshot.KindListed || is.Why != "" || names(b) != "Gateway a/old" {
		t.Errorf("%+v %s", is, names(b))
	}
	if is := kindOf(t, b, "TCPRoute.gateway.networking.k8s.io"); is.Listing != snapshot.KindRefused {
		t.Errorf("%+v", is)
	}
}

// What answers and is no API server is said to be none.
func TestNoAPIServer(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{"a page": says("<html>"), "other JSON": says(`{"hello": "world"}`), "a list": says(`[]`)} {
		t.Run(name, func(t *testing.T) {
			f := serving(t, map[string]http.HandlerFunc{"/api": answer})
			has(t, mustFail(t, f.options(t, services)), "/api", "kube-apiserver")
		})
	}
	f := serving(t, map[string]http.HandlerFunc{"/apis": refuses(http.StatusForbidden, `forbidden: User "system:anonymous" cannot get path "/apis"`)})
	has(t, mustFail(t, f.options(t, services)), "may not ask what is served", "system:anonymous", "system:discovery")
	f = serving(t, map[string]http.HandlerFunc{"/apis": refuses(http.StatusBadGateway, "bad gateway")})
	has(t, mustFail(t, f.options(t, services)), "cannot ask what is served", "bad gateway")
}

// A server that keeps its version to itself is read all the same.
func TestNoVersion(t *testing.T) {
	f := serving(t, map[string]http.HandlerFunc{"/version": refuses(http.StatusForbidden, "no")})
	if b := mustRead(t, f.options(t, services)); b.Coverage.Version != "" || len(b.Coverage.Kinds) != 1 {
		t.Errorf("%+v", b.Coverage)
	}
}
