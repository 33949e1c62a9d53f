package netpol

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Match is the answer of a selector. The zero value is Unsure.
type Match uint8

const (
	// Unsure says that a label the selector asks for exists with a value nobody wrote down.
	Unsure Match = iota
	// No says that the selector does not match.
	No
	// Yes says that it does.
	Yes
)

// Op is an operator of a label selector requirement (metav1.LabelSelectorOperator).
type Op uint8

// The operators; the zero value is none of them and matches nothing.
const (
	NoOp Op = iota
	In
	NotIn
	Exists
	DoesNotExist
)

func (o Op) String() string {
	switch o {
	case In:
		return "in"
	case NotIn:
		return "notin"
	case Exists:
		return "exists"
	case DoesNotExist:
		return "does not exist"
	default:
		return "invalid"
	}
}

// A Requirement is one condition on labels; matchLabels k: v is In with one value.
type Requirement struct {
	Key    string
	Op     Op
	Values []string // sorted; empty unless In or NotIn
}

// String writes the requirement as kubectl would take it.
func (r Requirement) String() string {
	switch {
	case r.Op == In && len(r.Values) == 1:
		return r.Key + "=" + r.Values[0]
	case r.Op == In || r.Op == NotIn:
		return fmt.Sprintf("%s %s (%s)", r.Key, r.Op, strings.Join(r.Values, ","))
	case r.Op == DoesNotExist:
		return "!" + r.Key
	default:
		return r.Key
	}
}

// A Selector is a label selector: all requirements must hold. The empty selector
// matches everything (metav1.LabelSelector: "An empty label selector matches all
// objects"); a nil *Selector, where a field has one, says the field was absent.
type Selector []Requirement

// String writes the selector as kubectl would take it; "(everything)" when empty.
func (s Selector) String() string {
	if len(s) == 0 {
		return "(everything)"
	}
	parts := make([]string, len(s))
	for i, r := range s {
		parts[i] = r.String()
	}
	return strings.Join(parts, ",")
}

// Labels are what a selector is asked about.
type Labels struct {
	// Set holds the labels whose values are known.
	Set map[string]string
	// Unknown holds the keys of labels that a controller sets to a value that no
	// manifest tells, such as pod-template-hash: they exist, with any value.
	Unknown []string
}

// Match asks every requirement; one No decides, then one Unsure.
func (s Selector) Match(l Labels) Match {
	all := Yes
	for _, r := range s {
		switch r.Match(l) {
		case No:
			return No
		case Unsure:
			all = Unsure
		}
	}
	return all
}

// Match asks one requirement.
func (r Requirement) Match(l Labels) Match {
	value, known := l.Set[r.Key]
	if !known && slices.Contains(l.Unknown, r.Key) {
		switch r.Op {
		case Exists:
			return Yes
		case DoesNotExist:
			return No
		}
		return Unsure
	}
	switch r.Op {
	case In:
		return yes(known && slices.Contains(r.Values, value))
	case NotIn: // also without the key: apimachinery labels.Requirement.Matches
		return yes(!known || !slices.Contains(r.Values, value))
	case Exists:
		return yes(known)
	case DoesNotExist:
		return yes(!known)
	}
	return No
}

func yes(b bool) Match {
	if b {
		return Yes
	}
	return No
}

// SelectorOf selects what has all of some labels; nothing but these is asked for, and without
// any the selector is empty and matches everything.
func SelectorOf(labels map[string]string) Selector {
	out := Selector{}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, Requirement{Key: k, Op: In, Values: []string{labels[k]}})
	}
	return out
}
