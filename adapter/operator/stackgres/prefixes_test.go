package stackgres

import (
	"net/netip"
	"testing"
)

func prefixes(t *testing.T, texts ...string) (out []netip.Prefix) {
	t.Helper()
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}
