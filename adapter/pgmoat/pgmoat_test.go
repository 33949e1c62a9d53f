package pgmoat

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is seen into testdata and docs")

// known is what the facts say in all tests.
var known = snapshot.Facts{
	PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")},
	Outside: []snapshot.OutsideRange{
		{Name: "bastion", Addresses: flow.AddressesOf(netip.MustParsePrefix("192.0.2.0/28"))},
		{Name: "office-vpn", Addresses: flow.AddressesOf(netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:7::/48"))},
	},
}

// read reads a text as a file in the namespace shop.
func read(t *testing.T, text []byte) intent.Intents {
	t.Helper()
	return Read(batchOf(t, text), known)
}

func batchOf(t *testing.T, text []byte) object.Batch {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	batch, err := file.Read(t.Context(), []string{name}, file.Options{
		Namespace: "shop", Wants: func(t object.Type, _ []byte) bool { return Wants(t) },
	})
	if err != nil && !errors.Is(err, file.ErrNothing) {
		t.Fatal(err)
	}
	return batch
}

var (
	wanted = regexp.MustCompile(`# want (".*)$`)
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// wants returns what is to be said of each line.
func wants(t *testing.T, text string) map[int][]string {
	t.Helper()
	out := map[int][]string{}
	for i, line := range strings.Split(text, "\n") {
		m := wanted.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		for _, q := range quoted.FindAllString(m[1], -1) {
			said, err := strconv.Unquote(q)
			if err != nil {
				t.Fatalf("line %d: %s: %v", i+1, q, err)
			}
			out[i+1] = append(out[i+1], said)
		}
	}
	return out
}

// Each document of the archives says beside its lines what is wrong with them, field and
// reason. What has a fault is no intent at all.
func TestFaults(t *testing.T) {
	archives, err := filepath.Glob("testdata/faults*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(archives, err)
	}
	for _, archive := range archives {
		a, err := txtar.ParseFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			t.Run(strings.TrimSuffix(f.Name, ".yaml"), func(t *testing.T) { checkFaults(t, f.Data) })
		}
	}
}

func checkFaults(t *testing.T, text []byte) {
	got := read(t, text)
	want := wants(t, string(text))
	for _, p := range got.Problems {
		if !strings.HasPrefix(p.Err, p.Origin.Field) {
			t.Errorf("line %d: %s is said of %q", p.Origin.Line, p.Err, p.Origin.Field)
		}
		if !take(want, p.Origin.Line, p.Err) {
			t.Errorf("line %d: not expected: %s", p.Origin.Line, p.Err)
		}
	}
	for line, texts := range want {
		for _, text := range texts {
			t.Errorf("line %d: nobody says %s", line, text)
		}
	}
	if n := len(got.Perimeters) + len(got.Accesses) + len(got.Invariants); n > 0 {
		t.Errorf("%d intents came of what has faults", n)
	}
}

// take strikes an expectation out.
func take(want map[int][]string, line int, said string) bool {
	for i, w := range want[line] {
		if said == w || strings.HasPrefix(w, "...") && strings.HasSuffix(said, w[3:]) {
			want[line] = append(want[line][:i:i], want[line][i+1:]...)
			return true
		}
	}
	return false
}

// What good documents become, with every default.
func TestIntents(t *testing.T) {
	a, err := txtar.ParseFile("testdata/intents.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(a.Files); i += 2 {
		in, want := a.Files[i], &a.Files[i+1]
		t.Run(in.Name, func(t *testing.T) {
			got := printed(read(t, in.Data))
			if *update {
				want.Data = []byte(got)
				return
			}
			if got != string(want.Data) {
				t.Errorf("got\n%s\nwant\n%s", got, want.Data)
			}
		})
	}
	if *update {
		if err := os.WriteFile("testdata/intents.txtar", txtar.Format(a), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// printed writes intents a line each, and one for each of their parts.
func printed(in intent.Intents) string {
	var b strings.Builder
	for _, p := range in.Problems {
		fmt.Fprintf(&b, "PROBLEM %d %s: %s\n", p.Origin.Line, p.Origin.Field, p.Err)
	}
	for _, p := range in.Perimeters {
		fmt.Fprintf(&b, "perimeter %s/%s around %s enforce=%t egressIsolated=%t plainText=%t minProtocol=%s remoteSuperuser=%t\n",
			p.Namespace, p.Name, server(p.Server), p.Enforce, p.EgressIsolated, p.PlainText, p.MinProtocol, p.RemoteSuperuser)
		if p.ClientNamespaces != nil {
			fmt.Fprintf(&b, "  client namespaces %s\n", p.ClientNamespaces)
		}
		if p.AdminTier != nil {
			fmt.Fprintf(&b, "  admin tier %d\n", p.AdminTier.Priority)
		}
		if p.Owned != nil {
			fmt.Fprintf(&b, "  owns the namespace defaultDeny=%t podSecurity=%q\n", p.Owned.DefaultDeny, p.Owned.PodSecurity)
		}
		peers(&b, "monitoring", p.Monitoring)
		destinations(&b, "backup", p.Backup)
		destinations(&b, "egress", p.Egress)
	}
	for _, a := range in.Accesses {
		fmt.Fprintf(&b, "access %s/%s to %s until=%d isolation=%d\n", a.Namespace, a.Name, server(a.Server), a.Until, a.Client.Isolation)
		peers(&b, "from", a.From)
		for _, e := range a.To {
			fmt.Fprintf(&b, "  to %q as %q endpoint=%d pooler=%q authentication=%d plainText=%t secret=%q\n",
				e.Databases, e.Role, e.Endpoint, e.Pooler, e.Authentication, e.PlainText, e.Secret)
			for _, p := range e.Privileges {
				fmt.Fprintf(&b, "    %q of %q %q %q\n", p.Verbs, p.Schema, p.Tables, p.Columns)
			}
		}
		destinations(&b, "needs", a.Client.Needs)
		for _, x := range a.Accept {
			fmt.Fprintf(&b, "  accept %q db=%q as=%q plain=%t %q\n", x.From, x.Database, x.Role, x.Plain, x.Why)
		}
		for _, x := range a.Deny {
			fmt.Fprintf(&b, "  deny %q db=%q as=%q plain=%t %q\n", x.From, x.Database, x.Role, x.Plain, x.Why)
		}
	}
	for _, i := range in.Invariants {
		fmt.Fprintf(&b, "invariant %s %q\n", i.Name, i.Message)
		sessions(&b, "never", i.Never)
		sessions(&b, "only", i.Only)
	}
	return b.String()
}

func server(r intent.ServerRef) string {
	return strings.Trim(r.Namespace+"/"+r.Kind+"/"+r.Name, "/")
}

func sessions(b *strings.Builder, word string, s *intent.Sessions) {
	if s == nil {
		return
	}
	fmt.Fprintf(b, "  %s as=%q db=%q path=%d methods=%q unencrypted=%t\n", word, s.As, s.Databases, s.Path, s.Methods, s.UnencryptedOnly)
	peers(b, "from", s.From)
	fmt.Fprintf(b, "  to namespaces=%q %s names=%q\n", s.To.Namespaces, s.To.NamespaceSelector, s.To.Names)
}

func peers(b *strings.Builder, word string, in []intent.Peer) {
	for _, p := range in {
		fmt.Fprintf(b, "  %s %s\n", word, peer(p))
	}
}

func peer(p intent.Peer) string {
	if p.IsOutside() {
		return fmt.Sprintf("%q = %s", p.Names, p.Addresses.Text())
	}
	return fmt.Sprintf("namespaces=%q %s pods=%s accounts=%q", p.Namespaces, p.NamespaceSelector, p.Pods, p.ServiceAccounts)
}

func destinations(b *strings.Builder, word string, in []intent.Destination) {
	for _, d := range in {
		fmt.Fprintf(b, "  %s %q %s", word, d.Name, peer(d.To))
		for _, p := range d.Ports {
			fmt.Fprintf(b, " %v/%d-%d", p.Protocol, p.From, p.To)
		}
		b.WriteByte('\n')
	}
}
