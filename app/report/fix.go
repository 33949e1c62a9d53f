package report

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A fix is the smallest change that takes one blocker out of the way. It says
// where and what; whether access ought to be given is for a person to say.
type fixJSON struct {
	Origin verdict.Origin `json:"origin"`
	Layer  verdict.Layer  `json:"layer"`
	Text   string         `json:"text"`
	Patch  string         `json:"patch,omitempty"`
}

// fixes proposes a change for each blocker of a route.
func (a *Asked) fixes(r route) []fixJSON {
	out := []fixJSON{}
	for _, s := range blockers(r.path.Steps) {
		if f, ok := a.fix(s); ok {
			f.Layer, f.Origin = s.Layer, a.World.Locate(f.Origin)
			out = append(out, f)
		}
	}
	return out
}

func (a *Asked) fix(s verdict.Step) (fixJSON, bool) {
	if text, ok := sessionFixes[s.Reason]; ok {
		return fixJSON{Origin: s.Origin, Text: fill(text, s.Facts)}, true
	}
	return fixJSON{}, false
}

// sessionFixes words the changes outside of policies.
var sessionFixes = map[verdict.Reason]string{
	"service/no-endpoints":      "make the selector {selector} name labels that the pods have",
	"service/no-such-port-name": "name the container port {name}, or give targetPort as a number",
	"service/no-such-port":      "connect to a port that the Service has, or add {port} to spec.ports",
	"service/not-exposed":       "connect from inside the cluster; exposing the Service opens it to everybody outside",
	"service/source-ranges":     "add the client's range to loadBalancerSourceRanges",
	"server/not-listening":      "connect to the port that PostgreSQL listens on",
	"tls/refused":               "enable TLS on the listener, or connect without it",
	"hba/rejected":              "add a record above {record} that matches {who}",
	"hba/no-record":             "add a record to {file} that matches {who}",
	"hba/cert-required":         "present a client certificate for the role, or add a record above {record} that asks for another credential",
	"hba/cert-no-ca":            "configure a CA for client certificates",
	"ident/not-mapped":          "add a line to the map that maps {system} to {role}",
	"hba/unreadable":            "mend the line: {error}",
	"netpol/unreadable":         "mend the document, or leave it out with --skip: {error}",
}

var _ = fmt.Sprint
var _ network.Engine
