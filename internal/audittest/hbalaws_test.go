package audittest_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/adapter/hbafile"
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/rules/hbarules"
	"github.com/pgmoat/pgmoat/internal/hbagen"
	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
)

// A linted is a random server with what the rules found, by rule and line.
type linted struct {
	findings []audit.Finding
	at       map[string]bool // "HBA1001 /etc/pg/pg_hba.conf:3"
	dead     map[string]bool // "/etc/pg/pg_hba.conf:3": surely no session
}

// lint runs the rules on a server, with the list of its roles or without.
func lint(t *testing.T, s *hbacase.Server, listed bool) linted {
	t.Helper()
	roles, err := s.RoleSet()
	if err != nil {
		t.Fatal(err)
	}
	if !listed {
		roles = nil
	}
	files := authfile.Memory{}
	for name, text := range s.Files {
		files[s.Dir+"/"+name] = strings.ReplaceAll(text, "${DIR}", s.Dir)
	}
	in := hba.Input{Version: s.Version, Path: s.Dir + "/pg_hba.conf", Files: files,
		Sources: []hba.Source{{Text: files[s.Dir+"/pg_hba.conf"]}}}
	maps := ident.Read(ident.Input{Version: s.Version, Path: s.Dir + "/pg_ident.conf", Files: files,
		Sources: []hba.Source{{Text: files[s.Dir+"/pg_ident.conf"]}}})
	out := linted{at: map[string]bool{}, dead: map[string]bool{}}
	out.findings = audit.Run(hbafile.World(hbafile.Server(in, &maps, roles)), hbarules.Rules).Findings
	for _, f := range out.findings {
		place := fmt.Sprintf("%s:%d", f.Origin.File, f.Origin.Line)
		out.at[f.Rule+" "+place] = true
		if f.Certain && (f.Rule == "HBA1006" || f.Rule == "HBA1010" && strings.HasPrefix(f.Message, "no session")) {
			out.dead[place] = true
		}
	}
	return out
}

// whole checks that every finding is whole and told once.
func (l linted) whole(t *testing.T, id string) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range l.findings {
		key := f.Rule + f.Origin.String() + f.Message
		if f.Message == "" || f.Fix == "" || f.Origin.IsZero() || seen[key] {
			t.Errorf("%s: %s %s: %q, %q", id, f.Rule, f.Origin, f.Message, f.Fix)
		}
		seen[key] = true
	}
}

// What the model of the server answers to an attempt bears the findings out: it comes
// to no line that is told to be dead, and where it gets through a door from another
// machine, the door was told.
func TestAnswersBearFindingsOut(t *testing.T) {
	doors := map[string]int{}
	for _, version := range []int{13, 15, 16, 18} {
		var l linted
		n := 0
		for c := range hbagen.Random(11, version) {
			if n++; n > 2000 {
				break
			}
			if c.Attempt == nil {
				l = lint(t, &c.Server, n%2 == 0)
				l.whole(t, string(c.ID))
				continue
			}
			answer := hbacase.Evaluate(c)
			if answer.Line == nil {
				continue
			}
			place := fmt.Sprintf("%s:%d", *answer.File, *answer.Line)
			doors[door(c, answer)]++
			if l.dead[place] {
				t.Errorf("%s: %s is told to be dead, and decides: %s", c.ID, place, answer.Outcome)
			}
			if rule := door(c, answer); rule != "" && !l.at[rule+" "+place] {
				t.Errorf("%s: %s at %s, and no %s there", c.ID, answer.Outcome, place, rule)
			}
		}
	}
	if len(doors) < 4 {
		t.Errorf("of some door there was no attempt: %v", doors)
	}
}

// door is the rule that has to tell of the line that gave the answer.
func door(c hbacase.Case, a hbacase.Answer) string {
	from, err := netip.ParseAddr(c.Attempt.Address)
	here := err != nil || c.Attempt.Type == "local" || from.IsLoopback() || slices.ContainsFunc(c.Server.Interfaces, func(i string) bool {
		p, err := netip.ParsePrefix(i)
		return err == nil && p.Addr() == from
	})
	method := ""
	if a.Method != nil {
		method = *a.Method
	}
	certified := slices.ContainsFunc(a.Options, func(o string) bool { return strings.HasPrefix(o, "clientcert=") })
	switch {
	case here:
		return ""
	case method == "trust" && !certified:
		return "HBA1001"
	case a.Outcome == "password" && !certified && !c.Attempt.TLS && !c.Attempt.GSS:
		return "HBA1007"
	case method == "ident":
		return "HBA1019"
	}
	return ""
}
