package hba

import (
	"net/netip"
	"testing"
)

// A file without what a client cannot meet decides the client's sessions the same.
func TestFromDecidesTheSame(t *testing.T) {
	var lines []Source
	for _, l := range []string{
		"local all all trust", "host a all 10.0.0.0/8 reject", "hostssl all b 10.1.0.0/16 md5",
		"host all all samenet trust", "host all c ::/0 md5", "host all all 192.0.2.0/24 scram-sha-256", "host a all all md5",
	} {
		lines = append(lines, Source{Text: l})
	}
	f := Parse(lines, 17)
	for _, address := range []string{"10.1.2.3", "10.2.2.3", "192.0.2.9", "2001:db8::1"} {
		client := ClientAt(netip.MustParseAddr(address))
		client.ServerHost = No
		met := f.From(client)
		if len(met.Records) >= len(f.Records) {
			t.Errorf("%s meets all of it", address)
		}
		for _, name := range []string{"a", "b", "c"} {
			for _, tls := range []bool{false, true} {
				s := Session{Client: client, TLS: tls, Database: Named(name), User: Named(name)}
				whole, part := Decide(f, s), Decide(met, s)
				if whole.Verdict != part.Verdict || whole.Reason != part.Reason {
					t.Errorf("%s as %s: %v, of what it meets %v", address, name, whole.Reason, part.Reason)
				}
			}
		}
	}
}
