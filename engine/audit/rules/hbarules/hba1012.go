package hbarules

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1012 finds addresses that the server reads otherwise than people do. A network of
// all addresses that is written as one is HBA1023's.
var HBA1012 = &audit.Rule{
	ID:       "HBA1012",
	Title:    "an address that means something else than it seems to",
	Severity: audit.High,
	Why: `PostgreSQL reads addresses with the C library, which knows spellings of the 1980s: 10/8
is 0.0.0.10/8, 10.1/16 is 10.0.0.1/16, and a leading zero makes a number octal, so
that 010.0.0.0/8 is 8.0.0.0/8. Bits behind the mask do not count: 10.1.2.77/24 is all
of 10.1.2.0/24, and 10.0.0.0/0 everybody. A mask of its own may have any bits, and
one that was meant the other way round (0.0.0.255) matches addresses all over.`,
	Bad:   "host ledger app 10/8 scram-sha-256\nhost all all all reject\n",
	Good:  "host ledger app 10.0.0.0/8 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		eachLine(p, func(f file, r *hba.Record) {
			if r.Address.Kind != hba.Net || r.Type == hba.Local {
				return
			}
			text, mask := f.addressText(r)
			for _, why := range seems(r.Address, text, mask) {
				out := f.about(r, true, "in %s of %s %s", quotedText(r, text, mask), f.name(), why)
				out.Fix = "write the network that is meant; the server reads " + r.Address.String()
				if n, ok := r.Address.Prefix(); ok {
					out.Fix = "write the network that is meant; the server reads " + n.String()
				}
				p.Report(out)
			}
		})
	},
}

// quotedText is the line with the address as it was written.
func quotedText(r *hba.Record, text, mask string) string {
	if text == "" {
		return words.Quoted(r)
	}
	written := strings.TrimSpace(text + " " + mask)
	return "\"" + strings.Replace(r.String(), " "+r.Address.String()+" ", " "+written+" ", 1) + "\""
}

// seems lists what is not as it seems.
func seems(a hba.Address, text, mask string) []string {
	var out []string
	host, length, hasLength := strings.Cut(text, "/")
	if text != "" && oldSpelling(host) {
		out = append(out, fmt.Sprintf("the address %s is read as %s%s", host, a.Base, octal(host)))
	}
	if mask != "" && oldSpelling(mask) {
		out = append(out, fmt.Sprintf("the mask %s is read as %s%s", mask, a.Mask, octal(mask)))
	}
	network, ok := a.Prefix()
	switch {
	case !ok:
		out = append(out, fmt.Sprintf("the mask %s is not the first bits of an address: it matches addresses all over, such as %s", a.Mask, scattered(a)))
	case network.Addr() != a.Base:
		out = append(out, fmt.Sprintf("%s is all of %s: bits behind the mask do not count", a, network))
	case hasLength && length != fmt.Sprint(network.Bits()):
		out = append(out, fmt.Sprintf("the length %q is read as %d", length, network.Bits()))
	}
	return out
}

// oldSpelling reports whether only the C library reads the address so. The scope of an
// IPv6 address does not matter.
func oldSpelling(text string) bool {
	host, _, _ := strings.Cut(text, "%")
	_, err := netip.ParseAddr(host)
	return err != nil
}

func octal(text string) string {
	for part := range strings.SplitSeq(text, ".") {
		switch {
		case strings.HasPrefix(strings.ToLower(part), "0x"):
			return ": 0x begins a hexadecimal number"
		case len(part) > 1 && part[0] == '0':
			return ": a leading zero begins an octal number"
		}
	}
	if strings.Contains(text, ".") {
		return ": the last number fills the bytes that are missing"
	}
	return ": one number is the whole address"
}

// scattered is an address that the mask lets vary in its first bit.
func scattered(a hba.Address) netip.Addr {
	b, m := a.Base.AsSlice(), a.Mask.AsSlice()
	for i := range b {
		b[i] &= m[i]
		if m[i] != 0xff && b[i]|^m[i] != b[i] {
			b[i] |= ^m[i]
			break
		}
	}
	out, _ := netip.AddrFromSlice(b)
	return out
}
