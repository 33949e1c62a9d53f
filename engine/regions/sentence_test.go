package regions

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/role"
)

func diff(t *testing.T, old, next string, ctx Context) Result {
	t.Helper()
	r, err := Diff(parse(t, old, 18), parse(t, next, 18), ctx)
	if err != nil || r.Incomplete {
		t.Fatal(err, r.Incomplete)
	}
	return r
}

func TestFilesThatMeanTheSame(t *testing.T) {
	for name, files := range map[string][2]string{
		"host is hostssl and hostnossl":     {"host all all all md5", "hostssl all all all md5\nhostnossl all all all md5"},
		"host is hostgssenc and its other":  {"host a u all md5", "hostnogssenc a u all md5\nhostgssenc a u all md5"},
		"both families are all":             {"host all all all md5", "host all all 0.0.0.0/0 md5\nhost all all ::/0 md5"},
		"halves":                            {"host all all 10.0.0.0/8 md5", "host all all 10.128.0.0/9 md5\nhost all all 10.0.0.0/9 md5"},
		"host bits":                         {"host all all 10.0.0.0/8 md5", "host all all 10.9.8.7/8 md5"},
		"+ alone is nobody":                 {"host all u all md5", "host all + all trust\nhost all u all md5"},
		"a longer name is nobody":           {"host all u all md5", "host all " + strings.Repeat("x", 64) + " all trust\nhost all u all md5"},
		"all is no replication":             {"host all all all md5", "host all all all md5\nhost all,app all all trust"},
		"quoted all":                        {`host "all" u all md5`, `host /^all$ u all md5`},
		"expressions":                       {"host /^a u all md5\nhost all u all trust", `host "/^a.+" u all md5` + "\nhost a u all md5\nhost all u all trust"},
		"a later duplicate wins":            {"host all all all ldap ldapserver=a ldapserver=b ldapprefix=x", "host all all all ldap ldapprefix=x ldapserver=b"},
		"defaults":                          {"host all all all gss include_realm=1", "host all all all gss map="},
		"cert is verify-full":               {"hostssl all all all cert", "hostssl all all all cert clientcert=verify-full clientname=CN"},
		"no host is a number":               {"host all u all md5", "host all all 10.0.0.300 trust\nhost all u all md5"},
		"host names know no case":           {"host all u a.Example.com md5", "host all u A.example.COM md5"},
		"a server is in its own network":    {"host all all samenet md5", "host all all samehost md5\nhost all all samenet md5"},
		"loopback is in samenet":            {"host all all samenet md5", "host all all 127.0.0.0/8 md5\nhost all all samenet md5"},
		"one name has one suffix":           {"host all all .example.com md5", "host all all a.example.com md5\nhost all all .example.com md5"},
		"samerole and the role's own name":  {"host samerole all all md5", "host samegroup,samerole all all md5"},
		"a database named like a group":     {"host samerole +g all trust\nhost /^g$ +g all md5", "host samerole +g all trust"},
		"a line that may be there, in both": {"host all u all md5 # maybe", "host all x 10.0.0.300 trust\nhost all u all md5 # maybe"},
		"what may be there does not matter": {"host all u all md5", "host all u all md5 # maybe\nhost all u all md5"},
		"members exist":                     {"host samerole,db +g all md5", "host db +g all md5\nhost samerole +g all md5"},
	} {
		t.Run(name, func(t *testing.T) {
			if r := diff(t, files[0], files[1], Context{}); !r.Same() {
				t.Errorf("%+v", r.Regions)
			}
		})
	}
}

func TestWordingOnly(t *testing.T) {
	for _, files := range [][2]string{
		{"host a u all md5", "host a u all md5\nhost all,replication all all reject"},
		{"hostssl a u all cert", "hostssl a u all trust clientcert=verify-full"},
		{"hostssl a u all reject", "hostssl a u all reject clientcert=verify-ca"},
	} {
		if r := diff(t, files[0], files[1], Context{}); r.Same() || !r.SameAdmission() {
			t.Errorf("%q: %+v", files, r.Regions)
		}
	}
}

// brief writes regions in short.
func brief(list []Region) string {
	var out []string
	for _, r := range list {
		var tr []string
		for _, x := range r.Transports.List() {
			tr = append(tr, x.String())
		}
		line := fmt.Sprintf("%s users %s dbs %s from %v", strings.Join(tr, "+"), r.Users.brief(), r.Databases.brief(), r.Addresses.Prefixes)
		if len(r.Addresses.Except) > 0 {
			line += fmt.Sprintf(" but %v", r.Addresses.Except)
		}
		for _, c := range r.Addresses.Cubes {
			line += fmt.Sprintf(" & %s/%s", c.Base, c.Mask)
		}
		if r.Certificates != AnyCertificate {
			line += fmt.Sprintf(" certs %b", r.Certificates)
		}
		for _, c := range r.Conditions {
			line += fmt.Sprintf(" if %d %s=%t", c.Kind, c.Name, c.Holds)
		}
		out = append(out, fmt.Sprintf("%s: %s -> %s", line, r.Old.Kind, r.New.Kind))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func (s NameSet) brief() string {
	out := append([]string(nil), s.Names...)
	for _, r := range s.Rest {
		word := "*"
		if len(r.Matching) > 0 {
			word = "/" + strings.Join(r.Matching, "&/")
		}
		if len(r.NotMatching) > 0 {
			word += "!/" + strings.Join(r.NotMatching, "!/")
		}
		out = append(out, word)
	}
	if s.SameAsUser {
		out = append(out, "=user")
	}
	if s.NotUser {
		out = append(out, "!=user")
	}
	if s.Replication {
		out = append(out, "replication")
	}
	text := strings.Join(out, ",")
	if len(s.Except) > 0 {
		text += " but " + strings.Join(s.Except, ",")
	}
	return text
}

func TestRegionsAreReadable(t *testing.T) {
	roles := role.New(role.Role{Name: "dev"}, role.Role{Name: "ann"}, role.Role{Name: "bob"})
	roles.Grant("dev", "ann")
	for name, c := range map[string]struct {
		old, next string
		ctx       Context
		want      string
	}{
		"one network": {"host all all 10.0.0.0/8 md5", "host all all 10.0.0.0/9 md5", Context{},
			"plain+tls+gss users * dbs * from [10.128.0.0/9]: md5 -> no entry"},
		"everything but": {"host app u all md5", "host app u all md5\nhost all all all trust", Context{},
			"plain+tls+gss users * but u dbs * from [0.0.0.0/0 ::/0]: no entry -> trust\n" +
				"plain+tls+gss users u dbs * but app from [0.0.0.0/0 ::/0]: no entry -> trust"},
		"a hole": {"host app u 10.1.0.0/16 reject", "host app u 10.1.0.0/16 reject\nhost app u 10.0.0.0/8 md5", Context{},
			"plain+tls+gss users u dbs app from [10.0.0.0/8] but [10.1.0.0/16]: no entry -> md5"},
		"a mask": {"local a u peer", "local a u peer\nhost a u 10.0.5.0 255.0.255.0 md5", Context{},
			"plain+tls+gss users u dbs a from [] & 10.0.5.0/255.0.255.0: no entry -> md5"},
		"replication": {"host all r all md5", "host all,replication r all md5", Context{},
			"plain+tls+gss users r dbs replication from [0.0.0.0/0 ::/0]: no entry -> md5"},
		"named like the user": {"host app all all md5", "host app all all md5\nhost sameuser all all md5", Context{},
			"plain+tls+gss users * but app dbs =user from [0.0.0.0/0 ::/0]: no entry -> md5"},
		"expressions": {"host /^a u all md5", "host /^a[bc] u all md5", Context{},
			"plain+tls+gss users u dbs /^a!/^a[bc] from [0.0.0.0/0 ::/0]: md5 -> no entry"},
		"members": {"host app +dev all md5", "host app +dev all trust", Context{Roles: roles},
			"plain+tls+gss users ann,dev dbs app from [0.0.0.0/0 ::/0]: md5 -> trust"},
		"unknown members": {"host app +dev all md5", "host app +dev all trust", Context{},
			"plain+tls+gss users * but dev dbs app from [0.0.0.0/0 ::/0] if 1 dev=true: md5 -> trust\n" +
				"plain+tls+gss users dev dbs app from [0.0.0.0/0 ::/0] if 3 =true: md5 -> trust"},
		"a line that may be there": {"local a u peer", "local a u peer\nhost a u all trust # maybe", Context{},
			"plain+tls+gss users u dbs a from [0.0.0.0/0 ::/0] if 10 host a u all trust=true: no entry -> trust"},
		"own addresses": {"host app u samehost md5", "host app u samenet md5", Context{Interfaces: []netip.Prefix{netip.MustParsePrefix("10.1.2.3/29")}},
			"plain+tls+gss users u dbs app from [10.1.2.0/29] but [10.1.2.3/32]: no entry -> md5"},
		"names of certificates": {"hostssl a u all cert", "hostssl a u all cert clientname=DN", Context{},
			"tls users u dbs a from [0.0.0.0/0 ::/0] certs 10000: certificate refused -> cert\n" +
				"tls users u dbs a from [0.0.0.0/0 ::/0] certs 1000: cert -> certificate refused"},
		"a certificate on top": {"hostssl a u all md5", "hostssl a u all md5 clientcert=verify-ca", Context{},
			"tls users u dbs a from [0.0.0.0/0 ::/0] certs 1: md5 -> certificate required"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := brief(diff(t, c.old, c.next, c.ctx).Regions); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// "The same text can change meaning with the major version."
func TestUpgrade(t *testing.T) {
	text := "host /^a u all md5"
	r, err := Diff(parse(t, text, 15), parse(t, text, 16), Context{})
	want := "plain+tls+gss users u dbs /^a from [0.0.0.0/0 ::/0]: md5 -> no entry\n" + // a name
		"plain+tls+gss users u dbs /^a from [0.0.0.0/0 ::/0]: no entry -> md5" // an expression
	if err != nil || brief(r.Regions) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, brief(r.Regions), want)
	}
}

// The same pods by name, but others by label, are others.
func TestPodsAreTheirSelector(t *testing.T) {
	pods := func(app string) hba.File {
		f := parse(t, "host a u pods.test md5", 18)
		f.Records[0].Address.Pods = netpol.Selector{{Key: "app", Op: netpol.In, Values: []string{app}}}
		return f
	}
	same, err := Diff(pods("x"), pods("x"), Context{})
	other, err2 := Diff(pods("x"), pods("y"), Context{})
	if err != nil || err2 != nil || !same.Same() || other.Same() {
		t.Error(err, err2, same, other)
	}
}

func TestShadowsNameTheirCovers(t *testing.T) {
	f := parse(t, `host all all 10.0.0.0/9 md5
host app all 10.1.0.0/16 trust
host all all 10.128.0.0/9 md5
host app u 10.0.0.0/8 md5
host all u 10.0.0.300 md5
host app u 11.0.0.0/8 md5
host all,replication /x$ all reject
host all,replication /^axx*$ all trust`, 18)
	got, err := Shadowed(f, Context{})
	want := "[{1 [0] false <nil>} {3 [0 2] false <nil>} {4 [] false <nil>} {7 [6] false <nil>}]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOverlapsOfWeakerRecords(t *testing.T) {
	f := parse(t, `host app all 10.0.0.0/8 trust
host all u 10.1.0.0/16 scram-sha-256
host all all 10.0.0.0/8 reject
host app all 11.0.0.0/8 scram-sha-256`, 18)
	got, incomplete, err := Overlaps(f, Context{})
	var pairs [][2]int
	for _, p := range got {
		pairs = append(pairs, [2]int{p.Earlier, p.Later})
	}
	if err != nil || incomplete || fmt.Sprint(pairs) != "[[0 1] [0 2] [1 2]]" {
		t.Error(pairs, incomplete, err)
	}
}

func TestReachWithin(t *testing.T) {
	f := parse(t, "host all postgres 10.0.0.0/8 reject\nhost all all 10.0.0.0/7 md5", 18)
	within := parse(t, "hostnossl all,replication postgres all reject", 18).Records[0]
	got, err := Reach(f, Context{}, &within, func(r *hba.Record) bool { return r.Method != "reject" })
	if want := "plain+gss users postgres dbs * from [11.0.0.0/8]: md5 -> "; err != nil || brief(got.Regions) != want {
		t.Errorf("%v\n%s", err, brief(got.Regions))
	}
}

func TestFilesThatAreNotLoaded(t *testing.T) {
	good := parse(t, "local all all peer", 18)
	bad := hba.File{Errors: []hba.Error{{Line: 3, Message: "x"}}}
	_, err1 := Diff(good, bad, Context{})
	_, err2 := Shadowed(bad, Context{})
	_, _, err3 := Overlaps(bad, Context{})
	_, err4 := Reach(bad, Context{}, nil, func(*hba.Record) bool { return true })
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, ErrNotLoaded) {
			t.Error(err)
		}
	}
}

// Expressions that divide names into too many cells become conditions, of which
// only those remain that some name can meet.
func TestManyExpressions(t *testing.T) {
	var lines []string
	for _, c := range "abcdefghij" {
		lines = append(lines, fmt.Sprintf("host all /%c 10.%d.0.0/16 md5", c, c))
	}
	old := strings.Join(lines, "\n") + "\nhost all all all md5"
	next := strings.Join(lines, "\n") + "\nhost all /^j$ 10.106.0.0/16 trust\nhost all all all trust"
	r := diff(t, old, next, Context{})
	k := known{oldText: old, newText: next}
	for _, region := range r.Regions {
		if doubtful(region.Witness.Conditions) {
			t.Errorf("no name was found for %+v", region)
		}
		checkWitness(t, k, region, parse(t, old, 18), parse(t, next, 18))
	}
	d := roll(1)
	for range 3000 {
		s := sample{Attempt: Attempt{Transport: Plain, Database: "db", User: ""}}
		for range 1 + d.IntN(6) {
			s.User += string(rune('a' + d.IntN(12)))
		}
		s.Address = netip.AddrFrom4([4]byte{10, byte('a' + d.IntN(12)), 1, 1})
		checkSample(t, k, r, s, parse(t, old, 18), parse(t, next, 18))
	}
}

// Two worlds that differ in two conditions are not one without them.
func TestOnlyOneConditionIsJoined(t *testing.T) {
	at := func(a, b bool) piece { return piece{conditions: world{{1, a}, {2, b}}} }
	if got := joinWorlds([]piece{at(true, true), at(false, false)}); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	if got := joinWorlds([]piece{at(true, true), at(false, false), at(true, false), at(false, true)}); len(got) != 1 || len(got[0].conditions) != 0 {
		t.Errorf("%+v", got)
	}
}
