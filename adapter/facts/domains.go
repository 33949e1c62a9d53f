package facts

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"k8s.io/apimachinery/pkg/util/validation"
)

// resolved reads domains: every address behind each name. A name stands for all its
// subdomains when it begins with "*."; names that resolvers cannot tell apart are one,
// and are refused when they are there twice.
func resolved(in map[text][]text) (map[string]flow.Addresses, error) {
	if in == nil {
		return nil, nil
	}
	out := make(map[string]flow.Addresses, len(in))
	for _, name := range slices.SortedFunc(maps.Keys(in), func(a, b text) int { return cmp.Compare(a.line, b.line) }) {
		key := strings.ToLower(strings.TrimSuffix(name.value, "."))
		if !isDomain(key) {
			return nil, fmt.Errorf("line %d: domains: %q is neither a domain name nor *. and one", name.line, name.value)
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("line %d: domains: %q is there twice", name.line, name.value)
		}
		if len(in[name]) == 0 {
			return nil, fmt.Errorf("line %d: domains: %q needs an address", name.line, name.value)
		}
		a, err := addresses(fmt.Sprintf("domains[%s]", name.value), in[name])
		if err != nil {
			return nil, err
		}
		out[key] = a
	}
	return out, nil
}

// isDomain reports whether a policy can have the name: at least two labels, of which
// the first may be the asterisk.
func isDomain(key string) bool {
	name := strings.TrimPrefix(key, "*.")
	return strings.Contains(name, ".") && len(validation.IsDNS1123Subdomain(strings.ReplaceAll(name, "_", "x"))) == 0
}
