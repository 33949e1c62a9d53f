package authfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// show writes the lines of a tree: the file and line, the fields with quoted tokens in
// quotes, the error.
func show(files Memory, version int) string {
	var out []string
	for _, l := range Tokenize(Input{Version: version, Path: "/d/pg_hba.conf", Files: files, Sources: []Source{{Text: files["/d/pg_hba.conf"]}}}) {
		var fields []string
		for _, f := range l.Fields {
			var words []string
			for _, t := range f {
				if t.Quoted {
					t.Text = `"` + t.Text + `"`
				}
				words = append(words, t.Text)
			}
			fields = append(fields, strings.Join(words, "|"))
		}
		text := fmt.Sprintf("%s:%d [%s]", strings.TrimPrefix(l.File, "/d/"), l.Number, strings.Join(fields, "] ["))
		if l.Error != "" {
			text += " ! " + l.Error
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

// Each case is a sentence of what was observed on servers; the first file is
// pg_hba.conf, others follow behind "-- name --".
func TestTokenize(t *testing.T) {
	long := strings.Repeat("x", maxToken)
	for _, c := range []struct {
		sentence string
		version  int
		tree     string
		want     string
	}{
		{"blanks are space, tab and CR; others are part of a token", 18, "a\tb \rc\fd\ve\u00a0f", "pg_hba.conf:1 [a] [b] [c\fd\ve\u00a0f]"},
		{"a token's quote may begin anywhere", 18, `al"l" "all" ""all "+"x x"#y"z`, `pg_hba.conf:1 [all] ["all"] ["all"] ["+x"] [x#yz]`},
		{"an empty token", 18, `"" a`, `pg_hba.conf:1 [""] [a]`},
		{"commas join, blanks may stand behind them", 18, "a,b, c,,d e ,f,", "pg_hba.conf:1 [a|b|c|d] [e] [f]"},
		{"a comma before a comment", 18, "a,#b", "pg_hba.conf:1 [a]"},
		{"continued lines are one, and counted", 18, "a\\\nb \\\n\\\nc\nd", "pg_hba.conf:1 [ab] [c]\npg_hba.conf:5 [d]"},
		{"a backslash at the end of the file continues nothing", 14, "a b\\", "pg_hba.conf:1 [a] [b]"},
		{"a backslash has to come after the last place", 18, "a\\\\\n\nb", "pg_hba.conf:1 [a\\]\npg_hba.conf:3 [b]"},
		{"a line end is taken off the whole line", 18, "a\r\\\n\nb", "pg_hba.conf:1 [a]\npg_hba.conf:3 [b]"},
		{"13 does not continue", 13, "a\\\nb", "pg_hba.conf:1 [a\\]\npg_hba.conf:2 [b]"},
		{"13: the rest of a long line is the next", 13, strings.Repeat(" ", maxLine) + "a\nb",
			"pg_hba.conf:1 [] ! authentication file line too long\npg_hba.conf:2 [a]\npg_hba.conf:3 [b]"},
		{"a token of 10239 bytes is read", 15, long + " " + long + "#c", "pg_hba.conf:1 [" + long + "] [" + long + "]"},
		{"and not even a quote or comma behind it", 15, "a " + long + ",b", "pg_hba.conf:1 [a] ! authentication file token too long"},
		{"16 has no limit", 16, long + "xx", "pg_hba.conf:1 [" + long + "xx]"},
		{"what stands behind a NUL is not seen, the line's end neither", 18, "a\x00b\nc\nd", "pg_hba.conf:1 [ac]\npg_hba.conf:2 [d]"},
		{"13 sees the line's end", 13, "a\x00b\nc", "pg_hba.conf:1 [a]\npg_hba.conf:2 [c]"},

		{"an @file is its tokens", 15, "a @l x\n-- l --\nb,c \"all\"\n# no\nd", "pg_hba.conf:1 [a] [b|c|\"all\"|d] [x]"},
		{"quoted it is a name, and alone", 15, `"@l" @ @"l m"` + "\n-- l m --\nb", `pg_hba.conf:1 ["@l"] [@] [b]`},
		{"it is relative to the file that names it", 15, "@s/l\n-- s/l --\n@m\n-- s/m --\nb", "pg_hba.conf:1 [b]"},
		{"an empty one shifts fields", 18, "a @l b\n-- l --\n# nothing", "pg_hba.conf:1 [a] [b]"},
		{"13 to 15: a missing one", 15, "a @l b", `pg_hba.conf:1 [a] ! could not open secondary authentication file "@l" as "/d/l": No such file or directory`},
		{"16: a missing one", 16, "a @l b", `pg_hba.conf:1 [a] ! could not open file "/d/l": No such file or directory`},
		{"14: a directory is nothing", 14, "a @l b\n-- l/x --\n", "pg_hba.conf:1 [a] [b]"},
		{"13: a directory is an error", 13, "a @l b\n-- l/x --\n", `pg_hba.conf:1 [a] ! could not read file "/d/l": Is a directory`},
		{"a file is no directory", 16, "@l/x\n-- l --\n", `pg_hba.conf:1 [] ! could not open file "/d/l/x": Not a directory`},
		{"13 to 15 die of a loop", 15, "@l\n-- l --\n@l", "pg_hba.conf:1 [] ! /d/l: the file includes itself, which ends the server"},
		{"16 has a limit", 16, "@l\n-- l --\n@l", `pg_hba.conf:1 [] ! could not open file "/d/l": maximum nesting depth exceeded`},
		{"16: two fields of an @file may be a directive", 16, "a @l\n-- l --\ninclude m\n-- m --\nb", "pg_hba.conf:1 [a] [b]"},
		{"15: they are names", 15, "a @l\n-- l --\ninclude m", "pg_hba.conf:1 [a] [include|m]"},

		{"include splices", 16, "a\n\"include\" i,j\nb\n-- i --\n\nc", "pg_hba.conf:1 [a]\ni:2 [c]\npg_hba.conf:3 [b]"},
		{"only with two fields", 16, "include a b\ninclude", "pg_hba.conf:1 [include] [a] [b]\npg_hba.conf:2 [include]"},
		{"missing", 16, "include i\ninclude_if_exists i\ninclude_if_exists f/i\n-- f --\n",
			"pg_hba.conf:1 [include] [i] ! could not open file \"/d/i\": No such file or directory\n" +
				"pg_hba.conf:3 [include_if_exists] [f/i] ! could not open file \"/d/f/i\": Not a directory"},
		{"a directory of files, sorted by bytes", 16, "include_dir c\n-- c/a.conf --\na\n-- c/B.conf --\nb\n-- c/10.conf --\nc\n-- c/.x.conf --\nd\n-- c/y.txt --\ne\n-- c/.conf --\nf\n-- c/z.conf/x --\ng",
			"c/10.conf:1 [c]\nc/B.conf:1 [b]\nc/a.conf:1 [a]"},
		{"which has to be there", 16, "include_dir c\ninclude_dir \" \"",
			"pg_hba.conf:1 [include_dir] [c] ! could not open directory \"/d/c\"\npg_hba.conf:2 [include_dir] [\" \"] ! empty configuration directory name"},
		{"itself", 17, "a\ninclude pg_hba.conf", "pg_hba.conf:1 [a]\n" + strings.Repeat("pg_hba.conf:1 [a]\n", 10) +
			`pg_hba.conf:2 [include] [pg_hba.conf] ! could not open file "/d/pg_hba.conf": maximum nesting depth exceeded`},
	} {
		if got := show(tree(c.tree), c.version); got != c.want {
			t.Errorf("%s\ngot  %.400q\nwant %.400q", c.sentence, got, c.want)
		}
	}
}

// tree reads files; "pg_hba.conf" is what stands before the first name.
func tree(text string) Memory {
	out := Memory{}
	name := "pg_hba.conf"
	for i, part := range strings.Split("\n"+text, "\n-- ") {
		if i > 0 {
			name, part, _ = strings.Cut(part, " --\n")
		} else {
			part = strings.TrimPrefix(part, "\n")
		}
		out["/d/"+name] = part
	}
	return out
}

func TestPaths(t *testing.T) {
	for _, c := range []struct {
		version                int
		file, name, oldW, want string
	}{
		{15, "/d/f", "x", "", "/d/x"}, {15, "/d/f", "./x", "", "/d/x"}, {15, "/d/e/f", "../x", "", "/d/x"}, {15, "/d/f", "a/./b//c/../x", "", "/d/a/b/x"},
		{14, "/d/f", "a/./b//c/../x", "", "/d/a/./b/c/../x"}, {14, "/d/f", "a/..", "", "/d"}, {14, "/d/f", "x/.", "", "/d/x"}, {14, "/d/f", "x/", "", "/d/x"},
		{15, "/d/f", "/e//x", "", "/e//x"}, {15, "f", "x", "", "x"}, {15, "/f", "x", "", "//x"}, {15, "/d/f", "", "", "/d"}, {14, "/d/f", "a/b/../..", "", "/d"},
	} {
		want := c.want
		if c.version >= 15 && want == "//x" {
			want = "/x"
		}
		if got := beside(c.file, c.name, c.version); got != want {
			t.Errorf("%d: %s of %s: %s, want %s", c.version, c.name, c.file, got, want)
		}
	}
}

func TestOriginsAreThoseOfTheSources(t *testing.T) {
	at := func(field string) verdict.Origin { return verdict.Origin{Field: field} }
	lines := Tokenize(Input{Version: 18, Sources: []Source{
		{Text: "a \\", Origin: at("1")}, {Text: "b", Origin: at("2")}, {Text: "c\nd", Origin: at("3")}, {Text: "e", Origin: at("4")}}})
	var got []string
	for _, l := range lines {
		got = append(got, fmt.Sprintf("%s:%d-%d", l.Origin.Field, l.First, l.Last))
	}
	if strings.Join(got, " ") != "1:0-1 3:2-2 3:2-2 4:3-3" {
		t.Error(got)
	}
}

// A law: what is not known is told, never left out.
func TestUnknownFilesAreErrors(t *testing.T) {
	for _, text := range []string{"a @x b", "include x", "include_if_exists x", "include_dir x"} {
		lines := Tokenize(Input{Version: 18, Sources: []Source{{Text: text}}})
		if len(lines) != 1 || lines[0].Error == "" || !lines[0].Missing {
			t.Errorf("%s: %+v", text, lines)
		}
	}
}

func TestMemory(t *testing.T) {
	m := Memory{"/d/a": "text", "/d/empty/": "", "/d/s/b": ""}
	for path, want := range map[string]error{
		"/d/a": nil, "/d/./a": nil, "/d/s/../a": nil, "/d/none/../a": fs.ErrNotExist, "/d/a/../a": ErrNotDirectory, "/d/a/": ErrNotDirectory,
		"/d/s": ErrIsDirectory, "/d/empty": ErrIsDirectory, "/d/empty/x": fs.ErrNotExist, "/d/" + strings.Repeat("x", 256): ErrNameTooLong,
	} {
		if _, err := m.Read(path); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if names, err := m.List("/d/empty"); len(names) > 0 || err != nil {
		t.Errorf("empty: %v %v", names, err)
	}
}

// Files that name each other many times end, all the same.
func TestManyInclusionsEnd(t *testing.T) {
	files := Memory{}
	for i := range 9 {
		files[fmt.Sprintf("/d/%d", i)] = strings.Repeat(fmt.Sprintf("@%d ", i+1), 40)
	}
	files["/d/9"] = "x"
	for _, version := range []int{15, 18} {
		if lines := Tokenize(Input{Version: version, Path: "/d/pg_hba.conf", Files: files, Sources: []Source{{Text: "@0"}}}); len(lines) != 1 || lines[0].Error == "" {
			t.Errorf("%d: %d lines", version, len(lines))
		}
	}
}

// A law: a token is read from its own text as it is.
func FuzzToken(f *testing.F) {
	f.Add(`a"b c"",#d`, 16)
	f.Add("\"\\\" x@", 13)
	f.Fuzz(func(t *testing.T, content string, version int) {
		version = 13 + (version%6+6)%6
		for _, l := range writtenLines(content, version) {
			for _, field := range l.fields {
				s := scanner{rest: Join(field)}
				again, _ := writtenField(&s)
				if len(again) != len(field) || s.rest != "" {
					t.Fatalf("%q was read as %+v", Join(field), again)
				}
				for i := range field {
					if again[i] != field[i] {
						t.Fatalf("%q was read as %+v", Join(field), again)
					}
				}
			}
		}
	})
}

// FuzzTokenize reads trees that somebody might send.
func FuzzTokenize(f *testing.F) {
	f.Add("a @l \"x\ninclude l\n-- l --\n@m\\\n@l", 17)
	f.Add("include_dir .\n@pg_hba.conf\x00\n", 13)
	f.Fuzz(func(t *testing.T, text string, version int) {
		version = 13 + (version%6+6)%6
		for _, l := range Tokenize(Input{Version: version, Path: "/d/pg_hba.conf", Files: tree(text), Sources: []Source{{Text: text}}}) {
			if l.Number < 1 || l.Error == "" && len(l.Fields) == 0 {
				t.Fatalf("%+v", l)
			}
		}
	})
}

// A law: formatted text is read the same by every version, and formatting it again
// changes nothing.
func FuzzFormat(f *testing.F) {
	f.Add("host all,b  \"x y\"  10.0.0.0/8 md5 # why\n\n# c \nlocal all all peer")
	f.Add("a\\\nb c\r\n\"open \\\n x,, y # \\ \n")
	f.Fuzz(func(t *testing.T, content string) {
		once, err := Format(content)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := Format(once); err != nil || twice != once {
			t.Fatalf("%q\n%q\n%q %v", content, once, twice, err)
		}
	})
}

func TestFormat(t *testing.T) {
	got, err := Format("# who\nlocal all postgres peer\nhost   all,\"b c\" all 10.0.0.0/8   md5   map=x # why  \nhostssl a +b 10.0.0.0 255.0.0.0 cert\n\nhost a b all trust \\\n  # go on\n@x\nhost \"open\n")
	want := `# who
local    all        postgres              peer
host     all,"b c"  all       10.0.0.0/8  md5        map=x  # why
hostssl  a          +b        10.0.0.0    255.0.0.0  cert

host a b all trust \
  # go on
@x
host  "open
`
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}
