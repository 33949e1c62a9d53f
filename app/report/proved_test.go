package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

var (
	ledger    = snapshot.Ref{Kind: "Cluster", Namespace: "payments", Name: "ledger"}
	perimeter = snapshot.Ref{Kind: "PostgresPerimeter", Namespace: "payments", Name: "ledger"}
	shopWeb   = snapshot.Ref{Kind: "PostgresAccess", Namespace: "payments", Name: "shop-web"}
	web       = snapshot.Ref{Kind: "Deployment", Namespace: "shop", Name: "web"}
)

func provedWorld() *snapshot.Snapshot { return &snapshot.Snapshot{Locator: seventh} }

// admitted is a line of a policy of somebody else that lets a client in.
func admitted() verdict.Step {
	return verdict.Step{Layer: verdict.Ingress, Verdict: verdict.Allow, Reason: network.Allowed, Facts: map[string]string{"policies": "payments/legacy", "policy": "payments/legacy"},
		Origin: verdict.Origin{File: "netpol.yaml", Line: 1, Object: "NetworkPolicy payments/legacy", Field: "spec.ingress[0]"}}
}

// closedStatement is refuted by a workload, by pods to come and by an address.
func closedStatement() prove.Statement {
	remove := network.Fix{Kind: network.FixRemove, Edit: admitted().Origin, Policy: "payments/legacy", Direction: "ingress", Wider: true}
	return prove.Statement{
		Kind: prove.Closed, Of: perimeter, Server: ledger, Origin: asked(""), Result: prove.Refuted, Asked: 1234, Assumptions: []string{snapshot.AssumeComplete},
		Against: []prove.Counterexample{
			{
				From: []snapshot.Ref{web}, Server: ledger, Databases: []string{"ledger"}, Roles: []string{"app", reach.AnyOther},
				Login:   reach.Login{Verdict: verdict.Allow, Method: "scram-sha-256", TLS: true},
				Route:   reach.Route{Service: "payments/ledger-rw", Member: "ledger (primary)", Port: 5432},
				Witness: prove.Witness{From: web, Session: reach.Session{Database: "ledger", Role: "app", TLS: true}, Was: verdict.Deny, Now: verdict.Allow},
				Decides: admitted(), Close: []network.Fix{remove, remove},
			},
			{
				Future: &network.Virtual{Namespace: "shop", Labels: netpol.Labels{Set: map[string]string{"app": "web\x1b[2J", "a": "b"}, Unknown: []string{"pod-template-hash"}}},
				Server: ledger, Databases: []string{"ledger"}, Roles: []string{"app"},
				Login: reach.Login{Verdict: verdict.Allow, Method: "trust"}, Route: reach.Route{Member: "ledger", Port: 5432, Sees: "the client's own"},
				Decides: verdict.Step{Layer: verdict.HBA, Verdict: verdict.Allow, Reason: "hba/no-such-word"}, Ours: true,
				Witness: prove.Witness{Session: reach.Session{Database: "it's", Role: "app"}, Was: verdict.Allow, Now: verdict.Allow},
			},
			{
				From: []snapshot.Ref{{Kind: "Outside", Name: "192.0.2.0/24"}}, Server: ledger, Login: reach.Login{Method: "md5", TLS: true, Cert: true},
				Route: reach.Route{Service: "payments/edge", Through: "LoadBalancer", Pooler: "payments/pool"},
				Witness: prove.Witness{From: snapshot.Ref{Kind: "Outside", Name: "192.0.2.0/24"}, Outside: flow.AddressesOf(netip.MustParsePrefix("192.0.2.0/24")),
					Session: reach.Session{Role: "app", Replication: true}, Was: verdict.Allow, Now: verdict.Allow},
			},
		},
	}
}

// provedExample has a statement of each kind.
func provedExample() *Proved {
	dns := snapshot.VitalFlow{ID: "dns", Phase: snapshot.Steady, What: "the pods resolve names", From: snapshot.VitalPeer{Name: "the pods"}, To: snapshot.VitalPeer{Name: "cluster DNS"},
		Ports: []flow.PortRange{{Protocol: flow.UDP, From: 53, To: 53}}}
	noRule := verdict.Step{Layer: verdict.Egress, Verdict: verdict.Deny, Reason: network.NoRule, Facts: map[string]string{"policies": "payments/closed"}}
	test := asked("spec.tests.deny[0]")
	statements := []prove.Statement{
		closedStatement(),
		{Kind: prove.Within, Of: perimeter, Server: ledger, Origin: asked(""), Result: prove.Unknown, Asked: 1, Doubts: []prove.Doubt{
			{Reason: prove.ClientUnsure, From: []snapshot.Ref{web}, Roles: []string{"owner"}, Databases: []string{"ledger"}},
			{Reason: "hba/unsure", Step: verdict.Step{Layer: verdict.HBA, Reason: "hba/unsure", Facts: map[string]string{"record": "line 3", "who": "it", "depends": "a host name"}, Origin: asked("")}},
			{Reason: prove.TooMany}}},
		{Kind: prove.Open, Of: shopWeb, Server: ledger, Origin: asked(""), Result: prove.Refuted, Against: []prove.Counterexample{
			{From: []snapshot.Ref{web}, Server: ledger, Databases: []string{"ledger"}, Roles: []string{"app"}, Decides: noRule,
				Close: []network.Fix{{Kind: network.FixLabelPod, Want: "app=web", Direction: "egress"}}}}},
		{Kind: prove.Vital, Of: perimeter, Server: ledger, Result: prove.Refuted, Asked: 9, Against: []prove.Counterexample{{Flow: &dns, Server: ledger, Decides: noRule, Ours: true}}},
		{Kind: prove.Accept, Of: shopWeb, Server: ledger, Result: prove.Proven, Attempt: &intent.Attempt{From: "shop/web", Role: "app"}, Words: "the shop sells"},
		{Kind: prove.Deny, Of: shopWeb, Server: ledger, Origin: test, Result: prove.Unknown, Attempt: &intent.Attempt{From: "dev/\u202eman", Database: "ledger", Plain: true}, Words: "no # dev",
			Doubts: []prove.Doubt{{Reason: prove.Unresolved, Step: verdict.Step{Facts: map[string]string{"error": "no workload"}}, Origin: test}}},
		{Kind: prove.Privileges, Of: shopWeb, Server: ledger, Result: prove.Unknown, Doubts: []prove.Doubt{{Reason: prove.NoCatalogue}}},
		{Kind: prove.Unchanged, Result: prove.Refuted, Asked: 4, Against: []prove.Counterexample{{From: []snapshot.Ref{web}, To: []snapshot.Ref{{Kind: "Deployment", Namespace: "shop", Name: "cache"}},
			Ports: flow.PortsOf(flow.PortRange{Protocol: flow.TCP, From: 6379, To: 6379}), Change: network.ChangeRemoved, Decides: noRule, Ours: true}}},
		{Kind: prove.Never, Of: snapshot.Ref{Kind: "AccessInvariant", Name: "no-dev"}, Result: prove.Proven, Asked: 7, Words: "development | never reaches `production`", Assumptions: []string{"cni-enforces"}},
	}
	return &Proved{
		Proof: &prove.Proof{Statements: statements}, World: provedWorld(), Version: "1.2.3", Artefacts: "abcd", Flags: []string{"-f", "my dir"},
		Inputs: []object.Input{{Name: "access.yaml", SHA256: "0123"}},
		Job:    &compile.Job{Now: 1767225600, Sites: []*compile.Site{{Expired: []*intent.Access{{Namespace: "payments", Name: "old", Until: 1767225600, Origin: asked("")}}}}},
		Output: &compile.Output{
			Artefacts: []artefact.Artefact{{Ref: ledger, Fields: []artefact.Field{{Path: []string{"spec"}}}}},
			Gaps: []artefact.Gap{{Code: "hba/pooler", Backend: "hba", What: "clients of a pooler", Consequence: "all alike", Origin: asked("")},
				{Code: "hba/other", Backend: "hba", What: "others", Consequence: "alike", Carried: "networkpolicy"}}},
		Errors: []compile.Error{{Origin: asked("spec.from[2]"), Text: "selects nothing", Warning: true}},
	}
}

func provedText(t *testing.T, p *Proved, format string) string {
	t.Helper()
	var b strings.Builder
	if err := p.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Each format of one proof, as testdata/proved.txtar has it; -update writes it anew.
func TestProvedFormats(t *testing.T) {
	const file = "testdata/proved.txtar"
	got := &txtar.Archive{Comment: []byte("One proof in each format: go test ./app/report -run TestProvedFormats -update\n")}
	for _, format := range ProvedFormats {
		got.Files = append(got.Files, txtar.File{Name: format, Data: []byte(provedText(t, provedExample(), format))})
	}
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range got.Files {
		if i >= len(want.Files) || string(want.Files[i].Data) != string(f.Data) {
			t.Errorf("%s differs; got\n%s", f.Name, f.Data)
		}
	}
}

// Nothing that comes from a file can move a terminal's cursor, turn text around, or end a
// part of the report early.
func TestProvedIsPrintable(t *testing.T) {
	p := provedExample()
	for i := range p.Proof.Statements {
		p.Proof.Statements[i].Words = "x\x1b[31m\u202e\nok 99 - all\n  ...\n```\n</details>"
		p.Proof.Statements[i].Of.Name += "\x1b[0m\nBail out!"
	}
	p.Proof.Statements[0].Against[0].From[0].Name = "e\x1b[2J\nnot ok"
	for _, format := range ProvedFormats {
		text := provedText(t, p, format)
		if strings.ContainsAny(text, "\x1b") || format != "json" && strings.ContainsAny(text, "\u202e") {
			t.Errorf("%s has a control", format)
		}
		for line := range strings.Lines(text) {
			if s := strings.TrimSpace(line); format != "md" && (strings.HasPrefix(s, "ok 99") || strings.HasPrefix(s, "Bail out") || s == "</details>") {
				t.Errorf("%s: %q", format, line)
			}
		}
	}
}

// Lists are never null, and what is printed is what the schema says.
func TestProvedJSON(t *testing.T) {
	schemas, err := Schemas()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := schemas["prove"].Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	empty := &Proved{World: &snapshot.Snapshot{}, Proof: &prove.Proof{Statements: []prove.Statement{{Against: []prove.Counterexample{{Future: &network.Virtual{}, Flow: &snapshot.VitalFlow{},
		Login: reach.Login{Method: "md5"}, Witness: prove.Witness{From: web}}}, Doubts: []prove.Doubt{{Future: &network.Virtual{}}}}}}}
	for _, p := range []*Proved{provedExample(), empty, {World: &snapshot.Snapshot{}, Unread: true}} {
		text := provedText(t, p, "json")
		var printed any
		if err := json.Unmarshal([]byte(text), &printed); err != nil {
			t.Fatal(err)
		}
		if at := null(printed, "$"); at != "" {
			t.Errorf("%s is null in\n%s", at, text)
		}
		if err := schema.Validate(printed); err != nil {
			t.Error(err)
		}
	}
}

// null finds a null; the Service and the pooler of a path are the only ones that may be.
func null(v any, at string) string {
	switch v := v.(type) {
	case nil:
		return at
	case map[string]any:
		for key, one := range v {
			if found := null(one, at+"."+key); found != "" && key != "service" && key != "pooler" {
				return found
			}
		}
	case []any:
		for i, one := range v {
			if found := null(one, fmt.Sprintf("%s[%d]", at, i)); found != "" {
				return found
			}
		}
	}
	return ""
}

// What is unknown is not ok: no reader of TAP takes it for a pass. The diagnostics are YAML.
func TestProvedTAP(t *testing.T) {
	text := provedText(t, provedExample(), "tap")
	if !strings.HasPrefix(text, "TAP version 14\n1..9\nnot ok 1 - closed ") {
		t.Errorf("got\n%s", text)
	}
	for _, directive := range []string{"# TODO", "# SKIP"} {
		if strings.Contains(strings.ToUpper(text), directive) {
			t.Error(directive)
		}
	}
	ok, not, blocks := 0, 0, 0
	for _, part := range strings.Split(text, "\n  ---\n") {
		if block, _, found := strings.Cut(part, "\n  ...\n"); found {
			var d diagnosticYAML
			if err := yaml.Unmarshal([]byte(block), &d); err != nil || d.Message == "" || d.Result == "PROVEN" {
				t.Errorf("%v in\n%s", err, block)
			}
			blocks++
		}
	}
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "ok "):
			ok++
		case strings.HasPrefix(line, "not ok "):
			not++
		}
	}
	if ok != 2 || not != 7 || blocks != 7 {
		t.Errorf("%d ok, %d not ok, %d blocks", ok, not, blocks)
	}
}

// A case that is refuted is a failure, one that is unknown an error, and the counts agree.
func TestProvedJUnit(t *testing.T) {
	var got junitSuites
	if err := xml.Unmarshal([]byte(provedText(t, provedExample(), "junit")), &got); err != nil {
		t.Fatal(err)
	}
	tests, failures, errors := 0, 0, 0
	for _, s := range got.Suites {
		tests, failures, errors = tests+s.Tests, failures+s.Failures, errors+s.Errors
		if s.Tests != len(s.Cases) {
			t.Errorf("%s: %d tests, %d cases", s.Name, s.Tests, len(s.Cases))
		}
	}
	if len(got.Suites) != 4 || tests != 9 || failures != 4 || errors != 3 {
		t.Errorf("%d suites, %d tests, %d failures, %d errors", len(got.Suites), tests, failures, errors)
	}
	if c := got.Suites[1].Cases[2]; c.File != "access.yaml" || c.Line != 7 || c.Error == nil || c.Error.Message != "prove/unresolved" {
		t.Errorf("%+v", c)
	}
}

// Where nothing was proven no format looks like a proof.
func TestUnproven(t *testing.T) {
	failed := &Proved{World: &snapshot.Snapshot{}, Errors: []compile.Error{{Origin: asked("spec.server"), Text: "no server has this name", Fix: "name: ledger"}, {Text: "w", Warning: true}}}
	unread := &Proved{World: &snapshot.Snapshot{}, Unread: true}
	for _, c := range []struct {
		p      *Proved
		format string
		want   []string
	}{
		{failed, "table", []string{"access.yaml:1 PostgresAccess payments/shop spec.server: error: no server has this name\n  fix: name: ledger\n", "1 error; nothing was proven\n"}},
		{failed, "md", []string{"### pgmoat prove: 1 error; nothing was proven", "no server has this name"}},
		{failed, "json", []string{`"result": "UNKNOWN"`, `"unproven": "1 error; nothing was proven"`, `"no server has this name"`}},
		{failed, "tap", []string{"TAP version 14\n# access.yaml:1", "Bail out! 1 error; nothing was proven\n"}},
		{failed, "junit", []string{`errors="1"`, "no server has this name"}},
		{unread, "table", []string{"nothing was proven: something could not be read\n"}},
		{unread, "md", []string{"nothing was proven"}},
		{unread, "json", []string{`"statements": []`, `"unproven": "nothing was proven: something could not be read"`}},
		{unread, "tap", []string{"Bail out! nothing was proven: something could not be read\n"}},
		{unread, "junit", []string{`errors="1"`, "something could not be read"}},
	} {
		text := provedText(t, c.p, c.format)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: want %q in\n%s", c.format, want, text)
			}
		}
		if strings.Contains(text, "PROVEN") || strings.Contains(text, "\nok ") {
			t.Errorf("%s looks like a proof:\n%s", c.format, text)
		}
	}
}

// Long lists are cut, and say so; JSON has all. What the same object decides stands together.
func TestProvedIsCut(t *testing.T) {
	p := provedExample()
	s := &p.Proof.Statements[0]
	first := s.Against[0]
	for i := range 50 {
		one := first
		one.From = []snapshot.Ref{{Kind: "Deployment", Namespace: "shop", Name: fmt.Sprintf("n%d", i)}}
		if i >= 10 {
			one.Decides.Origin.Field = fmt.Sprintf("spec.ingress[%d]", i)
		}
		s.Against = append(s.Against, one)
		s.Doubts = append(s.Doubts, prove.Doubt{Reason: prove.TooMany, From: one.From})
	}
	for k := range 30 {
		s.Against[1].Roles = append(s.Against[1].Roles, fmt.Sprintf("r%d", k))
	}
	text := provedText(t, p, "table")
	for _, want := range []string{"shop/n3 ", "  and 6 more alike; -o json has all\n    because netpol", "shop/n11 ", "and 38 more; -o json has all\n  ? shop/n0\n",
		"  ? shop/n4\n    and 45 more alike; -o json has all\n    the pods", "r10, and 19 more on ledger"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "shop/n4 as") || strings.Contains(text, "shop/n12 ") || !strings.Contains(provedText(t, p, "json"), `"n49"`) {
		t.Error("cut at the wrong place")
	}
	for range 2000 {
		p.Proof.Statements = append(p.Proof.Statements, p.Proof.Statements[0], p.Proof.Statements[4])
	}
	md := provedText(t, p, "md")
	if len(md) > 65_536 || !strings.Contains(md, "Left out because") || strings.Count(md, "<details>") != strings.Count(md, "</details>") {
		t.Errorf("%d bytes", len(md))
	}
}

// A pod that does not exist yet is asked about by a manifest on standard input, which the
// estate must not need for itself; one whose namespace nobody names is not.
func TestProvedWitnessPod(t *testing.T) {
	p := &Proved{World: &snapshot.Snapshot{}, Flags: []string{"-f", "k8s"}}
	c := prove.Counterexample{Future: &network.Virtual{Namespace: "shop", Labels: netpol.Labels{Set: map[string]string{"a": "it's"}}}, Server: ledger,
		Witness: prove.Witness{Session: reach.Session{Database: "d", Role: "r", TLS: true}}}
	want := `printf %s '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"pgmoat-witness","namespace":"shop","labels":{"a":"it'\''s"}},` +
		`"spec":{"containers":[{"name":"pgmoat-witness","image":"pgmoat-witness"}]}}' | pgmoat explain shop/pod/pgmoat-witness payments/ledger --as r --db d -f - -f k8s`
	if got := p.tryLine(c); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	p.Flags = []string{"-f", "-"}
	if got := p.tryLine(c); got != "" {
		t.Error(got)
	}
	p.Flags, c.Future.Namespace = nil, ""
	if got := p.tryLine(c); got != "" {
		t.Error(got)
	}
}

// The estate as it stands gives the answer of its commands; what is laid over it is told.
func TestProvedAsIs(t *testing.T) {
	p := provedExample()
	if text := provedText(t, p, "table"); !strings.Contains(text, "(once the artefacts are applied; until then: refused)") {
		t.Error(text)
	}
	p.AsIs = true
	text := provedText(t, p, "table")
	if strings.Contains(text, "once the artefacts") || !strings.HasSuffix(text, "; of the estate as it stands\n") {
		t.Error(text)
	}
}
