//go:build linux

package postgres

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/internal/hbagen"
)

var update = flag.Bool("update", false, "write testdata/answers.txt anew")

// TestKnownAnswers keeps what servers said to the hand-written attempts, so that a
// change of a server or of the lab itself is seen. What differs between versions
// stands with its versions.
func TestKnownAnswers(t *testing.T) {
	versions := wantedVersions(t)
	if len(versions) != len(hbagen.Versions) {
		t.Skip("testdata/answers.txt is about all versions")
	}
	lab := startLab(t, versions)
	answers := make([]map[string]string, len(versions))
	eachVersion(versions, func(version int) {
		answers[version-versions[0]] = knownAnswers(t, lab, version)
	})
	got := summary(t, versions, answers)
	const name = "testdata/answers.txt"
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before := map[string]bool{}
	for line := range strings.Lines(string(want)) {
		before[line] = true
	}
	for line := range strings.Lines(got) {
		if !before[line] {
			t.Errorf("new: %s", line)
		}
	}
	if string(want) != got {
		t.Errorf("%s is not what servers say; go test ./lab/postgres -run Known -update, and read the diff", name)
	}
}

// knownAnswers observes the attempts of one version, by title and number.
func knownAnswers(t *testing.T, lab *Lab, version int) map[string]string {
	cases, err := hbagen.Tricky(version)
	if err != nil {
		t.Error(err)
	}
	out := map[string]string{}
	for _, c := range cases {
		if c.Attempt == nil {
			continue
		}
		o, err := lab.Observe(c)
		if err != nil {
			t.Error(err)
			break
		}
		out[title(c)] = inShort(o)
	}
	return out
}

// title is the ID without "tricky/16/".
func title(c hbacase.Case) string {
	return strings.SplitN(strings.Trim(string(c.ID), `"`), "/", 3)[2]
}

// inShort is "outcome line", with what followed and what the files came to.
func inShort(o Observation) string {
	switch {
	case o.Failure != "":
		return "not observed: " + o.Failure
	case o.Load.HBA == "rejected":
		return "file rejected"
	}
	out := o.Outcome
	if o.Line != nil {
		out += fmt.Sprintf(" line %d", *o.Line)
	}
	if o.Message != nil && o.Outcome == "error" {
		out += ": " + *o.Message
	}
	if o.After != nil && (o.Outcome == "trust" || strings.HasSuffix(o.Outcome, "-ok")) {
		out += ", then " + o.After.SQLState
	}
	return out
}

// summary has a line for each attempt, in the order of the files.
func summary(t *testing.T, versions []int, answers []map[string]string) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, v := range versions {
		cases, err := hbagen.Tricky(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			if name := title(c); c.Attempt != nil && !seen[name] {
				seen[name] = true
				fmt.Fprintf(&b, "%s |%s\n", name, byVersion(name, versions, answers))
			}
		}
	}
	return b.String()
}

// byVersion joins the versions that say the same: " 13: a | 14-18: b".
func byVersion(name string, versions []int, answers []map[string]string) string {
	var parts []string
	for i := 0; i < len(versions); {
		j := i
		for j+1 < len(versions) && answers[j+1][name] == answers[i][name] {
			j++
		}
		if said, there := answers[i][name]; there {
			parts = append(parts, fmt.Sprintf(" %s: %s", span(versions[i], versions[j]), said))
		}
		i = j + 1
	}
	return strings.Join(parts, " |")
}

func span(from, to int) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}
