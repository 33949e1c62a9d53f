package hba

import (
	"slices"
	"strings"
)

// String writes the record for people, with *** in place of the secrets that
// options may hold.
func (r Record) String() string { return r.line(Option.String) }

// Text writes the record as a line of the file, one blank between fields; it may
// hold secrets. Read again it is the same record, but for its place; an address of
// Pods is written "${NAME}", which no server reads.
func (r Record) Text() string { return r.line(Option.Text) }

func (r Record) line(option func(Option) string) string {
	parts := []string{r.Type.String(), tokens(r.Databases), tokens(r.Users)}
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
	if slices.Contains(secretOptions, o.Name) {
		return o.Name + "=***"
	}
	return o.Text()
}

// Text writes name=value, the value quoted where it has to be.
func (o Option) Text() string {
	if !special(o.Value) && !strings.HasSuffix(o.Value, `\`) { // which would continue the line
		return o.Name + "=" + o.Value
	}
	return o.Name + "=" + quoteAlways(o.Value)
}

// special reports whether an unquoted text would not be read as one token.
func special(text string) bool { return strings.ContainsAny(text, " \t\r,#\"") }

func tokens(list []Token) string {
	words := make([]string, len(list))
	for i, t := range list {
		words[i] = t.String()
	}
	return strings.Join(words, ",")
}

// String quotes the token where it was quoted or has to be. A quote behind the
// first character protects what follows it and leaves a keyword a keyword.
func (t Token) String() string {
	if t.Quoted || t.Text == "" {
		return quoteAlways(t.Text)
	}
	if !special(t.Text) {
		return t.Text
	}
	return t.Text[:1] + quoteAlways(t.Text[1:])
}

func quoteAlways(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }
