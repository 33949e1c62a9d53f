package hba

import (
	"net/netip"
	"testing"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// A line that the server may not have decides nothing for certain: what comes behind it
// is asked too.
func TestMaybe(t *testing.T) {
	const settles = "the version of the operator"
	for name, c := range map[string]struct {
		lines []Source
		want  verdict.Verdict
		why   verdict.Reason
		n     int
	}{
		"alone":                 {[]Source{{Text: "host all all all md5", Maybe: settles}}, verdict.Unknown, Undecidable, 1},
		"no match all the same": {[]Source{{Text: "host all b all md5", Maybe: settles}}, verdict.Deny, NoRecord, 0},
		"both ways admitted":    {[]Source{{Text: "host all all all trust", Maybe: settles}, {Text: "host all all all md5"}}, verdict.Allow, Matched, 2},
		"both ways refused":     {[]Source{{Text: "host all all all reject", Maybe: settles}}, verdict.Deny, Rejected, 1},
		"of a continued line": {[]Source{{Text: `host all all \`}, {Text: "all reject", Maybe: settles}, {Text: "host all all all md5"}},
			verdict.Unknown, Undecidable, 2},
		"behind a sure one": {[]Source{{Text: "host all all all md5"}, {Text: "host all all all reject", Maybe: settles}}, verdict.Allow, Matched, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := Session{Database: Named("d"), User: Named("u"), Client: ClientAt(netip.MustParseAddr("192.0.2.7"))}
			got := Decide(Parse(c.lines, 16), s)
			if got.Verdict != c.want || got.Reason != c.why || len(got.Candidates) != c.n {
				t.Errorf("%v %v with %d candidates", got.Verdict, got.Reason, len(got.Candidates))
			}
			if got.Verdict == verdict.Unknown && (got.Certain() || got.Record.Maybe != settles) {
				t.Errorf("certain %t, because of %q", got.Certain(), got.Record.Maybe)
			}
		})
	}
}
