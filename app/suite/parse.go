package suite

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A parser reads an expectation file line by line.
type parser struct {
	out   expectation
	line  int
	said  map[string]int // statements by their parties, with the line
	table *table         // the one being read
}

// parse reads a file whole or refuses it: a line that is not understood would be an
// expectation that nobody holds against anything. The error begins with the line.
func parse(data []byte) (expectation, error) {
	if !utf8.Valid(data) {
		return expectation{}, errors.New("1: not valid UTF-8")
	}
	p := parser{said: map[string]int{}}
	p.out.seen = map[string]int{}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for i, text := range strings.Split(string(data), "\n") {
		p.line = i + 1
		if err := p.one(strings.TrimSpace(text)); err != nil {
			return p.out, fmt.Errorf("%d: %w", p.line, err)
		}
	}
	if err := p.endTable(); err != nil {
		return p.out, fmt.Errorf("%d: %w", p.line, err)
	}
	if p.out.isEmpty() {
		return p.out, fmt.Errorf("%d: the file expects nothing: no statement, question, refusal or absence", p.line)
	}
	return p.out, nil
}

func (p *parser) one(text string) error {
	if text == "" {
		return p.endTable()
	}
	if text = uncommented(text); text == "" {
		return nil
	}
	if p.table != nil {
		return p.table.row(p.line, text)
	}
	word, rest, _ := strings.Cut(text, " ")
	switch {
	case word == "table":
		return p.beginTable(rest)
	case word == "can":
		return p.question(rest)
	case word == "?":
		return p.statement(rest, true)
	case strings.HasPrefix(text, "refused:"):
		return p.refusal(strings.TrimPrefix(text, "refused:"))
	case strings.HasPrefix(text, "absent:"):
		return p.absence(strings.TrimPrefix(text, "absent:"))
	case strings.Contains(text, "->"):
		return p.statement(text, false)
	}
	return p.header(text)
}

// uncommented drops what follows a # that begins a word.
func uncommented(text string) string {
	for i := range text {
		if text[i] == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
			return strings.TrimSpace(text[:i])
		}
	}
	return text
}

// statement reads "FROM -> TO : PORTS".
func (p *parser) statement(text string, unknown bool) error {
	ends, what, err := cutLast(text, ":", "FROM -> TO : PORTS")
	if err != nil {
		return err
	}
	s := statement{line: p.line, unknown: unknown}
	if s.from, s.to, err = parseParties(ends); err != nil {
		return err
	}
	if s.ports, err = parsePorts(what); err != nil {
		return err
	}
	key := fmt.Sprintf("%t %s -> %s", unknown, s.from.text, s.to.text)
	if before, ok := p.said[key]; ok {
		return fmt.Errorf("%s -> %s is in line %d already; write all its ports in one line", s.from.text, s.to.text, before)
	}
	p.said[key] = p.line
	p.out.statements = append(p.out.statements, s)
	return nil
}

// question reads "FROM -> TO PROTOCOL PORT : VERDICT".
func (p *parser) question(text string) error {
	ends, what, err := cutLast(text, ":", "can FROM -> TO PROTOCOL PORT : allow, deny or unknown")
	if err != nil {
		return err
	}
	words := strings.Fields(ends)
	if len(words) < 3 {
		return errors.New("want can FROM -> TO PROTOCOL PORT : allow, deny or unknown")
	}
	q := question{line: p.line}
	if q.port, err = parsePort(words[len(words)-2], words[len(words)-1]); err != nil {
		return err
	}
	if q.from, q.to, err = parseParties(strings.Join(words[:len(words)-2], " ")); err != nil {
		return err
	}
	if err = q.want.UnmarshalText([]byte(what)); err != nil {
		return err
	}
	return p.ask(q)
}

// ask takes a question whose outside party is one address: of several, some may be
// let through and others not.
func (p *parser) ask(q question) error {
	for _, end := range []party{q.from, q.to} {
		if end.rest || end.outside && !isSingle(end.addresses) {
			return fmt.Errorf("%s: a question is about one address; write a statement for ranges", end.text)
		}
	}
	p.out.questions = append(p.out.questions, q)
	return nil
}

func isSingle(a flow.Addresses) bool {
	ps := a.Prefixes()
	return len(ps) == 1 && ps[0].IsSingleIP()
}

// refusal reads "SUBJECT : WORDS".
func (p *parser) refusal(text string) error {
	subject, words, ok := strings.Cut(text, " : ")
	r := refusal{p.line, strings.TrimSpace(subject), strings.TrimSpace(words)}
	if !ok || r.subject == "" || r.words == "" {
		return errors.New("want refused: FILE or Kind namespace/name : words of the reason")
	}
	p.out.refusals = append(p.out.refusals, r)
	return nil
}

// absence reads a party that is not there.
func (p *parser) absence(text string) error {
	gone, err := parseParty(text)
	if err == nil && (gone.outside || gone.name == "") {
		err = fmt.Errorf("absent: %s: want a workload or pod", gone.text)
	}
	p.out.absent = append(p.out.absent, absence{p.line, gone})
	return err
}

// cutLast cuts at the last separator that stands alone: addresses have colons too.
func cutLast(text, sep, want string) (before, after string, err error) {
	at := strings.LastIndex(text, " "+sep+" ")
	if at < 0 {
		return "", "", fmt.Errorf("want %s, with spaces around the last %q", want, sep)
	}
	return strings.TrimSpace(text[:at]), strings.TrimSpace(text[at+len(sep)+2:]), nil
}

// header reads "KEY: VALUE", or the word strict.
func (p *parser) header(text string) error {
	key, value, ok := strings.Cut(text, ":")
	value = strings.TrimSpace(value)
	if text == "strict" {
		key, value, ok = text, "yes", true
	}
	set, known := headers[key]
	switch {
	case !ok || !known:
		return fmt.Errorf("%q is no header, statement, question or table", text)
	case p.out.seen[key] > 0:
		return fmt.Errorf("%s is in line %d already", key, p.out.seen[key])
	case value == "":
		return fmt.Errorf("%s: says nothing", key)
	}
	p.out.seen[key] = p.line
	return set(&p.out.settings, value)
}

var headers = map[string]func(*settings, string) error{
	"mode": func(s *settings, v string) error {
		s.partial = v == "partial"
		return oneOf("mode", v, "closed", "partial")
	},
	"manifests": func(s *settings, v string) error {
		for _, path := range strings.Split(v, ",") {
			s.manifests = append(s.manifests, filepath.FromSlash(strings.TrimSpace(path)))
		}
		return nil
	},
	"facts":     func(s *settings, v string) error { s.facts = filepath.FromSlash(v); return nil },
	"cni":       func(s *settings, v string) error { s.cni = v; return nil },
	"namespace": func(s *settings, v string) error { s.namespace = v; return nil },
	"strict": func(s *settings, v string) error {
		s.strict = true
		return oneOf("strict", v, "yes")
	},
	"outside": func(s *settings, v string) error {
		s.outside = scopes[v]
		return oneOf("outside", v, "all", "ipv4", "ignore")
	},
	"self": func(s *settings, v string) error {
		s.ignoreSelf = v == "ignore"
		return oneOf("self", v, "compare", "ignore")
	},
	"protocols": func(s *settings, v string) (err error) {
		s.protocols, err = parsePorts(v)
		return err
	},
}

func oneOf(key, value string, words ...string) error {
	for _, w := range words {
		if value == w {
			return nil
		}
	}
	return fmt.Errorf("%s: %q: want %s", key, value, strings.Join(words, " or "))
}

// beginTable reads what follows the word table: a protocol and a port.
func (p *parser) beginTable(text string) error {
	words := strings.Fields(text)
	if len(words) != 2 {
		return errors.New("want table PROTOCOL PORT")
	}
	port, err := parsePort(words[0], words[1])
	p.table = &table{line: p.line, port: port, rows: map[string]int{}}
	return err
}

// endTable asks the questions of the table that was being read.
func (p *parser) endTable() error {
	t := p.table
	if t == nil {
		return nil
	}
	p.table = nil
	if len(t.rows) == 0 {
		return fmt.Errorf("the table of line %d has no rows", t.line)
	}
	for _, q := range t.questions {
		if err := p.ask(q); err != nil {
			return err
		}
	}
	return nil
}

// cells are what a truth table says of one pair, as testers print it.
var cells = map[string]verdict.Verdict{".": verdict.Allow, "X": verdict.Deny, "?": verdict.Unknown}

// notAsked is a cell that says nothing.
const notAsked = "-"
