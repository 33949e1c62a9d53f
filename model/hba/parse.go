package hba

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A fault is why a line is not a record.
type fault struct {
	message string
	missing bool
}

// refused is a fault in the server's words.
func refused(format string, args ...any) *fault { return &fault{fmt.Sprintf(format, args...), false} }

// missing is a fault in ours: the server may take the line.
func missing(format string, args ...any) *fault { return &fault{fmt.Sprintf(format, args...), true} }

func (f *fault) at(l line) Error {
	return Error{Line: l.number, Message: f.message, Origin: l.Origin, Missing: f.missing}
}

// Parse reads a pg_hba.conf as the server of this major version does; zero is the
// newest known. All lines are checked, and of each the first error is kept.
func Parse(lines []Source, version int) File {
	f := File{Version: version}
	for _, l := range logical(lines, major(version)) {
		fs, fault := l.fields(major(version))
		if fault == nil && len(fs) == 0 {
			continue
		}
		var r Record
		if fault == nil {
			r, fault = parseRecord(fs, l, major(version))
		}
		if fault != nil {
			f.Errors = append(f.Errors, fault.at(l))
			continue
		}
		f.Records = append(f.Records, r)
	}
	if len(f.Records) == 0 && len(f.Errors) == 0 {
		f.Errors = append(f.Errors, Error{Message: "configuration file contains no entries"})
	}
	return f
}

// The limits of 13 to 15, newline and end included (hba.c MAX_LINE, MAX_TOKEN).
const (
	maxLine  = 20479
	maxToken = 10239
)

// fields tokenises the line and refuses what other files would have to tell.
func (l line) fields(version int) ([][]Token, *fault) {
	if strings.ContainsRune(l.Text, 0) {
		return nil, missing("what the server reads of a line with a NUL byte is not known")
	}
	if version < 14 && len(l.Text)+1 >= maxLine {
		return nil, refused("authentication file line too long")
	}
	fs := fields(l.Text)
	for _, field := range fs {
		for _, t := range field {
			if version < 16 && len(t.Text) > maxToken {
				return nil, refused("authentication file token too long")
			}
			if !t.Quoted && len(t.Text) > 1 && t.Text[0] == '@' {
				return nil, missing("the included file %s is not in the snapshot", t.Text[1:])
			}
		}
	}
	if version >= 16 && len(fs) == 2 && isInclude(fs[0][0].Text) {
		return nil, missing("the included file %s is not in the snapshot", fs[1][0].Text)
	}
	return fs, nil
}

// isInclude knows the directives of 16 and later; quoting does not matter.
func isInclude(word string) bool {
	return slices.Contains([]string{"include", "include_if_exists", "include_dir"}, word)
}

// A parser takes the fields of one line in order, as hba.c parse_hba_line does.
type parser struct {
	line
	version int
	rest    [][]Token
	record  Record
}

func parseRecord(fs [][]Token, l line, version int) (Record, *fault) {
	p := &parser{line: l, version: version, rest: fs}
	p.record = Record{Line: l.number, Raw: l.Text, Origin: l.Origin}
	for _, step := range []func() *fault{p.connection, p.database, p.user, p.address, p.method, p.options} {
		if fault := step(); fault != nil {
			return Record{}, fault
		}
	}
	return p.record, nil
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
	return nil
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
	for _, t := range field {
		if fault := p.replaced(t); fault != nil {
			return nil, fault
		}
		if p.version >= 16 && strings.HasPrefix(t.Text, "/") {
			if fault := checkRegex(t.Text); fault != nil {
				return nil, fault
			}
		}
	}
	return field, nil
}

// replaced refuses a text that stands for addresses outside the address field.
func (p *parser) replaced(t Token) *fault {
	for text := range p.Addresses {
		if strings.Contains(t.Text, text) {
			return missing("%s stands for addresses, but not in the address field", text)
		}
	}
	return nil
}

func (p *parser) address() *fault {
	if p.record.Type == Local {
		return nil
	}
	t, fault := p.single("IP address specification", "host address")
	if fault != nil {
		return fault
	}
	if a, ok := p.Addresses[t.Text]; ok {
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
	a, hasMask, fault := parseAddress(t.Text)
	if fault == nil && hasMask {
		a.Mask, fault = p.mask(a)
	}
	p.record.Address = a
	return fault
}

// keyword knows the address keywords; quoted, they are host names.
func keyword(t Token) AddressKind {
	for _, kind := range []AddressKind{AnyAddress, SameHost, SameNet} {
		if t.is(Address{Kind: kind}.String()) {
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
	return parseMask(t.Text, a.Base)
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
	if !slices.Contains(methods, t.Text) || t.Text == "oauth" && p.version < 18 {
		return refused(`invalid authentication method "%s"`, t.Text)
	}
	if t.Text == "ident" && p.record.Type == Local {
		p.record.Method = "peer" // "ident" on a local line is peer
	}
	return p.suits()
}

// suits checks the method against the connection type. SSPI is of Windows and bsd
// of OpenBSD; no container has them.
func (p *parser) suits() *fault {
	r := p.record
	switch {
	case r.Method == "sspi" || r.Method == "bsd":
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
