package hbagen

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
)

//go:embed tricky/*.txt
var trickyTexts embed.FS

// Tricky returns the hand-written cases for a version: for each set of files one
// without an attempt and one for each attempt. The files in tricky/ say how they are
// written.
func Tricky(version int) ([]hbacase.Case, error) {
	var cases []hbacase.Case
	err := fs.WalkDir(trickyTexts, "tricky", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(trickyTexts, name)
		if err != nil {
			return err
		}
		_, text2, _ := strings.Cut("\n"+string(text), "\n=== ")
		for part := range strings.SplitSeq(text2, "\n=== ") {
			more, err := tricky(part+"\n", version)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			cases = append(cases, more...)
		}
		return nil
	})
	return cases, err
}

// controls are what cannot be seen, or would not survive an editor.
var controls = strings.NewReplacer(
	"␍", "\r", "␉", "\t", "␌", "\f", "␋", "\v", "␀", "\x00", "␠", " ", "␃\n", "", "␛", "\x1b", "␚", "\x1a",
	"⍽", "\u00a0", "␗", "\ufeff",
)

// tricky reads one set of files with its attempts.
func tricky(part string, version int) ([]hbacase.Case, error) {
	title, rest, _ := strings.Cut(part, "\n")
	title, since := strings.TrimSpace(title), ""
	if at := strings.LastIndex(title, " ["); at > 0 {
		title, since = title[:at], strings.Trim(title[at:], " []")
	}
	if wanted, err := inRange(version, since); err != nil || !wanted {
		return nil, err
	}
	archive := txtar.Parse([]byte(rest))
	server := plainServer(version)
	server.Files = map[string]string{"pg_ident.conf": ""}
	for _, f := range archive.Files {
		server.Files[f.Name] = controls.Replace(string(f.Data))
	}
	if server.Files["pg_ident.conf"] == "absent\n" {
		delete(server.Files, "pg_ident.conf")
	}
	var attempts []hbacase.Attempt
	for line := range strings.Lines(string(archive.Comment)) {
		words, err := words(controls.Replace(strings.TrimSpace(line)))
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", title, err)
		case len(words) == 0:
		case words[0] == "server":
			err = setServer(&server, words[1:])
		default:
			var a hbacase.Attempt
			a, err = newAttempt(words)
			attempts = append(attempts, a)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", title, line, err)
		}
	}
	if deadly(version, server.Files) {
		return nil, fmt.Errorf("%s would end the server", title)
	}
	id := fmt.Sprintf("tricky/%d/%s", version, title)
	cases := []hbacase.Case{{ID: quote(id), Server: server}}
	for i, a := range attempts {
		cases = append(cases, hbacase.Case{ID: quote(fmt.Sprintf("%s #%d", id, i+1)), Server: server, Attempt: &a})
	}
	return cases, nil
}

// inRange reads "16+", "13-15", "13" or nothing.
func inRange(version int, text string) (bool, error) {
	if text == "" {
		return true, nil
	}
	from, to, ranged := strings.Cut(strings.Replace(text, "+", "-99", 1), "-")
	low, err := strconv.Atoi(from)
	if err != nil || !ranged {
		return version == low, err
	}
	high, err := strconv.Atoi(to)
	return low <= version && version <= high, err
}

// words splits at blanks. Double quotes keep blanks and vanish.
func words(line string) ([]string, error) {
	var out []string
	word, inWord, quoted := "", false, false
	for _, c := range line {
		switch {
		case c == '"':
			inWord, quoted = true, !quoted
		case c == ' ' && !quoted:
			if inWord {
				out = append(out, word)
			}
			word, inWord = "", false
		default:
			word, inWord = word+string(c), true
		}
	}
	if inWord {
		out = append(out, word)
	}
	if quoted {
		return nil, fmt.Errorf("a quote without an end")
	}
	return out, nil
}

func setServer(s *hbacase.Server, words []string) error {
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "ssl":
			s.SSL = value == "on"
		case "ca":
			s.ClientCA = value == "on"
		case "encryption":
			s.PasswordEncryption = value
		case "interfaces":
			s.Interfaces = strings.Split(value, ",")
		case "hosts":
			text := strings.ReplaceAll(value, ";", "\n") + "\n"
			s.Hosts = &text
		case "dns":
			s.DNS = hbacase.DNS{}
		case "oauth":
			s.OAuthValidators = strings.Split(value, ",")
		default:
			return fmt.Errorf("nothing known of %q", name)
		}
	}
	return nil
}

// newAttempt reads "USER DATABASE FROM [tls] [cert=SUBJECT] [rogue] [replication=TEXT]
// [ident=USER]", where DATABASE - is none and FROM is an address or local:USER.
func newAttempt(words []string) (hbacase.Attempt, error) {
	var a hbacase.Attempt
	if len(words) < 3 {
		return a, fmt.Errorf("an attempt has a user, a database and a place")
	}
	a = hbacase.Attempt{Type: "host", User: words[0], Address: words[2], TLS: slices.Contains(words, "tls")}
	if words[1] != "-" {
		a.Database = &words[1]
	}
	if user, local := strings.CutPrefix(words[2], "local:"); local {
		a.Type, a.OSUser, a.Address = "local", user, ""
	}
	for _, word := range words[3:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "tls":
		case "cert":
			a.ClientCert = &hbacase.ClientCert{Subject: value, Trusted: !slices.Contains(words, "rogue")}
		case "rogue":
		case "replication":
			a.Replication = hbacase.Replication{Sent: true, Text: value}
		case "ident":
			a.IdentUser = value
		default:
			return a, fmt.Errorf("nothing known of %q", name)
		}
	}
	return a, nil
}
