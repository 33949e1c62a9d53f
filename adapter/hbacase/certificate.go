package hbacase

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/login"
)

// Subject reads a subject as OpenSSL writes it on one line: "/O=Acme/CN=alice", with
// "+" between the attributes of one RDN. A backslash takes the next byte as it is.
func Subject(subject string, trusted bool) *login.Certificate {
	out := &login.Certificate{Trusted: trusted}
	var rdns []string
	named := false
	for _, rdn := range relativeNames(subject) {
		var parts []string
		for _, a := range rdn {
			if a.name == "CN" && !named {
				out.CommonName, named = a.value, true
			}
			parts = append(parts, a.name+"="+escape(a.value))
		}
		slices.Reverse(parts)
		rdns = append(rdns, strings.Join(parts, "+"))
	}
	slices.Reverse(rdns)
	out.DN = strings.Join(rdns, ",")
	return out
}

// An attribute is one name=value of a subject.
type attribute struct{ name, value string }

// relativeNames returns the RDNs, each with its attributes in the order in which a
// certificate holds them.
func relativeNames(subject string) [][]attribute {
	var out [][]attribute
	for _, rdn := range cut(subject, '/') {
		var list []attribute
		for _, text := range cut(rdn, '+') {
			if name, value, ok := strings.Cut(text, "="); ok {
				list = append(list, attribute{strings.TrimSpace(name), unescaped(value)})
			}
		}
		slices.SortStableFunc(list, func(a, b attribute) int { return bytes.Compare(a.der(), b.der()) })
		if list != nil {
			out = append(out, list)
		}
	}
	return out
}

// cut cuts a text at a byte that no backslash stands before.
func cut(text string, at byte) []string {
	var out []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case at:
			out = append(out, text[start:i])
			start = i + 1
		}
	}
	return append(out, text[start:])
}

func unescaped(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// objects are the identifiers of attributes (X.520, RFC 4519), as DER has them.
var objects = map[string]string{
	"CN": "\x55\x04\x03", "SN": "\x55\x04\x04", "serialNumber": "\x55\x04\x05", "C": "\x55\x04\x06", "L": "\x55\x04\x07",
	"ST": "\x55\x04\x08", "street": "\x55\x04\x09", "O": "\x55\x04\x0a", "OU": "\x55\x04\x0b", "title": "\x55\x04\x0c", "GN": "\x55\x04\x2a",
	"UID": "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "DC": "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19",
	"emailAddress": "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01",
}

// der is what the attributes of one RDN are sorted by: a set in DER is.
func (a attribute) der() []byte {
	object := objects[a.name]
	body := append([]byte{0x06, byte(len(object))}, object...) //nolint:gosec // no identifier is longer than ten bytes
	body = append(append(body, 0x0c, byte(min(len(a.value), 127))), a.value...)
	return append([]byte{0x30, byte(min(len(body), 127))}, body...) //nolint:gosec // as it says
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
		case strings.IndexByte(`,+"\<>;`, c) >= 0, c == ' ' && (first || last), c == '#' && first && !last:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
