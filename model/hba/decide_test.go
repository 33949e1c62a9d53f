package hba

import (
	"net/netip"
	"testing"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// from makes a session over TCP from an address.
func from(addr, database, user string) Session {
	return Session{Client: ClientAt(netip.MustParseAddr(addr)), Database: Named(database), User: Named(user)}
}

func within4(cidrs ...string) Client {
	var c Client
	for _, p := range cidrs {
		c.Prefixes = append(c.Prefixes, netip.MustParsePrefix(p))
	}
	return c
}

var words = map[Match]string{Unsure: "unsure", No: "no", Yes: "yes"}

func TestRecordMatch(t *testing.T) {
	tcp := from("10.1.2.3", "shop", "app")
	with := func(change func(*Session)) Session {
		s := tcp
		change(&s)
		return s
	}
	tls := with(func(s *Session) { s.TLS = true })
	gss := with(func(s *Session) { s.GSS = true })
	local := with(func(s *Session) { s.Local = true })
	repl := with(func(s *Session) { s.Replication = true; s.Database = Name{} })
	other := with(func(s *Session) { s.Database, s.User = AnyOther(), AnyOther() })
	client := func(c Client) Session { return with(func(s *Session) { s.Client = c }) }
	dev := with(func(s *Session) {
		s.Member = func(role, group string) Match { return yes(group == "dev" || role == group) }
	})
	for _, c := range []struct {
		sentence string
		record   string
		session  Session
		want     Match
	}{
		{"local matches Unix sockets only", "local all all trust", tcp, No},
		{"local", "local all all trust", local, Yes},
		{"host matches TCP with TLS", "host all all all md5", tls, Yes},
		{"host does not match sockets", "host all all all md5", local, No},
		{"hostssl", "hostssl all all all md5", tls, Yes},
		{"hostssl needs TLS", "hostssl all all all md5", tcp, No},
		{"GSS counts as without TLS", "hostnossl all all all md5", gss, Yes},
		{"hostnossl", "hostnossl all all all md5", tls, No},
		{"hostgssenc", "hostgssenc all all all md5", gss, Yes},
		{"TLS counts as without GSS", "hostnogssenc all all all md5", tls, Yes},

		{"host bits may be set", "host all all 10.1.2.77/24 md5", tcp, Yes},
		{"outside", "host all all 10.1.3.0/24 md5", tcp, No},
		{"non-contiguous mask", "host all all 10.9.2.0 255.0.255.0 md5", tcp, Yes},
		{"families never mix", "host all all ::/0 md5", tcp, No},
		{"not even mapped", "host all all ::ffff:0:0/96 md5", tcp, No},
		{"clients are never IPv4-mapped", "host all all 10.0.0.0/8 md5", from("::ffff:10.1.2.3", "shop", "app"), Yes},
		{"all", "host all all all md5", client(Client{}), Yes},
		{"a set inside", "host all all 10.0.0.0/8 md5", client(within4("10.1.0.0/16", "10.2.0.0/16")), Yes},
		{"a set outside", "host all all 192.168.0.0/16 md5", client(within4("10.1.0.0/16")), No},
		{"a set across", "host all all 10.1.0.0/24 md5", client(within4("10.1.0.0/16")), Unsure},
		{"one of two prefixes", "host all all 10.1.0.0/16 md5", client(within4("10.1.0.0/16", "10.2.0.0/16")), Unsure},
		{"nothing known", "host all all 0.0.0.0/0 md5", client(Client{}), Unsure},
		{"the family known", "host all all 0.0.0.0/0 md5", client(within4("0.0.0.0/0")), Yes},
		{"the other family", "host all all ::/0 md5", client(within4("0.0.0.0/0")), No},
		{"samehost unknown", "host all all samehost md5", tcp, Unsure},
		{"samehost of another pod", "host all all samehost md5", client(Client{ServerHost: No}), No},
		{"samehost over loopback", "host all all samehost md5", client(Loopback()), Yes},
		{"lo counts for samenet", "host all all samenet md5", client(within4("127.0.0.9/32")), Yes},
		{"samenet unknown", "host all all samenet md5", tcp, Unsure},
		{"a host name needs DNS", "host all all db.example.com md5", tcp, Unsure},
		{"10.0.0.300 never matches", "host all all 10.0.0.300 md5", tcp, No},

		{"replication matches physical replication", "host replication all all md5", repl, Yes},
		{"all does not", "host all all all md5", repl, No},
		{"nor a regex", "host / all all md5", repl, No},
		{"nor in quotes", `host "replication" all all md5`, repl, No},
		{"a database called replication needs quotes", `host replication all all md5`, from("10.1.2.3", "replication", "app"), No},
		{"quoted it is a name", `host "replication" all all md5`, from("10.1.2.3", "replication", "app"), Yes},
		{"any token of the list", "host x,shop y,app all md5", tcp, Yes},
		{"names are case-sensitive", "host Shop all all md5", tcp, No},
		{"sameuser", "host sameuser all all md5", from("10.1.2.3", "app", "app"), Yes},
		{"sameuser differs", "host sameuser all all md5", tcp, No},
		{"sameuser of another database", "host sameuser all all md5", other, Unsure},
		{"samerole asks for membership", "host samerole all all md5", with(func(s *Session) {
			s.Database = Named("dev")
			s.Member = dev.Member
		}), Yes},
		{"member of the group", "host all +dev all md5", dev, Yes},
		{"not a member", "host all +ops all md5", dev, No},
		{"membership unknown", "host all +dev all md5", tcp, Unsure},
		{"+ alone matches nobody", "host all + all md5", dev, No},
		{"quoted it is a name", `host all "+dev" all md5`, dev, No},
		{"another name: a literal", "host shop,app app all md5", other, No},
		{"another name: all", "host all all all md5", other, Yes},
		{"another name: regex", "host /^s all all md5", other, Unsure},
		{"another name: one name as a regex", "host /^shop$ all all md5", other, No},
		{"another name: +role", "host all +dev all md5", with(func(s *Session) {
			s.User = AnyOther()
			s.Member = dev.Member
		}), Unsure},
		{"an unknown name", "host shop all all md5", with(func(s *Session) { s.Database = Name{} }), Unsure},

		{"regex is unanchored", "host /ho all all md5", tcp, Yes},
		{"regex decided", "host /^s[a-z]+$ all all md5", tcp, Yes},
		{"regex decided: no", "host /^(x|y).*$ all all md5", tcp, No},
		{"/ alone matches everything", "host / all all md5", other, Yes},
		{"the empty string", "host /^$ all all md5", tcp, No},
		{"classes and bounds", `host "/^\w{1,4}$" all all md5`, tcp, Yes},
		{"a back reference", `host "/^(.)\1" all all md5`, tcp, No},
		{"one No decides", "hostssl samerole +dev samenet md5", tcp, No},
	} {
		f := Parse([]Source{{Text: c.record}}, 18)
		if len(f.Records) != 1 {
			t.Fatalf("%s: %s", c.record, show(f))
		}
		if got := f.Records[0].Match(&c.session); got != c.want {
			t.Errorf("%s: %s: got %s, want %s", c.sentence, c.record, words[got], words[c.want])
		}
	}
}

func TestBefore16ASlashIsAName(t *testing.T) {
	f := Parse(lines("host / all all md5"), 15)
	session := from("10.0.0.1", "shop", "app")
	if got := f.Records[0].Match(&session); got != No {
		t.Error(words[got])
	}
}

func TestLongNamesAreCut(t *testing.T) {
	const long = "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg" // 65
	f := Parse(lines("host "+long+" all all md5\nhost "+long[:63]+" all all trust"), 18)
	if r := Decide(f, from("10.0.0.1", long, "app")); r.Record == nil || r.Record.Line != 2 {
		t.Errorf("%+v", r)
	}
}

func TestDecide(t *testing.T) {
	app := from("10.1.2.3", "shop", "app")
	for _, c := range []struct {
		sentence string
		file     string
		session  Session
		want     verdict.Verdict
		reason   verdict.Reason
		line     int // of Record; 0 for none
		certain  bool
	}{
		{"the first record that matches decides", "host x all all md5\nhost all all all trust\nhost all all all reject", app, verdict.Allow, Matched, 2, true},
		{"reject", "host all all all reject\nhost all all all md5", app, verdict.Deny, Rejected, 1, true},
		{"if no record matches, access is denied", "host x all all md5", app, verdict.Deny, NoRecord, 0, true},
		{"unsure, then the other end", "host all +dev all reject\nhost all all all md5", app, verdict.Unknown, Undecidable, 1, false},
		{"unsure, then the same end", "host all +dev all md5\nhost all all all scram-sha-256", app, verdict.Allow, Matched, 1, false},
		{"unsure reject, then the implicit one", "host all +dev all reject", app, verdict.Deny, Rejected, 1, false},
		{"unsure, then the implicit reject", "host all +dev all md5", app, verdict.Unknown, Undecidable, 1, false},
		{"two unsure", "host all +a all md5\nhost all +b all reject\nhost all all all md5", app, verdict.Unknown, Undecidable, 1, false},
		{"a file that does not load", "host all all all trust\nhost all", app, verdict.Unknown, NotLoaded, 0, false},
	} {
		r := Decide(Parse(lines(c.file), 18), c.session)
		line := 0
		if r.Record != nil {
			line = r.Record.Line
		}
		if r.Verdict != c.want || r.Reason != c.reason || line != c.line || r.Certain() != c.certain {
			t.Errorf("%s: got %s %s line %d certain %t", c.sentence, r.Verdict, r.Reason, line, r.Certain())
		}
	}
}

func TestPodsAreMatchedByWhatTheyAre(t *testing.T) {
	api := netpol.Selector{{Key: "app", Op: netpol.In, Values: []string{"api"}}}
	pod := func(ns, app string) Client {
		return Client{Pod: true, Namespace: ns, Labels: netpol.Labels{Set: map[string]string{"app": app}}}
	}
	onHost := pod("shop", "web")
	onHost.HostNetwork = true
	for _, c := range []struct {
		name   string
		nodes  bool
		client Client
		want   Match
	}{
		{"selected", false, pod("shop", "api"), Yes},
		{"other labels", false, pod("shop", "web"), No},
		{"other namespace", false, pod("blog", "api"), No},
		{"label of unknown value", false, Client{Pod: true, Namespace: "shop", Labels: netpol.Labels{Unknown: []string{"app"}}}, Unsure},
		{"outside", false, ClientAt(netip.MustParseAddr("192.0.2.1")), No},
		{"nobody knows", false, Client{}, Unsure},
		{"host network", false, onHost, No},
		{"host network, where selected pods have node addresses", true, onHost, Unsure},
		{"outside, where selected pods have node addresses", true, ClientAt(netip.MustParseAddr("192.0.2.1")), Unsure},
	} {
		a := Address{Kind: Pods, Namespace: "shop", Pods: api, Nodes: c.nodes}
		if got := a.match(&c.client); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, words[got], words[c.want])
		}
	}
}

func TestClientCert(t *testing.T) {
	for text, want := range map[string]ClientCert{
		"hostssl all all all cert":                                            VerifyFull,
		"hostssl all all all md5 clientcert=verify-ca":                        VerifyCA,
		"hostssl all all all md5 clientcert=verify-ca clientcert=verify-full": VerifyFull,
		"hostssl all all all reject clientcert=verify-ca":                     VerifyCA,
		"hostssl all all all md5":                                             NoClientCert,
	} {
		if got := Parse(lines(text), 18).Records[0].ClientCert(); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}
