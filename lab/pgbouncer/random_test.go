//go:build linux

package pgbouncer

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every run has the same random files, this many.
const (
	fixedSeed = 20261121
	someFiles = 300
)

// TestRandomFiles asks both about files that nobody wrote.
func TestRandomFiles(t *testing.T) {
	lab := startLab(t)
	fuzz(t, lab, fixedSeed, func(n int) bool { return n < someFiles })
}

// TestFuzzPgBouncer goes on for PGMOAT_FUZZ_SECONDS, from PGMOAT_FUZZ_SEED or any seed.
func TestFuzzPgBouncer(t *testing.T) {
	seconds, err := strconv.Atoi(os.Getenv("PGMOAT_FUZZ_SECONDS"))
	if err != nil {
		t.Skip("PGMOAT_FUZZ_SECONDS is not set; make fuzz-pgbouncer sets it")
	}
	seed := rand.Uint64N(1 << 40)
	if text := os.Getenv("PGMOAT_FUZZ_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	lab := startLab(t)
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	fuzz(t, lab, seed, func(int) bool { return time.Now().Before(end) })
}

func fuzz(t *testing.T, lab *Lab, seed uint64, more func(n int) bool) {
	d := dice{rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // cases, not secrets
	files, attempts, disagree := 0, 0, 0
	for ; more(files) && disagree < 10; files++ {
		s := Setup{Files: d.files(), HBA: d.file()}
		asked := d.attempts(12)
		attempts += len(asked)
		disagree += compare(t, lab, s, asked)
	}
	t.Logf("seed %d: %d files, %d attempts, %d disagree", seed, files, attempts, disagree)
}

// dice throw files and attempts. What is legal comes more often than what is not, and
// names and addresses are few, so that lines meet attempts.
type dice struct{ *rand.Rand }

func (d dice) of(words ...string) string { return words[d.IntN(len(words))] }

// once in n throws.
func (d dice) once(n int) bool { return d.IntN(n) == 0 }

func (d dice) file() string {
	var b strings.Builder
	for range 1 + d.IntN(9) {
		b.WriteString(d.line())
		b.WriteString(d.of("\n", "\n", "\n", "\n", "\r\n", "\n\n", " # why\n"))
	}
	return b.String()
}

func (d dice) line() string {
	if d.once(25) {
		return d.noise()
	}
	kind := d.of("host", "host", "host", "hostssl", "hostnossl", "local", "local")
	if d.once(30) {
		kind = d.of("Host", `"host"`, "hostgssenc", "include", "")
	}
	words := []string{kind, d.names(), d.names()}
	if kind != "local" || d.once(40) {
		words = append(words, d.address())
	}
	words = append(words, d.method())
	if d.once(20) {
		words = append(words, d.of("map=x", "clientcert=1", "#", "# map=x", ",", `\`, `""`))
	}
	return strings.Join(words, d.of(" ", " ", "\t", "  ", "\v"))
}

// noise is a line of any bytes that mean something.
func (d dice) noise() string {
	var b strings.Builder
	for range d.IntN(20) {
		b.WriteString(d.of("host", "all", " ", " ", `"`, ",", "#", "@", "/", "10.0.0.0/8", "trust", "\\", "\x00", "é", "+", "\t"))
	}
	return b.String()
}

func (d dice) names() string {
	out := d.name()
	for d.once(4) {
		out += d.of(",", ",", ", ", " ,", ",,", "\t,\t") + d.name()
	}
	return out
}

func (d dice) name() string {
	switch {
	case d.once(3):
		return "all"
	case d.once(6):
		return d.of("sameuser", "sameuser", "sameuser", "samerole", "samegroup", "replication")
	case d.once(12):
		return "@" + d.of("one", "two", "some", "empty", "missing", "dir", "", "./one", "deep/er")
	case d.once(4):
		return `"` + strings.ReplaceAll(d.user(), `"`, `""`) + `"`
	case d.once(40):
		return d.of(`a"pp"`, `"app`, `""`, "+app", "a\\", "All", "é")
	}
	return d.user()
}

func (d dice) user() string {
	return d.of("app", "app", "bob", "ledger", "all", "sameuser", "a b", `q"q`, "+app", "@app", "/app", "ghost", "replication")
}

var clientAddresses = []string{"10.1.2.3", "10.1.2.3", "10.1.2.4", "10.2.0.1", "127.0.0.1", "192.168.7.9", "2001:db8::7", "2001:db8:1::8", "::1"}

func (d dice) address() string {
	client := d.of(clientAddresses...)
	switch {
	case d.once(3):
		return d.of("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "::/0", "2001:db8::/32", "10.0.0.0 255.0.0.0", "10.1.2.2/31", "2001:db8:: ffff:ffff::")
	case d.once(12):
		return d.of("all", "samehost", "samenet", "localhost", "10", "10.1/16", "fe80::1%lo/64", "::ffff:10.1.2.3/128", `"10.0.0.0/8"`, "10.1.2.3", "", "10.0.0.0 8")
	case d.once(3):
		return client + d.of(" 255.255.255.255", " 255.0.255.0", " 0.0.0.0", " ffff::", " ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", " 255")
	}
	bits := fmt.Sprint(d.IntN(130))
	if d.once(2) {
		bits = d.of("32", "128")
	}
	return client + "/" + d.of("", "", "", "", "+", "-", "0", "0x") + d.of(bits, bits, bits, bits, "", "8x", "18446744073709551616", "1_0", "/8")
}

func (d dice) method() string {
	if d.once(20) {
		return d.of("ident", "pam", "ldap", "gss", "MD5", `"md5"`, "any", "plain", "scram", "")
	}
	return d.of("trust", "reject", "md5", "scram-sha-256", "password", "peer", "cert")
}

func (d dice) files() map[string]string {
	if !d.once(3) {
		return nil
	}
	out := map[string]string{"one": d.user() + "\n", "two": "app, bob\n" + d.of("ledger", "ledger\n", "all\n"), "empty": "", "dir/": "",
		"some": d.names() + d.of("\n", " \n\n", " # why\n", "") + d.names(), "deep/er": d.of("@../one\n", "@under\n", "app @one\n"), "deep/under": "bob\n"}
	return out
}

func (d dice) attempts(n int) []Attempt {
	out := make([]Attempt, n)
	for i := range out {
		a := Attempt{User: d.user(), Database: d.user()}
		switch {
		case d.once(4):
			a.OSUser = d.of("", a.User, "app", "bob")
			if strings.ContainsAny(a.OSUser, ":+-#@/\" ") {
				a.OSUser = "app"
			}
		default:
			a.From = d.of(clientAddresses...)
			if a.TLS = d.once(3); a.TLS && d.once(2) {
				a.Cert = d.of(a.User, "app", "bob")
			}
		}
		out[i] = a
	}
	return out
}
