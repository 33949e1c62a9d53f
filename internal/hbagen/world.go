package hbagen

import "github.com/pgmoat/pgmoat/adapter/hbacase"

// scram and md5 are kinds of secrets, to point at.
var scram, md5 = "scram-sha-256", "md5"

// roles are those of every generated case, so that servers need not be changed
// between cases. Nobody is called ghost or nobody.
var roles = []hbacase.Role{
	{Name: "postgres", Login: true, Superuser: true, Replication: true, CreateRole: true, Password: &scram},
	{Name: "app", Login: true, Password: &scram},
	{Name: "alice", Login: true, Password: &md5},
	{Name: "bob", Login: true},
	{Name: "carol", Login: true, Password: &scram, Expired: true},
	{Name: "dave", Login: true, Password: &md5, Expired: true},
	{Name: "repl", Login: true, Replication: true, Password: &scram},
	{Name: "dev", Password: &scram},
	{Name: "ops"},
	{Name: "+dev"},
	{Name: "all", Login: true, Password: &scram},
	{Name: "replication", Login: true, Password: &scram},
	{Name: "samerole", Login: true},
	{Name: "/^a", Login: true},
	{Name: "a b", Login: true, Password: &scram},
	{Name: "Alice", Login: true, Password: &scram},
	{Name: `q"q`, Login: true},
	{Name: "zoë", Login: true, Password: &scram},
	{Name: "a,b", Login: true},
	{Name: "#x", Login: true},
	{Name: "@x", Login: true},
	{Name: `b\`, Login: true},
	{Name: "maker", Login: true, CreateRole: true},
}

// memberships: alice by way of dev in ops, app by a grant that only lets it
// administrate, carol in a role whose name looks like a keyword of pg_hba.conf.
var memberships = []hbacase.Membership{
	{Role: "dev", Member: "alice", Inherit: true, Set: true},
	{Role: "ops", Member: "dev", Inherit: true, Set: true},
	{Role: "dev", Member: "app", Admin: true},
	{Role: "ops", Member: "bob", Inherit: false, Set: false},
	{Role: "+dev", Member: "carol", Inherit: true, Set: true},
	{Role: "pg_monitor", Member: "bob", Inherit: true, Set: true},
	{Role: "alice", Member: "zoë", Inherit: true, Set: true},
}

var databases = []string{
	"postgres", "app", "alice", "dev", "ops", "ledger", "replication", "all", "a b", "samerole", "+dev", "/^a", "Ledger", "template1",
}

// names are DNS: two hosts that confirm each other, one whose name leads elsewhere,
// one whose name leads nowhere, one with capitals and one with both families.
var names = hbacase.DNS{
	PTR: map[string]string{
		"10.0.0.7": "db1.example.com", "10.0.0.8": "db2.example.com", "10.0.0.9": "liar.example.com",
		"10.0.0.10": "gone.example.com", "10.0.0.11": "UPPER.Example.COM", "2001:db8::7": "db1.example.com",
		"192.0.2.7": "example.com", "10.0.0.12": "multi.example.org",
	},
	A: map[string][]string{
		"db1.example.com": {"10.0.0.7"}, "db2.example.com": {"10.0.0.80", "10.0.0.8"}, "liar.example.com": {"10.0.0.99"},
		"upper.example.com": {"10.0.0.11"}, "example.com": {"192.0.2.7"},
		"multi.example.org": {"10.0.0.1", "10.0.0.2", "10.0.0.12"}, "rad.example.com": {"10.0.0.50"},
	},
	AAAA: map[string][]string{"db1.example.com": {"2001:db8::7"}},
}

// addresses are where clients come from.
var addresses = []string{
	"127.0.0.1", "127.0.0.5", "10.0.0.1", "10.0.0.7", "10.0.0.8", "10.0.0.9", "10.0.0.10", "10.0.0.11", "10.0.0.12",
	"10.1.2.3", "10.1.2.77", "10.255.255.255", "8.0.0.1", "0.0.0.10", "172.16.5.4", "192.0.2.7", "192.0.2.200",
	"203.0.113.9", "::1", "2001:db8::7", "2001:db8:1::1", "fd00::5", "10.9.0.1", "10.9.0.77",
}

// built are the features of the server that stands for a version in the lab: Debian's
// for 15, absent in a case, and without LDAP, GSSAPI and PAM for the others.
func built(version int) []string {
	if version == 15 {
		return nil
	}
	return []string{"openssl"}
}

// plainServer is the server of every version where nothing else is said.
func plainServer(version int) hbacase.Server {
	return hbacase.Server{
		Version: version, SSL: true, ClientCA: true, Features: built(version), DNS: names,
		Roles: roles, Memberships: memberships, Databases: databases, Dir: Dir,
		Files: map[string]string{"pg_ident.conf": ""},
	}
}

func newServer(r *dice) hbacase.Server {
	s := plainServer(r.version)
	s.SSL = !r.once(6)
	s.ClientCA = !r.once(5)
	if r.once(4) {
		s.PasswordEncryption = pick(r, []string{scram, md5})
	}
	if r.once(4) {
		s.Interfaces = []string{"127.0.0.1/8", "10.9.0.1/24", "::1/128", "fd00::1/64"}
	}
	if r.version >= 18 && r.once(2) {
		s.OAuthValidators = [][]string{{"v1"}, {"v1", "v2"}}[r.IntN(2)]
	}
	return s
}
