package starter

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/pgmoat"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	sigsyaml "sigs.k8s.io/yaml"
)

// read reads documents back as any file of ours is read.
func read(t *testing.T, a Answers, facts snapshot.Facts) intent.Intents {
	t.Helper()
	var text strings.Builder
	for _, f := range Documents(a) {
		text.WriteString(f.Data + "---\n")
	}
	batch, err := file.Read(t.Context(), []string{"-"}, file.Options{Stdin: strings.NewReader(text.String())})
	if err != nil {
		t.Fatal(err)
	}
	in := pgmoat.Read(batch, facts)
	for _, p := range in.Problems {
		t.Errorf("%s: %s\n%s", p.Origin, p.Err, text.String())
	}
	return in
}

func answers() Answers {
	return Answers{
		Server: snapshot.Ref{Kind: "Cluster", Namespace: "shop", Name: "orders"},
		Clients: []Client{
			{Pods: Pods{Namespace: "shop", Name: "web", Ref: "shop/web", Labels: map[string]string{"app": "web"}}, To: []Entry{{Database: "orders", Role: "web"}}},
			{Pods: Pods{Namespace: "sales", Name: "web", Ref: "sales/web", Labels: map[string]string{"app": "web"}}, To: []Entry{{Database: "orders", Role: "sales", Pooler: "orders-pooler"}}},
		},
	}
}

// Names of databases and roles may be words that YAML reads as something else.
func TestNamesStayNames(t *testing.T) {
	for _, name := range []string{"no", "1e3", "0x1f", "null", "a: b", "#x", "- x", `it's "quoted"`, "all", "+group", "@file", "2026-01-31", "日本", " a ", strings.Repeat("x", 63)} {
		a := answers()
		a.Clients[0].To = []Entry{{Database: name, Role: name}}
		a.Clients[0].Pods.Labels = map[string]string{"app": "no", "n": "1"}
		in := read(t, a, snapshot.Facts{})
		i := slices.IndexFunc(in.Accesses, func(x *intent.Access) bool { return x.Name == "web" })
		if i < 0 {
			t.Fatalf("%q: no access web", name)
		}
		x := in.Accesses[i]
		if x.To[0].Role != name || x.To[0].Databases[0] != name || x.Accept[0].Role != name {
			t.Errorf("%q was read back as %+v", name, x.To[0])
		}
		if x.From[0].Pods.Match(netpol.Labels{Set: a.Clients[0].Pods.Labels}) != netpol.Yes {
			t.Errorf("labels %v were read back as %s", a.Clients[0].Pods.Labels, x.From[0].Pods)
		}
	}
}

// Nobody is let in but who was named, and nothing is loosened.
func TestNothingWider(t *testing.T) {
	a := answers()
	a.Clients = append(a.Clients, Client{Range: "192.0.2.0/24", To: []Entry{{Database: "orders", Role: "office"}}})
	in := read(t, a, snapshot.Facts{})
	if len(in.Accesses) != 3 || len(in.Perimeters) != 1 {
		t.Fatalf("%d accesses, %d perimeters", len(in.Accesses), len(in.Perimeters))
	}
	p := in.Perimeters[0]
	if p.PlainText || p.RemoteSuperuser || p.Enforce || len(p.Monitoring) > 0 {
		t.Errorf("%+v", p)
	}
	consent := func(n string) netpol.Match {
		return p.ClientNamespaces.Match(netpol.Labels{Set: map[string]string{snapshot.MetadataName: n}})
	}
	if consent("sales") != netpol.Yes || consent("dev") != netpol.No {
		t.Errorf("clientNamespaces: %s", p.ClientNamespaces)
	}
	for _, x := range in.Accesses {
		if len(x.From) != 1 || len(x.To) != 1 || x.To[0].PlainText {
			t.Errorf("%s: %+v", x.Name, x)
		}
		for _, attempt := range x.Deny {
			if attempt.From == "192.0.2.1" {
				t.Errorf("%s: %s is in a range that is let in", x.Name, attempt.From)
			}
		}
	}
}

// Workloads of one name, in one namespace or two, get accesses of their own.
func TestAccessesHaveNamesOfTheirOwn(t *testing.T) {
	a := answers()
	again := a.Clients[0]
	again.Pods.Ref = "shop/cronjob/web"
	third := again
	third.Pods.Name = "sales-web"
	a.Clients = append(a.Clients, again, third)
	var names []string
	for _, x := range read(t, a, snapshot.Facts{}).Accesses {
		names = append(names, x.Name)
	}
	if got := strings.Join(names, " "); got != "sales-web sales-web-2 web web-2" {
		t.Error(got)
	}
}

// Whoever is let in is no stranger to the invariants, and whoever is not is one.
func TestInvariantsFollowTheClients(t *testing.T) {
	a := answers()
	a.Operators = []string{"zalando"}
	in := read(t, a, snapshot.Facts{})
	var names []string
	for _, v := range in.Invariants {
		names = append(names, v.Name)
		switch v.Name {
		case "shop-orders-clients":
			if got := strings.Join(v.Only.From[0].Namespaces, " "); got != "shop sales zalando" {
				t.Errorf("only from %s", got)
			}
		case "shop-orders-superuser":
			if s := v.Never.From[0].NamespaceSelector; s.Match(of("zalando")) != netpol.No || s.Match(of("shop")) != netpol.No || s.Match(of("dev")) != netpol.Yes {
				t.Errorf("never from %s", s)
			}
			if v.Never.From[1].Namespaces[0] != "shop" {
				t.Errorf("a client of the server's own namespace is no exception: %+v", v.Never.From)
			}
		case "shop-orders-tls":
			if s := v.Never.From[0].NamespaceSelector; !v.Never.UnencryptedOnly || s.Match(of("zalando")) != netpol.Yes {
				t.Errorf("never %+v", v.Never)
			}
		}
	}
	if got := strings.Join(names, " "); got != "shop-orders-clients shop-orders-outside shop-orders-superuser shop-orders-tls" {
		t.Error(got)
	}
	a.Clients = append(a.Clients, Client{Range: "192.0.2.0/24", To: []Entry{{Database: "orders", Role: "office"}}})
	for _, v := range read(t, a, snapshot.Facts{}).Invariants {
		if v.Name == "shop-orders-outside" {
			t.Error("a range outside is let in, and nobody may come from outside")
		}
	}
}

// A pooler in the server's pods lets its clients in as whoever they have the password of:
// what no layer can keep is not stated of them, and is of everybody else.
func TestClientsOfThePoolerInThePods(t *testing.T) {
	a := answers()
	a.Clients[0].To[0].Pooler = a.Server.Name
	in := read(t, a, snapshot.Facts{})
	for _, x := range in.Accesses {
		asSuperuser := slices.ContainsFunc(x.Deny, func(n intent.Attempt) bool { return n.From == "shop/web" && n.Role == "postgres" })
		if asSuperuser {
			t.Errorf("%s: a test that no layer can keep", x.Name)
		}
	}
	for _, v := range in.Invariants {
		if v.Name == "shop-orders-superuser" && (len(v.Never.From) != 2 || v.Never.From[0].NamespaceSelector.Match(of("sales")) != netpol.Yes) {
			t.Errorf("%+v", v.Never.From)
		}
		if v.Name == "shop-orders-tls" && len(v.Never.From) != 2 {
			t.Errorf("%+v", v.Never.From)
		}
	}
	a.Limits.PoolerRefusesPlain = true
	for _, v := range read(t, a, snapshot.Facts{}).Invariants {
		if v.Name == "shop-orders-tls" && len(v.Never.From) != 3 {
			t.Errorf("the pooler refuses plain text, and yet %+v", v.Never.From)
		}
	}
}

// Where what keeps the server alive logs in as its superuser, no client is said to be none,
// whether of its namespace, of another or from outside; of strangers it still is.
func TestSuperuserThatLogsIn(t *testing.T) {
	a := answers()
	a.Clients = append(a.Clients, Client{Range: "192.0.2.0/24", To: []Entry{{Database: "orders", Role: "office"}}})
	a.Limits.Superuser = true
	in := read(t, a, snapshot.Facts{})
	for _, x := range in.Accesses {
		if slices.ContainsFunc(x.Deny, func(n intent.Attempt) bool { return n.Role == "postgres" }) {
			t.Errorf("%s: a test that no layer can keep", x.Name)
		}
	}
	for _, v := range in.Invariants {
		if v.Name != "shop-orders-superuser" {
			continue
		}
		if s := v.Never.From[0].NamespaceSelector; len(v.Never.From) != 1 || s.Match(of("sales")) != netpol.No || s.Match(of("dev")) != netpol.Yes {
			t.Errorf("%+v", v.Never.From)
		}
	}
	if text := Documents(a)[1].Data; !strings.Contains(text, "None says that it is no superuser") {
		t.Errorf("not told:\n%s", text)
	}
}

func of(namespace string) netpol.Labels {
	return netpol.Labels{Set: map[string]string{snapshot.MetadataName: namespace}}
}

func company(t *testing.T, name string) *snapshot.Snapshot {
	t.Helper()
	dir := filepath.Join("..", "..", "examples", "company")
	world, err := estate.Load(t.Context(), estate.Options{
		Paths: []string{filepath.Join(dir, name)}, FactsFile: filepath.Join(dir, "facts.yaml"), Now: time.Unix(0, 0), Adapters: known.Adapters(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return world
}

// The labels that are found select the workload's pods, and no other workload's.
func TestLabelsSelectJustTheWorkload(t *testing.T) {
	world := company(t, "mended")
	for _, w := range world.Workloads {
		labels, also := Select(world, w, nil)
		if len(also) > 0 && len(labels) == len(stable(w)) {
			continue // told
		}
		for _, o := range world.Workloads {
			if o.Namespace == w.Namespace && Selects(Pods{Namespace: w.Namespace, Labels: labels}, o) != (o == w) {
				t.Errorf("%v, for %s, and %s", labels, w.Ref, o.Ref)
			}
		}
	}
}

// A label that two workloads share does not tell them apart, and one that a release changes
// does not last.
func TestLabelsThatDoNotTellApart(t *testing.T) {
	world := &snapshot.Snapshot{}
	add := func(name string, labels ...string) *snapshot.Workload {
		w := &snapshot.Workload{Ref: snapshot.Ref{Kind: "Deployment", Namespace: "shop", Name: name}}
		set := map[string]string{}
		for i := 0; i < len(labels); i += 2 {
			set[labels[i]] = labels[i+1]
		}
		w.Pods = []*snapshot.Pod{{Workload: w, Namespace: "shop", Labels: netpol.Labels{Set: set}}}
		world.Workloads = append(world.Workloads, w)
		return w
	}
	web := add("web", "app", "shop", "tier", "front", "version", "1")
	cart := add("cart", "app", "shop", "tier", "back", "version", "2")
	twin := add("twin", "app", "shop", "tier", "back", "version", "3")
	tests := []struct {
		w    *snapshot.Workload
		own  map[string]string
		want map[string]string
		also string
	}{
		{web, nil, map[string]string{"tier": "front"}, ""},
		{web, map[string]string{"app": "shop", "tier": "front"}, map[string]string{"app": "shop", "tier": "front"}, ""},
		{web, map[string]string{"app": "shop"}, map[string]string{"tier": "front"}, ""},
		{web, map[string]string{"app": "stale"}, map[string]string{"tier": "front"}, ""},
		{cart, nil, map[string]string{"app": "shop", "tier": "back"}, twin.Ref.String()},
	}
	for _, test := range tests {
		labels, also := Select(world, test.w, test.own)
		var others []string
		for _, r := range also {
			others = append(others, r.String())
		}
		if !equal(labels, test.want) || strings.Join(others, " ") != test.also {
			t.Errorf("%s with %v: %v, and %v", test.w.Ref, test.own, labels, others)
		}
	}
}

func equal(a, b map[string]string) bool { return isPart(a, b) && isPart(b, a) }

// What candidates reach today is what can be asked for: no answer that is offered is one
// that is refused.
func TestOfferedAnswersCompile(t *testing.T) {
	for _, name := range []string{"mended", "broken"} {
		world := company(t, name)
		for _, s := range world.Servers {
			a := Answers{Server: s.Ref(), Superusers: Superusers(s), Operators: Operators(s)}
			for _, c := range Candidates(world, s, true) {
				labels, _ := Select(world, c.Workload, nil)
				pods := Pods{Namespace: c.Workload.Namespace, Name: c.Workload.Name, Ref: c.Workload.Namespace + "/" + c.Workload.Name, Labels: labels}
				var to []Entry
				for _, e := range c.Today {
					e.Database, e.Role = cmp.Or(e.Database, "some"), cmp.Or(e.Role, "some")
					to = append(to, e)
				}
				if len(to) > 0 {
					a.Clients = append(a.Clients, Client{Pods: pods, To: to[:min(64, len(to))]})
				}
			}
			if name == "mended" && len(a.Clients) == 0 {
				t.Errorf("%s: nobody is offered", s.Ref())
			}
			_, errs := compile.Plan(read(t, a, world.Facts), world, world.Facts.Now)
			for _, e := range errs {
				if !e.Warning {
					t.Errorf("%s %s: %s %s", name, s.Ref(), e.Origin, e.Text)
				}
			}
		}
	}
}

// Both CI steps are YAML, run the proof, and quote what a shell would take apart.
func TestCI(t *testing.T) {
	c := CI{Estate: []string{"k8s; rm -rf", "it's"}, Documents: "pgmoat", Facts: "facts.yaml", Directory: "team a"}
	const want = `-f 'k8s; rm -rf' -f 'it'\''s' -f pgmoat --facts facts.yaml -o junit`
	github, err := c.GitHub()
	if err != nil {
		t.Fatal(err)
	}
	gitlab, err := c.GitLab()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{github.Data, gitlab.Data} {
		var value any
		if err := sigsyaml.UnmarshalStrict([]byte(text), &value); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
		flat, _ := sigsyaml.YAMLToJSON([]byte(text))
		if !strings.Contains(strings.ReplaceAll(string(flat), `\\`, `\`), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if c.Estate = []string{"${{ github.event.issue.title }}"}; true {
		if _, err := c.GitHub(); err == nil {
			t.Error("an expression of the workflow was written into a command")
		}
	}
}
