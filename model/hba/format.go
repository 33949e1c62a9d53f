package hba

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/authfile"
)

// String writes the record for people, with *** in place of the secrets that
// options may hold.
func (r Record) String() string { return r.line(Option.String) }

// Text writes the record as a line of the file, one blank between fields; it may
// hold secrets. Read again it is the same record, but for its place; an address of
// Pods is written "${NAME}", which no server reads.
func (r Record) Text() string { return r.line(Option.Text) }

func (r Record) line(option func(Option) string) string {
	parts := []string{r.Type.String(), authfile.Join(r.Databases), authfile.Join(r.Users)}
	if r.Type != Local {
		parts = append(parts, r.Address.String())
	}
	parts = append(parts, r.Method)
	for _, o := range r.Options {
		parts = append(parts, option(o))
	}
	return strings.Join(parts, " ")
}

// secretOptions hold passwords in clear text (PostgreSQL manual, "LDAP
// Authentication" and "RADIUS Authentication").
var secretOptions = []string{"ldapbindpasswd", "radiussecrets"}

// String writes name=value for people: a secret's value is ***.
func (o Option) String() string {
	switch {
	case slices.Contains(secretOptions, o.Name):
		return o.Name + "=***"
	case o.Name == "ldapurl":
		o.Value = withoutUser(o.Value)
	}
	return o.Text()
}

// urlUser is what an LDAP URL has before its host, which is no part of one (RFC 4516) and
// where people write credentials all the same.
var urlUser = regexp.MustCompile(`(?i)(ldap[is]?:/*)[^?"]*@`)

// withoutUser returns a text with *** in place of the users and passwords of URLs in it.
func withoutUser(text string) string { return urlUser.ReplaceAllString(text, "$1***@") }

// Text writes name=value, the value quoted where it has to be.
func (o Option) Text() string {
	if o.Value == "" || !strings.ContainsAny(o.Value, " \t\r,#\"") && !strings.HasSuffix(o.Value, `\`) { // which would continue the line
		return o.Name + "=" + o.Value
	}
	return o.Name + "=" + authfile.Quote(o.Value)
}

// Masked returns options of the form name=value with *** in place of secrets.
func Masked(options []string) []string {
	if options == nil {
		return nil
	}
	out := make([]string, len(options))
	for i, o := range options {
		name, value, _ := strings.Cut(o, "=")
		out[i] = o
		switch {
		case slices.Contains(secretOptions, name):
			out[i] = Option{name, value}.String()
		case name == "ldapurl":
			out[i] = withoutUser(o)
		}
	}
	return out
}
