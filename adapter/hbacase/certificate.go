package hbacase

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/login"
)

// Subject reads a subject as "openssl x509 -subject -nameopt compat" writes it:
// "/O=Acme/CN=alice". A backslash takes the next byte as it is.
func Subject(subject string, trusted bool) *login.Certificate {
	out := &login.Certificate{Trusted: trusted}
	var rdns []string
	for _, part := range attributes(subject) {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		if strings.EqualFold(name, "CN") && out.CommonName == "" {
			out.CommonName = value
		}
		rdns = append(rdns, name+"="+escape(value))
	}
	slices.Reverse(rdns)
	out.DN = strings.Join(rdns, ",")
	return out
}

// attributes cuts at slashes.
func attributes(subject string) []string {
	var out []string
	var part strings.Builder
	for i := 0; i < len(subject); i++ {
		switch {
		case subject[i] == '\\' && i+1 < len(subject):
			i++
			part.WriteByte(subject[i])
		case subject[i] == '/':
			out = append(out, part.String())
			part.Reset()
		default:
			part.WriteByte(subject[i])
		}
	}
	return slices.DeleteFunc(append(out, part.String()), func(s string) bool { return s == "" })
}

// escape writes a value as OpenSSL's XN_FLAG_RFC2253 does.
func escape(value string) string {
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		first, last := i == 0, i == len(value)-1
		switch {
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%02X`, c)
		case strings.IndexByte(`,+"\<>;`, c) >= 0, c == ' ' && (first || last), c == '#' && first:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
