//go:build linux

package pgbouncer

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestSentences asks about every rule of the format. A section is a rule, a file, and
// behind "?" the attempts with what PgBouncer answers, which the model has to say too;
// what follows "+ name" is another file.
func TestSentences(t *testing.T) {
	lab := lab118(t)
	cases, err := txtar.ParseFile("testdata/sentences.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases.Files {
		t.Run(c.Name, func(t *testing.T) {
			s, attempts, want := parseSentence(t, string(c.Data))
			compare(t, lab, s, attempts)
			_, answers, err := lab.Try(s, attempts...)
			if err != nil {
				t.Fatal(err)
			}
			for i, got := range answers {
				if got.Outcome != want[i] {
					t.Errorf("%+v: %q, not %q %s", attempts[i], got.Outcome, want[i], got.Failure)
				}
			}
		})
	}
}

func parseSentence(t *testing.T, text string) (s Setup, attempts []Attempt, want []string) {
	s = Setup{User: forced, Files: map[string]string{}}
	file := ""
	for line := range strings.Lines(text) {
		switch question, isQuestion := strings.CutPrefix(line, "? "); {
		case isQuestion:
			asked, answer, _ := strings.Cut(strings.TrimSpace(question), " => ")
			attempts = append(attempts, parseAttempt(t, asked))
			want = append(want, strings.TrimSpace(answer))
		case strings.HasPrefix(line, "+ "):
			file = strings.TrimSpace(line[2:])
			s.Files[file] = ""
		case file != "":
			s.Files[file] += line
		default:
			s.HBA += line
		}
	}
	s.HBA = strings.NewReplacer(`\r`, "\r", `\t`, "\t", `\f`, "\f").Replace(s.HBA)
	return s, attempts, want
}

// parseAttempt reads "USER DATABASE FROM [tls] [cert=NAME] [rogue] [replication]"; FROM
// is an address or local:OSUSER. An underscore is a blank.
func parseAttempt(t *testing.T, text string) Attempt {
	words := strings.Fields(text)
	if len(words) < 3 {
		t.Fatalf("attempt %q", text)
	}
	a := Attempt{User: strings.ReplaceAll(words[0], "_", " "), Database: strings.ReplaceAll(words[1], "_", " "), From: words[2]}
	if user, local := strings.CutPrefix(words[2], "local:"); local {
		a.From, a.OSUser = "", user
	}
	for _, w := range words[3:] {
		name, cert := strings.CutPrefix(w, "cert=")
		switch {
		case w == "tls":
			a.TLS = true
		case cert:
			a.TLS, a.Cert = true, name
		case w == "rogue":
			a.Rogue = true
		case w == "replication":
			a.Replication = "true"
		default:
			t.Fatalf("attempt %q", text)
		}
	}
	return a
}
