package hba

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// usual writes a file as people do: most lines name a database, a role and a network,
// some are for everybody.
func usual(n int) string {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var b strings.Builder
	b.WriteString("# who may reach what\nlocal all postgres peer map=local\n")
	for i := range n - 3 {
		switch i % 20 {
		case 0:
			fmt.Fprintf(&b, "hostssl all +team%d 10.%d.0.0/16 scram-sha-256\n", i/20, r.IntN(256))
		case 1:
			fmt.Fprintf(&b, "host    app%d,\"App %d\"  all  192.0.2.%d/32  md5   # legacy\n", i, i, r.IntN(256))
		case 2:
			fmt.Fprintf(&b, "hostssl replication standby%d 2001:db8:%x::/64 cert map=standby\n", i, r.IntN(65536))
		default:
			fmt.Fprintf(&b, "hostssl db%d  role%d  10.%d.%d.0/24  scram-sha-256\n", r.IntN(n), i, r.IntN(256), r.IntN(256))
		}
	}
	b.WriteString("host all all all reject\n")
	return b.String()
}

var sizes = []int{10, 100, 10_000, 100_000}

func BenchmarkParse(b *testing.B) {
	for _, n := range sizes {
		text := usual(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if f := Parse([]Source{{Text: text}}, 18); len(f.Errors) > 0 {
					b.Fatal(f.Errors[0])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/line")
		})
	}
}

// BenchmarkDecide asks with and without the index: sessions that some line is for, and
// every fourth that none but the last is.
func BenchmarkDecide(b *testing.B) {
	for _, n := range sizes[:3] {
		f := Parse([]Source{{Text: usual(n)}}, 18)
		asked := sessionsFor(f, 1000)
		b.Run(fmt.Sprintf("index/%d", n), func(b *testing.B) {
			x := NewIndex(f)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				x.Decide(&asked[i%len(asked)])
				i++
			}
		})
		b.Run(fmt.Sprintf("scan/%d", n), func(b *testing.B) {
			i := 0
			for b.Loop() {
				Decide(f, asked[i%len(asked)])
				i++
			}
		})
	}
}

// sessionsFor makes sessions, most of which a record of the file matches.
func sessionsFor(f File, n int) []Session {
	r := rand.New(rand.NewPCG(2, 2))
	var out []Session
	for range n {
		rec := &f.Records[r.IntN(len(f.Records))]
		s := Session{TLS: true, Database: Named(rec.Databases[0].Text), User: Named(rec.Users[0].Text), Groups: []string{}}
		s.Member = func(string, string) Match { return No }
		addr := netip.MustParseAddr("203.0.113.9")
		if rec.Address.Kind == Net {
			addr = rec.Address.Base
		}
		if r.IntN(4) == 0 {
			s.User = Named("nobody")
		}
		s.Client = ClientAt(addr)
		s.Client.ServerHost, s.Client.ServerNet, s.Client.NameKnown = No, No, true
		out = append(out, s)
	}
	return out
}

func BenchmarkNewIndex(b *testing.B) {
	f := Parse([]Source{{Text: usual(10_000)}}, 18)
	for b.Loop() {
		NewIndex(f)
	}
}
