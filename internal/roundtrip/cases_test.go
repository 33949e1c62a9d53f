package roundtrip

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// usualFacts are those of a case that brings none.
const usualFacts = `
estate: complete
cni: {name: calico, enforces: true}
operators: {cloudnative-pg: {namespace: cnpg-system, version: 1.27.0}}
apiServer: {addresses: [192.0.2.1], ports: [6443]}
`

// A proofCase is one small estate with what is to be said of it.
type proofCase struct {
	flags []string
	// files are those of the estate, behind the facts file.
	files []string
	// made are objects that are laid over the estate as if they had been compiled.
	made []byte
	want []string
}

// TestCases asks prove about small estates of which a person can say what is true. A line of
// want is the result and the kind of a statement, in the order of the proof, and then words
// that stand together in one of its counterexamples or doubts; of what is proven, the
// assumptions that it rests on. A word behind an exclamation mark stands there not.
func TestCases(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c := parseCase(t, path)
			proof := c.prove(t)
			ok := len(proof.Statements) == len(c.want)
			for i := range proof.Statements {
				ok = ok && meets(&proof.Statements[i], c.want[i])
			}
			if !ok {
				t.Errorf("want\n  %s\ngot\n%s", strings.Join(c.want, "\n  "), proofText(proof))
			}
		})
	}
}

// parseCase reads a case, and writes its estate to files.
func parseCase(t *testing.T, path string) proofCase {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Comment) == 0 {
		t.Fatal("nothing says what is shown")
	}
	c, dir := proofCase{}, t.TempDir()
	for line := range strings.Lines(string(archive.Comment)) {
		if flags, is := strings.CutPrefix(line, "flags:"); is {
			c.flags = strings.Fields(flags)
		}
	}
	facts := []byte(usualFacts)
	for _, f := range archive.Files {
		switch f.Name {
		case "want":
			c.want = slices.Collect(trimmed(string(f.Data)))
		case "facts.yaml":
			facts = f.Data
		case "made.yaml":
			c.made = f.Data
		default:
			c.files = append(c.files, writeFile(t, dir, f.Name, f.Data))
		}
	}
	c.files = append([]string{writeFile(t, dir, "facts.yaml", facts)}, c.files...)
	return c
}

// trimmed are the lines that say something.
func trimmed(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && !yield(line) {
				return
			}
		}
	}
}

func writeFile(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (c *proofCase) has(flag string) bool { return slices.Contains(c.flags, flag) }

// read reads the estate with artefacts applied. Nothing in a case may be left unread.
func (c *proofCase) read(t *testing.T, as []artefact.Artefact) (*snapshot.Snapshot, intent.Intents) {
	t.Helper()
	var in intent.Intents
	opts := estate.Options{Paths: c.files[1:], FactsFile: c.files[0], Adapters: known.Adapters(), Strict: c.has("strict"), Intents: &in}
	world, err := estate.From(context.Background(), overlay.Source(estate.Files(opts), as), opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range world.Problems {
		t.Errorf("unread: %s: %s", p.Origin, p.Err)
	}
	return world, in
}

// prove compiles the intents of a case and proves them.
func (c *proofCase) prove(t *testing.T) *prove.Proof {
	t.Helper()
	world, in := c.read(t, nil)
	job, faults := compile.Plan(in, world, world.Facts.Now)
	for _, f := range faults {
		if !f.Warning {
			t.Errorf("not compiled: %s: %s", f.Origin, f.Text)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	q := prove.Question{Intents: in, Job: job, Before: reach.New(world)}
	q.After = q.Before
	if !c.has("as-is") {
		made := append(compile.Compile(job, backends).Artefacts, c.extra(t)...)
		after, _ := c.read(t, made)
		q.After = reach.New(after)
	}
	q.Find = func(name string) (prove.Client, error) { return clientNamed(q.After.World, name) }
	return prove.Prove(q)
}

// extra are the artefacts that a case brings.
func (c *proofCase) extra(t *testing.T) []artefact.Artefact {
	t.Helper()
	if c.made == nil {
		return nil
	}
	var tree map[string]any
	if err := yaml.Unmarshal(c.made, &tree); err != nil {
		t.Fatal(err)
	}
	object := valueOf(tree).(artefact.Map)
	meta := object.Get("metadata").(artefact.Map)
	ref := snapshot.Ref{Kind: object.Get("kind").(string), Namespace: meta.Get("namespace").(string), Name: meta.Get("name").(string)}
	return []artefact.Artefact{{Backend: "networkpolicy", APIVersion: object.Get("apiVersion").(string), Ref: ref, Object: object}}
}

func valueOf(v any) artefact.Value {
	switch v := v.(type) {
	case map[string]any:
		out := artefact.Map{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, artefact.Entry{Key: k, Value: valueOf(v[k])})
		}
		return out
	case []any:
		out := artefact.List{}
		for _, item := range v {
			out = append(out, artefact.Item{Value: valueOf(item)})
		}
		return out
	case float64:
		return int64(v)
	}
	return v
}

// clientNamed is whom a test of a case means: NAMESPACE/WORKLOAD, an address, or a way in by
// kubectl.
func clientNamed(world *snapshot.Snapshot, name string) (prove.Client, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		outside := flow.AddressesOf(netip.PrefixFrom(a, a.BitLen()))
		return prove.Client{Ref: snapshot.Ref{Kind: "Outside", Name: name}, Endpoints: []network.Endpoint{network.OutsideEndpoint(outside)}}, nil
	}
	for _, w := range world.Workloads {
		if w.Namespace+"/"+w.Name == name {
			c := prove.Client{Ref: w.Ref}
			for _, p := range w.Pods {
				c.Endpoints = append(c.Endpoints, network.PodEndpoint(p))
			}
			return c, nil
		}
	}
	for _, i := range reach.Insiders() {
		if name == "kubectl/"+i.Ref.Name {
			return prove.Client{Ref: i.Ref, Inside: i.Inside}, nil
		}
	}
	return prove.Client{}, fmt.Errorf("nobody is %s", name)
}

// meets reports whether a statement is what a line asks for.
func meets(s *prove.Statement, want string) bool {
	words := strings.Fields(want)
	if len(words) < 2 || words[0] != s.Result.String() || words[1] != string(s.Kind) {
		return false
	}
	lines := linesOf(s)
	return len(words) == 2 || slices.ContainsFunc(lines, func(line string) bool {
		have := strings.Fields(line)
		return !slices.ContainsFunc(words[2:], func(word string) bool {
			word, absent := strings.CutPrefix(word, "!")
			return slices.Contains(have, word) == absent
		})
	})
}

// linesOf are what refutes a statement, or what leaves it open, or else what it rests on.
func linesOf(s *prove.Statement) (out []string) {
	switch s.Result {
	case prove.Refuted:
		for i := range s.Against {
			out = append(out, againstText(&s.Against[i]))
		}
	case prove.Unknown:
		for _, d := range s.Doubts {
			out = append(out, fmt.Sprint(d.Reason, " ", refsText(d.From), futureText(d.Future), strings.Join(d.Databases, " "), " ", strings.Join(d.Roles, " "), " ", d.Step.Facts["code"]))
		}
	case prove.Proven:
		out = append(out, strings.Join(s.Assumptions, " "))
	}
	return out
}

// againstText has a word for everything that tells one counterexample from another.
func againstText(c *prove.Counterexample) string {
	words := []string{refsText(c.From), futureText(c.Future), "to", refsText(c.To)}
	words = append(words, c.Databases...)
	words = append(words, c.Roles...)
	words = append(words, c.Login.Method, map[bool]string{true: "TLS", false: "plain"}[c.Login.TLS], map[bool]string{true: "ours", false: "theirs"}[c.Ours])
	if c.Login.Cert {
		words = append(words, "cert")
	}
	if c.Route.Pooler != "" {
		words = append(words, "through", c.Route.Pooler)
	}
	if c.Flow != nil {
		words = append(words, c.Flow.ID)
	}
	return strings.Join(append(words, string(c.Decides.Layer), string(c.Decides.Reason), c.Decides.Origin.Object), " ")
}

func refsText(refs []snapshot.Ref) string {
	var out strings.Builder
	for _, r := range refs {
		if r.Namespace != "" {
			out.WriteString(r.Namespace + "/")
		}
		out.WriteString(r.Name + " ")
	}
	return out.String()
}

func futureText(v *network.Virtual) string {
	if v == nil {
		return ""
	}
	out := "future in " + v.Namespace + " "
	for _, k := range slices.Sorted(maps.Keys(v.Labels.Set)) {
		out += k + "=" + v.Labels.Set[k] + " "
	}
	return out
}

func proofText(p *prove.Proof) string {
	var out strings.Builder
	for i := range p.Statements {
		s := &p.Statements[i]
		fmt.Fprintf(&out, "  %s %s (%s, %d asked)\n", s.Result, s.Kind, s.Of, s.Asked)
		for _, line := range linesOf(s) {
			fmt.Fprintf(&out, "      %s\n", line)
		}
	}
	return out.String()
}
