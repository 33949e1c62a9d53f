package rbac

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write reader.yaml")

// plurals are the kinds whose resource is not called as English has it.
var plurals = map[object.Type]string{
	{Group: "kubeovn.io", Kind: "SecurityGroup"}:      "security-groups",
	{Group: "stackgres.io", Kind: "SGDbOps"}:          "sgdbops",
	{Group: "stackgres.io", Kind: "SGPoolingConfig"}:  "sgpoolconfigs",
	{Group: "stackgres.io", Kind: "SGPostgresConfig"}: "sgpgconfigs",
}

// resource is what a kind is called in rights.
func resource(t object.Type) string {
	if name, ok := plurals[t]; ok {
		return name
	}
	name := strings.ToLower(t.Kind)
	switch {
	case name == "sgdistributedlogs":
		return name
	case strings.HasSuffix(name, "ss"):
		return name + "es"
	case strings.HasSuffix(name, "y") && !strings.HasSuffix(name, "ay"):
		return strings.TrimSuffix(name, "y") + "ies"
	}
	return name + "s"
}

const head = `# The least with which pgmoat reads a cluster, written from the kinds that it asks for. It may
# list, and neither get, watch nor write. Of Secrets pgmoat asks for the metadata alone; RBAC
# knows no such right, so that whoever has this role could list what they hold.
# Rights to kinds that are not installed are none, and may be left out; so may others, and
# pgmoat says what it then does not know. docs/live.md says more.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: pgmoat-reader
rules:
`

func text() string {
	groups := map[string][]string{}
	for _, t := range estate.Types(known.Adapters(), true) {
		groups[t.Group] = append(groups[t.Group], resource(t.Type))
	}
	var out strings.Builder
	out.WriteString(head)
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&out, "  - apiGroups: [%q]\n    resources:\n", group)
		for _, name := range slices.Sorted(slices.Values(groups[group])) {
			fmt.Fprintf(&out, "      - %s\n", name)
		}
		out.WriteString("    verbs: [list]\n")
	}
	return out.String()
}

func TestReader(t *testing.T) {
	want := text()
	if *update {
		if err := os.WriteFile("reader.yaml", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(Reader(), []byte(want)) {
		t.Error("reader.yaml is not what is asked for: go test ./config/rbac -update")
	}
}

// Roles list, or get Secrets, and nothing else.
func TestLeast(t *testing.T) {
	for name, role := range map[string][]byte{"list": Reader(), "get": Certificates()} {
		var in rbacv1.ClusterRole
		if err := yaml.UnmarshalStrict(role, &in); err != nil {
			t.Fatal(err)
		}
		if len(in.Rules) == 0 {
			t.Error("no rules")
		}
		for _, r := range in.Rules {
			if !slices.Equal(r.Verbs, []string{name}) || len(r.ResourceNames) > 0 || len(r.NonResourceURLs) > 0 ||
				slices.Contains(r.APIGroups, "*") || slices.Contains(r.Resources, "*") {
				t.Errorf("%+v", r)
			}
		}
	}
}
