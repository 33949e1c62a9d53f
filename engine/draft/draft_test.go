package draft

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/manifests"
)

var update = flag.Bool("update", false, "write what comes out into the scripts")

// TestDraft reads the estates of the scripts and compares what is drafted of them, and what
// is lost. Each file stands beside base, with what is wanted of both below it.
func TestDraft(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, name := range scripts {
		t.Run(filepath.Base(name), func(t *testing.T) { script(t, name) })
	}
}

func script(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	for i, f := range archive.Files {
		estate, isWant := strings.CutSuffix(f.Name, ".want")
		if !isWant {
			if _, ok := files[f.Name+".want"]; !ok && f.Name != "facts" && f.Name != "base" {
				t.Errorf("%s: nothing is wanted of it", f.Name)
			}
			continue
		}
		world := manifests.Servers(t, files["facts"], append(documents(files["base"]), documents(files[estate])...)...)
		for _, p := range world.Problems {
			t.Errorf("%s: %s: %s", estate, p.Origin, p.Err)
		}
		got := shown(t, Draft(reach.New(world), world.Servers))
		if *update {
			archive.Files[i].Data = []byte(got)
		} else if got != string(f.Data) {
			t.Errorf("%s: got\n%s\nwant\n%s", estate, got, f.Data)
		}
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func documents(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "---\n"), func(d string) bool { return strings.TrimSpace(d) == "" })
}

// shown writes a draft a line each.
func shown(t *testing.T, r *Result) string {
	t.Helper()
	var b strings.Builder
	line := func(what string, v any, why ...string) {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\n", what, data)
		for _, w := range why {
			fmt.Fprintf(&b, "  # %s\n", w)
		}
	}
	for _, s := range r.Sites {
		if p := s.Perimeter; p != nil {
			line("perimeter "+p.Name, p.Tree().Get("spec"), p.Why...)
		}
		for _, a := range s.Accesses {
			line("access "+a.Name, a.Tree().Get("spec"), a.Why...)
			for _, o := range a.From {
				fmt.Fprintf(&b, "  < %s\n", o)
			}
		}
		for _, l := range s.Lost {
			if !l.IsAboutSQL() {
				continue
			}
			fmt.Fprintf(&b, "%s %s\n", l.Code, l.What)
			for _, p := range l.Parts() {
				fmt.Fprintf(&b, "  %v %v as %v\n", p.From, p.Databases, p.Roles)
			}
		}
	}
	return b.String()
}

// A name of Kubernetes is lower case, digits and dashes, and neither begins nor ends with a
// dash.
func TestSlug(t *testing.T) {
	for in, want := range map[string]string{
		"web": "web", "App_RW": "app-rw", "--a..b--": "a-b", "": "clients", "Ä": "clients",
		strings.Repeat("a", 39) + "-b": strings.Repeat("a", 39),
	} {
		if got := slug(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Two accesses of one namespace have two names.
func TestUnique(t *testing.T) {
	taken := map[string]bool{}
	var got []string
	for range 3 {
		got = append(got, unique(taken, "ns/", "web", "orders"))
	}
	if want := []string{"web", "web-orders", "web-2"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
