// Package verdict holds the answer's vocabulary: what one layer says of a flow,
// why, and which line a person would edit to make it say something else.
package verdict

import (
	"fmt"
	"strings"
)

// A Verdict says whether a flow passes one layer. The zero value is Unknown, so a
// forgotten case can never read as Allow, and Unknown is no nearer to Allow than
// to Deny.
type Verdict uint8

const (
	// Unknown says that the snapshot lacks a fact the answer depends on.
	Unknown Verdict = iota
	// Deny says that the layer refuses the flow.
	Deny
	// Allow says that the layer lets the flow pass.
	Allow
)

// String returns "unknown", "deny" or "allow"; these words are also the JSON form.
func (v Verdict) String() string {
	switch v {
	case Deny:
		return "deny"
	case Allow:
		return "allow"
	default:
		return "unknown"
	}
}

// MarshalText makes the verdict a word in JSON and in map keys.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the words that MarshalText writes and refuses all others.
func (v *Verdict) UnmarshalText(text []byte) error {
	for _, known := range []Verdict{Unknown, Deny, Allow} {
		if known.String() == string(text) {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("verdict %q: want allow, deny or unknown", text)
}

// All combines the layers of one path: a Deny decides whatever is unknown
// elsewhere, then an Unknown leaves the path open to doubt, then it is Allow.
// Of no verdicts at all nothing is known.
func All(vs ...Verdict) Verdict {
	if len(vs) == 0 {
		return Unknown
	}
	all := Allow
	for _, v := range vs {
		switch v {
		case Deny:
			return Deny
		case Unknown:
			all = Unknown
		}
	}
	return all
}

// Any combines paths: one that is allowed is enough, then an Unknown one leaves
// the answer open, then all are refused. Where there is no path nothing passes,
// so Any of none is Deny.
func Any(vs ...Verdict) Verdict {
	anyOf := Deny
	for _, v := range vs {
		switch v {
		case Allow:
			return Allow
		case Unknown:
			anyOf = Unknown
		}
	}
	return anyOf
}

// A Reason is the stable code of why a layer decided as it did, such as
// "netpol/isolated". Package report turns it into words; nothing parses it.
type Reason string

// A Step is one layer's contribution to a Decision.
type Step struct {
	Layer   Layer   `json:"layer"`
	Verdict Verdict `json:"verdict"`
	Reason  Reason  `json:"reason"`
	// Facts are what the words of the reason need, such as "port": "6432". Their
	// keys belong to the reason and are as stable as its code.
	Facts map[string]string `json:"facts,omitempty"`
	// Origin is what a person would edit; zero when a default decided.
	Origin Origin `json:"origin,omitzero"`
	// Also holds the other places that decided alike: each policy that isolates
	// the pod, each record that could match. Empty for most.
	Also []Origin `json:"also,omitempty"`
	// Assumptions are the codes of what had to be assumed to decide so, sorted.
	Assumptions []string `json:"assumptions,omitempty"`
}

// A Layer names a place where access is decided.
type Layer string

// The layers in the order a packet and a session meet them.
const (
	Service    Layer = "service"
	DNS        Layer = "dns"
	Egress     Layer = "netpol egress"
	Ingress    Layer = "netpol ingress"
	Mesh       Layer = "mesh"
	Pooler     Layer = "pooler"
	HBA        Layer = "pg_hba"
	Ident      Layer = "pg_ident"
	Credential Layer = "credential"
	Grant      Layer = "grant"
	// RBAC decides who may forward ports to pods and start processes in them.
	RBAC Layer = "kubernetes rbac"
)

// An Origin points at the thing a person would edit to change the answer.
type Origin struct {
	// File is the path as the user named it, or "pg_hba.conf" for a line that no
	// manifest holds; empty on a live cluster.
	File string `json:"file,omitempty"`
	// Line is 1-based. An adapter gives the line where the object begins;
	// snapshot.Locate narrows it to the field. Zero when nothing was written down.
	Line int `json:"line,omitempty"`
	// Object is "NetworkPolicy payments/db-ingress".
	Object string `json:"object,omitempty"`
	// Field is the path inside the object, "spec.ingress[0].from[1]".
	Field string `json:"field,omitempty"`
	// Via is what rendered the object from File, "chart charts/db"; empty where the file has
	// the object as it is. A rendered object has no line.
	Via string `json:"via,omitempty"`
	// Note says what a person could not see in the file: "appended by the operator".
	Note string `json:"note,omitempty"`
}

// IsZero reports whether the origin names nothing.
func (o Origin) IsZero() bool { return o == Origin{} }

// At returns the origin of a field of the same object.
func (o Origin) At(format string, args ...any) Origin {
	o.Field = fmt.Sprintf(format, args...)
	return o
}

// String writes "file:line object field (note)", "file (chart charts/db) object field" of what
// was rendered; an origin without an object reads "pg_hba.conf line 9 (appended by the
// operator)".
func (o Origin) String() string {
	var parts []string
	switch {
	case o.File != "" && o.Line > 0 && o.Object == "":
		parts = append(parts, fmt.Sprintf("%s line %d", o.File, o.Line))
	case o.File != "" && o.Line > 0:
		parts = append(parts, fmt.Sprintf("%s:%d", o.File, o.Line))
	case o.File != "":
		parts = append(parts, o.File)
	}
	if o.Via != "" {
		parts = append(parts, "("+o.Via+")")
	}
	if o.Object != "" {
		parts = append(parts, o.Object)
	}
	if o.Field != "" {
		parts = append(parts, o.Field)
	}
	if o.Note != "" {
		parts = append(parts, "("+o.Note+")")
	}
	return strings.Join(parts, " ")
}
