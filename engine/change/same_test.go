package change

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A server that is said to be the same has no rows when it is compared in full, and most
// servers that have none are said to be the same.
func TestWhatIsSameHasNoRows(t *testing.T) {
	skipped, equal := 0, 0
	for seed := range uint64(120) {
		old, next, _, _ := pairOf(seed, 1)
		c := newComparer(old.engine(t), next.engine(t))
		calm := c.calmness()
		for _, pair := range serverPairs(c.engines[before].World.Servers, c.engines[after].World.Servers) {
			same := calm.isSame(pair)
			tables := c.lists([]serverPair{pair})
			c.server(<-tables)
			rows := len(c.out.Rows) + len(c.out.Controls) + len(c.out.Added) + len(c.out.Removed)
			c.out = &Difference{}
			if same && rows > 0 {
				t.Fatalf("seed %d: %s is not the same", seed, pair.ref())
			}
			if rows == 0 {
				equal++
			}
			if same {
				skipped++
			}
		}
	}
	if skipped*3 < equal {
		t.Errorf("of %d servers that are the same only %d are seen to be", equal, skipped)
	}
	t.Logf("%d of %d", skipped, equal)
}

func TestAlike(t *testing.T) {
	type list struct {
		next *list
		name string
		at   verdict.Origin
		of   map[string][]int
		any  any
		call func()
	}
	circle := func(name, file string) *list {
		a := &list{name: name, at: verdict.Origin{File: file}, of: map[string][]int{"a": {1, 2}}, any: regexp.MustCompile("a+")}
		a.next = &list{name: "second", next: a}
		return a
	}
	tests := []struct {
		name string
		edit func(*list)
		want bool
	}{
		{"only the place", func(l *list) { l.at.Line = 7 }, true},
		{"a name", func(l *list) { l.name = "b" }, false},
		{"behind a pointer", func(l *list) { l.next.name = "b" }, false},
		{"a circle that is none", func(l *list) { l.next.next = nil }, false},
		{"another key", func(l *list) { l.of = map[string][]int{"b": {1, 2}} }, false},
		{"a value", func(l *list) { l.of["a"][1] = 3 }, false},
		{"a shorter value", func(l *list) { l.of["a"] = l.of["a"][:1] }, false},
		{"another type", func(l *list) { l.any = 7 }, false},
		{"nothing there", func(l *list) { l.any = nil }, false},
		{"unexported fields far inside", func(l *list) { l.any = regexp.MustCompile("b+") }, false},
		{"a function", func(l *list) { l.call = func() {} }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := circle("a", "old.yaml"), circle("a", "new.yaml")
			if !alike(a, b) {
				t.Fatal("two of the same are not alike")
			}
			test.edit(b)
			if got := alike(a, b); got != test.want {
				t.Errorf("alike is %v", got)
			}
			if got := alike(b, a); got != test.want {
				t.Errorf("turned around, alike is %v", got)
			}
		})
	}
}

const resolved = "estate: complete\ncni: {name: calico, enforces: true}\n"

// What a client needs to find a Service may change far from it and from the server.
func TestResolversAreLookedAt(t *testing.T) {
	const (
		data   = "apiVersion: v1\nkind: Namespace\nmetadata: {name: data, labels: {team: d}}"
		shop   = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: s}}"
		client = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {matchLabels: {app: web}}\n" +
			"  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: c}]}}"
		server = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: ledger, namespace: data}\nspec: {instances: 2, storage: {size: 1Gi}, imageName: 'x/postgresql:17'}"
		// Resolvers do not get there themselves: nothing is to be told of them.
		ingress = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: in, namespace: data}\nspec:\n  podSelector: {}\n  policyTypes: [Ingress]\n" +
			"  ingress: [{from: [{namespaceSelector: {matchLabels: {team: s}}}, {podSelector: {}}]}]"
	)
	system := func(team string) string {
		return "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system, labels: {team: " + team + "}}"
	}
	resolver := func(name, app string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: kube-system}\nspec:\n  selector: {matchLabels: {n: " + name + "}}\n" +
			"  template: {metadata: {labels: {n: " + name + ", k8s-app: " + app + "}}, spec: {containers: [{name: c, image: c}]}}"
	}
	egress := func(dns string) string {
		return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: out, namespace: shop}\nspec:\n  podSelector: {}\n  policyTypes: [Egress]\n" +
			"  egress:\n  - to: [{namespaceSelector: {matchLabels: {team: d}}}]\n  - {to: [" + dns + "], ports: [{port: 53, protocol: UDP}]}"
	}
	const core = "{namespaceSelector: {}, podSelector: {matchLabels: {n: core}}}"
	tests := []struct {
		name      string
		old, next []string
	}{
		{"the namespace is relabelled", []string{system("a"), egress("{namespaceSelector: {matchLabels: {team: a}}}")},
			[]string{system("b"), egress("{namespaceSelector: {matchLabels: {team: a}}}")}},
		{"the resolver is gone", []string{system("a"), egress(core), resolver("core", "kube-dns")}, []string{system("a"), egress(core)}},
		{"the resolver is another", []string{system("a"), egress(core), resolver("core", "kube-dns"), resolver("other", "x")},
			[]string{system("a"), egress(core), resolver("core", "x"), resolver("other", "kube-dns")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			estate := func(more []string) *reach.Engine {
				return reach.New(manifests.Servers(t, resolved, append([]string{data, shop, client, server, ingress}, more...)...))
			}
			if Compare(estate(test.old), estate(test.next)).IsEmpty() || Compare(estate(test.next), estate(test.old)).IsEmpty() {
				t.Error("nothing differs")
			}
			if !Compare(estate(test.old), estate(test.old)).IsEmpty() {
				t.Error("what is the same differs")
			}
		})
	}
}

// An image is nothing that an answer depends on: where all that happened is that one was
// bumped, no server is compared in full.
func TestImagesMoveNobody(t *testing.T) {
	estate := func(image string) *reach.Engine {
		return reach.New(manifests.Servers(t, resolved,
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {matchLabels: {app: web}}\n"+
				"  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "+image+"}]}}",
			"apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: ledger, namespace: data}\nspec: {instances: 2, storage: {size: 1Gi}, imageName: 'x/postgresql:17'}"))
	}
	c := newComparer(estate("web:1"), estate("web:2"))
	calm := c.calmness()
	if pairs := serverPairs(c.engines[before].World.Servers, c.engines[after].World.Servers); !calm.isSame(pairs[0]) {
		t.Errorf("whole %v, names %v, moved %d", calm.whole, calm.names, len(calm.moved[after]))
	}
}

// What a comparison leaves out, package reach must not look at.
func TestReachLooksAtNothingLeftOut(t *testing.T) {
	files, err := filepath.Glob("../reach/*.go")
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	leftOut := []string{"Settings", "Setting", "Disagreements", "Unsettled", "Secrets", "Images", "Demands", "ServiceAccount", "Source"}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains(leftOut, sel.Sel.Name) {
				t.Errorf("%s looks at %s, which answering and samePod leave out", file, sel.Sel.Name)
			}
			return true
		})
	}
}

// What was not read of a cluster is told with every answer, so that no server is the same
// where that is not.
func TestWhatStandsIsCompared(t *testing.T) {
	old, _, _, _ := pairOf(1, 1)
	whole := func(change func(*snapshot.Snapshot)) bool {
		a, b := old.engine(t), old.engine(t)
		change(b.World)
		return newComparer(a, b).calmness().whole
	}
	if !whole(func(*snapshot.Snapshot) {}) {
		t.Fatal("an estate is not what it is")
	}
	if !whole(func(s *snapshot.Snapshot) {
		s.Coverage = &snapshot.Coverage{Taken: 7, Kinds: []snapshot.Kind{{Name: "Pod", Listing: snapshot.KindListed}}}
	}) {
		t.Error("when a cluster was read changes nothing")
	}
	for name, change := range map[string]func(*snapshot.Snapshot){
		"elsewhere": func(s *snapshot.Snapshot) { s.Missing = []snapshot.Missing{{What: "a chart"}} },
		"unlisted": func(s *snapshot.Snapshot) {
			s.Coverage = &snapshot.Coverage{Kinds: []snapshot.Kind{{Name: "ConfigMap", Listing: snapshot.KindRefused}}}
		},
		"narrowed": func(s *snapshot.Snapshot) {
			s.Coverage, s.Facts.Complete = &snapshot.Coverage{Namespaces: []string{"data"}}, false
		},
	} {
		if whole(change) {
			t.Errorf("%s: nothing is said to have changed", name)
		}
	}
}
