package facts

import (
	"fmt"
	"strings"
	"testing"
)

func TestOperators(t *testing.T) {
	f, err := Parse("f", []byte(`
operators:
  cloudnative-pg: {namespace: cnpg-system, version: v1.30.0}
  stackgres: stackgres
  zalando: {version: 1.15}
  crunchy:
    namespace: pgo
  percona: {namespace: pg, version: 2.7.0}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(f.Operators, f.OperatorVersions)
	want := "map[cloudnative-pg:cnpg-system crunchy:pgo percona:pg stackgres:stackgres] map[cloudnative-pg:1.30.0 percona:2.7.0 zalando:1.15]"
	if got != want {
		t.Errorf("read\n%s\nwant\n%s", got, want)
	}
}

func TestOperatorsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"operators:\n  stackgres: sg\n  cnpg: x":                         `line 3: operators: "cnpg": want one of cloudnative-pg, `,
		"operators:\n  stackgres:":                                       "line 2: operators.stackgres: want a namespace, or namespace and version",
		"operators:\n  stackgres: {}":                                    "line 2: operators.stackgres: want a namespace",
		"operators:\n  stackgres:\n    version: latest":                  `line 3: operators.stackgres.version: "latest" is not a release`,
		"operators:\n  stackgres:\n    version: 1":                       `"1" is not a release`,
		"operators:\n  stackgres:\n    namespace: sg\n    release: 1.18": "line 4: field release not found in operators",
		"operators:\n  stackgres: [sg]":                                  "is expected",
		"operators: [stackgres]":                                         "is expected",
		"operators:\n  stackgres: a\n  stackgres: b":                     "already defined",
	} {
		if _, err := Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
