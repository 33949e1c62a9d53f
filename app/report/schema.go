package report

//go:generate go test -run TestSchemasAreCurrent -update .

import (
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The JSON of connections is written by engine/network a line at a time; this is
// its shape.
type connectionsJSON struct {
	Connections []connectionJSON        `json:"connections"`
	Unknown     []unknownConnectionJSON `json:"unknown"`
	Workloads   []snapshot.Ref          `json:"workloads"`
	Assumptions []snapshot.Assumption   `json:"assumptions"`
	Warnings    []snapshot.Warning      `json:"warnings"`
}

type connectionJSON struct {
	From  partyJSON        `json:"from"`
	To    partyJSON        `json:"to"`
	Ports []flow.PortRange `json:"ports"`
	All   bool             `json:"all"`
}

type unknownConnectionJSON struct {
	connectionJSON
	Reason string         `json:"reason"`
	Origin verdict.Origin `json:"origin"`
}

// partyJSON is a workload, or with cidr ranges outside the cluster.
type partyJSON struct {
	Kind      string   `json:"kind,omitempty"`
	Namespace string   `json:"namespace,omitempty"`
	Name      string   `json:"name,omitempty"`
	CIDR      []string `json:"cidr,omitempty"`
}

// Schemas returns the JSON Schema of each command's -o json, made from the types
// that are printed. docs/schema holds them; a test notices when they are stale.
func Schemas() (map[string]*jsonschema.Schema, error) {
	out := map[string]*jsonschema.Schema{}
	for name, v := range map[string]any{
		"can": askedJSON{}, "who-can": closedJSON{}, "vital": vitalJSON{}, "connections": connectionsJSON{}, "connections-diff": connectionsDiffJSON{},
		"connections-explain": explainedJSON{}, "diff": changedJSON{}, "compile": compiledJSON{}, "import": importedJSON{}, "prove": provedJSON{},
		"audit": auditJSON{}, "hba-lint": lintJSON{},
		"hba-eval": evalJSON{}, "hba-diff": HBADiff{}, "hba-rules": RuleList{},
		"snapshot-show": savedJSON{}, "snapshot-diff": savedDiffJSON{},
	} {
		s, err := jsonschema.ForType(reflect.TypeOf(v), &jsonschema.ForOptions{TypeSchemas: wordSchemas})
		if err != nil {
			return nil, err
		}
		s.Title = "pgmoat " + name + " -o json"
		open(s, name == "hba-rules") // whose NULLs are the server's
		out[name] = s
	}
	return out, nil
}

// wordSchemas are the types that JSON has as words.
var wordSchemas = map[reflect.Type]*jsonschema.Schema{
	reflect.TypeFor[verdict.Verdict](): {Type: "string", Enum: []any{"allow", "deny", "unknown"}},
	reflect.TypeFor[audit.Severity]():  {Type: "string", Enum: []any{"low", "medium", "high", "critical"}},
	reflect.TypeFor[netpol.Tier]():     {Type: "string", Enum: []any{"Admin", "NetworkPolicy", "Baseline"}},
	reflect.TypeFor[netpol.Action]():   {Type: "string", Enum: []any{"Accept", "Deny", "Pass", "none"}},
	reflect.TypeFor[prove.Result]():    {Type: "string", Enum: []any{"PROVEN", "REFUTED", "UNKNOWN"}},
	reflect.TypeFor[flow.Protocol]():   {Type: "string", Enum: []any{"TCP", "UDP", "SCTP"}},
}

// open lets objects have fields that a later version adds, and lists be lists unless
// they are null in the view of a server.
func open(s *jsonschema.Schema, nulls bool) {
	if s == nil {
		return
	}
	if len(s.Properties) > 0 {
		s.AdditionalProperties = nil
	}
	if slices.Contains(s.Types, "array") && !nulls { // lists are never null
		s.Type, s.Types = "array", nil
	}
	for _, p := range s.Properties {
		open(p, nulls)
	}
	open(s.Items, nulls)
}
