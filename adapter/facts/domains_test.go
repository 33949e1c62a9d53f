package facts

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestDomains(t *testing.T) {
	f, err := Parse("f", []byte(`
domains:
  Repo.example.com.: [192.0.2.7, "2001:db8::/64"]
  "*.example.com": [192.0.2.0/24]
  _x.a_b.example.com:
  - 198.51.100.1/24
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range slices.Sorted(maps.Keys(f.Domains)) {
		got = append(got, name+" "+f.Domains[name].Text())
	}
	want := "*.example.com 192.0.2.0/24; _x.a_b.example.com 198.51.100.0/24; repo.example.com 192.0.2.7/32, 2001:db8::/64"
	if strings.Join(got, "; ") != want {
		t.Errorf("read\n%s\nwant\n%s", strings.Join(got, "; "), want)
	}
	if f, err := Parse("f", []byte("estate: complete")); err != nil || f.Domains != nil {
		t.Errorf("nobody said anything of domains: %v, %v", f.Domains, err)
	}
}

func TestDomainsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"domains: [a]":                                                          "line 1: a list where a mapping is expected",
		"domains:\n  a.example.com: 192.0.2.1":                                  "is expected",
		"domains:\n  a.example.com: [a.example.com]":                            `line 2: domains[a.example.com][0]: "a.example.com" is neither an address nor a CIDR`,
		"domains:\n  a.example.com: []":                                         `line 2: domains: "a.example.com" needs an address`,
		"domains:\n  a.example.com:":                                            `line 2: domains: "a.example.com" needs an address`,
		"domains:\n  b.example.com: [192.0.2.1]\n  example: [192.0.2.1]":        `line 3: domains: "example" is neither`,
		"domains: {'*': [192.0.2.1]}":                                           `line 1: domains: "*" is neither`,
		"domains: {a.*.example.com: [192.0.2.1]}":                               `line 1: domains: "a.*.example.com" is neither`,
		"domains: {'': [192.0.2.1]}":                                            `line 1: domains: "" is neither`,
		"domains:\n  a.example.com: [192.0.2.1]\n  A.example.com.: [192.0.2.1]": `line 3: domains: "A.example.com." is there twice`,
		"domains:\n  a.example.com: [192.0.2.1]\n  a.example.com: [192.0.2.1]":  "already defined",
	} {
		if _, err := Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
