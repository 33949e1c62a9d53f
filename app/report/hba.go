package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/engine/login"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// outcomeWords say what the client sees.
var outcomeWords = map[login.Outcome]string{
	login.Unknown:      "cannot tell what the client sees",
	login.Trust:        "let in without any credential",
	login.CertOK:       "let in by its certificate",
	login.PeerOK:       "let in by its operating system user",
	login.IdentOK:      "let in by what the ident server says",
	login.SCRAM:        "asked for a password by SCRAM-SHA-256",
	login.OAuth:        "asked for an OAuth token",
	login.MD5:          "asked for a password by MD5",
	login.Password:     "asked for a password in clear text",
	login.GSS:          "asked for a Kerberos ticket",
	login.Reject:       "refused",
	login.NoEntry:      "refused, for no line matches",
	login.CertRequired: "refused, for it presents no certificate",
	login.CertFail:     "refused, for its certificate is not one of the role",
	login.PeerFail:     "refused, for its operating system user is not one of the role",
	login.IdentFail:    "refused, for the ident server names nobody who is one of the role",
	login.NoRootStore:  "refused, for the server has no CA to check certificates by",
	login.Error:        "refused",
	login.TLSFail:      "refused in the TLS handshake",
	login.SSLRefused:   "told that there is no encryption",
}

// loginReasons say why where the outcome alone does not.
var loginReasons = map[verdict.Reason]string{
	hba.NotLoaded:            "the server does not take the file",
	hba.Undecidable:          "it depends on a membership, a host name, the server's networks, an expression or whether a line is there which of these lines decides",
	login.GSSRefused:         "the server does not offer GSSAPI encryption there",
	login.CertificateInvalid: "no CA of ssl_ca_file signed the certificate",
	login.NoOSUser:           "the system knows no user at the other end of the socket",
	login.NoIdentServer:      "no ident server answers at the client",
	login.NoLDAPServer:       "the line names neither an LDAP server nor a base DN to find one by",
	login.UnknownSecret:      "method md5 asks for SCRAM or MD5 by the secret of the role; --roles tells it",
	login.UnknownPrincipal:   "who the client is in Kerberos decides",
	login.UnknownOSUser:      "the operating system user decides; --os-user tells it",
	login.UnknownMap:         "pg_ident.conf decides; --ident tells it, and --roles who is a member of +role",
}

// evalJSON is an answer as the batch form has it, with what may decide besides.
type evalJSON struct {
	Outcome    string          `json:"outcome"`
	File       *string         `json:"file"`
	Line       *int            `json:"line"`
	Method     *string         `json:"method"`
	Options    []string        `json:"options"`
	SQLState   *string         `json:"sqlstate"`
	Message    *string         `json:"message"`
	Reason     string          `json:"reason"`
	Text       string          `json:"text"`
	Record     string          `json:"record,omitempty"`
	Origin     *verdict.Origin `json:"origin,omitempty"`
	Candidates []candidateJSON `json:"candidates"`
}

type candidateJSON struct {
	Line   int            `json:"line"`
	Record string         `json:"record"`
	Origin verdict.Origin `json:"origin"`
}

func newEvalJSON(got login.Answer) evalJSON {
	a := hbacase.AnswerOf(nil, got)
	out := evalJSON{Outcome: a.Outcome, File: a.File, Line: a.Line, Method: a.Method, Options: hba.Masked(a.Options), SQLState: a.SQLState,
		Message: a.Message, Reason: a.Reason, Text: outcomeWords[got.Outcome], Candidates: []candidateJSON{}}
	if r := got.Record; r != nil {
		out.Record, out.Origin = r.String(), &r.Origin
	}
	for _, r := range got.Candidates {
		out.Candidates = append(out.Candidates, candidateJSON{r.Line, r.String(), r.Origin})
	}
	return out
}

// WriteLogin prints what a server answers to an attempt: text or json.
func WriteLogin(out io.Writer, format, name string, got login.Answer) error {
	if format == "json" {
		return writeJSON(out, newEvalJSON(got))
	}
	t := newText(out, false)
	t.verdict(verdictOf(got.Outcome), "%s: %s", got.Outcome, outcomeWords[got.Outcome])
	switch {
	case got.Record != nil:
		t.line("  %s: %s", place(name, got.Record), got.Record)
	case got.NotLoaded != nil:
		t.line("  %s", refusedLine(name, *got.NotLoaded))
	case got.Outcome == login.NoEntry:
		t.line("  no line of %s matches", name)
	}
	for _, r := range got.Candidates {
		t.line("  perhaps %s: %s", place(name, r), r)
	}
	if m := got.Mapping; m != nil {
		t.line("  pg_ident.conf line %d: map %s, %s → %s", m.Line, m.Map, m.System, m.Role)
	}
	if why := loginReasons[got.Reason]; why != "" {
		t.line("  %s", why)
	}
	if got.SQLState != "" {
		t.line("  FATAL %s: %s", got.SQLState, got.Message)
	}
	return t.err
}

func verdictOf(o login.Outcome) verdict.Verdict {
	switch {
	case o == login.Unknown:
		return verdict.Unknown
	case o.Admits():
		return verdict.Allow
	}
	return verdict.Deny
}

// place is where a person finds a record.
func place(name string, r *hba.Record) string {
	if r.Origin.Object == "" && r.Origin.Note == "" && r.File != "" {
		return fmt.Sprintf("%s line %d", r.File, r.Line)
	}
	return fmt.Sprintf("%s pg_hba.conf line %d (%s)", name, r.Line, r.Origin)
}

// refusedLine is a line that the server does not take.
func refusedLine(name string, e hba.Error) string {
	if e.File != "" {
		name = e.File
	}
	_, message := e.Shown()
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", name, message)
	}
	return fmt.Sprintf("%s line %d: %s", name, e.Line, message)
}

// A RuleList is the rows of pg_hba_file_rules, and of pg_ident_file_mappings where
// pg_ident.conf was read.
type RuleList struct {
	Load     hbacase.Load      `json:"load"`
	Rules    []hbacase.Rule    `json:"rules"`
	Mappings []hbacase.Mapping `json:"mappings"`

	notes    []string
	title    string
	hasIdent bool
	version  int
}

// Rules lists the rows of files. Without secrets their values are ***.
func Rules(f hba.File, maps ident.File, hasIdent, secrets bool) RuleList {
	out := RuleList{Rules: hbacase.RulesOf(f), Mappings: []hbacase.Mapping{}, title: "pg_hba_file_rules", hasIdent: hasIdent, version: f.Version,
		Load: hbacase.Load{HBA: hbacase.Loaded(f.Errors), Ident: hbacase.Loaded(maps.Errors)}}
	if f.Dialect == hba.PgBouncer {
		out.title, out.hasIdent = "auth_hba_file", false
	}
	if out.hasIdent {
		out.Mappings = hbacase.MappingsOf(maps)
	}
	for _, r := range f.Records {
		if r.Maybe != "" {
			out.notes = append(out.notes, fmt.Sprintf("line %d may not be there: that depends on %s", r.Line, r.Maybe))
		}
	}
	for _, e := range f.Errors {
		if e.Silent || e.Missing {
			out.notes = append(out.notes, refusedLine("pg_hba.conf", e))
		}
	}
	if !secrets {
		for i := range out.Rules {
			out.Rules[i].Options = hba.Masked(out.Rules[i].Options)
		}
		out.hideWords(f)
	}
	return out
}

// hideWords takes secrets out of the column of errors, which may quote them.
func (l *RuleList) hideWords(f hba.File) {
	for _, e := range slices.Concat(f.Errors, f.Skipped) {
		_, message := e.Shown()
		for i := range l.Rules {
			if p := l.Rules[i].Error; p != nil && *p == e.Message && l.Rules[i].LineNumber == e.Line {
				l.Rules[i].Error = &message
			}
		}
	}
}

// RuleFormats are what RuleList.Write knows, the first by default.
var RuleFormats = []string{"table", "json"}

// Write prints the rows.
func (l *RuleList) Write(out io.Writer, format string) error {
	if format == "json" {
		return writeJSON(out, l)
	}
	t := newText(out, false)
	t.line("%s: %s", l.title, l.Load.HBA)
	t.table(l.rows())
	if l.hasIdent {
		t.line("")
		t.line("pg_ident_file_mappings: %s", l.Load.Ident)
		t.table(l.mappingRows())
	}
	for _, n := range l.notes {
		t.line("%s", n)
	}
	return t.err
}

func (l *RuleList) rows() [][]string {
	head := []string{"rule", "file", "line", "type", "database", "user", "address", "netmask", "method", "options", "error"}
	out := [][]string{head}
	for _, r := range l.Rules {
		out = append(out, []string{numberText(r.RuleNumber), textOf(r.FileName), fmt.Sprint(r.LineNumber), textOf(r.Type),
			listText(r.Database), listText(r.UserName), textOf(r.Address), textOf(r.Netmask), textOf(r.AuthMethod), listText(r.Options), textOf(r.Error)})
	}
	return withoutEmpty(out)
}

func (l *RuleList) mappingRows() [][]string {
	out := [][]string{{"map", "file", "line", "map_name", "sys_name", "pg_username", "error"}}
	for _, m := range l.Mappings {
		out = append(out, []string{numberText(m.MapNumber), textOf(m.FileName), fmt.Sprint(m.LineNumber), textOf(m.MapName),
			textOf(m.SysName), textOf(m.PGUserName), textOf(m.Error)})
	}
	return withoutEmpty(out)
}

// withoutEmpty leaves out columns in which nothing stands.
func withoutEmpty(rows [][]string) [][]string {
	if len(rows) == 1 {
		return rows
	}
	out := make([][]string, len(rows))
	for column := range rows[0] {
		filled := slices.ContainsFunc(rows[1:], func(r []string) bool { return r[column] != "" })
		for i := range rows {
			if filled {
				out[i] = append(out[i], rows[i][column])
			}
		}
	}
	return out
}

func textOf(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func numberText(p *int) string {
	if p == nil {
		return ""
	}
	return fmt.Sprint(*p)
}

// listText writes an array as PostgreSQL does.
func listText(list []string) string {
	if list == nil {
		return ""
	}
	return "{" + strings.Join(list, ",") + "}"
}
