// Package hba holds pg_hba.conf as values: records in file order, each with the
// place a person would edit, and what the server would make of them. What the file
// alone cannot tell is Unsure, never a guess.
package hba

import (
	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Newest is the newest major version that is known; version zero is taken as it.
const Newest = 18

// Token is one item of a database or user list.
type Token = authfile.Token

// A Source is one raw line of a file that is yet to be parsed, with its origin. A
// Text with line breaks in it is as many lines, all of the same origin.
type Source struct {
	Text   string
	Origin verdict.Origin
	// Addresses says what an address field stands for that another program replaces
	// before the server reads the file: its text to its meaning. Such a text in any
	// other field is an Error, since what it becomes there is not known.
	Addresses map[string]Address
	// Maybe, where not empty, says that the server may have the line or not, and what
	// would settle it: "the version of the operator". Its record then matches Unsure at
	// best; records of a file that such a line includes do not know of it.
	Maybe string
}

// A File is a parsed pg_hba.conf. The first record that matches decides; where
// none does, the server refuses (PostgreSQL manual, "The pg_hba.conf File").
type File struct {
	// Version is the server's major version that the file was parsed for; zero is
	// taken as the newest known.
	Version int
	Records []Record
	// Errors are lines that the server would refuse; with any of them the server
	// keeps its old rules or does not start, so that nothing is known of a match.
	Errors []Error
	// Dialect is whose reading this is.
	Dialect Dialect
	// Skipped are lines that PgBouncer warns of in its log and then takes for absent;
	// PostgreSQL skips none.
	Skipped []Error
}

// An Error is a line that the server refuses, in the server's words, or one that
// cannot be decided here.
type Error struct {
	// File is the path of the file that the line is in, as the server has it.
	File    string
	Line    int
	Raw     string
	Message string
	Origin  verdict.Origin
	// Silent says that the message is in the log only: pg_hba_file_rules shows a row
	// without one.
	Silent bool
	// Missing says that the server may well take the line: what it depends on is not
	// in the snapshot. The Message is then ours.
	Missing bool
	// Fatal says that the server ends over this line, also on reload.
	Fatal bool

	warning string // what a Silent one shows all the same
	seq     int
}

// A Record is one line of pg_hba.conf.
type Record struct {
	// File is the path of the file that the record is in, as the server has it; "" for
	// one that was rendered.
	File string
	// Line is the line in the rendered file, 1-based; of a continued line the first.
	Line      int
	Raw       string
	Type      Type
	Databases []Token
	Users     []Token
	Address   Address
	Method    string // "scram-sha-256"; lower case, as the server knows it
	Options   []Option
	Origin    verdict.Origin
	// Warning is what the server says of a record that it takes although it can never
	// match; "" for none.
	Warning string
	// Maybe says what would settle whether the server has the record at all; "" where it
	// surely has.
	Maybe string

	validator string // the only one there is, where no option names one
	seq       int
}

// Type is the first field of a record. The zero value matches nothing.
type Type uint8

// The connection types.
const (
	NoType Type = iota
	Local
	Host
	HostSSL
	HostNoSSL
	HostGSSEnc
	HostNoGSSEnc
)

var typeNames = []string{"", "local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"}

// String returns the word of the file.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return ""
}

func typeOf(word string) Type {
	for t, name := range typeNames {
		if name == word {
			return Type(t)
		}
	}
	return NoType
}

// An Option is name=value after the method.
type Option struct{ Name, Value string }

// Option returns the value of an option; of duplicates the later one wins.
func (r Record) Option(name string) (value string, ok bool) {
	for _, o := range r.Options {
		if o.Name == name {
			value, ok = o.Value, true
		}
	}
	return value, ok
}

// Map returns the name of the user name map; empty where the system user has to be
// the role itself.
func (r Record) Map() string {
	name, _ := r.Option("map")
	return name
}

// ClientCert is what a record demands of the client's certificate.
type ClientCert uint8

// The demands; the zero value is none.
const (
	NoClientCert ClientCert = iota
	VerifyCA                // a certificate of the CA
	VerifyFull              // and its name is the role, by the map where there is one
)

// String returns the word of the file, "" for no demand.
func (c ClientCert) String() string { return []string{"", "verify-ca", "verify-full"}[c] }

// ClientCert returns what the record demands: method cert always means
// verify-full (hba.c parse_hba_line). It is asked even before a reject.
func (r Record) ClientCert() ClientCert {
	if r.Method == "cert" {
		return VerifyFull
	}
	switch value, _ := r.Option("clientcert"); value {
	case "verify-full":
		return VerifyFull
	case "verify-ca", "1": // 1 is a spelling of 13
		return VerifyCA
	}
	return NoClientCert
}

// ByDN reports whether the certificate's whole subject is compared, in place of its
// common name (14+, clientname=DN).
func (r Record) ByDN() bool {
	name, _ := r.Option("clientname")
	return name == "DN"
}

// Match is the answer of a record: No, Yes or Unsure, which is the zero value.
type Match = netpol.Match

// The answers.
const (
	Unsure = netpol.Unsure
	No     = netpol.No
	Yes    = netpol.Yes
)

func yes(b bool) Match {
	if b {
		return Yes
	}
	return No
}

// major is the version that rules are read by.
func major(version int) int {
	if version == 0 {
		return Newest
	}
	return version
}
