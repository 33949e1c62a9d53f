//go:build linux

package enforce

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A written case is policies as people write them, with what must become of some
// packets in comments among them:
//
//	# "the sentence of the API that it is about"
//	# yes b/app > a/db 5432
//	# no 198.51.100.7 > a/db UDP 80
//
// No port is every port, and no protocol TCP and UDP. Pods with addresses of both
// families are tried by both; IPv4 or IPv6 at the end means only one. unsure is what
// the engine must say, whatever the packet does.
type writtenCase struct {
	name  string
	world *snapshot.Snapshot
	wants []want
}

type want struct {
	text   string
	word   string
	trials []trial
}

var words = []string{"yes", "no", "unsure"}

// cases reads the archives: a case is a file of one.
func cases(t *testing.T, archives ...string) []writtenCase {
	t.Helper()
	var out []writtenCase
	for _, archive := range archives {
		a, err := txtar.ParseFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			c := writtenCase{name: f.Name, world: load(t, string(f.Data))}
			if c.wants, err = wants(c.world, string(f.Data)); err != nil {
				t.Fatalf("%s: %s: %v", archive, f.Name, err)
			}
			if len(c.wants) == 0 {
				t.Fatalf("%s: %s: nothing is wanted", archive, f.Name)
			}
			out = append(out, c)
		}
	}
	return out
}

// wants reads the comments. One that is neither a sentence nor a want is a mistake.
func wants(world *snapshot.Snapshot, text string) ([]want, error) {
	var out []want
	all := trials(world)
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		comment, found := strings.CutPrefix(lines.Text(), "# ")
		if !found || strings.HasPrefix(comment, `"`) {
			continue
		}
		w, err := parseWant(comment)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", comment, err)
		}
		chosen := want{text: comment, word: w.word}
		for _, t := range all {
			if w.means(t) {
				chosen.trials = append(chosen.trials, t)
			}
		}
		if len(chosen.trials) == 0 {
			return nil, fmt.Errorf("%s: there is no such packet", comment)
		}
		out = append(out, chosen)
	}
	return out, nil
}

// A pattern is a want as it is written.
type pattern struct {
	word, from, to string
	protocols      []flow.Protocol
	ports          []uint16
	family         string
}

func parseWant(comment string) (pattern, error) {
	fields := strings.Fields(comment)
	if len(fields) < 4 || !slices.Contains(words, fields[0]) || fields[2] != ">" {
		return pattern{}, fmt.Errorf("want one of %v, an end, >, an end", words)
	}
	p := pattern{word: fields[0], from: fields[1], to: fields[3]}
	for _, field := range fields[4:] {
		protocol, err := flow.ParseProtocol(field)
		port, notNumber := strconv.ParseUint(field, 10, 16)
		switch {
		case err == nil:
			p.protocols = append(p.protocols, protocol)
		case notNumber == nil:
			p.ports = append(p.ports, uint16(port))
		case field == "IPv4" || field == "IPv6":
			p.family = field
		default:
			return p, fmt.Errorf("%q is no port, protocol or family", field)
		}
	}
	return p, nil
}

func (p pattern) means(t trial) bool {
	return p.isEnd(p.from, t.from) && p.isEnd(p.to, t.to) &&
		(p.protocols == nil || slices.Contains(p.protocols, t.protocol)) &&
		(p.ports == nil || slices.Contains(p.ports, t.port)) &&
		(p.family == "" || p.family == t.family().String())
}

func (p pattern) isEnd(name string, e end) bool {
	if a, err := netip.ParseAddr(name); err == nil {
		return e.pod == nil && e.at == a
	}
	return e.name() == name
}

// TestWritten compares packets and the engine, and both with what was written down.
func TestWritten(t *testing.T) {
	found := &tally{T: t, lab: start(t)}
	for i, c := range cases(t, "testdata/networkpolicy.txtar", "testdata/tiers.txtar") {
		t.Run(c.name, func(t *testing.T) {
			found.T = t
			all := some(rand.New(rand.NewPCG(uint64(i), 9)), trials(c.world), 400)
			for _, w := range c.wants {
				all = append(all, w.trials...)
			}
			outcomes := found.compare(c.name, c.world, all, Tell)
			for _, w := range slices.Backward(c.wants) {
				from := len(outcomes) - len(w.trials)
				found.meets(c, w, outcomes[from:])
				outcomes = outcomes[:from]
			}
		})
	}
	found.T = t
	found.report()
}

func (f *tally) meets(c writtenCase, w want, outcomes []Outcome) {
	f.Helper()
	v := seenBy(c.world, c.world)
	for i, t := range w.trials {
		switch got := outcomes[i]; {
		case w.word == "unsure":
			if v.verdict(t, t.family()) != verdict.Unknown {
				f.Errorf("# %s: %s: the engine says %s", w.text, t.attempt(), v.explain(t, t.family()))
			}
		case (got == Connected) != (w.word == "yes"):
			f.Errorf("# %s: %s %s", w.text, t.attempt(), got)
		}
	}
}
