package hba

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// A law: the index finds the record that the scan finds, in any file, for any session,
// known or not.
func TestIndexAgreesWithScan(t *testing.T) {
	for seed := range uint64(400) {
		w := indexWorld{rand.New(rand.NewPCG(seed, 7))}
		f := Parse(w.doubted(w.file(1+w.IntN(60))), 16+w.IntN(3))
		if len(f.Errors) > 0 {
			t.Fatalf("seed %d: %v", seed, f.Errors[0])
		}
		x := NewIndex(f)
		for range 60 {
			s := w.session()
			want, got := Decide(f, s), x.Decide(&s)
			if want.Record != got.Record || want.Verdict != got.Verdict || want.Reason != got.Reason || want.Implicit != got.Implicit ||
				!slices.Equal(want.Candidates, got.Candidates) {
				t.Fatalf("seed %d: %+v\nscan  %+v\nindex %+v", seed, s, want, got)
			}
		}
	}
}

type indexWorld struct{ *rand.Rand }

func (w indexWorld) of(words ...string) string { return words[w.IntN(len(words))] }

func (w indexWorld) list(words ...string) string {
	var out []string
	for range 1 + w.IntN(3)*w.IntN(2) {
		out = append(out, w.of(words...))
	}
	return strings.Join(out, ",")
}

func (w indexWorld) file(n int) string {
	var b strings.Builder
	for range n {
		kind := w.of("local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc")
		fmt.Fprintf(&b, "%s %s %s ", kind, w.list("all", "a", "b", "c", `"all"`, "sameuser", "samerole", "replication", `"replication"`, "/^a", "aa", "+g", `"+g"`, many("d")),
			w.list("all", "a", "b", `"all"`, "+a", "+g", `"+g"`, "/b$", "bb", "+", many("u")))
		if kind != "local" {
			b.WriteString(w.of("all", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "10.0.2.0 255.0.255.0", "::/0", "2001:db8::/32",
				"samehost", "samenet", "db.example.com", ".example.com", "0.0.0.0/0", fmt.Sprintf("10.%d.0.0/%d", w.IntN(4), 10+w.IntN(12))) + " ")
		}
		b.WriteString(w.of("trust", "reject", "md5") + "\n")
	}
	return b.String()
}

// doubted are the lines of a text, some of which may not be there.
func (w indexWorld) doubted(text string) []Source {
	var out []Source
	for l := range strings.Lines(text) {
		out = append(out, Source{Text: strings.TrimSuffix(l, "\n"), Maybe: w.of("", "", "", "", "", "the version")})
	}
	return out
}

// many is a list that is too long to be kept name by name.
func many(prefix string) string {
	var out []string
	for i := range 70 {
		out = append(out, fmt.Sprintf("%s%d", prefix, i))
	}
	return strings.Join(append(out, "replication"), ",")
}

func (w indexWorld) session() Session {
	s := Session{Local: w.IntN(6) == 0, TLS: w.IntN(2) == 0, Replication: w.IntN(5) == 0,
		Database: w.name("a", "b", "c", "all", "replication", "aa", "d7", "+g", "z"), User: w.name("a", "b", "ab", "+g", "all", "u7", "z")}
	s.GSS = !s.TLS && w.IntN(3) == 0
	s.Client = ClientAt(netip.MustParseAddr(w.of("10.1.2.3", "10.0.2.9", "10.3.1.1", "192.0.2.1", "2001:db8::1", "::1")))
	s.Client.ServerHost, s.Client.ServerNet = w.match(), w.match()
	s.Client.NameKnown, s.Client.HostName = w.IntN(8) > 0, w.of("", "db.example.com", "x.Example.com")
	if w.IntN(12) == 0 {
		s.Client.Prefixes = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	}
	if w.IntN(12) > 0 {
		groups := [][]string{{}, {"a"}, {"g"}, {"a", "g"}}[w.IntN(4)]
		s.Groups, s.Member = groups, func(_, group string) Match { return yes(slices.Contains(groups, group)) }
	}
	return s
}

func (w indexWorld) name(words ...string) Name {
	switch w.IntN(20) {
	case 0:
		return Name{}
	case 1:
		return AnyOther()
	}
	return Named(w.of(words...))
}

func (w indexWorld) match() Match {
	if w.IntN(6) == 0 {
		return Unsure
	}
	return yes(w.IntN(2) == 0)
}
