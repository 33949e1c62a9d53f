package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/engine/regions"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NotLoaded is the error of a file that the server would not load.
func NotLoaded(name string, f hba.File) error {
	lines := []string{name + ": the server would not load the file:"}
	if hbacase.Loaded(f.Errors) == "unknown" {
		lines[0] = name + ": whether the server would load the file is not known:"
	}
	for _, e := range f.Errors {
		lines = append(lines, "  "+refusedLine(name, e))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// An HBADiff is where two files end differently.
type HBADiff struct {
	Old     Side             `json:"old"`
	New     Side             `json:"new"`
	Same    bool             `json:"same"`
	Doubts  []string         `json:"doubts"`
	Regions []hbaRegionJSON  `json:"regions"`
	LeftOut []hbaRegionJSON  `json:"leftOut"`
	result  []regions.Region // as Regions
	partial bool
	wording bool // differences of wording are left out
}

// A Side is one of the two files, and the major version that reads it; zero is not
// known.
type Side struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
}

// SideOf is a file that a server of the version reads; PgBouncer has none of PostgreSQL's.
func SideOf(name string, f hba.File, version int) Side {
	if f.Dialect == hba.PgBouncer {
		version = 0
	}
	return Side{Name: name, Version: version}
}

// String names the file with its version.
func (s Side) String() string {
	if s.Version == 0 {
		return s.Name
	}
	return fmt.Sprintf("%s (PostgreSQL %d)", s.Name, s.Version)
}

type hbaRegionJSON struct {
	Transports   []string        `json:"transports"`
	Addresses    []string        `json:"addresses"`
	Databases    []string        `json:"databases"`
	Users        []string        `json:"users"`
	Certificates []string        `json:"certificates"`
	Conditions   []string        `json:"conditions"`
	Wording      bool            `json:"wordingOnly"`
	Old          *hbaOutcomeJSON `json:"old,omitempty"`
	New          *hbaOutcomeJSON `json:"new,omitempty"`
	Witness      *hbaWitnessJSON `json:"witness,omitempty"`
}

type hbaOutcomeJSON struct {
	Outcome string         `json:"outcome"`
	Line    int            `json:"line,omitempty"`
	Record  string         `json:"record,omitempty"`
	Origin  verdict.Origin `json:"origin"`
}

type hbaWitnessJSON struct {
	Transport   string   `json:"transport"`
	Address     string   `json:"address,omitempty"`
	Database    string   `json:"database,omitempty"`
	Replication bool     `json:"replication"`
	User        string   `json:"user"`
	Certificate string   `json:"certificate"`
	Conditions  []string `json:"conditions"`
}

// NewHBADiff makes a difference ready to be printed.
func NewHBADiff(old, next Side, result regions.Result, ignoreWording bool, doubts []string) HBADiff {
	d := HBADiff{Old: old, New: next, wording: ignoreWording, Doubts: append([]string{}, doubts...), Regions: []hbaRegionJSON{}, LeftOut: []hbaRegionJSON{}, partial: result.Incomplete}
	for _, r := range result.Regions {
		if ignoreWording && r.Wording {
			continue
		}
		out := hbaRegion(r)
		out.Old, out.New = hbaOutcome(r.Old), hbaOutcome(r.New)
		out.Witness = hbaWitness(r.Witness)
		d.Regions, d.result = append(d.Regions, out), append(d.result, r)
	}
	d.wordingLast()
	for _, r := range result.LeftOut {
		d.LeftOut = append(d.LeftOut, hbaRegion(r))
	}
	d.Same = len(d.Regions) == 0 && !result.Incomplete && len(doubts) == 0
	return d
}

// wordingLast puts what matters first.
func (d *HBADiff) wordingLast() {
	slices.SortStableFunc(d.Regions, func(a, b hbaRegionJSON) int { return rank(a.Wording) - rank(b.Wording) })
	slices.SortStableFunc(d.result, func(a, b regions.Region) int { return rank(a.Wording) - rank(b.Wording) })
}

func rank(wording bool) int {
	if wording {
		return 1
	}
	return 0
}

// Differs reports whether there is a region to show.
func (d *HBADiff) Differs() bool { return len(d.Regions) > 0 }

// Write prints the regions: text or json.
func (d *HBADiff) Write(out io.Writer, format string) error {
	if format == "json" {
		return writeJSON(out, d)
	}
	t := newText(out, false)
	if d.Same && d.wording {
		t.verdict(verdict.Allow, "same: the same attempts get in, on the same terms, in %s and %s", d.Old, d.New)
		return t.err
	}
	if d.Same {
		t.verdict(verdict.Allow, "same: every attempt ends alike in %s and %s", d.Old, d.New)
		return t.err
	}
	for _, doubt := range d.Doubts {
		t.verdict(verdict.Unknown, "not all could be told: %s", doubt)
	}
	if len(d.Regions) > 0 {
		t.line("%s and %s differ in %s", d.Old, d.New, counted(len(d.Regions), "region"))
	}
	for i := range d.Regions {
		t.line("")
		d.region(t, i)
	}
	if d.partial {
		t.line("")
		t.verdict(verdict.Unknown, "not all could be told: the files are too much for the budget of this question; left out are")
		for _, r := range d.LeftOut {
			t.line("  %s", sentence(r))
		}
	}
	return t.err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (d *HBADiff) region(t *text, i int) {
	r, shown := d.result[i], d.Regions[i]
	t.verdict(regionVerdict(r), "%s → %s%s", r.Old.Kind, r.New.Kind, map[bool]string{true: " (wording only)"}[r.Wording])
	for _, row := range [][2]string{
		{"who", strings.Join(shown.Users, ", ")}, {"database", strings.Join(shown.Databases, ", ")},
		{"from", strings.Join(shown.Addresses, ", ")}, {"over", strings.Join(shown.Transports, ", ")},
		{"certificate", strings.Join(shown.Certificates, ", ")}, {"if", strings.Join(shown.Conditions, ", ")},
		{"old", decides(shown.Old)}, {"new", decides(shown.New)}, {"for example", witnessText(shown.Witness)},
	} {
		if row[1] != "" {
			t.line("  %-12s %s", row[0], row[1])
		}
	}
}

// regionVerdict colours a region: whoever gets in now and did not before is what matters.
func regionVerdict(r regions.Region) verdict.Verdict {
	switch {
	case r.Old.Kind.Refuses() && !r.New.Kind.Refuses():
		return verdict.Allow
	case !r.Old.Kind.Refuses() && r.New.Kind.Refuses():
		return verdict.Deny
	}
	return verdict.Unknown
}

func decides(o *hbaOutcomeJSON) string {
	if o.Record == "" {
		return "no line matches"
	}
	return fmt.Sprintf("line %d: %s", o.Line, o.Record)
}

func witnessText(w *hbaWitnessJSON) string {
	parts := []string{"user " + w.User}
	if w.Replication {
		parts = append(parts, "physical replication")
	} else {
		parts = append(parts, "database "+w.Database)
	}
	if w.Address != "" {
		parts = append(parts, "from "+w.Address)
	}
	parts = append(parts, "over "+w.Transport)
	if w.Transport == "TLS" {
		parts = append(parts, w.Certificate)
	}
	return strings.Join(append(parts, w.Conditions...), ", ")
}

func sentence(r hbaRegionJSON) string {
	return strings.Join(slices.Concat(r.Users, r.Databases, r.Addresses, r.Transports, r.Conditions), ", ")
}

func hbaOutcome(o regions.Outcome) *hbaOutcomeJSON {
	out := &hbaOutcomeJSON{Outcome: string(o.Kind)}
	if o.Record != nil {
		out.Line, out.Record, out.Origin = o.Record.Line, o.Record.String(), o.Record.Origin
	}
	return out
}

func hbaRegion(r regions.Region) hbaRegionJSON {
	return hbaRegionJSON{Transports: transportWords(r.Transports), Addresses: addressWords(r.Addresses),
		Databases: nameWords(r.Databases), Users: nameWords(r.Users), Certificates: certificateWords(r.Transports, r.Certificates),
		Conditions: conditionWords(r.Conditions), Wording: r.Wording}
}

func hbaWitness(a regions.Attempt) *hbaWitnessJSON {
	out := &hbaWitnessJSON{Transport: transportWord[a.Transport], Database: a.Database, Replication: a.Replication, User: a.User,
		Certificate: certificateWord[a.Certificate], Conditions: conditionWords(a.Conditions)}
	if a.Address.IsValid() {
		out.Address = a.Address.String()
	}
	return out
}

var transportWord = map[regions.Transport]string{
	regions.Socket: "the Unix socket", regions.Plain: "plain TCP", regions.TLS: "TLS", regions.GSS: "GSSAPI encryption"}

func transportWords(s regions.Transports) []string {
	out := []string{}
	for _, t := range s.List() {
		out = append(out, transportWord[t])
	}
	return out
}

func addressWords(s regions.AddressSet) []string {
	if s.Everything() {
		return []string{"all"}
	}
	out := []string{}
	for _, p := range s.Prefixes {
		out = append(out, p.String())
	}
	for _, c := range s.Cubes {
		out = append(out, fmt.Sprintf("%s mask %s", c.Base, c.Mask))
	}
	for _, p := range s.Except {
		out = append(out, "not "+p.String())
	}
	return out
}

func nameWords(s regions.NameSet) []string {
	if s.Everything() && !s.Replication {
		return []string{"all"}
	}
	out := slices.Clone(s.Names)
	if out == nil {
		out = []string{}
	}
	if s.Replication {
		out = append(out, "(physical replication)")
	}
	if s.SameAsUser {
		out = append(out, "(named like the user)")
	}
	for _, r := range s.Rest {
		out = append(out, restWords(r, len(s.Names) > 0 || s.SameAsUser))
	}
	for _, n := range s.Except {
		out = append(out, "not "+n)
	}
	if s.NotUser {
		out = append(out, "not (named like the user)")
	}
	return out
}

// restWords names all names that are not listed; beside others, as other.
func restWords(r regions.Rest, beside bool) string {
	parts := []string{"all"}
	if beside {
		parts[0] = "any other"
	}
	for _, m := range r.Matching {
		parts = append(parts, "matching /"+m)
	}
	for _, m := range r.NotMatching {
		parts = append(parts, "not matching /"+m)
	}
	if len(r.Matching) > 0 && !beside {
		parts = parts[1:]
	}
	return strings.Join(parts, " ")
}

var certificateWord = map[regions.Certificates]string{
	regions.NoCertificate: "no certificate", regions.OfUser: "certificate of the user", regions.OfOther: "certificate of somebody else",
	regions.OfUserByOld: "certificate of the user by the old line only", regions.OfUserByNew: "certificate of the user by the new line only",
}

// certificateWords are nothing where a certificate makes no difference.
func certificateWords(over regions.Transports, s regions.Certificates) []string {
	out := []string{}
	if s == regions.AnyCertificate || s == regions.NoCertificate|regions.OfUser|regions.OfOther || !over.Has(regions.TLS) {
		return out
	}
	for _, c := range []regions.Certificates{regions.NoCertificate, regions.OfUser, regions.OfOther, regions.OfUserByOld, regions.OfUserByNew} {
		if s&c != 0 {
			out = append(out, certificateWord[c])
		}
	}
	return out
}

var conditionText = map[regions.ConditionKind][2]string{
	regions.MemberOf:         {"the user is a member of %s", "the user is no member of %s"},
	regions.MemberOfDatabase: {"the user is a member of the role named like the database", "the user is no member of the role named like the database"},
	regions.UserExists:       {"the user is a role", "the user is no role"},
	regions.UserMatches:      {"the user matches /%s", "the user does not match /%s"},
	regions.DatabaseMatches:  {"the database matches /%s", "the database does not match /%s"},
	regions.ClientName:       {"DNS calls the client %s", "DNS does not call the client %s"},
	regions.SameHost:         {"the client has an address of the server", "the client has no address of the server"},
	regions.SameNet:          {"the client is in a network of the server", "the client is in no network of the server"},
	regions.FromPods:         {"the client is one of the pods %s", "the client is none of the pods %s"},
	regions.LineIsThere:      {"the server has the line %q", "the server does not have the line %q"},
}

func conditionWords(conditions []regions.Condition) []string {
	out := []string{}
	for _, c := range conditions {
		pair := conditionText[c.Kind]
		text := pair[1]
		if c.Holds {
			text = pair[0]
		}
		if strings.Contains(text, "%") {
			text = fmt.Sprintf(text, c.Name)
		}
		out = append(out, text)
	}
	return out
}
