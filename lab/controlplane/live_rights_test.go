//go:build linux

package controlplane

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/kube/live"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/config/rbac"
	"github.com/pgmoat/pgmoat/model/snapshot"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

func mustReader(t *testing.T) *rbacv1.ClusterRole {
	t.Helper()
	role, err := reader()
	if err != nil {
		t.Fatal(err)
	}
	return role
}

// With exactly the role of config/rbac every kind is listed, and of Secrets no more is known
// than their metadata.
func TestLiveLeastRole(t *testing.T) {
	c := populated(t)
	a := mustAccount(t, c, "least", "", mustReader(t))
	b := mustReadLive(t, a.options(t, c.URL, c.CA))
	if without := notListed(b); len(without) > 0 {
		t.Errorf("not listed: %v", without)
	}
	if is := b.Coverage; is.Cluster != "lab" || is.Server != c.URL || is.Version != "v1.36.3" || len(is.Kinds) != len(asked()) || is.Taken == 0 {
		t.Errorf("%+v", is)
	}
	for _, k := range asked() {
		if isDefined(k) && !slices.ContainsFunc(b.Objects, func(o object.Object) bool { return o.Type() == k.Type }) {
			t.Errorf("no object of %s", k)
		}
	}
	for kind, name := range map[string]string{"Service": "db", "ConfigMap": "conf", "NetworkPolicy": "closed", "Pod": "db-0", "Namespace": home} {
		if findObject(b, kind, name) == nil {
			t.Errorf("no %s %s", kind, name)
		}
	}
	if o := findObject(b, "Secret", "login"); o == nil || !o.Partial || o.Labels["a"] != "b" || len(o.Annotations) > 0 || holds(b, noted) || holds(b, password) || holds(b, "managedFields") {
		t.Errorf("%+v", o)
	}
	if len(b.Problems) > 0 {
		t.Errorf("%+v", b.Problems)
	}
}

// Each right that is taken away is one kind that is refused, named once with the server's
// words; all else is read as before. The kinds of Calico have two names, of which one is enough.
func TestLiveRightsRemoved(t *testing.T) {
	c := populated(t)
	role := mustReader(t)
	all := rights(role)
	var mu sync.Mutex
	refused := map[string]right{}
	twins := 0
	err := eachOf(all, func(r right) error {
		name := "without-" + strings.NewReplacer(".", "-").Replace(r.resource+"-"+r.group)
		a, err := c.account(t.Context(), strings.TrimRight(name, "-"), "", without(role, r))
		if err == nil {
			err = c.heeded(t.Context(), a, "")
		}
		if err != nil {
			return err
		}
		b, err := live.Read(t.Context(), a.options(t, c.URL, c.CA))
		if err != nil {
			return fmt.Errorf("%v: %w", r, err)
		}
		missing := b.Coverage.Unlisted()
		if r.group == "projectcalico.org" {
			// The objects are there by their other name.
			mu.Lock()
			defer mu.Unlock()
			twins++
			if len(missing) > 0 {
				return fmt.Errorf("%v: not listed: %+v", r, missing)
			}
			return nil
		}
		if len(missing) != 1 || len(notListed(b)) != 1 {
			return fmt.Errorf("%v: not listed: %+v", r, missing)
		}
		k := missing[0]
		if k.Listing != snapshot.KindRefused || !strings.Contains(k.Why, "forbidden") || !strings.Contains(k.Why, `cannot list resource "`+r.resource+`" in API group "`+r.group+`"`) || k.Namespaces != nil {
			return fmt.Errorf("%v: %+v", r, k)
		}
		if slices.ContainsFunc(b.Objects, func(o object.Object) bool { return o.Type().String() == k.Name }) {
			return fmt.Errorf("%v: there are objects of it", r)
		}
		mu.Lock()
		defer mu.Unlock()
		if other, twice := refused[k.Name]; twice {
			return fmt.Errorf("%v and %v: the same kind", r, other)
		}
		refused[k.Name] = r
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if len(refused)+twins != len(asked()) || len(all) != len(asked()) {
		t.Errorf("%d rights, %d kinds refused, %d kinds", len(all), len(refused), len(asked()))
	}
}

// The certificates of Secrets need a right of their own. It may be for some Secrets only.
func TestLiveCertificates(t *testing.T) {
	c := populated(t)
	var more rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(rbac.Certificates(), &more); err != nil {
		t.Fatal(err)
	}
	one := more.DeepCopy()
	one.Rules[0].ResourceNames = []string{"tls"}
	refs := []snapshot.Ref{{Kind: "Secret", Namespace: home, Name: "tls"}, {Kind: "Secret", Namespace: home, Name: "login"}}
	for name, test := range map[string]struct {
		roles []*rbacv1.ClusterRole
		want  []string
		why   string
	}{
		"none": {[]*rbacv1.ClusterRole{mustReader(t)}, nil, `cannot get resource "secrets"`},
		"all":  {[]*rbacv1.ClusterRole{mustReader(t), &more}, []string{"login", "tls"}, ""},
		"one":  {[]*rbacv1.ClusterRole{mustReader(t), one}, []string{"tls"}, `secrets "login" is forbidden`},
	} {
		a := mustAccount(t, c, "certificates-"+name, "", test.roles...)
		objects, kinds, err := live.Certificates(t.Context(), a.options(t, c.URL, c.CA), refs)
		if err != nil {
			t.Fatal(name, err)
		}
		var got []string
		for _, o := range objects {
			got = append(got, o.Name)
			if strings.Contains(string(o.JSON), password) || strings.Contains(string(o.JSON), certificateText()) != (o.Name == "tls") {
				t.Errorf("%s: %s", name, o.JSON)
			}
		}
		if !slices.Equal(got, test.want) || (len(kinds) == 1) != (test.why != "") || test.why != "" && !strings.Contains(kinds[0].Why, test.why) {
			t.Errorf("%s: %v %+v", name, got, kinds)
		}
	}
}

// An account of one namespace reads that, and is refused what has no namespace and what lies
// outside.
func TestLiveNamespace(t *testing.T) {
	c := populated(t)
	inside := mustAccount(t, c, "inside", home, mustReader(t))
	opts := inside.options(t, c.URL, c.CA)
	opts.Namespaces = []string{home}
	b := mustReadLive(t, opts)
	for _, k := range b.Coverage.Kinds {
		i := slices.IndexFunc(asked(), func(t live.Type) bool { return t.String() == k.Name })
		if want := asked()[i].Namespaced(); (k.Listing == snapshot.KindListed) != want {
			t.Errorf("%+v, namespaced %t", k, want)
		}
	}
	if findObject(b, "Service", "db") == nil || findObject(b, "Service", "kubernetes") != nil || !slices.Equal(b.Coverage.Namespaces, opts.Namespaces) {
		t.Errorf("%+v", b.Coverage)
	}
	opts.Namespaces = []string{home, "default"}
	b = mustReadLive(t, opts)
	i := slices.IndexFunc(b.Coverage.Kinds, func(k snapshot.Kind) bool { return k.Name == "Service" })
	if is := b.Coverage.Kinds[i]; is.Listing != snapshot.KindRefused || !slices.Equal(is.Namespaces, []string{"default"}) || findObject(b, "Service", "db") == nil {
		t.Errorf("%+v", is)
	}
	all := mustAccount(t, c, "everywhere", "", mustReader(t)).options(t, c.URL, c.CA)
	all.Namespaces = []string{home, "nosuch"}
	if _, err := live.Read(t.Context(), all); err == nil || !strings.Contains(err.Error(), "there is no namespace nosuch") {
		t.Errorf("%v", err)
	}
	all.Namespaces = []string{"default"}
	if b := mustReadLive(t, all); len(notListed(b)) > 0 || findObject(b, "Service", "kubernetes") == nil || findObject(b, "Service", "db") != nil || findObject(b, "Namespace", home) == nil {
		t.Errorf("%v", notListed(b))
	}
}

// A kind that is not installed is absent, in whatever version it is asked for; one that is
// installed and may not be listed is refused.
func TestLiveAbsent(t *testing.T) {
	c := populated(t)
	opts := mustAccount(t, c, "absent", "", mustReader(t)).options(t, c.URL, c.CA)
	opts.Types = []live.Type{
		{Type: object.Type{Group: "nobody.example", Kind: "Cluster"}}, {Type: object.Type{Group: "postgresql.cnpg.io", Kind: "Nothing"}},
		{Type: object.Type{Group: "rbac.authorization.k8s.io", Kind: "Role"}}, {Type: object.Type{Group: "authorization.k8s.io", Kind: "SubjectAccessReview"}},
		{Type: object.Type{Group: "postgresql.cnpg.io", Kind: "Cluster"}, Version: "v9"},
	}
	got := map[string]snapshot.Listing{}
	for _, k := range mustReadLive(t, opts).Coverage.Kinds {
		got[k.Name] = k.Listing
	}
	for name, want := range map[string]snapshot.Listing{
		"Cluster.nobody.example": snapshot.KindAbsent, "Nothing.postgresql.cnpg.io": snapshot.KindAbsent, "Cluster.postgresql.cnpg.io": snapshot.KindListed,
		"Role.rbac.authorization.k8s.io": snapshot.KindRefused, "SubjectAccessReview.authorization.k8s.io": snapshot.KindRefused,
	} {
		if got[name] != want {
			t.Errorf("%s: %s, want %s", name, got[name], want)
		}
	}
}
