package world

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// A LabelSelector is metav1.LabelSelector as it is written.
type LabelSelector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []struct {
		Key      string   `json:"key"`
		Operator string   `json:"operator"`
		Values   []string `json:"values"`
	} `json:"matchExpressions"`
}

var operators = map[string]netpol.Op{
	"In": netpol.In, "NotIn": netpol.NotIn, "Exists": netpol.Exists, "DoesNotExist": netpol.DoesNotExist,
}

// Selector converts it. "An empty label selector matches all objects."
func (s LabelSelector) Selector() (netpol.Selector, error) {
	out := Equals(s.MatchLabels)
	for i, e := range s.MatchExpressions {
		op, known := operators[e.Operator]
		hasValues := op == netpol.In || op == netpol.NotIn
		switch {
		case !known:
			return nil, fmt.Errorf("matchExpressions[%d].operator: %q is not a valid label selector operator", i, e.Operator)
		case e.Key == "":
			return nil, fmt.Errorf("matchExpressions[%d].key: must be specified", i)
		case hasValues == (len(e.Values) == 0):
			return nil, fmt.Errorf("matchExpressions[%d].values: not what operator %s takes", i, e.Operator)
		}
		out = append(out, netpol.Requirement{Key: e.Key, Op: op, Values: slices.Sorted(slices.Values(e.Values))})
	}
	slices.SortStableFunc(out, func(a, b netpol.Requirement) int { return cmp.Compare(a.Key, b.Key) })
	return out, nil
}
