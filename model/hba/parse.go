package hba

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/are"
	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An Input is what is to be read, and what the meaning of it depends on.
type Input struct {
	// Version is the server's major version; zero is the newest known.
	Version int
	// Path is where the server has the file; included ones are beside it.
	Path string
	// Sources are the file's lines.
	Sources []Source
	// Files is where included files are; nil: nothing is known of any.
	Files authfile.Files
	// Origin says where a person finds a line that no Source has an origin for; nil: at
	// its path.
	Origin func(path string, line int) verdict.Origin
	// Server is what else reading depends on.
	Server Server
}

// A Server is what makes the same text load on one server and not on another. The
// zero value is a server of Linux, built with all that distributions build it with,
// of whose settings nothing is known.
type Server struct {
	// Without and With say how the build differs from that of distributions, which has
	// openssl, gssapi, ldap and pam, and neither bsd nor sspi.
	Without, With []string
	// SSL is the setting ssl: Deny for off.
	SSL verdict.Verdict
	// Validators is the setting oauth_validator_libraries; nil: not known.
	Validators []string
	// Resolves says whether a host name has an address; nil: not known.
	Resolves func(host string) bool
	// Links says whether the server's host has a network interface of this name; nil:
	// not known.
	Links func(name string) bool
}

func (s Server) has(feature string) bool {
	usual := slices.Contains([]string{"openssl", "gssapi", "ldap", "pam"}, feature)
	return usual && !slices.Contains(s.Without, feature) || slices.Contains(s.With, feature)
}

// Parse reads a pg_hba.conf of which only the lines are known, as the server of this
// major version does; zero is the newest known.
func Parse(lines []Source, version int) File {
	return Read(Input{Sources: lines, Version: version})
}

// Read reads a pg_hba.conf and what it includes. All lines are checked, and of each
// the first error is kept.
func Read(in Input) File {
	f := File{Version: in.Version}
	in.Version = major(in.Version)
	lines := authfile.Tokenize(authfile.Input{
		Version: in.Version, Path: in.Path, Sources: plainSources(in.Sources), Files: in.Files, Origin: in.Origin})
	f.Records = make([]Record, 0, len(lines))
	p := parser{Input: &in}
	for i := range lines {
		l := &lines[i]
		f.Records = append(f.Records, Record{File: l.File, Line: l.Number, Raw: l.Raw, Origin: l.Origin, seq: i})
		p.line, p.rest, p.record = l, l.Fields, &f.Records[len(f.Records)-1]
		p.record.Maybe = p.maybe()
		if fault := p.parse(); fault != nil {
			f.Records = f.Records[:len(f.Records)-1]
			f.Errors = append(f.Errors, fault.at(l, i))
		}
	}
	if len(f.Records) == 0 && len(f.Errors) == 0 {
		f.Errors = append(f.Errors, Error{File: in.Path, Message: noEntries(in.Path), Silent: true})
	}
	return f
}

func noEntries(path string) string {
	if path == "" {
		return "configuration file contains no entries"
	}
	return fmt.Sprintf(`configuration file "%s" contains no entries`, path)
}

func plainSources(sources []Source) []authfile.Source {
	out := make([]authfile.Source, len(sources))
	for i, s := range sources {
		out[i] = authfile.Source{Text: s.Text, Origin: s.Origin}
	}
	return out
}

// A fault is why a line is not a record.
type fault struct {
	message string
	missing bool
	silent  bool
	fatal   bool
	shown   string // in place of the message, where that is in the log only
}

// refused is a fault in the server's words.
func refused(format string, args ...any) *fault { return &fault{message: fmt.Sprintf(format, args...)} }

// silent is a fault whose words are in the log only.
func silent(format string, args ...any) *fault {
	return &fault{message: fmt.Sprintf(format, args...), silent: true}
}

// missing is a fault in ours: the server may take the line.
func missing(format string, args ...any) *fault {
	return &fault{message: fmt.Sprintf(format, args...), missing: true}
}

// after is the fault behind a warning, which the server shows where the fault has no
// words of its own.
func (f *fault) after(warning string) *fault {
	if f.silent && warning != "" {
		f.shown = warning
	}
	return f
}

func (f *fault) at(l *authfile.Line, seq int) Error {
	return Error{File: l.File, Line: l.Number, Raw: l.Raw, Message: f.message, Origin: l.Origin,
		Missing: f.missing, Silent: f.silent, Fatal: l.Fatal || f.fatal, seq: seq, warning: f.shown}
}

// A parser takes the fields of one line in order, as hba.c parse_hba_line does.
type parser struct {
	*Input
	line   *authfile.Line
	rest   [][]Token
	record *Record // the one that the line becomes
}

func (p *parser) parse() *fault {
	if p.line.Error != "" {
		return &fault{message: p.line.Error, missing: p.line.Missing}
	}
	for _, step := range steps {
		if fault := step(p); fault != nil {
			return fault.after(p.record.Warning)
		}
	}
	return nil
}

var steps = []func(*parser) *fault{
	(*parser).connection, (*parser).database, (*parser).user, (*parser).address, (*parser).method, (*parser).options,
}

// take returns the next field; what says what the server expected where the line
// ends.
func (p *parser) take(what string) ([]Token, *fault) {
	if len(p.rest) == 0 {
		return nil, refused("end-of-line before %s", what)
	}
	field := p.rest[0]
	p.rest = p.rest[1:]
	return field, nil
}

// single returns the next field, which has to be one token.
func (p *parser) single(what, list string) (Token, *fault) {
	field, fault := p.take(what)
	switch {
	case fault != nil:
		return Token{}, fault
	case len(field) > 1:
		return Token{}, refused("multiple values specified for %s", list)
	}
	return field[0], nil
}

func (p *parser) connection() *fault {
	t, fault := p.single("", "connection type")
	if fault != nil {
		return fault
	}
	if p.record.Type = typeOf(t.Text); p.record.Type == NoType {
		return refused(`invalid connection type "%s"`, t.Text)
	}
	p.warn()
	return nil
}

// warn says what the server does of a record that can never match.
func (p *parser) warn() {
	switch {
	case p.record.Type == HostSSL && !p.Server.has("openssl"):
		p.record.Warning = "hostssl record cannot match because SSL is not supported by this build"
	case p.record.Type == HostSSL && p.Server.SSL == verdict.Deny:
		p.record.Warning = "hostssl record cannot match because SSL is disabled"
	case p.record.Type == HostGSSEnc && !p.Server.has("gssapi"):
		p.record.Warning = "hostgssenc record cannot match because GSSAPI is not supported by this build"
	}
}

func (p *parser) database() (fault *fault) {
	p.record.Databases, fault = p.names("database specification")
	return fault
}

func (p *parser) user() (fault *fault) {
	p.record.Users, fault = p.names("role specification")
	return fault
}

// names takes a list of databases or users.
func (p *parser) names(what string) ([]Token, *fault) {
	field, fault := p.take(what)
	if fault != nil {
		return nil, fault
	}
	for i := range field {
		if fault := p.replaced(field[i]); fault != nil {
			return nil, fault
		}
		if p.Version < 16 || !strings.HasPrefix(field[i].Text, "/") {
			continue
		}
		re, err := are.Compile(field[i].Text[1:])
		if err != nil {
			return nil, notRegular(field[i].Text[1:], err)
		}
		field[i].Regexp = re
	}
	return field, nil
}

// notRegular is the fault of an expression; one that is only too large for us may be
// none to the server.
func notRegular(expr string, err error) *fault {
	var limit *are.Error
	if errors.As(err, &limit) && limit.Limit {
		return missing(`whether the server takes the regular expression "%.40s…" is not known: %v`, expr, err)
	}
	return refused(`invalid regular expression "%s": %v`, expr, err)
}

// replaced refuses a text that stands for addresses outside the address field.
func (p *parser) replaced(t Token) *fault {
	for i := p.line.First; i >= 0 && i <= p.line.Last; i++ {
		for text := range p.Sources[i].Addresses {
			if strings.Contains(t.Text, text) {
				return missing("%s stands for addresses, but not in the address field", text)
			}
		}
	}
	return nil
}

// stands returns the address that another program puts in place of the text.
func (p *parser) stands(text string) (Address, bool) {
	for i := p.line.First; i >= 0 && i <= p.line.Last; i++ {
		if a, ok := p.Sources[i].Addresses[text]; ok {
			return a, true
		}
	}
	return Address{}, false
}

// maybe says what would settle whether the line is there.
func (p *parser) maybe() string {
	for i := p.line.First; i >= 0 && i <= p.line.Last; i++ {
		if m := p.Sources[i].Maybe; m != "" {
			return m
		}
	}
	return ""
}

func (p *parser) address() *fault {
	if p.record.Type == Local {
		return nil
	}
	t, fault := p.single("IP address specification", "host address")
	if fault != nil {
		return fault
	}
	if a, ok := p.stands(t.Text); ok {
		p.record.Address = a
		return nil
	}
	if fault := p.replaced(t); fault != nil {
		return fault
	}
	if kind := keyword(t); kind != NoAddress {
		p.record.Address = Address{Kind: kind}
		return nil
	}
	a, hasMask, fault := p.parseAddress(t.Text)
	if fault == nil && hasMask {
		a.Mask, fault = p.mask(a)
	}
	p.record.Address = a
	return fault
}

// keyword knows the address keywords; quoted, they are host names.
func keyword(t Token) AddressKind {
	for _, kind := range [...]AddressKind{AnyAddress, SameHost, SameNet} {
		if t.Is(Address{Kind: kind}.String()) {
			return kind
		}
	}
	return NoAddress
}

func (p *parser) mask(a Address) (out netip.Addr, fault *fault) {
	t, fault := p.single("netmask specification", "netmask")
	if fault != nil {
		return out, fault
	}
	return p.parseMask(t.Text, a.Base)
}

// methods are those of all versions; oauth came with 18.
var methods = []string{
	"trust", "reject", "scram-sha-256", "md5", "password", "gss", "sspi", "ident",
	"peer", "ldap", "radius", "cert", "pam", "bsd", "oauth",
}

func (p *parser) method() *fault {
	t, fault := p.single("authentication method", "authentication type")
	if fault != nil {
		return fault
	}
	p.record.Method = t.Text
	if !slices.Contains(methods, t.Text) || t.Text == "oauth" && p.Version < 18 {
		return refused(`invalid authentication method "%s"`, t.Text)
	}
	if t.Text == "ident" && p.record.Type == Local {
		p.record.Method = "peer" // "ident" on a local line is peer
	}
	return p.suits()
}

// needs is what a method has to be compiled in for.
var needs = map[string]string{"gss": "gssapi", "sspi": "sspi", "pam": "pam", "bsd": "bsd", "ldap": "ldap", "cert": "openssl"}

// suits checks the method against the build and the connection type.
func (p *parser) suits() *fault {
	r := p.record
	feature, special := needs[r.Method]
	switch {
	case special && !p.Server.has(feature):
		return refused(`invalid authentication method "%s": not supported by this build`, r.Method)
	case r.Method == "gss" && r.Type == Local:
		return refused("gssapi authentication is not supported on local sockets")
	case r.Method == "peer" && r.Type != Local:
		return refused("peer authentication is only supported on local sockets")
	case r.Method == "cert" && r.Type != HostSSL:
		return refused("cert authentication is only supported on hostssl connections")
	}
	return nil
}
