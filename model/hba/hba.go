// Package hba holds pg_hba.conf and pg_ident.conf as values: records in file
// order, each with the place a person would edit.
package hba

import (
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Source is one raw line of a file that is yet to be parsed, with its origin.
type Source struct {
	Text   string
	Origin verdict.Origin
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
}

// An Error is a line that the server refuses, in the server's words.
type Error struct {
	Line    int
	Message string
	Origin  verdict.Origin
}

// A Record is one line of pg_hba.conf.
type Record struct {
	// Line is the line in the rendered file, 1-based.
	Line      int
	Raw       string
	Type      Type
	Databases []Token
	Users     []Token
	Address   Address
	Method    string // "scram-sha-256"; lower case, as the server knows it
	Options   []Option
	Origin    verdict.Origin
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

// A Token is one item of a database or user list.
type Token struct {
	Text string
	// Quoted tokens are names even where they read like keywords. A token is quoted
	// when a quote came before its first character.
	Quoted bool
}

// An Option is name=value after the method.
type Option struct{ Name, Value string }

// IdentFile is a parsed pg_ident.conf.
type IdentFile struct {
	Version  int
	Mappings []Mapping
	Errors   []Error
}

// A Mapping is one line of pg_ident.conf.
type Mapping struct {
	Line   int
	Map    string
	System Token
	Role   Token
	Origin verdict.Origin
}

// Match is the answer of a record: No, Yes or Unsure, which is the zero value.
type Match = netpol.Match
