package facts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

const full = `
estate: complete
cni: {name: calico, enforces: true}
podCIDRs: [10.244.0.0/16]
apiServer: {addresses: [10.0.0.1/32, 10.0.0.2], ports: [6443]}
dns: {namespace: dns, labels: {app: resolver}, addresses: [169.254.20.10/32], port: 5353}
operators: {cloudnative-pg: cnpg-system, stackgres: stackgres}
outside: [{name: vpn, cidrs: [198.51.100.0/24, "2001:db8::/32"]}]
`

func TestEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facts.yaml")
	if err := os.WriteFile(path, []byte(full), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(f.Complete, f.CNI, f.Enforces, f.CNIOrigin.Line, f.PodCIDRs, f.APIServer.Prefixes(), f.APIServerPorts,
		f.DNS.Namespace, f.DNS.Labels.Set, f.DNS.Addresses.Prefixes(), f.DNS.Port, f.Operators, f.Outside[0].Name, f.Outside[0].Addresses.Prefixes())
	want := "true calico allow 3 [10.244.0.0/16] [10.0.0.1/32 10.0.0.2/32] [6443] dns map[app:resolver] [169.254.20.10/32] 5353 " +
		"map[cloudnative-pg:cnpg-system stackgres:stackgres] vpn [198.51.100.0/24 2001:db8::/32]\n"
	if got != want {
		t.Errorf("read\n%s\nwant\n%s", got, want)
	}
}

func TestNothingStated(t *testing.T) {
	for _, text := range []string{"", "\n# nobody knows\n", "{}", "estate: partial"} {
		f, err := Parse("f", []byte(text))
		if err != nil || f.Complete || f.Enforces != verdict.Unknown || f.DNS != nil {
			t.Errorf("%q: %+v, %v", text, f, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	f, err := Parse("f", []byte("cni: {name: cilium}\ndns: {}"))
	if err != nil {
		t.Fatal(err)
	}
	if f.Enforces != verdict.Unknown || f.DNS.Namespace != "kube-system" || f.DNS.Labels.Set["k8s-app"] != "kube-dns" || f.DNS.Port != 53 {
		t.Errorf("%+v %+v", f, f.DNS)
	}
	if f, _ := Parse("f", []byte("cni: {enforces: false}")); f.Enforces != verdict.Deny {
		t.Errorf("enforces: false is %s", f.Enforces)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"\nestat: complete":                         "line 2: field estat not found",
		"cni:\n  name: a\n  enforce: true":          "line 3: field enforce not found in cni",
		"dns:\n  name: a":                           "line 2: field name not found in dns",
		"outside:\n- name: a\n  cidr: [10.0.0.0/8]": "line 3: field cidr not found in outside",
		"apiServer: {port: 1}":                      "field port not found",
		"estate: all":                               `estate: "all": want complete or partial`,
		"podCIDRs:\n- 10.0.0.0/8\n- ten":            `line 3: podCIDRs[1]: "ten" is neither`,
		"podCIDRs: [fe80::1%eth0]":                  "is neither",
		"apiServer: {ports: [0]}":                   "0 is not a port",
		"apiServer: {ports: [65536]}":               "is expected",
		"outside: [{name: a}]":                      "outside[0]: needs a name and cidrs",
		"outside: [{cidrs: [10.0.0.0/8]}]":          "outside[0]: needs a name and cidrs",
		"outside: [{name: a, cidrs: [10.0.0.0/8]}, {name: a, cidrs: [10.0.0.0/8]}]": `outside[1].name: "a" is there twice`,
		"cni: {enforces: maybe}":             "is expected",
		"estate: complete\nestate: complete": "already defined",
		"{":                                  "did not find",
		"estate: complete\n---\nestate: complete": "more than one document",
		"[]":         "is expected",
		"a: &a [*a]": "not found",
	} {
		if _, err := Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); err == nil || !strings.HasPrefix(err.Error(), "facts: ") {
		t.Errorf("a missing file: %v", err)
	}
}

// A file without end is refused before it fills the memory.
func TestReadWithoutEnd(t *testing.T) {
	if _, err := Read("/dev/zero"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Error(err)
	}
}

// An error tells what was written and what is wanted, in the words of the file; what
// would quietly state nothing is one, too.
func TestErrorsInWords(t *testing.T) {
	for text, want := range map[string]string{
		"[]":                               "line 1: a list where a mapping is expected",
		"estate: complete\ndns: 3":         "line 2: `3` where a mapping is expected",
		"cni: x":                           "line 1: `x` where a mapping is expected",
		"podCIDRs: {a: b}":                 "line 1: a mapping where a list is expected",
		"dns: {port: 70000}":               "line 1: `70000` where a port is expected",
		"cni: {enforces: maybe}":           "line 1: `maybe` where true or false is expected",
		"apiServer: {adresses: []}":        "line 1: field adresses not found",
		"podCIDRs: [10.0.0.0/8, null]":     "line 1: an entry of a list is null",
		"outside:\n- ~":                    "line 2: an entry of a list is null",
		"\noperators: {cnpg: cnpg-system}": `line 2: operators: "cnpg": want one of cloudnative-pg, stackgres, zalando, crunchy, percona`,
	} {
		if _, err := Parse("f.yaml", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestNow(t *testing.T) {
	for text, want := range map[string]snapshot.Moment{
		"": 0, "now: 2026-11-21": 1795219200, "now: 2026-11-21T16:00:00+01:00": 1795273200, `now: "2026-11-21T15:00:00Z"`: 1795273200,
	} {
		if f, err := Parse("f", []byte(text)); err != nil || f.Now != want {
			t.Errorf("%q: %d, %v, want %d", text, f.Now, err, want)
		}
	}
	if _, err := Parse("f", []byte("\nnow: tomorrow")); err == nil || !strings.HasPrefix(err.Error(), `line 2: now: "tomorrow": want a time`) {
		t.Error(err)
	}
}
