package hbagen

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
)

var (
	osUsers    = []string{"", "alice", "bob", "os", "root", "app", "all", "postgres", "alice@example.com"}
	identUsers = []string{"", "alice", "bob", "os", "app", "all", "a.b@example.com", "xos"}
	subjects   = []string{
		"/CN=alice", "/O=Acme/CN=alice", "/O=Acme/CN=app", "/CN=nobody", "/O=Acme", "/CN=app/CN=alice", "/O=A, B/OU=x/CN=bob",
		"/DC=com/DC=example/CN=a b", "/CN=os", "/CN=zoë", "/CN=postgres/emailAddress=p@example.com", "/O=Acme/OU=x+CN=alice",
	}
)

// near makes an attempt that one of the records nearly matches, or does.
func near(r *dice, records []record, s hbacase.Server) hbacase.Attempt {
	a := anyAttempt(r)
	if len(records) == 0 || r.once(10) {
		return a
	}
	rec := pick(r, records)
	for n := 0; n < 3 && rec.kind == "hostgssenc"; n++ {
		rec = pick(r, records) // that one never matches
	}
	switch rec.kind {
	case "local":
		a.Type, a.Address, a.TLS, a.ClientCert = "local", "", false, nil
		a.OSUser = pick(r, osUsers)
	default:
		a.Type = "host"
		a.Address = addressFor(r, rec.address)
		a.TLS = rec.kind == "hostssl" && s.SSL || s.SSL && rec.kind != "hostnossl" && r.once(4)
	}
	a.User = userFor(r, pick(r, rec.user))
	database := databaseFor(r, pick(r, rec.databases), &a)
	a.Database = &database
	if r.once(4) {
		spoil(r, &a)
	}
	finish(r, &a)
	return a
}

func anyAttempt(r *dice) hbacase.Attempt {
	a := hbacase.Attempt{Type: "host", User: pick(r, roles).Name, Address: pick(r, addresses), IdentUser: pick(r, identUsers)}
	if r.once(8) {
		a.User = pick(r, []string{"ghost", strings.Repeat("u", 63), strings.Repeat("u", 70), "", "nobody"})
	}
	if !r.once(12) {
		database := pick(r, databases)
		a.Database = &database
	}
	a.TLS = r.once(3)
	finish(r, &a)
	return a
}

// finish sets what hangs together: a certificate needs TLS, which no socket has.
func finish(r *dice, a *hbacase.Attempt) {
	same := r.once(2) && a.User != "" && !strings.ContainsAny(a.User, `/+\#`)
	if a.Type == "local" {
		a.Address, a.TLS, a.IdentUser = "", false, ""
	}
	if same && a.Type == "local" {
		a.OSUser = a.User
	} else if same {
		a.IdentUser = a.User
	}
	if !a.TLS {
		a.ClientCert = nil
	} else if a.ClientCert == nil && !r.once(3) {
		a.ClientCert = &hbacase.ClientCert{Subject: pick(r, subjects), Trusted: !r.once(8)}
		if same {
			a.ClientCert.Subject = "/O=Acme/CN=" + a.User
		}
	}
}

// spoil changes one thing.
func spoil(r *dice, a *hbacase.Attempt) {
	other := anyAttempt(r)
	switch r.IntN(6) {
	case 0:
		a.User = other.User
	case 1:
		a.Database = other.Database
	case 2:
		a.Address = other.Address
	case 3:
		a.TLS = !a.TLS
	case 4:
		a.Replication = hbacase.Replication{Sent: true, Text: pick(r, []string{
			"true", "on", "yes", "1", "t", "TRUE", "y", "database", "Database", "false", "off", "0", "no", "n", "o", "maybe", "", "tr", "of", "data",
		})}
	case 5:
		a.Type, a.OSUser = "local", pick(r, osUsers)
		if r.once(2) {
			a.Type, a.OSUser = "host", ""
			if a.Address == "" {
				a.Address = other.Address
			}
		}
	}
	if a.Type == "host" && a.Address == "" {
		a.Address = other.Address
	}
}

func bare(word string) string {
	word = strings.ReplaceAll(word, `""`, "\x00")
	return strings.ReplaceAll(strings.ReplaceAll(word, `"`, ""), "\x00", `"`)
}

func userFor(r *dice, word string) string {
	switch name := bare(word); {
	case strings.HasPrefix(name, "/"):
		return matching(r, name[1:], "alice")
	case name == "all", name == "", r.once(10):
		return pick(r, []string{"app", "alice", "bob", "ghost", "repl", "a b", "postgres", "zoë"})
	case strings.HasPrefix(name, "+"):
		return pick(r, []string{"alice", "bob", "app", "carol", "dev", "postgres", "zoë", "ghost"})
	default:
		return name
	}
}

func databaseFor(r *dice, word string, a *hbacase.Attempt) string {
	switch name := bare(word); {
	case name == "sameuser":
		return a.User
	case name == "samerole" || name == "samegroup":
		return pick(r, []string{"dev", "ops", a.User, "alice", "+dev"})
	case name == "replication" && r.once(2):
		a.Replication = hbacase.Replication{Sent: true, Text: pick(r, []string{"true", "1", "on", "database"})}
		return pick(r, []string{"ledger", "replication"})
	case strings.HasPrefix(name, "/"):
		return matching(r, name[1:], "ledger")
	case name == "all", name == "":
		return pick(r, databases)
	default:
		return name
	}
}

// matching is a name that the regular expression finds something in, as far as Go reads
// it as PostgreSQL does, else the other one.
func matching(r *dice, expression, other string) string {
	re, err := regexp.Compile(expression)
	if err != nil {
		return other
	}
	for range 20 {
		if name := pick(r, append([]string{pick(r, roles).Name}, databases...)); re.MatchString(name) {
			return name
		}
	}
	return other
}

// hosts are clients for words that are no ranges.
var hosts = map[string][]string{
	"samehost": {"127.0.0.1", "10.9.0.1", "::1", "fd00::1"}, "samenet": {"127.0.0.5", "10.9.0.77", "fd00::5"},
	"db1.example.com": {"10.0.0.7", "2001:db8::7"}, ".example.com": {"10.0.0.7", "10.0.0.11", "10.0.0.8", "192.0.2.7"},
	".com": {"10.0.0.7", "10.0.0.8"}, "db2.example.com": {"10.0.0.8"}, "liar.example.com": {"10.0.0.9"},
	"gone.example.com": {"10.0.0.10"}, "upper.example.com": {"10.0.0.11"}, "multi.example.org": {"10.0.0.12"},
	".example.org": {"10.0.0.12"}, "example.com": {"192.0.2.7"}, "localhost": {"127.0.0.1", "::1"},
	"010.0.0.0/8": {"8.0.0.1"}, "0x0a000000/8": {"10.0.0.1"}, "167772160/8": {"10.1.2.3"}, "127.1/32": {"127.0.0.1"},
	"10.0.0.0/016": {"10.0.0.1"}, "10.0.0.0/+8": {"10.1.2.3"}, "10.0.0.0/ 8": {"10.1.2.3"}, "10.1/16": {"10.0.0.9"},
}

// addressFor is a client's address in the range, just outside it, or anywhere.
func addressFor(r *dice, word string) string {
	first, _, _ := strings.Cut(bare(word), " ")
	p, err := netip.ParsePrefix(first)
	if known := hosts[strings.ToLower(bare(word))]; known != nil && !r.once(6) {
		return pick(r, known)
	}
	if a, addrErr := netip.ParseAddr(first); addrErr == nil && !r.once(4) {
		p, err = netip.PrefixFrom(a.WithZone(""), a.BitLen()), nil
	}
	if err != nil || r.once(6) {
		return pick(r, addresses)
	}
	a := p.Addr()
	switch r.IntN(4) {
	case 0:
		a = a.Next()
	case 1:
		a = a.Prev()
	case 2:
		a = p.Masked().Addr().Next()
	}
	if !a.IsValid() || a.IsUnspecified() || a.Is4In6() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.Is4() && a.As4()[0] == 0 || a == broadcast {
		return pick(r, addresses)
	}
	return a.WithZone("").String()
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
