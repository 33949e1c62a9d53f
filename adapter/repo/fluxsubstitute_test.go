package repo

import (
	"strings"
	"testing"
)

// The forms of fluxcd/pkg/envsubst, whose README says "bash string replacement functions".
func TestSubstitute(t *testing.T) {
	values := map[string]string{"var": "abcABC123", "path": "a/b/a", "port": "5432", "empty": "", "Été": "été", "_x1": "x"}
	lookup := func(name string) (string, error) {
		if name == "secret" {
			return "", errRemoval
		}
		return values[name], nil
	}
	for text, want := range map[string]string{
		"":                           "",
		"no variables":               "no variables",
		"${var}":                     "abcABC123",
		"a${port}b${port}c":          "a5432b5432c",
		"${_x1}":                     "x",
		"${unset}":                   "",
		"$var $ $":                   "$var $ $",
		"$${var}":                    "${var}",
		"$$${var}":                   "$abcABC123",
		"$$$${var}":                  "$${var}",
		"$$":                         "$",
		"$${var=${port}}":            "${var=5432}",
		"${unset:=d}":                "d",
		"${unset:-d}":                "d",
		"${unset=d}":                 "d",
		"${unset:?d}":                "d", // what Flux makes of it
		"${unset:+d}":                "d",
		"${empty:-d}":                "d",
		"${port:-d}":                 "5432",
		"${unset:-}":                 "",
		"${unset:=a b: c, d}":        "a b: c, d",
		"${unset:-${port}}":          "5432",
		"${unset:=x${port}y${_x1}z}": "x5432yxz",
		"${unset:=$$x}":              "$$x", // nothing is escaped in a default
		"${port:-${secret}}":         "5432",
		"${var:3}":                   "ABC123",
		"${var:3:3}":                 "ABC",
		"${var:-3}":                  "abcABC123", // a default, not an offset
		"${var:0:-1}":                "abcABC12",
		"${var:99}":                  "",
		"${var:2:99}":                "cABC123",
		"${var:x}":                   "abcABC123",
		"${var:1:x}":                 "abcABC123",
		"${var:8:-5}":                "",
		"${#var}":                    "9",
		"${#unset}":                  "0",
		"${var^}":                    "AbcABC123",
		"${var^^}":                   "ABCABC123",
		"${var,,}":                   "abcabc123",
		"${Été^}":                    "Été",
		"${empty^}":                  "",
		"${path/a/x}":                "x/b/a",
		"${path//a/x}":               "x/b/x",
		`${path//\//-}`:              "a-b-a",
		"${path/#a/x}":               "x/b/a",
		"${path/%a/x}":               "a/b/x",
		"${path/%b/x}":               "a/b/a",
		"${path//a/}":                "/b/",
		"${path/a/${port}}":          "5432/b/a",
	} {
		got, err := substitute(text, lookup)
		if err != nil || got != want {
			t.Errorf("%s: %q, not %q: %v", text, got, want, err)
		}
	}
	for _, text := range []string{
		"${", "${}", "${var", "${ var}", "${var.x}", "${var-d}", "${var:", "${var:}", "${var:=", "${var:=a", "${var:1:}", "${#}", "${#var", "${var^", "${var/a}", "${path/#/x-}", "${path/%/x}", "${path///x}",
		"${var#a}", "${var%a}", "${secret}", "${unset:-${secret}}", "${secret:-d}", "${#secret}", "${path/a/${secret}}", "${port:-${}", strings.Repeat("${a:-", 1000) + strings.Repeat("}", 1000),
	} {
		if got, err := substitute(text, lookup); err == nil {
			t.Errorf("%.40s: %q", text, got)
		}
	}
}

func TestSubstituteTooLarge(t *testing.T) {
	value := strings.Repeat("x", 1<<20)
	if _, err := substitute(strings.Repeat("${a}", 100), func(string) (string, error) { return value, nil }); err == nil {
		t.Error("100 MiB are made of 400 bytes")
	}
}

// Flux replaces in what kustomize writes: quotes of the file are gone, and a number stays one.
func TestApply(t *testing.T) {
	s := &substitution{values: map[string]string{"port": "5432", "name": "db"}, unread: map[string]string{"password": "Secret flux-system/vars"}}
	for _, c := range []struct{ text, want, fault string }{
		{`{"kind": "Service", "port": "${port}"}`, "---\nkind: Service\nport: 5432\n", ""},
		{"kind: Service\nname: ${name}-${unset:-x}\n", "---\nkind: Service\nname: db-x\n", ""},
		{"a: ${name}\n---\nb: ${name}\n---\n", "---\na: db\n---\nb: db\n", ""},
		{"metadata: {annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\na: ${password}\n", "---\na: ${password}\nmetadata:\n  annotations:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\n", ""},
		{"metadata: {labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\na: $${x}\n", "---\na: $${x}\nmetadata:\n  labels:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\n", ""},
		{"a: ${password}\n", "", "${password} is in Secret flux-system/vars, which is not read"},
		{"a: ${oops\n", "", "nothing that Flux can read"},
		{"- a\n", "", "is no object"},
	} {
		got, err := s.apply([]byte(c.text))
		if string(got) != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: %q %v", c.text, got, err)
		}
	}
}

// A value that breaks the document is an error, and not another document.
func TestApplyBreaks(t *testing.T) {
	s := &substitution{values: map[string]string{"a": "x: [", "tab": "\t{"}}
	for _, text := range []string{"k: ${a}\n", "k:\n- ${tab}\n"} {
		if got, err := s.apply([]byte(text)); err == nil {
			t.Errorf("%q", got)
		}
	}
}

func TestApplyNothing(t *testing.T) {
	text := "a: ${x}\n"
	if got, err := (*substitution)(nil).apply([]byte(text)); err != nil || string(got) != text {
		t.Error(string(got), err)
	}
	// Without a variable Flux replaces nothing; metadata is set all the same.
	s := &substitution{labels: map[string]string{"l": "1"}, annotations: map[string]string{"note": "2"}}
	want := "---\na: ${x}\nmetadata:\n  annotations:\n    note: \"2\"\n  labels:\n    l: \"1\"\n    old: \"3\"\n  name: x\n"
	if got, err := s.apply([]byte("a: ${x}\nmetadata: {name: x, labels: {l: \"0\", old: \"3\"}}\n")); err != nil || string(got) != want {
		t.Error(string(got), err)
	}
}

// What stands in no file may define any variable.
func TestHiddenVariables(t *testing.T) {
	s := &substitution{values: map[string]string{"before": "1"}, unread: map[string]string{}}
	s.hide("Secret a/b")
	s.set("after", "2\n")
	if got, err := s.lookup("after"); err != nil || got != "2" {
		t.Error(got, err)
	}
	for _, name := range []string{"before", "other"} {
		if _, err := s.lookup(name); err == nil || !strings.Contains(err.Error(), "Secret a/b") {
			t.Error(name, err)
		}
	}
}
