package kube

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

var operators = map[metav1.LabelSelectorOperator]netpol.Op{
	metav1.LabelSelectorOpIn:           netpol.In,
	metav1.LabelSelectorOpNotIn:        netpol.NotIn,
	metav1.LabelSelectorOpExists:       netpol.Exists,
	metav1.LabelSelectorOpDoesNotExist: netpol.DoesNotExist,
}

// Selector converts a label selector as those of policies are converted, and refuses what
// the API server refuses there. The errors are faults of field, the path of the selector.
func Selector(field string, in *metav1.LabelSelector) (netpol.Selector, error) {
	return selector(field, in)
}

// selector converts a label selector and refuses what the API server refuses
// (apimachinery ValidateLabelSelector).
func selector(field string, in *metav1.LabelSelector) (netpol.Selector, error) {
	if err := validLabels(field+".matchLabels", in.MatchLabels); err != nil {
		return nil, err
	}
	s := labelsEqual(in.MatchLabels)
	for i, e := range in.MatchExpressions {
		r, err := requirement(fmt.Sprintf("%s.matchExpressions[%d]", field, i), e)
		if err != nil {
			return nil, err
		}
		s = append(s, r)
	}
	return s, nil
}

func requirement(field string, in metav1.LabelSelectorRequirement) (netpol.Requirement, error) {
	r := netpol.Requirement{Key: in.Key, Op: operators[in.Operator], Values: slices.Clone(in.Values)}
	slices.SortFunc(r.Values, strings.Compare)
	r.Values = slices.Compact(r.Values)
	asks := r.Op == netpol.In || r.Op == netpol.NotIn
	switch {
	case r.Op == netpol.NoOp:
		return r, fault(field+".operator", "%q: want In, NotIn, Exists or DoesNotExist", in.Operator)
	case asks && len(in.Values) == 0:
		return r, fault(field+".values", "must not be empty for operator %s", in.Operator)
	case !asks && len(in.Values) > 0:
		return r, fault(field+".values", "must be empty for operator %s", in.Operator)
	}
	if err := refuse(field+".key", in.Key, validation.IsQualifiedName(in.Key)); err != nil {
		return r, err
	}
	for i, v := range in.Values {
		if err := refuse(fmt.Sprintf("%s.values[%d]", field, i), v, validation.IsValidLabelValue(v)); err != nil {
			return r, err
		}
	}
	return r, nil
}

// A selectorPool gives selectors that are written identically one address, so that
// an engine may tell them equal by looking at it.
type selectorPool map[string]*netpol.Selector

func (p selectorPool) share(s netpol.Selector) *netpol.Selector {
	key := s.String()
	if known, ok := p[key]; ok {
		return known
	}
	p[key] = &s
	return &s
}

// optional converts a selector that may be absent: nil stays nil.
func (c *converter) optional(field string, in *metav1.LabelSelector) (*netpol.Selector, error) {
	if in == nil {
		return nil, nil
	}
	s, err := selector(field, in)
	if err != nil {
		return nil, err
	}
	return c.selectors.share(s), nil
}
