//go:build linux

package postgres

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/lab/wire"
)

// classify turns what was seen into an Answer.
func (s *server) classify(c hbacase.Case, got seen) (Observation, error) {
	var o Observation
	o.Outcome = outcome(got)
	if e := got.Error; e != nil {
		message := s.mapped(e.Message, c.Server.Dir)
		if got.Challenge == wire.None {
			o.SQLState, o.Message = &e.SQLState, &message
		} else {
			o.After = &After{e.SQLState, message}
		}
	}
	if !reachedRecord[o.Outcome] {
		return o, nil // file, line, method and options are null, and that is the answer
	}
	return o, s.place(c, got, &o)
}

// reachedRecord are the outcomes that a record brought about.
var reachedRecord = map[string]bool{
	"trust": true, "cert-ok": true, "peer-ok": true, "ident-ok": true, "scram": true, "oauth": true, "md5": true,
	"password": true, "gss": true, "reject": true, "cert-required": true, "cert-fail": true, "peer-fail": true,
	"ident-fail": true, "no-root-store": true,
}

func outcome(got seen) string {
	switch {
	case got.refusedSSL:
		return "ssl-refused"
	case got.brokenTLS:
		return "tls-fail"
	case got.Challenge == wire.OK:
		return okOutcome(got.log)
	case got.Challenge != wire.None:
		return string(got.Challenge)
	}
	if logged(got.log, certMismatch) != nil {
		return "cert-fail"
	}
	for _, e := range errorOutcomes {
		if strings.HasPrefix(got.Error.Message, e.begins) {
			return e.outcome
		}
	}
	return "error"
}

var errorOutcomes = []struct{ begins, outcome string }{
	{"pg_hba.conf rejects ", "reject"},
	{"no pg_hba.conf entry for ", "no-entry"},
	{"connection requires a valid client certificate", "cert-required"},
	{"client certificates can only be checked if", "no-root-store"},
	{"Peer authentication failed ", "peer-fail"},
	{"Ident authentication failed ", "ident-fail"},
	{"certificate authentication failed ", "cert-fail"},
	{`"trust" authentication failed `, "cert-fail"},
}

var certMismatch = regexp.MustCompile(`^certificate validation \(clientcert=verify-full\) failed for user `)

// authenticated is what 14 and later log: the file and line after the method.
var authenticated = regexp.MustCompile(`(?s)^connection authenticated: .*method=(\S+) \((.*):(\d+)\)$`)

// matched is what is logged in detail of who was refused. 13 to 15 name no file.
var matched = regexp.MustCompile(`(?:^|\n)Connection matched (?:pg_hba\.conf|file "(.*?)") line (\d+): `)

func logged(log []line, what *regexp.Regexp) []string {
	for _, l := range log {
		if m := what.FindStringSubmatch(l.text); m != nil {
			return m
		}
	}
	return nil
}

// okOutcome says how somebody was let in; a server that logs no method trusts.
func okOutcome(log []line) string {
	if m := logged(log, authenticated); m != nil && m[1] != "trust" {
		return m[1] + "-ok"
	}
	return "trust"
}

// method is the method of an outcome that only one has.
func method(outcome string) *string {
	name := map[string]string{
		"trust": "trust", "cert-ok": "cert", "peer-ok": "peer", "ident-ok": "ident", "oauth": "oauth", "gss": "gss",
		"reject": "reject", "peer-fail": "peer", "ident-fail": "ident",
	}[outcome]
	if name == "" {
		return nil
	}
	return &name
}

// place finds the record that decided, and says what of it does not show.
func (s *server) place(c hbacase.Case, got seen, o *Observation) error {
	file, number := s.where(got.log)
	if number == 0 {
		o.Method = method(o.Outcome)
		o.Blind = []string{"file", "line", "options"}
		if o.Method == nil {
			o.Blind = append(o.Blind, "method")
		}
		return nil
	}
	file = s.mapped(file, c.Server.Dir)
	o.File, o.Line = &file, &number
	record, err := s.rule(c, file, number)
	if err != nil {
		return err
	}
	if record == nil || record.AuthMethod == nil {
		o.Method = method(o.Outcome)
		o.Blind = []string{"options"}
		if o.Method == nil {
			o.Blind = append(o.Blind, "method")
		}
		return nil
	}
	o.Method, o.Options = record.AuthMethod, record.Options
	return nil
}

// where returns the place that the log names, line 0 if it names none.
func (s *server) where(log []line) (string, int) {
	file, number := "", ""
	if m := logged(log, authenticated); m != nil {
		file, number = m[2], m[3]
	} else if m := logged(log, matched); m != nil {
		file, number = m[1], m[2]
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return "", 0
	}
	if file == "" {
		file = s.conf() + "/pg_hba.conf"
	}
	return file, n
}
