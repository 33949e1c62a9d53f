package hba

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// A dull twin: asking every address of a small prefix is what within says of all.
func TestWithinAgreesWithEveryAddress(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		addr := func() netip.Addr {
			return netip.AddrFrom4([4]byte{10, byte(r.IntN(2)), byte(r.IntN(4)), byte(r.IntN(256))})
		}
		mask := netip.AddrFrom4([4]byte{255, 255, byte(r.IntN(256)), byte(r.IntN(256))})
		p, base := netip.PrefixFrom(addr(), 24+r.IntN(9)).Masked(), addr()
		some, all := false, true
		for a := p.Addr(); a.IsValid() && p.Contains(a); a = a.Next() {
			hit := true
			x, b, m := a.As4(), base.As4(), mask.As4()
			for i := range x {
				hit = hit && (x[i]^b[i])&m[i] == 0
			}
			some, all = some || hit, all && hit
		}
		want := No
		if all {
			want = Yes
		} else if some {
			want = Unsure
		}
		if got := within(p, base, mask); got != want {
			t.Fatalf("seed %d: %s in %s/%s: got %s, want %s", seed, p, base, mask, words[got], words[want])
		}
	}
}

func TestInetAton(t *testing.T) {
	for text, want := range map[string]string{
		"10": "0.0.0.10", "10.1": "10.0.0.1", "127.1": "127.0.0.1", "1.2.3": "1.2.0.3", "010.0.0.0": "8.0.0.0",
		"0x7f.1": "127.0.0.1", "4294967295": "255.255.255.255", "0": "0.0.0.0", "1.2.3.4": "1.2.3.4",
		"4294967296": "", "256.1": "", "1.2.3.256": "", "1.2.3.4.5": "", "1.": "", ".1": "", "": "", "0x": "", "08": "", "+1": "", "1 ": "", "1_0": "",
	} {
		got, ok := inetAton(text)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: %s %t, want %s", text, got, ok, want)
		}
	}
}

// Each case is a sentence of what was observed of samehost and samenet.
func TestBeside(t *testing.T) {
	for _, c := range []struct {
		sentence, at, network string
		host, net             Match
	}{
		{"exactly the address", "10.0.0.5", "10.0.0.5/24", Yes, Yes},
		{"inside the network", "10.0.0.9", "10.0.0.5/24", No, Yes},
		{"outside", "10.0.1.9", "10.0.0.5/24", No, No},
		{"a mask without a bit is none", "10.0.1.9", "10.0.0.5/0", No, No},
		{"the address itself all the same", "10.0.0.5", "10.0.0.5/0", Yes, Yes},
		{"families never mix", "::1", "0.0.0.0/1", No, No},
	} {
		client := ClientAt(netip.MustParseAddr(c.at))
		client.Beside([]netip.Prefix{netip.MustParsePrefix(c.network)})
		if client.ServerHost != c.host || client.ServerNet != c.net {
			t.Errorf("%s: host %s, net %s", c.sentence, words[client.ServerHost], words[client.ServerNet])
		}
	}
}
