package ident

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/hba"
)

func lines(text string) []hba.Source {
	var out []hba.Source
	for l := range strings.SplitSeq(text, "\n") {
		out = append(out, hba.Source{Text: l})
	}
	return out
}

var words = map[hba.Match]string{hba.Unsure: "unsure", hba.No: "no", hba.Yes: "yes"}

func yes(b bool) hba.Match {
	if b {
		return hba.Yes
	}
	return hba.No
}

func TestMapUser(t *testing.T) {
	const file = `
m      alice    bob
m      carol    all
m      dave     "all"
m      erin     +dev
re     /^(.*)@x$ \1
re     plain    \1
re     /^ops     admin
none   /x        \1
none   x         \1
`
	member := func(role, group string) hba.Match { return yes(role == "d" && group == "dev") }
	for _, c := range []struct {
		version               int
		mapName, system, role string
		want                  hba.Match
	}{
		{18, "", "app", "app", hba.Yes},
		{18, "", "app", "other", hba.No},
		{18, "nomap", "app", "app", hba.No},
		{18, "m", "alice", "bob", hba.Yes},
		{18, "m", "alice", "alice", hba.No},
		{18, "m", "carol", "anybody", hba.Yes},
		{15, "m", "carol", "anybody", hba.No},
		{18, "m", "dave", "anybody", hba.No},
		{18, "m", "dave", "all", hba.Yes},
		{18, "m", "erin", "d", hba.Yes},
		{18, "m", "erin", "e", hba.No},
		{18, "re", "z@x", "z", hba.Yes},
		{18, "re", "z@x", "y", hba.No},
		{18, "none", "x", "\\1", hba.No},
		{18, "re", "plain", `\1`, hba.Yes},
		{18, "re", "ops1", "admin", hba.Yes},
		{18, "re", "ops1", "root", hba.No},
	} {
		f := Parse(lines(file), c.version)
		if len(f.Errors) > 0 {
			t.Fatal(f.Errors)
		}
		if got := Map(f, c.mapName, c.system, hba.Named(c.role), member).Match; got != c.want {
			t.Errorf("%d %s %s → %s: got %s, want %s", c.version, c.mapName, c.system, c.role, words[got], words[c.want])
		}
	}
}

func TestParseIdentErrors(t *testing.T) {
	f := Parse(lines("m a\nm a,b c\nm a b ignored\ninclude x"), 18)
	if len(f.Mappings) != 1 || len(f.Errors) != 3 || f.Errors[0].Message != "missing entry at end of line" ||
		f.Errors[1].Message != "multiple values in ident field" || !f.Errors[2].Missing {
		t.Errorf("%+v", f)
	}
	if f = Parse(nil, 18); len(f.Errors) > 0 {
		t.Error("an empty file is fine")
	}
}

// A law: what is read is printed so that it is read as the same.
func FuzzParse(f *testing.F) {
	f.Add("m /^(.*)@x$ \\1\n\"a b\" \"all\" +dev # c", 18)
	f.Add("@m \"/x,y\" \"\"\"\"", 13)
	f.Fuzz(func(t *testing.T, text string, version int) {
		version = 13 + (version%6+6)%6
		first := Parse([]hba.Source{{Text: text}}, version)
		if got := len(first.Rows()); got != len(first.Mappings)+len(first.Errors) {
			t.Fatalf("%d rows", got)
		}
		for _, m := range first.Mappings {
			again := Parse([]hba.Source{{Text: m.String()}}, version)
			if len(again.Mappings) != 1 || again.Mappings[0].String() != m.String() {
				t.Fatalf("%q was read from its own text as %+v", m, again)
			}
			for _, user := range []string{"a", "all", "+dev", m.System.Text} {
				x, y := Map(first, m.Map, user, hba.Named("a"), nil), Map(again, m.Map, user, hba.Named("a"), nil)
				if len(first.Mappings) == 1 && len(first.Errors) == 0 && x.Match != y.Match {
					t.Fatalf("%q: %s is %s, again %s", m, user, words[x.Match], words[y.Match])
				}
			}
		}
	})
}
