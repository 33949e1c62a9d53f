package regions

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/role"
)

// A dice makes random files and attempts; its seed is all that it depends on.
type dice struct{ *rand.Rand }

func roll(seed int) dice { return dice{rand.New(rand.NewPCG(uint64(seed), 7))} }

func (d dice) of(list ...string) string { return list[d.IntN(len(list))] }

func (d dice) list(one func() string) string {
	out := one()
	for d.IntN(4) == 0 {
		out += "," + one()
	}
	return out
}

// A taste says what files are made of.
type taste struct{ regex, roles, same, hosts, masks, maybe bool }

func (d dice) taste() taste {
	yes := func() bool { return d.IntN(2) == 0 }
	return taste{yes(), yes(), yes(), d.IntN(3) == 0, yes(), d.IntN(3) == 0}
}

var exprs = []string{"^x", "a", "^xa$", "b$", "^(app|bob)$", "", `^(.)\1`, "^bob$", "^$", "o"}

func (d dice) user(t taste) string {
	switch n := d.IntN(12); {
	case n < 3:
		return "all"
	case n < 5 && t.roles:
		return d.of("+dev", "+ops", "+", "+bob", "+app", `"+dev"`)
	case n < 7 && t.regex:
		return `"/` + exprs[d.IntN(len(exprs))] + `"`
	case n == 7:
		return d.of(`"all"`, "replication", "xa")
	}
	return d.of("bob", "app", "xa", "dev")
}

func (d dice) database(t taste) string {
	switch n := d.IntN(12); {
	case n < 3:
		return "all"
	case n < 5 && t.same:
		return d.of("sameuser", "samerole", "samegroup")
	case n < 7 && t.regex:
		return `"/` + exprs[d.IntN(len(exprs))] + `"`
	case n == 7:
		return d.of(`"all"`, "replication", `"replication"`, `"sameuser"`, strings.Repeat("n", 64))
	}
	return d.of("app", "bob", "dev", "xa", "sales")
}

func (d dice) address(t taste) string {
	switch n := d.IntN(12); {
	case n < 3:
		return "all"
	case n < 5 && t.hosts:
		return d.of("samehost", "samenet", "a.example.com", "b.example.com", ".example.com", ".com", "10.0.0.300", "pods.test")
	case n < 7 && t.masks:
		return d.of("10.0.5.0 255.0.255.0", "0.0.0.1 0.0.0.1", "10.0.0.0 255.0.0.255", "fe80::1 ffff::ff")
	}
	return d.of("10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "::/0",
		"fe80::/10", "fe80::1/128", "127.0.0.1/32", "10.0.0.0/31")
}

func (d dice) line(t taste) string {
	kind := d.of("local", "host", "host", "host", "hostssl", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc")
	out := kind + " " + d.list(func() string { return d.database(t) }) + " " + d.list(func() string { return d.user(t) })
	if kind != "local" {
		out += " " + d.address(t)
	}
	method := d.of("trust", "reject", "scram-sha-256", "md5", "ident", "ident map=m")
	if kind == "hostssl" {
		method = d.of("cert", "cert map=m", "scram-sha-256 clientcert=verify-ca", "trust clientcert=verify-full",
			"trust clientcert=verify-full clientname=DN", "cert clientname=DN", "reject clientcert=verify-ca", "trust", "reject")
	}
	out += " " + method
	if t.maybe && d.IntN(3) == 0 {
		out += " # maybe"
	}
	return out
}

func (d dice) lines(t taste) []string {
	var out []string
	for range 1 + d.IntN(5) {
		out = append(out, d.line(t))
	}
	return out
}

// changed returns the lines with a change or two; sometimes one that means nothing.
func (d dice) changed(lines []string, t taste) []string {
	out := append([]string(nil), lines...)
	for range 1 + d.IntN(2) {
		at := d.IntN(len(out))
		switch d.IntN(4) {
		case 0:
			out[at] = d.line(t)
		case 1:
			out = append(out[:at], append([]string{d.line(t)}, out[at:]...)...)
		case 2:
			other := d.IntN(len(out))
			out[at], out[other] = out[other], out[at]
		default:
			if len(out) > 1 {
				out = append(out[:at], out[at+1:]...)
			}
		}
	}
	return out
}

// context knows roles and interfaces, or does not.
func (d dice) context() Context {
	var out Context
	if d.IntN(2) == 0 {
		out.Roles = role.New(role.Role{Name: "bob"}, role.Role{Name: "dev"}, role.Role{Name: "ops"}, role.Role{Name: "xa"}, role.Role{Name: "eve"})
		for range d.IntN(5) {
			names := out.Roles.Names()
			i, j := d.IntN(len(names)), d.IntN(len(names))
			out.Roles.Grant(names[min(i, j)], names[max(i, j)])
		}
	}
	if d.IntN(2) == 0 {
		out.Interfaces = []netip.Prefix{netip.MustParsePrefix("10.1.2.3/16"), netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("fe80::1/64")}
	}
	return out
}

var (
	someNames = []string{"bob", "app", "dev", "xa", "xaa", "ops", "eve", "all", "sales", "+dev", "replication", "sameuser", "zz", "bb", "oo", "b", "foreign", "pox"}
	someAddrs = addrs("10.0.0.0 10.0.0.1 10.0.0.2 10.0.5.9 10.1.2.3 10.1.2.4 10.127.255.255 10.128.0.0 9.255.255.255 11.0.0.0 127.0.0.1 127.0.0.2 192.0.2.7 192.0.2.8 0.0.0.0 255.255.255.255 ::1 :: fe80::1 fe80::2 fe80::101 2001:db8::1")
)

func addrs(text string) []netip.Addr {
	var out []netip.Addr
	for _, s := range strings.Fields(text) {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// subset returns some of a list, those that are mentioned in text among them.
func (d dice) subset(list []string, text string, extra int) []string {
	var out []string
	for _, s := range list {
		if strings.Contains(text, s) {
			out = append(out, s)
		}
	}
	for range extra {
		out = append(out, list[d.IntN(len(list))])
	}
	set := map[string]bool{}
	for _, s := range out {
		set[s] = true
	}
	return sorted(set)
}

// samples returns attempts in worlds, each once.
func (d dice) samples(files []string, namings []string) []sample {
	text := strings.Join(files, "\n")
	var out []sample
	dbs := append(d.subset(someNames, text, 3), "")
	for _, u := range d.subset(someNames, text, 3) {
		for _, db := range dbs {
			a := Attempt{User: u, Database: db, Replication: db == ""}
			out = append(out, d.worlds(sample{Attempt: a}, namings)...)
			for range 7 {
				a.Transport = []Transport{Plain, TLS, TLS, GSS}[d.IntN(4)]
				a.Address = someAddrs[d.IntN(len(someAddrs))]
				out = append(out, d.worlds(sample{Attempt: a}, namings)...)
			}
		}
	}
	return out
}

// worlds puts an attempt into some worlds.
func (d dice) worlds(s sample, namings []string) []sample {
	var out []sample
	for range 3 {
		s.exists = d.IntN(3) > 0
		s.groups = nil
		for _, g := range []string{"dev", "ops", "bob", "app", "xa", "sales"} {
			if g != s.User && d.IntN(2) == 0 {
				s.groups = append(s.groups, g)
			}
		}
		s.hostName = d.of("", "a.example.com", "b.example.com", "c.Example.com", "x.com", "other.test")
		s.sameNet = d.IntN(2) == 0
		s.sameHost = s.sameNet && d.IntN(2) == 0
		s.pods = d.IntN(2) == 0
		s.salt = fmt.Sprint(d.IntN(64))
		s.named = nil
		if s.Transport == TLS && d.IntN(4) > 0 {
			s.named = map[string]bool{"": false}
			for _, n := range namings {
				s.named[n] = d.IntN(2) == 0
			}
		}
		out = append(out, s)
	}
	return out
}

func namings(files ...hba.File) []string {
	set := map[string]bool{}
	for _, f := range files {
		for i := range f.Records {
			if n := dullNaming(&f.Records[i]); n != "" {
				set[n] = true
			}
		}
	}
	return sorted(set)
}

// known is a case with its seed.
type known struct {
	seed             int
	ctx              Context
	oldText, newText string
	oldVer, newVer   int
	dice             dice
}

func (k known) String() string {
	roles := "unknown"
	if k.ctx.Roles != nil {
		roles = ""
		for _, n := range k.ctx.Roles.Names() {
			roles += fmt.Sprint(n, k.ctx.Roles.Groups(n), " ")
		}
	}
	return fmt.Sprintf("seed %d, roles %s, interfaces %v\n-- old (%d)\n%s\n-- new (%d)\n%s\n", k.seed, roles, k.ctx.Interfaces, k.oldVer, k.oldText, k.newVer, k.newText)
}

func newCase(seed int) known {
	d := roll(seed)
	t := d.taste()
	lines := d.lines(t)
	k := known{seed: seed, ctx: d.context(), dice: d, oldText: strings.Join(lines, "\n"), oldVer: 18, newVer: 18}
	k.newText = strings.Join(d.changed(lines, t), "\n")
	switch d.IntN(8) {
	case 0:
		k.oldVer = 15
	case 1:
		k.newVer, k.newText = 15, k.oldText
	case 2:
		k.newText = strings.Join(d.lines(t), "\n")
	}
	return k
}
