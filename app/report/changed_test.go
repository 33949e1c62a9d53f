package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// opened is a difference of so many rows, each opened by an edit of its own in a file of
// this name.
func opened(n int, file string) *Changed {
	d := &change.Difference{}
	for i := range n {
		cause := change.Cause{Kind: "policy", Change: network.ChangeMoved, Object: fmt.Sprintf("NetworkPolicy data/p%d", i), Field: "spec|`x`@all",
			New: verdict.Origin{File: file, Line: i + 1, Object: "NetworkPolicy data/p"}}
		server := snapshot.Ref{Kind: "Cluster", Namespace: "data", Name: "db"}
		d.Causes = append(d.Causes, cause)
		d.Rows = append(d.Rows, change.Row{Kind: change.Opened, Server: server, From: []snapshot.Ref{{Kind: "Deployment", Namespace: "shop", Name: "web"}},
			Databases: []string{"o'db"}, Roles: []string{reach.AnyOther}, Was: verdict.Deny, Now: verdict.Allow,
			Gained: []reach.Login{{Verdict: verdict.Allow, Method: "trust", Routes: []reach.Route{{Member: "db"}}}},
			Causes: []change.Cause{cause}, Proof: network.ProofEach,
			Witness: change.Witness{From: snapshot.Ref{Kind: "Outside", Name: "192.0.2.0/24"}, Session: reach.Session{Database: "o'db", Role: reach.AnyOther}}})
	}
	world := &snapshot.Snapshot{}
	return NewChanged(EstateSide{Name: "old", World: world}, EstateSide{Name: "new", World: world}, d)
}

func written(t *testing.T, c *Changed, format string) string {
	t.Helper()
	var b strings.Builder
	if err := c.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Markdown stays short enough for a comment, closes what it opens and says what it left out.
func TestChangedMarkdownIsLimited(t *testing.T) {
	for _, n := range []int{1, 30, 100, 3000} {
		text := written(t, opened(n, "a.yaml"), "md")
		if len(text) > 65_536 {
			t.Errorf("%d rows: %d bytes", n, len(text))
		}
		if a, b := strings.Count(text, "<details>"), strings.Count(text, "</details>"); a != b || a == 0 {
			t.Errorf("%d rows: %d folded parts begin and %d end", n, a, b)
		}
		if cut := strings.Contains(text, "Left out because"); cut != (n == 3000) {
			t.Errorf("%d rows: left out: %v", n, cut)
		}
	}
}

// A difference with very many causes names some of them and counts the rest, in every
// format for people.
func TestChangedNamesSomeCauses(t *testing.T) {
	c := opened(1, "a.yaml")
	for i := range 500 {
		c.rows[0].Causes = append(c.rows[0].Causes, change.Cause{Kind: "policy", Object: fmt.Sprintf("NetworkPolicy data/q%d", i)})
	}
	c.rows[0].Proof = network.ProofAmong
	for _, format := range []string{"table", "md", "github"} {
		text := written(t, c, format)
		if !strings.Contains(text, "and 489 more") || strings.Contains(text, "q11 ") || !strings.Contains(text, "q10 ") {
			t.Errorf("%s:\n%s", format, text)
		}
	}
}

// Control ports are counted once for all kinds.
func TestChangedHeadline(t *testing.T) {
	c := opened(2, "a.yaml")
	c.Controls = []change.Control{{Kind: change.Cut}, {Kind: change.Opened}, {Kind: change.Opened}}
	if got, want := c.headline(), "2 opened; control ports: 2 opened, 1 cut"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What comes from files is code in Markdown, and ends no cell.
func TestChangedMarkdownEscapes(t *testing.T) {
	text := written(t, opened(1, "a.yaml"), "md")
	if want := "``NetworkPolicy data/p0 changed: spec\\|`x`@all (a.yaml:1)``"; !strings.Contains(text, want) {
		t.Errorf("want %s in\n%s", want, text)
	}
}

// A file's name cannot end a property, nor a message its command.
func TestChangedAnnotationsEscape(t *testing.T) {
	text := written(t, opened(1, "a:b,c%.yaml"), "github")
	if want := "::error file=a%3Ab%2Cc%25.yaml,line=1,title=opened%3A Cluster data/db::shop/web as (any other) on o'db: gains trust (plain text) through pod address%0Abecause NetworkPolicy"; !strings.HasPrefix(text, want) {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if n := strings.Count(text, "\n"); n != 2 {
		t.Errorf("%d lines, want one for the row and the summary:\n%s", n, text)
	}
}

// The command that is shown can be pasted into a shell.
func TestChangedCommand(t *testing.T) {
	c := opened(1, "a.yaml")
	c.NewFlags = []string{"--facts", "my facts.yaml"}
	want := `pgmoat explain 192.0.2.0/24 data/db --as '(any other)' --db 'o'\''db' --no-tls -f new --facts 'my facts.yaml'`
	if got := shellLine(c.command(&c.rows[0])); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Edits that changed no answer are counted, those that did are not among them.
func TestChangedIdle(t *testing.T) {
	c := opened(1, "a.yaml")
	if line := c.idleLine(); line != "" {
		t.Error(line)
	}
	d := *c.Difference
	d.Causes = append(d.Causes, change.Cause{Object: "Service data/other"})
	if line := NewChanged(c.Old, c.New, &d).idleLine(); line != "1 edit changed no answer; -o json names it" {
		t.Error(line)
	}
}
