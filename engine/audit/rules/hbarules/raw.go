package hbarules

import (
	"strings"

	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/hba"
)

// fields cuts the line anew into what the person wrote, an @file as one token: the
// record keeps only what the server made of it.
func (f file) fields(r *hba.Record) [][]authfile.Token {
	lines := authfile.Tokenize(authfile.Input{Version: f.version(), Path: "-",
		Sources: []authfile.Source{{Text: r.Raw}}, Files: oneToken{}})
	if len(lines) != 1 {
		return nil
	}
	return lines[0].Fields
}

// oneToken is a file of one token, whatever it is called.
type oneToken struct{}

func (oneToken) Read(string) (string, error)   { return "x", nil }
func (oneToken) List(string) ([]string, error) { return nil, nil }

// addressText is the address as it was written, and the netmask where that is a field
// of its own; empty where an @file stands for either, or moved the fields.
func (f file) addressText(r *hba.Record) (address, mask string) {
	fields := f.fields(r)
	if len(fields) < 5 || len(fields[3]) != 1 || len(fields[4]) != 1 {
		return "", ""
	}
	address = fields[3][0].Text
	text := "host all all " + authfile.Quote(address)
	if !strings.Contains(address, "/") {
		mask = fields[4][0].Text
		text += " " + authfile.Quote(mask)
	}
	same := hba.Parse([]hba.Source{{Text: text + " reject"}}, f.version())
	if len(same.Records) != 1 || same.Records[0].Address.String() != r.Address.String() {
		return "", ""
	}
	return address, mask
}
