package estate

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// refusing returns a coverage in which some kinds were refused, "Kind" or "Kind in ns".
func refusing(texts ...string) func(*snapshot.Coverage) {
	return func(c *snapshot.Coverage) {
		for _, text := range texts {
			name, ns, narrowed := strings.Cut(text, " in ")
			i := slices.IndexFunc(c.Kinds, func(k snapshot.Kind) bool { return k.Name == name })
			c.Kinds[i].Listing, c.Kinds[i].Why = snapshot.KindRefused, "nobody may"
			if narrowed {
				c.Kinds[i].Namespaces = []string{ns}
			}
		}
	}
}

func told(s *snapshot.Snapshot) []string {
	out := []string{}
	for _, p := range s.Problems {
		out = append(out, "problem ["+p.Namespace+"] "+p.Origin.String()+": "+p.Fault())
	}
	for _, w := range s.Warnings {
		out = append(out, w.Code+" "+w.Origin.String()+": "+w.Text)
	}
	return out
}

func TestCoverage(t *testing.T) {
	const policies = "NetworkPolicy.networking.k8s.io"
	for _, c := range []struct {
		name     string
		change   func(*dumped)
		standing []string
		told     []string
	}{
		{"everything", func(*dumped) {}, nil, nil},
		{"a kind that decides", func(d *dumped) { d.coverage = refusing(policies) }, nil,
			[]string{"problem [] " + policies + ": could not be listed: nobody may: every answer they might change is unknown"}},
		{"a kind that decides, of one namespace", func(d *dumped) { d.coverage = refusing(policies + " in shop") }, nil,
			[]string{"problem [shop] " + policies + ": could not be listed in namespace shop: nobody may: every answer they might change is unknown"}},
		{"a kind that explains", func(d *dumped) { d.coverage = refusing("ConfigMap") }, []string{snapshot.AssumeUnlisted},
			[]string{Unlisted + " ConfigMap: could not be listed: nobody may: what its objects say is not known"}},
		{"a kind that explains, of one namespace", func(d *dumped) { d.coverage = refusing("ConfigMap in shop") }, []string{snapshot.AssumeUnlisted},
			[]string{Unlisted + " ConfigMap: could not be listed in namespace shop: nobody may: what its objects say is not known"}},
		{"a kind that nobody asked for", func(d *dumped) {
			d.coverage = func(c *snapshot.Coverage) {
				c.Kinds = slices.DeleteFunc(c.Kinds, func(k snapshot.Kind) bool { return k.Name == policies })
			}
		}, nil, []string{"problem [] " + policies + ": was not asked for when the cluster was read: every answer they might change is unknown"}},
		{"a kind that is not installed", func(d *dumped) {
			d.coverage = func(c *snapshot.Coverage) {
				for i := range c.Kinds {
					if strings.HasSuffix(c.Kinds[i].Name, ".crunchydata.com") {
						c.Kinds[i].Listing = snapshot.KindAbsent
					}
				}
			}
		}, nil, nil},
		{"one namespace", func(d *dumped) { d.coverage = func(c *snapshot.Coverage) { c.Namespaces = []string{"db"} } },
			[]string{snapshot.AssumeNarrowed}, nil},
		{"one namespace, and somebody states that it is all", func(d *dumped) {
			d.coverage, d.facts = func(c *snapshot.Coverage) { c.Namespaces = []string{"db"} }, "estate: complete\n"
		}, nil, nil},
		{"something from elsewhere", func(d *dumped) {
			d.missing = []snapshot.Missing{{By: snapshot.Ref{Kind: "Application", Namespace: "argo", Name: "x"}, What: "chart nginx of https://x.test", Namespace: "web"},
				{By: snapshot.Ref{Kind: "Deployment", Namespace: "shop", Name: "api"}, What: "the folder y"}}
			d.warnings = []snapshot.Warning{{Code: "a", Text: "b"}}
		}, []string{snapshot.AssumeElsewhere}, []string{
			"a : b",
			Missing + " Application argo/x: chart nginx of https://x.test is deployed into namespace web and was not read: what it brings is in no answer",
			Missing + " Deployment shop/api: the folder y is deployed and was not read: what it brings is in no answer",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := dumpOf(t, "testdata/live/full.txtar")
			c.change(&d)
			s := d.read()
			if got := s.Standing(); !slices.Equal(got, c.standing) {
				t.Errorf("standing %v, want %v", got, c.standing)
			}
			if got := told(s); !slices.Equal(got, c.told) {
				t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.told, "\n"))
			}
		})
	}
}

// What was not listed puts answers in doubt, and what stands is among their assumptions,
// where a strict reader takes none.
func TestCoverageInAnswers(t *testing.T) {
	ask := func(s *snapshot.Snapshot) reach.Decision {
		for _, w := range s.Workloads {
			if w.Name == "api" {
				return reach.New(s).Decide(reach.Question{From: network.PodEndpoint(w.Pods[0]), To: reach.Target{Server: s.Servers[0]},
					Session: reach.Session{Database: "app", Role: "app", TLS: true}})
			}
		}
		t.Fatal("no client")
		return reach.Decision{}
	}
	d := dumpOf(t, "testdata/live/full.txtar")
	if got := ask(d.read()); got.Verdict != verdict.Allow || len(got.Assumptions) > 0 {
		t.Errorf("whole: %s %v", got.Verdict, got.Assumptions)
	}
	d.coverage = refusing("NetworkPolicy.networking.k8s.io")
	if got := ask(d.read()); got.Verdict != verdict.Unknown {
		t.Errorf("without policies: %s", got.Verdict)
	}
	d.coverage = func(c *snapshot.Coverage) { c.Namespaces = []string{"db", "shop"} }
	narrow := d.read()
	if got := ask(narrow); got.Verdict != verdict.Allow || !slices.Equal(got.Assumptions, []string{snapshot.AssumeNarrowed}) {
		t.Errorf("narrowed: %s %v", got.Verdict, got.Assumptions)
	}
	narrow.Facts.Strict = true
	if got := ask(narrow); got.Verdict != verdict.Unknown {
		t.Errorf("narrowed, and nothing is assumed: %s", got.Verdict)
	}
}
