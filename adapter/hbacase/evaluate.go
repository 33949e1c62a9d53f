package hbacase

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/login"
	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Evaluate answers a case by the model. A case that makes no sense is unknown, and
// the reason says why.
func Evaluate(c Case) Answer {
	s, err := newServer(&c.Server)
	if err == nil && c.Attempt == nil {
		err = errNoAttempt
	}
	if err != nil {
		return unreadable(c.ID, err)
	}
	return s.answer(c.ID, c.Attempt)
}

// EvaluateRules says what the server shows of its files.
func EvaluateRules(c Case) (Rules, error) {
	s, err := newServer(&c.Server)
	if err != nil {
		return Rules{ID: c.ID}, err
	}
	return s.rules(c.ID), nil
}

// An Evaluator answers lines of JSON; a server that is that of the line before is not
// read again.
type Evaluator struct {
	raw    json.RawMessage
	server *server
}

type line struct {
	ID      json.RawMessage `json:"id"`
	Server  json.RawMessage `json:"server"`
	Attempt *Attempt        `json:"attempt"`
}

var errNoAttempt = errors.New("attempt is missing")

// Attempt answers one line; an error comes with an Answer that tells it.
func (e *Evaluator) Attempt(text []byte) (Answer, error) {
	l, err := e.read(text)
	if err != nil {
		return unreadable(l.ID, err), err
	}
	if l.Attempt == nil {
		return unreadable(l.ID, errNoAttempt), errNoAttempt
	}
	return e.server.answer(l.ID, l.Attempt), nil
}

// Rules answers one line about the files alone.
func (e *Evaluator) Rules(text []byte) (Rules, error) {
	l, err := e.read(text)
	if err != nil {
		return Rules{ID: l.ID, Load: Load{"unknown", "unknown"}, Rules: []Rule{}, Mappings: []Mapping{}}, err
	}
	return e.server.rules(l.ID), nil
}

func (e *Evaluator) read(text []byte) (line, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return l, err
	}
	if e.server != nil && bytes.Equal(l.Server, e.raw) {
		return l, nil
	}
	e.server = nil
	var in Server
	if len(l.Server) == 0 {
		return l, errors.New("server is missing")
	}
	if err := json.Unmarshal(l.Server, &in); err != nil {
		return l, fmt.Errorf("server: %w", err)
	}
	s, err := newServer(&in)
	if err != nil {
		return l, err
	}
	e.server, e.raw = s, slices.Clone(l.Server)
	return l, nil
}

func unreadable(id json.RawMessage, err error) Answer {
	return Answer{ID: id, Outcome: login.Unknown.String(), Options: []string{}, Reason: "input: " + err.Error()}
}

// A server is a Server, read.
type server struct {
	in         *Server
	login      login.Server
	resolver   *resolver
	interfaces []netip.Prefix
}

func newServer(in *Server) (*server, error) {
	if err := in.checkDir(); err != nil {
		return nil, err
	}
	if in.Version < 13 || in.Version > hba.Newest {
		return nil, fmt.Errorf("server.version: %d is not 13 to %d", in.Version, hba.Newest)
	}
	s := &server{in: in, resolver: newResolver(in)}
	var err error
	if s.interfaces, err = in.prefixes(); err != nil {
		return nil, err
	}
	roles, err := in.RoleSet()
	if err != nil {
		return nil, fmt.Errorf("server.%w", err)
	}
	s.login = login.Server{
		Version: in.Version, SSL: in.SSL && in.has("openssl"), ClientCA: in.ClientCA, GSSAPI: in.has("gssapi"), MD5: in.md5(),
		Roles: roles, HBA: s.hba(), Maps: s.ident(),
	}
	s.login.Index = hba.NewIndex(s.login.HBA)
	return s, nil
}

// usualFeatures are those of Debian's packages.
var usualFeatures = []string{"openssl", "gssapi", "ldap", "pam"}

func (s *Server) has(feature string) bool {
	if s.Features == nil {
		return slices.Contains(usualFeatures, feature)
	}
	return slices.ContainsFunc(s.Features, func(f string) bool { return strings.EqualFold(f, feature) })
}

// md5 reports whether new passwords are stored as md5; "on" is an old spelling of it.
func (s *Server) md5() bool {
	if s.PasswordEncryption == "" {
		return s.Version < 14
	}
	return !strings.EqualFold(s.PasswordEncryption, "scram-sha-256")
}

func (s *Server) prefixes() ([]netip.Prefix, error) {
	if s.Interfaces == nil {
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}, nil
	}
	var out []netip.Prefix
	for _, text := range s.Interfaces {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("server.interfaces: %w", err)
		}
		out = append(out, p)
	}
	return out, nil
}

// checkDir asks for the directory that a file speaks of.
func (s *Server) checkDir() error {
	for name, text := range s.Files {
		if s.Dir == "" && strings.Contains(text, "${DIR}") {
			return fmt.Errorf("server.dir is missing: %s has ${DIR} in it", name)
		}
	}
	return nil
}

// files are the server's, by the path it has them at.
func (s *server) files() authfile.Memory {
	out := authfile.Memory{}
	for name, text := range s.in.Files {
		full := s.path(name)
		if strings.HasSuffix(name, "/") {
			full += "/"
		}
		out[full] = strings.ReplaceAll(text, "${DIR}", s.in.Dir)
	}
	return out
}

func (s *server) path(name string) string { return path.Join(s.in.Dir, name) }

func (s *server) hba() hba.File {
	files, full := s.files(), s.path("pg_hba.conf")
	text, fault := s.first(files, full)
	if fault != nil {
		return hba.File{Version: s.in.Version, Errors: []hba.Error{*fault}}
	}
	return hba.Read(hba.Input{
		Version: s.in.Version, Path: full, Files: files, Sources: []hba.Source{{Text: text}}, Server: s.build()})
}

func (s *server) ident() ident.File {
	files, full := s.files(), s.path("pg_ident.conf")
	text, fault := s.first(files, full)
	if fault != nil {
		return ident.File{Version: s.in.Version, Errors: []hba.Error{*fault}}
	}
	return ident.Read(ident.Input{Version: s.in.Version, Path: full, Files: files, Sources: []hba.Source{{Text: text}}})
}

// first reads one of the two files themselves. A directory is an empty file, but for
// 13, where it is an error of its first line.
func (s *server) first(files authfile.Memory, path string) (string, *hba.Error) {
	text, err := files.Read(path)
	switch {
	case err == nil, errors.Is(err, authfile.ErrIsDirectory) && s.in.Version >= 14:
		return text, nil
	case errors.Is(err, authfile.ErrIsDirectory):
		return "", &hba.Error{File: path, Line: 1, Message: fmt.Sprintf(`could not read file "%s": Is a directory`, path)}
	}
	return "", &hba.Error{File: path, Silent: true, Message: fmt.Sprintf(`could not open file "%s": No such file or directory`, path)}
}

// build is what the server's build and settings change in reading.
func (s *server) build() hba.Server {
	out := hba.Server{SSL: verdict.Deny, Validators: append([]string{}, s.in.OAuthValidators...)}
	if s.in.SSL {
		out.SSL = verdict.Allow
	}
	for _, f := range usualFeatures {
		if !s.in.has(f) {
			out.Without = append(out.Without, f)
		}
	}
	out.With = s.in.Features
	out.Resolves = func(host string) bool { return len(s.resolver.addresses(host)) > 0 }
	out.Links = func(name string) bool { return name == "lo" }
	return out
}

func (s *server) answer(id json.RawMessage, in *Attempt) Answer {
	a, err := s.attempt(in)
	if err != nil {
		return unreadable(id, err)
	}
	return AnswerOf(id, login.Decide(&s.login, a))
}

// AnswerOf writes an answer of the model.
func AnswerOf(id json.RawMessage, got login.Answer) Answer {
	out := Answer{ID: id, Outcome: got.Outcome.String(), Options: []string{}, Reason: string(got.Reason),
		SQLState: optional(got.SQLState), Message: optional(got.Message)}
	if got.NotLoaded != nil {
		_, message := got.NotLoaded.Shown()
		out.Reason += fmt.Sprintf(": %s line %d: %s", got.NotLoaded.File, got.NotLoaded.Line, message)
	}
	if r := got.Record; r != nil {
		out.File, out.Line, out.Method = optional(r.File), &r.Line, &r.Method
		out.Options = append(out.Options, r.OptionColumn()...)
	}
	return out
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (s *server) attempt(in *Attempt) (login.Attempt, error) {
	out := login.Attempt{TLS: in.TLS, GSS: in.GSS, User: in.User, OSUser: in.OSUser, IdentUser: in.IdentUser}
	if in.Database != nil {
		out.Database = *in.Database
	}
	if in.Replication.Sent {
		out.Replication = &in.Replication.Text
	}
	if c := in.ClientCert; c != nil {
		out.Cert = Subject(c.Subject, c.Trusted)
	}
	switch in.Type {
	case "local":
		out.Local = true
		return out, nil
	case "host":
	default:
		return out, fmt.Errorf("attempt.type: %q is neither host nor local", in.Type)
	}
	addr, err := netip.ParseAddr(in.Address)
	if err != nil {
		return out, fmt.Errorf("attempt.address: %w", err)
	}
	out.Client, out.Host = s.in.client(addr.Unmap(), s.resolver, s.interfaces), hba.AddressText(addr.Unmap())
	if addr.Zone() == "1" { // the server writes the link's name
		out.Host = hba.AddressText(addr.WithZone("lo"))
	}
	return out, nil
}
