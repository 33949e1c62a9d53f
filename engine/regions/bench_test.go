package regions

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/hba"
)

// realistic returns the lines of a file as teams write them: mostly one database,
// one user and one network, with some lines for everybody.
func realistic(n int) []string {
	d := roll(1)
	out := []string{"local all postgres peer", "host replication repl 10.0.0.0/8 scram-sha-256"}
	for i := len(out); i < n-2; i++ {
		db, user := fmt.Sprintf("db%d", d.IntN(n/8+1)), fmt.Sprintf("app%d", d.IntN(n/4+1))
		net := fmt.Sprintf("10.%d.%d.0/24", d.IntN(32), d.IntN(256))
		switch d.IntN(40) {
		case 0:
			db = "all"
		case 1:
			user = "all"
		case 2:
			user = "+team" + fmt.Sprint(d.IntN(5))
		case 3:
			net = fmt.Sprintf("10.%d.0.0/16", d.IntN(32))
		case 4:
			net = fmt.Sprintf("2001:db8:%x::/48", d.IntN(256))
		case 5:
			db += fmt.Sprintf(",db%d", d.IntN(n/8+1))
		case 6:
			net = "all"
		}
		out = append(out, strings.Join([]string{d.of("host", "hostssl", "hostssl"), db, user, net, d.of("scram-sha-256", "md5")}, " "))
	}
	return append(out, "hostnossl all all all reject", "host all all 0.0.0.0/0 scram-sha-256")
}

// edited changes ten lines, half of them in their method.
func edited(lines []string) []string {
	d := roll(2)
	out := append([]string(nil), lines...)
	for i := range 10 {
		at := 2 + d.IntN(len(out)-4)
		f := strings.Fields(out[at])
		if i%2 == 0 {
			f[4] = "ldap ldapserver=x ldapprefix=y"
		} else {
			f[3] = "10.200.0.0/16"
		}
		out[at] = strings.Join(f, " ")
	}
	return out
}

// BenchmarkDiffOfUnknownRoles has a condition on each line.
func BenchmarkDiffOfUnknownRoles(b *testing.B) {
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf("host db%d +team%d 10.0.0.0/8 scram-sha-256", i%5, i))
	}
	old := file(b, lines)
	lines[150] += " "
	lines[200] = "host all +other 10.0.0.0/8 md5"
	next := file(b, lines)
	for b.Loop() {
		r, err := Diff(old, next, Context{})
		if err != nil || r.Incomplete {
			b.Fatal(err, r.Incomplete)
		}
		b.ReportMetric(float64(len(r.Regions)), "regions")
	}
}

func file(b *testing.B, lines []string) hba.File { return parse(b, strings.Join(lines, "\n"), 18) }

func BenchmarkDiff(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		lines := realistic(n)
		for name, other := range map[string][]string{
			"edited": edited(lines),
			"equal":  lines,
			"all":    append(append([]string(nil), lines[:n-1]...), "host all all 0.0.0.0/0 md5"),
			"top":    append([]string{"host all +team1 10.1.0.0/16 trust"}, lines...),
		} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				old, next := file(b, lines), file(b, other)
				for b.Loop() {
					r, err := Diff(old, next, Context{})
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(len(r.Regions)), "regions")
					b.ReportMetric(float64(len(r.LeftOut)), "leftout") // the last line of 10,000 is beyond the budget
				}
			})
		}
	}
}

// BenchmarkBudget says how many millions of the budget a hard question takes.
func BenchmarkBudget(b *testing.B) {
	lines := realistic(3000)
	old, next := file(b, lines), file(b, append(append([]string(nil), lines[:2999]...), "host all all 0.0.0.0/0 md5"))
	for b.Loop() {
		p := newProgram(Context{Budget: 1 << 40})
		a, _ := p.add(old)
		c, _ := p.add(next)
		q := &difference{}
		q.w = newWalker(p, q)
		q.w.walk(node{old: a, next: c})
		b.ReportMetric(float64(1<<40-q.w.budget)/1e6, "M")
	}
}

func BenchmarkShadowed(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := file(b, realistic(n))
			for b.Loop() {
				s, err := Shadowed(f, Context{})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(s)), "shadowed")
			}
		})
	}
}

func BenchmarkOverlaps(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := file(b, realistic(n))
			for b.Loop() {
				pairs, incomplete, err := Overlaps(f, Context{})
				if err != nil || incomplete {
					b.Fatal(err, incomplete)
				}
				b.ReportMetric(float64(len(pairs)), "pairs")
			}
		})
	}
}

func BenchmarkReach(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := file(b, realistic(n))
			within := parse(b, "hostnossl all,replication postgres all reject", 18).Records[0]
			for b.Loop() {
				r, err := Reach(f, Context{}, &within, func(r *hba.Record) bool { return r.Method != "reject" })
				if err != nil || r.Incomplete {
					b.Fatal(err, r.Incomplete)
				}
			}
		})
	}
}
