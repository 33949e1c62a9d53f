package suite

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/flow"
)

// A line that is not understood is an error with its number; nothing is skipped.
func TestBadFiles(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "1: the file expects nothing"},
		{"# only words\nmode: partial\n", "3: the file expects nothing"},
		{"a -> b : all\nallow everything\n", `2: "allow everything" is no header`},
		{"maybe a -> b : all\n", `1: party "maybe a"`},
		{"colour: red\na -> b : all\n", `1: "colour: red" is no header`},
		{"mode: open\na -> b : all\n", `1: mode: "open": want closed or partial`},
		{"mode: partial\n\nmode: partial\na -> b : all", "3: mode is in line 1 already"},
		{"outside: none\na -> b : all\n", `1: outside: "none": want all or ipv4 or ignore`},
		{"self: no\na -> b : all\n", `1: self: "no"`},
		{"strict: no\na -> b : all\n", `1: strict: "no"`},
		{"facts:\na -> b : all\n", "1: facts: says nothing"},
		{"protocols: ICMP\na -> b : all\n", `1: protocol "ICMP"`},

		{"a -> b: all\n", "1: want FROM -> TO : PORTS"},
		{"a->b : all\n", "1: want FROM -> TO, with spaces"},
		{"a -> b : \n", "1: want FROM -> TO : PORTS"},
		{"a -> b : some\n", `1: protocol "some"`},
		{"a -> b : 80\n", `1: ports "80"`},
		{"a -> b : TCP 80,\n", `1: ports "TCP 80,"`},
		{"a -> b : TCP 80 81\n", `1: ports "TCP 80 81"`},
		{"a -> b : tcp 80\n", `1: protocol "tcp"`},
		{"a -> b : TCP 0\n", `1: port "0"`},
		{"a -> b : TCP 65536\n", `1: port "65536"`},
		{"a -> b : TCP 90-80\n", `1: port "90-80"`},
		{"a -> b : TCP 80-\n", `1: port "80-"`},
		{"a -> b : all, TCP 80\n", `1: protocol "all"`},
		{"a -> b : all\n a -> b : none\n", "2: a -> b is in line 1 already"},
		{"? a -> b : all\n? a -> b : none\n", "2: a -> b is in line 1 already"},
		{"? a\n", "1: want FROM -> TO : PORTS"},

		{"a/b/c/d -> b : all\n", `1: party "a/b/c/d": too many slashes`},
		{"a//b -> b : all\n", `1: party "a//b": want`},
		{"a* -> b : all\n", `1: party "a*": a wildcard is`},
		{"*/a -> b : all\n", `1: party "*/a": a wildcard is`},
		{"a/Pod/* -> b : all\n", `1: party "a/Pod/*": a wildcard is`},
		{"a (b -> b : all\n", `1: party "a (b": the bracket is not closed`},
		{"outside -> 10.0.0.0/8 : all\n", "1: both parties are outside"},
		{"10.0.0.0/33 -> b : all\n", `1: addresses "10.0.0.0/33"`},
		{"10.0.0.9-10.0.0.1 -> b : all\n", `1: addresses "10.0.0.9-10.0.0.1"`},
		{"10.0.0.1-::1 -> b : all\n", `1: addresses "10.0.0.1-::1"`},
		{"10.0.0.0/8 except b -> b : all\n", `1: addresses "b"`},
		{"outside vpn -> b : all\n", `1: addresses "vpn"`},
		{"fe80::1%eth0 -> b : all\n", `1: addresses "fe80::1%eth0"`},

		{"can a -> b TCP 80 : yes\n", `1: verdict "yes"`},
		{"can a -> b TCP 80\n", "1: want can FROM"},
		{"can a -> b TCP 80-90 : allow\n", "1: TCP 80-90: a question is about one port"},
		{"can a : allow\n", "1: want can FROM"},
		{"can outside -> b TCP 80 : allow\n", "1: outside: a question is about one address"},
		{"can 10.0.0.0/8 -> b TCP 80 : allow\n", "1: 10.0.0.0/8: a question is about one address"},

		{"table\n", "1: want table PROTOCOL PORT"},
		{"table TCP 80\n", "2: the table of line 1 has no rows"},
		{"table TCP 80\n-\n", "2: the table has no columns"},
		{"table TCP 80\n- a b\na . \n", "3: the row has 1 cells"},
		{"table TCP 80\n- a\na Y\n", `3: cell "Y" of column a`},
		{"table TCP 80\n- a a\n", "2: the table has two columns a"},
		{"table TCP 80\n- a\na .\na .\n", "4: the row a is in line 3 already"},
		{"table TCP 80\n- a\n10.0.0.0/8 .\n", "4: 10.0.0.0/8: a question is about one address"},

		{"refused: Pod shop/db\n", "1: want refused: FILE or Kind"},
		{"absent: outside\n", "1: absent: outside: want a workload"},
		{"absent: *\n", "1: absent: *: want a workload"},
		{"a -> b : \xff\n", "1: not valid UTF-8"},
	}
	for _, test := range tests {
		_, err := parse([]byte(test.text))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s…", test.text, err, test.want)
		}
	}
}

// "a protocol holds until the next one, and alone means all of its ports"
func TestPorts(t *testing.T) {
	tests := []struct{ text, want string }{
		{"all", "all ports"},
		{"none", "no ports"},
		{"TCP 80", "TCP 80"},
		{"TCP 80, 443, UDP 53-60, 61, SCTP", "TCP 80, TCP 443, UDP 53-61, SCTP"},
		{"TCP,UDP,SCTP", "all ports"},
		{"TCP 1-65535", "TCP"},
	}
	for _, test := range tests {
		got, err := parsePorts(test.text)
		if err != nil || got.String() != test.want {
			t.Errorf("%s: %s, %v; want %s", test.text, got, err, test.want)
		}
	}
}

// What is printed of ports and addresses is read as what it was.
func TestPrintedIsRead(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		var ranges []flow.PortRange
		var prefixes []netip.Prefix
		for range r.IntN(5) {
			from := uint16(r.IntN(flow.MaxPort)) + 1
			ranges = append(ranges, flow.PortRange{Protocol: flow.Protocols[r.IntN(3)], From: from, To: from + uint16(r.IntN(int(flow.MaxPort-from)+1))})
			a := netip.AddrFrom4([4]byte{byte(r.IntN(256)), byte(r.IntN(4)), 0, byte(r.IntN(256))})
			prefixes = append(prefixes, netip.PrefixFrom(a, r.IntN(33)), netip.PrefixFrom(netip.MustParseAddr("2001:db8::"), r.IntN(129)))
		}
		ports, addresses := flow.PortsOf(ranges...), flow.AddressesOf(prefixes...)
		if again, err := parsePorts(shortPorts(ports)); err != nil || !again.Equal(ports) {
			t.Fatalf("seed %d: %s is read as %s, %v", seed, shortPorts(ports), again, err)
		}
		if addresses.IsEmpty() {
			continue
		}
		p, err := parseParty("outside " + rangesText(addresses))
		if err != nil || !p.addresses.Equal(addresses) {
			t.Fatalf("seed %d: %s is read as %s, %v", seed, rangesText(addresses), p.addresses.Text(), err)
		}
		if p, err := parseParty("0.0.0.0/0 except " + rangesText(addresses)); err != nil || !p.addresses.Equal(flow.IPv4().Minus(addresses)) {
			t.Fatalf("seed %d: all but %s is read as %s, %v", seed, rangesText(addresses), p.addresses.Text(), err)
		}
	}
}

// Ranges by their ends are the addresses between them, the ends included.
func TestRanges(t *testing.T) {
	tests := []struct{ text, want string }{
		{"10.0.0.1-10.0.0.1", "10.0.0.1/32"},
		{"10.0.0.1-10.0.0.2", "10.0.0.1/32, 10.0.0.2/32"},
		{"0.0.0.0-255.255.255.255", "0.0.0.0/0"},
		{"0.0.0.0-127.255.255.255", "0.0.0.0/1"},
		{"255.255.255.254-255.255.255.255", "255.255.255.254/31"},
		{"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"10.0.0.0/8, 11.0.0.0/8", "10.0.0.0/7"},
		{"10.0.0.0/8 except 10.0.0.0/9, 10.128.0.0/10", "10.192.0.0/10"},
	}
	for _, test := range tests {
		p, err := parseParty(test.text)
		if err != nil || p.addresses.Text() != test.want {
			t.Errorf("%s: %s, %v; want %s", test.text, p.addresses.Text(), err, test.want)
		}
	}
}

// The examples of the documentation are files of expectations.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/suite.md")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for i, block := range strings.Split(string(text), "```\n") {
		if i%2 == 0 || strings.HasPrefix(block, "make ") || strings.HasPrefix(block, "file ") || strings.HasPrefix(block, "ok ") {
			continue
		}
		read++
		if _, err := parse([]byte(block)); err != nil {
			t.Errorf("%s\n%v", block, err)
		}
	}
	if read != 3 {
		t.Errorf("%d examples", read)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("mode: partial\n* -> a/b (c) : TCP 80, 90\n? 10.0.0.0/8 except 10.1.0.0/16 -> * : all")
	f.Add("table TCP 80\n| - | a |\n| b | . |\n\ncan a -> 10.0.0.1 UDP 1 : deny\nrefused: a : b\nabsent: a")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parse([]byte(text))
		if err == nil && e.isEmpty() {
			t.Errorf("%q expects nothing and is no error", text)
		}
	})
}
