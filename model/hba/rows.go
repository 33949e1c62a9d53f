package hba

import (
	"fmt"
	"slices"
)

// A Row is what pg_hba_file_rules shows of one line (PostgreSQL manual,
// "pg_hba_file_rules"). A row of a line with an error has no Record.
type Row struct {
	// Number is the rule_number of 16 and later; zero where the row has none.
	Number int
	File   string
	Line   int
	Record *Record
	// Error is the column; "" is NULL, also for errors that are in the log only.
	Error string
}

// Rows returns the rows in the order of the files. Lines that PgBouncer passes over have
// one each, as those with errors.
func (f *File) Rows() []Row {
	var out []Row
	for i := range f.Records {
		r := &f.Records[i]
		out = append(out, Row{File: r.File, Line: r.Line, Record: r, Error: r.Warning, Number: r.seq})
	}
	for _, e := range slices.Concat(f.Errors, f.Skipped) {
		if e.Line > 0 { // "contains no entries" is no line
			out = append(out, Row{File: e.File, Line: e.Line, Error: e.shown(), Number: e.seq})
		}
	}
	slices.SortStableFunc(out, func(a, b Row) int { return a.Number - b.Number })
	number := 0
	for i := range out {
		out[i].Number = 0
		if out[i].Error == "" {
			number++
			out[i].Number = number
		}
	}
	return out
}

func (e *Error) shown() string {
	if e.Silent {
		return e.warning
	}
	return e.Message
}

// Loads reports whether the server takes the file; one that it does not leaves the
// old rules in force on reload, and keeps the server from starting.
func (f *File) Loads() bool { return len(f.Errors) == 0 }

// AddressColumns returns the columns address and netmask; "" is NULL.
func (r *Record) AddressColumns() (address, netmask string) {
	switch {
	case r.Type == Local:
		return "", ""
	case r.Address.Kind == Net:
		return AddressText(r.Address.Base.WithZone("")), AddressText(r.Address.Mask.WithZone(""))
	case r.Address.Kind == HostName:
		return r.Address.Name, ""
	}
	return r.Address.String(), ""
}

// OptionColumn returns the column options: what the server made of the options, in
// its own order (hbafuncs.c get_hba_options). Nil is NULL. It may hold secrets.
func (r *Record) OptionColumn() []string {
	var out []string
	add := func(name, value string) { out = append(out, name+"="+value) }
	text := func(names ...string) {
		for _, name := range names {
			if v, ok := r.Option(name); ok {
				add(name, v)
			}
		}
	}
	if r.Method == "gss" || r.Method == "sspi" {
		if v, set := r.Option("include_realm"); !set || v == "1" {
			add("include_realm", "true")
		}
		text("krb_realm")
	}
	text("map")
	if c := r.ClientCert(); c != NoClientCert {
		add("clientcert", c.String())
	}
	switch r.Method {
	case "pam":
		text("pamservice")
	case "ldap":
		out = append(out, r.ldapColumn()...)
	case "radius":
		text("radiusservers", "radiussecrets", "radiusidentifiers", "radiusports")
	case "oauth":
		text("issuer", "scope", "validator")
		if r.validator != "" {
			add("validator", r.validator)
		}
		if v, _ := r.Option("delegate_ident_mapping"); v == "1" {
			add("delegate_ident_mapping", "true")
		}
	}
	return out
}

// ldapColumn is the part of ldap.
func (r *Record) ldapColumn() []string {
	set := r.ldapSettings()
	if v, ok := set["ldapport"]; ok {
		set["ldapport"] = fmt.Sprint(atoi(v))
	}
	if set["ldaptls"] == "1" {
		set["ldaptls"] = "true"
	} else {
		delete(set, "ldaptls")
	}
	var out []string
	for _, name := range []string{"ldapserver", "ldapport", "ldapscheme", "ldaptls", "ldapprefix", "ldapsuffix", "ldapbasedn",
		"ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter", "ldapscope"} {
		if v, ok := set[name]; ok {
			out = append(out, name+"="+v)
		}
	}
	return out
}
