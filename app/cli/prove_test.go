package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const company = "../../examples/company/"

// companyPlan is the plan of the mended company with its intents.
func companyPlan(t *testing.T) (*app, *plan) {
	t.Helper()
	a := &app{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}, files: []string{company + "mended", company + "access"},
		facts: company + "facts.yaml", namespace: "default"}
	p, err := a.plan(context.Background(), time.Time{}, nil)
	if err != nil || p.unread() || p.failed() {
		t.Fatal(p, err)
	}
	return a, p
}

// The estate with the artefacts is the same whether its files are read again or the objects
// are kept: the first read has all that artefacts are laid over.
func TestAppliedReadsOnce(t *testing.T) {
	a, p := companyPlan(t)
	output := compile.Compile(p.job, backends)
	kept, err := a.applied(context.Background(), p, output)
	if err != nil {
		t.Fatal(err)
	}
	opts := p.opts
	opts.Intents, opts.Inputs = new(intent.Intents), nil
	again, err := estate.From(context.Background(), overlay.Source(estate.Files(opts), output.Artefacts), opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(kept.Policies) <= len(p.world.Policies) || len(kept.Problems) > 0 {
		t.Errorf("%d policies before, %d after, %v", len(p.world.Policies), len(kept.Policies), kept.Problems)
	}
	kept.Locator, again.Locator = nil, nil
	if !reflect.DeepEqual(kept, again) {
		t.Error("the kept objects give another estate")
	}
}

// The digests of a proof are those that sha256sum has of the files, and of what compile
// prints with -o yaml.
func TestProofDigests(t *testing.T) {
	flags := []string{"-f", company + "mended", "-f", company + "access", "--facts", company + "facts.yaml", "--now", "2026-11-21"}
	ran := func(command, format string) []byte {
		var stdout, stderr bytes.Buffer
		if code := Main(context.Background(), append([]string{"pgmoat", command, "-o", format}, flags...), strings.NewReader(""), &stdout, &stderr); code == exitFailed {
			t.Fatal(stderr.String())
		}
		return stdout.Bytes()
	}
	var got struct {
		Inputs    []struct{ Name, SHA256 string }
		Artefacts struct {
			SHA256          string
			Objects, Fields int
		}
	}
	if err := json.Unmarshal(ran("prove", "json"), &got); err != nil {
		t.Fatal(err)
	}
	if want := hexDigest(ran("compile", "yaml")); got.Artefacts.SHA256 != want || got.Artefacts.Objects == 0 || got.Artefacts.Fields == 0 {
		t.Errorf("got %v, want %s", got.Artefacts, want)
	}
	if n := len(got.Inputs); n < 10 || got.Inputs[n-1].Name != company+"facts.yaml" {
		t.Errorf("%d inputs", n)
	}
	for _, in := range got.Inputs {
		if data, err := os.ReadFile(in.Name); err != nil || hexDigest(data) != in.SHA256 {
			t.Errorf("%s: %v", in.Name, err)
		}
	}
}

func hexDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// 3 wins over 2 and 2 over 1; a proof of nothing is no proof.
func TestProofStatus(t *testing.T) {
	for _, c := range []struct {
		results []prove.Result
		want    int
	}{
		{nil, exitUnknown},
		{[]prove.Result{prove.Proven}, exitYes},
		{[]prove.Result{prove.Proven, prove.Refuted}, exitNo},
		{[]prove.Result{prove.Refuted, prove.Unknown, prove.Proven}, exitUnknown},
		{[]prove.Result{prove.Result(9)}, exitUnknown},
	} {
		p := &prove.Proof{}
		for _, r := range c.results {
			p.Statements = append(p.Statements, prove.Statement{Result: r})
		}
		if got := proofStatus(p); got != c.want {
			t.Errorf("%v: %d, want %d", c.results, got, c.want)
		}
	}
}

// A name in a test is one that can and explain take: a workload, an address, who comes by kubectl.
func TestProveClient(t *testing.T) {
	_, p := companyPlan(t)
	for name, want := range map[string]snapshot.Ref{
		"shop/web":     {Kind: "Deployment", Namespace: "shop", Name: "web"},
		"192.0.2.7":    {Kind: "Outside", Name: "192.0.2.7"},
		"kubectl/exec": {Kind: "kubectl", Name: "exec"},
	} {
		c, err := proveClient(p.world, name)
		if inside := want.Kind == "kubectl"; err != nil || c.Ref != want || (len(c.Endpoints) == 0) != inside || (c.Inside != reach.OverNetwork) != inside {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	if _, err := proveClient(p.world, "shop/wbe"); err == nil || !strings.Contains(err.Error(), "shop/deployment/web") {
		t.Error(err)
	}
}

// Each statement rests on what is deployed from elsewhere: nobody knows whom that shuts out.
func TestProofRestsOnWhatIsElsewhere(t *testing.T) {
	app := filepath.Join(t.TempDir(), "app.yaml")
	text := `{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: other, namespace: argocd}, spec: {
 source: {repoURL: "https://charts.example", chart: ingress}, destination: {name: in-cluster, namespace: payments}}}`
	if err := os.WriteFile(app, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	Main(context.Background(), []string{"pgmoat", "prove", "-o", "json", "-f", company + "mended", "-f", company + "access", "-f", app,
		"--facts", company + "facts.yaml", "--now", "2026-11-21"}, strings.NewReader(""), &stdout, &stderr)
	var got struct {
		Statements []struct {
			Kind        string
			Assumptions []string
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil || len(got.Statements) == 0 {
		t.Fatal(err, stderr.String())
	}
	for _, s := range got.Statements {
		if !slices.Contains(s.Assumptions, snapshot.AssumeElsewhere) {
			t.Errorf("%s rests on %v", s.Kind, s.Assumptions)
		}
	}
}
