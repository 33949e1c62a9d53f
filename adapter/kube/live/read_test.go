package live

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Lists are read page by page, their items become objects as they are by themselves, and the
// coverage says what came of each kind.
func TestRead(t *testing.T) {
	f := serving(t, map[string]http.HandlerFunc{
		"/api/v1/services": pages("Service",
			map[string]string{"": named("shop", "a") + "," + named("shop", "b"), "next/+&": `{"metadata": {"namespace": "shop", "name": "c",
			 "managedFields": [{"manager": "x"}], "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "old", "mine": "kept"}}, "spec": {"ports": [{"port": 5432}], "big": 12345678901234567890}}`},
			map[string]string{"": "next/+&"}),
		// A server of custom resources sorts its keys.
		"/apis/postgresql.cnpg.io/v1/clusters": says(`{"apiVersion": "postgresql.cnpg.io/v1", "items": [
 {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"namespace": "shop", "name": "db"}}], "kind": "ClusterList", "metadata": {"continue": ""}}`),
		"/api/v1/configmaps": refuses(http.StatusForbidden, `configmaps is forbidden: User "me" cannot list resource "configmaps"`),
	})
	opts := f.options(t, services, clusters, configMaps, namespaces, Type{Type: object.Type{Group: "cilium.io", Kind: "CiliumNetworkPolicy"}, Decides: true}, services)
	var told []Progress
	opts.Progress = func(p Progress) { told = append(told, p) }
	b := mustRead(t, opts)
	if got, want := names(b), "Cluster shop/db, Service shop/a, Service shop/b, Service shop/c"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	const want = `{"apiVersion":"v1","kind":"Service","metadata":{"annotations":{"mine":"kept"},"name":"c","namespace":"shop"},"spec":{"ports":[{"port":5432}],"big":12345678901234567890}}`
	last := b.Objects[3]
	if string(last.JSON) != want || last.APIVersion != "v1" || last.Annotations["mine"] != "kept" || last.Source != (object.Source{}) || last.Partial {
		t.Errorf("%+v\n%s\nwant\n%s", last, last.JSON, want)
	}
	c := b.Coverage
	if c.Cluster != "prod" || c.Server != f.URL || c.Version != "v1.36.3" || c.Taken == 0 || c.Namespaces != nil {
		t.Errorf("%+v", c)
	}
	wantKinds := []snapshot.Kind{
		{Name: "CiliumNetworkPolicy.cilium.io", Listing: snapshot.KindAbsent, Decides: true},
		{Name: "Cluster.postgresql.cnpg.io", Listing: snapshot.KindListed, Decides: true},
		{Name: "ConfigMap", Listing: snapshot.KindRefused, Why: `configmaps is forbidden: User "me" cannot list resource "configmaps"`},
		{Name: "Namespace", Listing: snapshot.KindListed},
		{Name: "Service", Listing: snapshot.KindListed, Decides: true},
	}
	if !reflect.DeepEqual(c.Kinds, wantKinds) {
		t.Errorf("%+v", c.Kinds)
	}
	if end := told[len(told)-1]; end.Index != 5 || end.Kinds != 5 || !slices.Contains(told, Progress{Kind: "Service", Index: 4, Kinds: 5, Objects: 3}) {
		t.Errorf("%+v", told)
	}
}

// Every list is asked for in pages, none is watched, and metadata only is asked of Secrets.
func TestRequests(t *testing.T) {
	f := serving(t, nil)
	mustRead(t, f.options(t, services, clusters, configMaps, namespaces, secrets, Type{Type: object.Type{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}}))
	n := 0
	for _, r := range f.asked {
		if r.Method != http.MethodGet || r.URL.Query().Has("watch") || r.Header.Get("Authorization") != "Bearer "+hidden || r.UserAgent() != "pgmoat" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		want := map[string]string{"/api/v1/configmaps": "100", "/api/v1/secrets": "500", "/api/v1/services": "500"}[r.URL.Path]
		if want != "" && r.URL.Query().Get("limit") != want {
			t.Errorf("%s", r.URL)
		}
		if partial := strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList"); partial != (r.URL.Path == "/api/v1/secrets") || partial && strings.Contains(r.Header.Get("Accept"), ",") {
			t.Errorf("%s: %s", r.URL, r.Header.Get("Accept"))
		}
		n++
	}
	if n != 3+5 {
		t.Errorf("%d requests", n)
	}
}

// What nobody wants is dropped at once, and counted.
func TestWants(t *testing.T) {
	f := serving(t, map[string]http.HandlerFunc{
		"/api/v1/configmaps": list("ConfigMap", named("a", "one")+","+named("a", "two")),
		"/api/v1/namespaces": list("Namespace", named("", "a")),
	})
	opts := f.options(t, configMaps, namespaces)
	opts.Wants = func(of object.Type, text []byte) bool {
		return of.Kind == "ConfigMap" && strings.Contains(string(text), "two")
	}
	if b := mustRead(t, opts); names(b) != "Namespace a, ConfigMap a/two" || b.Unused != 1 {
		t.Errorf("%s, %d unused", names(b), b.Unused)
	}
}

// Of Secrets there is their metadata, whoever asks for more, with the annotations that were
// named.
func TestSecrets(t *testing.T) {
	const item = `{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"namespace": "a", "name": "s", "labels": {"l": "v"},
 "managedFields": [], "annotations": {"openshift.io/token-secret.value": "` + hidden + `", "kubectl.kubernetes.io/last-applied-configuration": "` + hidden + `", "asked": "yes"}}}`
	f := serving(t, map[string]http.HandlerFunc{"/api/v1/secrets": list("PartialObjectMetadata", item)})
	asking := secrets
	asking.Annotations = []string{"asked"}
	b := mustRead(t, f.options(t, asking))
	const want = `{"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{"asked":"yes"},"labels":{"l":"v"},"name":"s","namespace":"a"}}`
	if len(b.Objects) != 1 || string(b.Objects[0].JSON) != want || !b.Objects[0].Partial || len(b.Objects[0].Annotations) != 1 {
		t.Errorf("%+v %s", b.Objects, b.Objects[0].JSON)
	}
}

// A server that sends whole Secrets all the same is not read on.
func TestWholeSecrets(t *testing.T) {
	whole := `{"metadata": {"namespace": "a", "name": "s"}, "data": {"password": "` + hidden + `"}}`
	f := serving(t, map[string]http.HandlerFunc{"/api/v1/secrets": list("Secret", whole), "/api/v1/services": list("Service", named("a", "b"))})
	opts := f.options(t, secrets, services)
	opts.Wants = func(_ object.Type, text []byte) bool {
		if strings.Contains(string(text), hidden) {
			t.Error("somebody was asked about it")
		}
		return true
	}
	b := mustRead(t, opts)
	is := kindOf(t, b, "Secret")
	if is.Listing != snapshot.KindRefused || !strings.Contains(is.Why, "whole objects") || names(b) != "Service a/b" {
		t.Errorf("%+v %s", is, names(b))
	}
}

// A server that cannot list one kind does not keep the others from being read; one that can
// list none is no server.
func TestBroken(t *testing.T) {
	down := refuses(http.StatusInternalServerError, "etcdserver: request timed out")
	f := serving(t, map[string]http.HandlerFunc{"/api/v1/services": down, "/api/v1/configmaps": list("ConfigMap", named("a", "b"))})
	calico := Type{Type: object.Type{Group: "projectcalico.org", Kind: "NetworkPolicy"}, Decides: true}
	binding := Type{Type: object.Type{Kind: "Binding"}}
	b := mustRead(t, f.options(t, services, configMaps, calico, binding))
	for name, why := range map[string]string{
		"Service": "etcdserver: request timed out", "NetworkPolicy.projectcalico.org": "projectcalico.org/v3: the server that has this API does not answer",
		"Binding": "v1: objects of it cannot be listed",
	} {
		if is := kindOf(t, b, name); is.Listing != snapshot.KindRefused || is.Why != why {
			t.Errorf("%+v", is)
		}
	}
	if names(b) != "ConfigMap a/b" {
		t.Error(names(b))
	}
	has(t, mustFail(t, f.options(t, services)), `context "prod" at `+f.URL, "no kind can be listed", "etcdserver")
}

// What is refused under one name and listed under another, as which the server keeps it, is
// listed; where the other is not, it is not.
func TestStoredAsAnother(t *testing.T) {
	refused := refuses(http.StatusForbidden, "not without the tiers")
	f := serving(t, map[string]http.HandlerFunc{"/api/v1/services": refused, "/api/v1/configmaps": list("ConfigMap", named("a", "b"))})
	shown := services
	shown.Stored = configMaps.Type
	if is := kindOf(t, mustRead(t, f.options(t, shown, configMaps)), "Service"); !reflect.DeepEqual(is, snapshot.Kind{Name: "Service", Listing: snapshot.KindListed, Decides: true}) {
		t.Errorf("%+v", is)
	}
	f.answers["/api/v1/configmaps"] = refused
	if is := kindOf(t, mustRead(t, f.options(t, shown, configMaps)), "Service"); is.Listing != snapshot.KindRefused || is.Why != "not without the tiers" {
		t.Errorf("%+v", is)
	}
	shown.Stored = object.Type{Kind: "Other"}
	if is := kindOf(t, mustRead(t, f.options(t, shown)), "Service"); is.Listing != snapshot.KindRefused {
		t.Errorf("%+v", is)
	}
}

// A kind that is refused under way has no objects: half a list is no list.
func TestRefusedUnderWay(t *testing.T) {
	f := serving(t, map[string]http.HandlerFunc{
		"/api/v1/services": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("continue") {
				refuses(http.StatusForbidden, "no longer")(w, r)
				return
			}
			says(page1("Service", named("a", "b"), "more"))(w, r)
		},
	})
	if b := mustRead(t, f.options(t, services, clusters)); names(b) != "" || kindOf(t, b, "Service").Why != "no longer" {
		t.Errorf("%s %+v", names(b), b.Coverage)
	}
}

// The server forgets where a list was after some minutes: then it is read anew, some times.
func TestForgotten(t *testing.T) {
	forgets := 0
	services410 := func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !r.URL.Query().Has("continue"):
			says(page1("Service", named("a", "first"), "more"))(w, r)
		case forgets > 0:
			forgets--
			refuses(http.StatusGone, "The provided continue parameter is too old")(w, r)
		default:
			list("Service", named("a", "second"))(w, r)
		}
	}
	f := serving(t, map[string]http.HandlerFunc{"/api/v1/services": services410})
	forgets = 2
	if b := mustRead(t, f.options(t, services)); names(b) != "Service a/first, Service a/second" {
		t.Error(names(b))
	}
	forgets = 3
	has(t, mustFail(t, f.options(t, services)), "Service: the server forgot the place in the list 3 times", "too old")
}

// A server that says when to come back is asked then.
func TestAsksAgain(t *testing.T) {
	tries := 0
	f := serving(t, map[string]http.HandlerFunc{"/api/v1/services": func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries == 1 {
			w.Header().Set("Retry-After", "1")
			refuses(http.StatusTooManyRequests, "too many requests")(w, r)
			return
		}
		list("Service", named("a", "b"))(w, r)
	}})
	if b := mustRead(t, f.options(t, services)); names(b) != "Service a/b" || tries != 2 {
		t.Errorf("%s after %d tries", names(b), tries)
	}
}

// Credentials that are refused for everything are an error; for the kinds of one API server
// behind the other, they are not.
func TestUnauthorized(t *testing.T) {
	denied := refuses(http.StatusUnauthorized, "Unauthorized")
	f := serving(t, map[string]http.HandlerFunc{"/api": denied, "/apis": denied, "/version": denied})
	has(t, mustFail(t, f.options(t, services)), `context "prod"`, "refuses the credentials", "log in again", "kubectl config current-context")

	f = serving(t, map[string]http.HandlerFunc{"/apis/postgresql.cnpg.io/v1/clusters": denied})
	if is := kindOf(t, mustRead(t, f.options(t, services, clusters)), "Cluster.postgresql.cnpg.io"); is.Listing != snapshot.KindRefused || is.Why != "Unauthorized" {
		t.Errorf("%+v", is)
	}

	// They expire while the list is read.
	f = serving(t, nil)
	f.answers["/api/v1/services"] = func(w http.ResponseWriter, r *http.Request) {
		f.answers["/api"] = denied
		denied(w, r)
	}
	has(t, mustFail(t, f.options(t, services)), "refuses the credentials")
}

// What ends under way, or makes no sense, is an error and no smaller batch.
func TestNonsense(t *testing.T) {
	cut := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write([]byte(text))
		}
	}
	tests := map[string]struct {
		answer http.HandlerFunc
		want   []string
	}{
		"cut":               {cut(`{"kind": "ServiceList", "items": [` + named("a", "b") + `,`), []string{"Service: the list ended after 1 objects: unexpected EOF"}},
		"empty":             {says(``), []string{"unexpected EOF"}},
		"a page of a login": {says(`<html>log in</html>`), []string{"no list of objects"}},
		"no list":           {says(`{}`), []string{"no list of objects"}},
		"a list of nothing": {says(`{"kind": "ServiceList"}`), []string{"no list of objects"}},
		"an object":         {says(`{"kind": "Service", "items": []}`), []string{"no list of objects"}},
		"items":             {says(`{"kind": "ServiceList", "items": {}}`), []string{"no list of objects"}},
		"texts":             {list("Service", `"a"`), []string{"an item of it is no object"}},
		"another kind":      {list("Service", `{"kind": "Secret", "metadata": {"name": "a"}}`), []string{"a Secret among its items"}},
		"metadata":          {list("Service", `{"kind": "Service"}`), []string{"no metadata"}},
		"annotations":       {list("Service", `{"metadata": {"name": "a", "annotations": "b"}}`), []string{"annotations"}},
		"a circle":          {pages("Service", map[string]string{"": named("a", "b")}, map[string]string{"": "one", "one": "one"}), []string{"circle"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := serving(t, map[string]http.HandlerFunc{"/api/v1/services": test.answer})
			has(t, mustFail(t, f.options(t, configMaps, services)), append(test.want, `context "prod" at `, "Service: ")...)
		})
	}
}

// Items that are null are none, as some servers write it.
func TestNullItems(t *testing.T) {
	f := serving(t, map[string]http.HandlerFunc{"/api/v1/services": says(`{"kind": "ServiceList", "items": null, "metadata": {}}`)})
	if b := mustRead(t, f.options(t, services)); names(b) != "" || kindOf(t, b, "Service").Listing != snapshot.KindListed {
		t.Errorf("%+v", b)
	}
}

// An object that cannot be told apart is a problem of the cluster; of a Secret's nothing is
// repeated.
func TestProblems(t *testing.T) {
	f := serving(t, map[string]http.HandlerFunc{
		"/api/v1/services": list("Service", `{"metadata": {"namespace": "a", "name": "../b"}}`),
		"/api/v1/secrets":  list("PartialObjectMetadata", `{"metadata": {"namespace": "a", "name": "b", "labels": "`+hidden+`"}}`),
	})
	b := mustRead(t, f.options(t, services, secrets))
	if len(b.Objects) != 0 || len(b.Problems) != 2 || b.Problems[1].Origin.Object != "Service a/../b" {
		t.Errorf("%+v", b.Problems)
	}
	text, err := json.Marshal(b.Problems)
	if err != nil || strings.Contains(string(text), hidden) {
		t.Errorf("%s %v", text, err)
	}
}

// A read that nobody waits for any more ends.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := serving(t, nil)
	f.answers["/api/v1/services"] = func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}
	if b, err := Read(ctx, f.options(t, services)); !errors.Is(err, context.Canceled) || len(b.Objects) > 0 {
		t.Errorf("%v", err)
	}
}

// A server that is not there is said to be so, without what stands in the request.
func TestGone(t *testing.T) {
	f := serving(t, nil)
	opts := f.options(t, services)
	f.Close()
	text := mustFail(t, opts)
	has(t, text, `context "prod" at `+f.URL, "connection refused")
	if strings.Contains(text, "/api?") || strings.Contains(text, "Get ") {
		t.Error(text)
	}
}

func TestProgressText(t *testing.T) {
	for want, p := range map[string]Progress{
		"ConfigMap (12 of 63): 500 read, 9500 to come": {"ConfigMap", 11, 63, 500, 9500},
		"ConfigMap (1 of 63): 0 read":                  {Kind: "ConfigMap", Kinds: 63},
		"63 kinds are read":                            {Index: 63, Kinds: 63},
	} {
		if p.String() != want {
			t.Errorf("%q, want %q", p, want)
		}
	}
}

// A server without the core group is no kube-apiserver: nothing of it is sure to be absent.
func TestNoCore(t *testing.T) {
	f := serving(t, map[string]http.HandlerFunc{"/api": refuses(http.StatusNotFound, "not here")})
	has(t, mustFail(t, f.options(t, configMaps)), "cannot ask what is served")
}
