package live

import (
	"net/http"
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

func narrowing(t *testing.T, answers map[string]http.HandlerFunc) *fake {
	t.Helper()
	f := serving(t, map[string]http.HandlerFunc{
		"/api/v1/namespaces":                 list("Namespace", named("", "shop")+","+named("", "bank")+","+named("", "other")),
		"/api/v1/namespaces/shop":            says(`{"kind": "Namespace", "metadata": {"name": "shop"}}`),
		"/api/v1/namespaces/bank":            says(`{"kind": "Namespace", "metadata": {"name": "bank"}}`),
		"/api/v1/namespaces/shop/services":   list("Service", named("shop", "a")),
		"/api/v1/namespaces/bank/services":   list("Service", named("bank", "a")),
		"/api/v1/namespaces/shop/configmaps": list("ConfigMap", named("shop", "c")),
		"/api/v1/namespaces/bank/configmaps": refuses(http.StatusForbidden, "not in bank"),
		"/api/v1/services":                   list("Service", named("other", "outside")),
	})
	for path, answer := range answers {
		f.answers[path] = answer
	}
	return f
}

// Kinds with namespaces are listed in those that were named, others as a whole; a kind that
// is refused in some of them is there of the others.
func TestNarrow(t *testing.T) {
	f := narrowing(t, nil)
	opts := f.options(t, services, configMaps, namespaces)
	opts.Namespaces = []string{"shop", "bank", "shop"}
	b := mustRead(t, opts)
	if got, want := names(b), "Namespace shop, Namespace bank, Namespace other, ConfigMap shop/c, Service bank/a, Service shop/a"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !slices.Equal(b.Coverage.Namespaces, []string{"bank", "shop"}) || len(f.requests("/api/v1/namespaces/shop")) > 0 {
		t.Errorf("%+v", b.Coverage)
	}
	is := kindOf(t, b, "ConfigMap")
	if is.Listing != snapshot.KindRefused || is.Why != "not in bank" || !slices.Equal(is.Namespaces, []string{"bank"}) {
		t.Errorf("%+v", is)
	}
	opts.Namespaces = []string{"bank"}
	if is := kindOf(t, mustRead(t, opts), "ConfigMap"); is.Listing != snapshot.KindRefused || is.Namespaces != nil {
		t.Errorf("%+v", is)
	}
}

// Where namespaces may not be listed, those that were named are got; the kind stays refused,
// as there are others.
func TestNarrowWithoutList(t *testing.T) {
	f := narrowing(t, map[string]http.HandlerFunc{
		"/api/v1/namespaces":      refuses(http.StatusForbidden, "no list"),
		"/api/v1/namespaces/bank": refuses(http.StatusForbidden, "no bank"),
	})
	opts := f.options(t, services, namespaces)
	opts.Namespaces = []string{"shop", "bank"}
	b := mustRead(t, opts)
	if names(b) != "Namespace shop, Service bank/a, Service shop/a" || kindOf(t, b, "Namespace").Why != "no list" {
		t.Errorf("%s %+v", names(b), b.Coverage)
	}
}

// A namespace that is not there would look empty.
func TestNoSuchNamespace(t *testing.T) {
	refused := map[string]http.HandlerFunc{"/api/v1/namespaces": refuses(http.StatusForbidden, "no list")}
	for name, opts := range map[string]Options{
		"listed":    narrowing(t, nil).options(t, services, namespaces),
		"refused":   narrowing(t, refused).options(t, services, namespaces),
		"not asked": narrowing(t, nil).options(t, services),
	} {
		opts.Namespaces = []string{"shop", "shpo", "abnk"}
		t.Run(name, func(t *testing.T) { has(t, mustFail(t, opts), "there is no namespace abnk, shpo") })
	}
	for _, name := range []string{"", "..", "a/b", "A", "a b"} {
		opts := narrowing(t, nil).options(t, services)
		opts.Namespaces = []string{name}
		has(t, mustFail(t, opts), "no name of a namespace")
	}
}
