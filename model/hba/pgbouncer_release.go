package hba

import (
	"regexp"
	"strconv"
)

// A bouncerRelease is a release of PgBouncer, 1.minor.patch. What is not known is -1.
type bouncerRelease struct{ minor, patch int }

var bouncerNumber = regexp.MustCompile(`(?:^|[^\d.])1\.(\d{1,3})(?:\.(\d{1,3}))?(?:$|[^\d.])`)

// releaseOf reads "1.18.0", "1.24", "v1.25.1" and what a package or an image adds
// behind; anything else is a release that is not known.
func releaseOf(text string) bouncerRelease {
	r := bouncerRelease{-1, -1}
	m := bouncerNumber.FindStringSubmatch(text)
	if m == nil {
		return r
	}
	r.minor, _ = strconv.Atoi(m[1]) // digits
	if m[2] != "" {
		r.patch, _ = strconv.Atoi(m[2])
	}
	return r
}

// What came with 1.23: connections for replication with their keyword, the address
// all, and map= [pgbouncer NEWS.md@1.23.0]. LDAP came with 1.25 [pgbouncer
// NEWS.md@1.25.0].
const (
	replicationSince = 23
	anyAddressSince  = 23
	mapSince         = 23
	ldapSince        = 25
)

// releaseSettles is what settles a line that only some releases read.
const releaseSettles = "the release of PgBouncer"

// since says whether the release has what came with 1.minor.
func (r bouncerRelease) since(minor int) Match {
	if r.minor < 0 {
		return Unsure
	}
	return yes(r.minor >= minor)
}

// bouncerMethods says which releases read a method in the file, of those from 1.16 on
// [pgbouncer src/hba.c parse_line, NEWS.md].
var bouncerMethods = map[string]func(bouncerRelease) Match{
	"trust": always, "reject": always, "md5": always, "password": always, "peer": always, "cert": always, "scram-sha-256": always,
	"ldap": func(r bouncerRelease) Match { return r.since(ldapSince) },
	"pam":  bouncerRelease.pam,
}

func always(bouncerRelease) Match { return Yes }

// pam came with 1.24.0 and went with 1.24.1 [pgbouncer NEWS.md@1.24.1].
func (r bouncerRelease) pam() Match {
	switch {
	case r.minor < 0, r.minor == 24 && r.patch < 0:
		return Unsure
	}
	return yes(r.minor == 24 && r.patch == 0)
}
