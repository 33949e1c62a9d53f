//go:build linux

package compiled

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/internal/artefacts"
	"github.com/pgmoat/pgmoat/internal/estategen"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// examples are estates of every operator, with policies that are right and that are wrong.
var examples = []string{"company/mended", "company/broken", "operators/crunchy/right", "operators/crunchy/wrong",
	"operators/percona/right", "operators/percona/wrong", "operators/stackgres/right", "operators/stackgres/wrong",
	"operators/zalando/right", "operators/zalando/wrong"}

var backends = []compile.Backend{compile.NetworkPolicy, compile.ClusterNetworkPolicy, compile.HBA, compile.Ident, compile.TLS,
	compile.RBAC, compile.Namespace}

// A story is an estate with intents, before and after what was compiled for it.
type story struct {
	name          string
	job           *compile.Job
	out           *compile.Output
	before, after *snapshot.Snapshot
	// families are those of pods' addresses: 0 for IPv4, 1 for IPv6.
	families []int
	// texts are what was read, for people who look for the mistake.
	texts string
}

// A manuscript is what a story is read from.
type manuscript struct {
	name, estate, intents, facts string
}

// families are those of the ranges that pods have; IPv4 where nobody says.
func (m manuscript) families() []int {
	var out []int
	for i, prefix := range []string{"10.244.0.0/16", pods6.String()} {
		if _, after, _ := strings.Cut(m.facts, "podCIDRs:"); strings.Contains(after, prefix) {
			out = append(out, i)
		}
	}
	if out == nil {
		out = []int{0}
	}
	return out
}

// exampleOf is one of the examples, with the text of its files.
func exampleOf(t *testing.T, name string) manuscript {
	t.Helper()
	const root = "../../examples/"
	facts, err := os.ReadFile(root + strings.SplitN(name, "/", 2)[0] + "/facts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return manuscript{name: name, estate: allOf(t, root+name), facts: string(facts)}
}

// allOf is the text of all manifests below a directory.
func allOf(t *testing.T, dir string) string {
	t.Helper()
	var texts []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // below our own examples
		texts = append(texts, string(text))
		return err
	})
	if err != nil || len(texts) == 0 {
		t.Fatalf("%s: %d files, %v", dir, len(texts), err)
	}
	return strings.Join(texts, "\n---\n")
}

func (m manuscript) options(t *testing.T, in *intent.Intents) estate.Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "facts.yaml")
	if err := os.WriteFile(file, []byte(m.facts), 0o600); err != nil {
		t.Fatal(err)
	}
	return estate.Options{Paths: []string{"-"}, Stdin: strings.NewReader(m.estate + "\n---\n" + m.intents), FactsFile: file,
		Adapters: known.Adapters(), Intents: in}
}

func (m manuscript) read(t *testing.T, source estate.Source, opts estate.Options) *snapshot.Snapshot {
	t.Helper()
	s, err := estate.From(context.Background(), source, opts)
	if err != nil {
		t.Fatalf("%s: %v", m.name, err)
	}
	return s
}

// told compiles the intents and applies what was made; nil where the intents are refused.
func (m manuscript) told(t *testing.T) (*story, []compile.Error) {
	t.Helper()
	in := intent.Intents{}
	opts := m.options(t, &in)
	st := &story{name: m.name, families: m.families(), before: m.read(t, estate.Files(opts), opts), texts: m.intents}
	if len(in.Problems) > 0 {
		t.Fatalf("%s: %+v\n%s", m.name, in.Problems, m.intents)
	}
	var errs []compile.Error
	st.job, errs = compile.Plan(in, st.before, 0)
	errs = slices.DeleteFunc(errs, func(e compile.Error) bool { return e.Warning })
	if len(errs) > 0 {
		return nil, errs
	}
	st.out = compile.Compile(st.job, backends)
	opts = m.options(t, nil)
	st.after = m.read(t, overlay.Source(estate.Files(opts), st.out.Artefacts), opts)
	st.asWritten(t)
	return st, nil
}

// asWritten checks that the policies of the estate are also what one reads in the YAML that
// people apply.
func (st *story) asWritten(t *testing.T) {
	t.Helper()
	yaml := artefacts.Read(t, st.out)
	at := map[string]int{}
	for i, p := range st.after.Policies {
		at[p.FullName()] = i
	}
	for _, p := range yaml.Policies {
		i, there := at[p.FullName()]
		if !there {
			t.Errorf("%s: %s is compiled and not applied", st.name, p.FullName())
			continue
		}
		st.after.Policies[i] = p
	}
	if len(st.after.ClusterPolicies) != len(st.before.ClusterPolicies)+len(yaml.ClusterPolicies) {
		t.Errorf("%s: %d policies of the cluster, were %d and %d were made", st.name, len(st.after.ClusterPolicies), len(st.before.ClusterPolicies), len(yaml.ClusterPolicies))
	}
}

// versions are where the examples say which PostgreSQL they run.
var versions = regexp.MustCompile(`(cloudnative-pg/postgresql:|postgresVersion: "?|version: "|image: postgres:)(1[3-8])\b`)

// withVersion is the text with another major version in all servers.
func withVersion(text string, version int) string {
	return versions.ReplaceAllString(text, "${1}"+strconv.Itoa(version))
}

// randomStory is a random estate of the generator, or one of some examples with other versions, guests,
// policies of theirs, and random intents about each of its servers; without those intents
// that are refused. Where none is left it is nil.
func randomStory(t *testing.T, seed uint64, of []string) *story {
	t.Helper()
	var m manuscript
	var asked []string
	if seed%2 == 0 {
		m, asked = randomExample(t, seed, of)
	} else {
		m, asked = generated(seed)
	}
	for len(asked) > 0 {
		m.intents = strings.Join(asked, "")
		st, refused := m.told(t)
		if st != nil {
			return st
		}
		asked = without(asked, refused)
	}
	return nil
}

func randomExample(t *testing.T, seed uint64, of []string) (manuscript, []string) {
	t.Helper()
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 17))}
	m := exampleOf(t, pick(g, of...))
	m.name = fmt.Sprintf("seed %d: %s", seed, m.name)
	m.estate = withVersion(m.estate, 13+g.IntN(6))
	if g.one(3) {
		m.facts = strings.Replace(m.facts, "podCIDRs:\n", "podCIDRs:\n  - "+pods6.String()+"\n", 1)
	}
	opts := m.options(t, nil)
	m.estate += g.guests(m.read(t, estate.Files(opts), opts))
	opts = m.options(t, nil)
	return m, g.intents(m.read(t, estate.Files(opts), opts))
}

// generated is an estate of the generator, with its text for people.
func generated(seed uint64) (manuscript, []string) {
	e := estategen.New(seed)
	var asked []string
	for _, o := range e.Intents {
		one := estategen.Estate{Intents: []estategen.Tree{o}}
		asked = append(asked, one.YAML())
	}
	e.Intents = nil
	return manuscript{name: fmt.Sprintf("seed %d: generated", seed), estate: e.YAML(), facts: e.FactsYAML()}, asked
}

// without leaves out the documents that were refused.
func without(documents []string, refused []compile.Error) []string {
	return slices.DeleteFunc(documents, func(text string) bool {
		return slices.ContainsFunc(refused, func(e compile.Error) bool {
			_, name, _ := strings.Cut(e.Origin.Object, "/")
			return strings.Contains(text, "metadata: {name: "+name+",") || strings.Contains(text, "\n  name: "+name+"\n")
		})
	})
}
