package kube

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func ciliumOf(t *testing.T, body string) *snapshot.Snapshot {
	t.Helper()
	var s snapshot.Snapshot
	Convert([]object.Object{parsed(`{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"p"},` + body + `}`)}, &s)
	return &s
}

// shown writes a rule on a line: for each direction the number of entries with their
// fields, "listed" where the list is written.
func shown(r snapshot.CiliumRule) string {
	var out []string
	for _, d := range netpol.Directions {
		side := r.Sides[d]
		text := fmt.Sprintf("%s %d listed=%t", d, len(side.Entries), side.Listed)
		for _, e := range side.Entries {
			text += fmt.Sprintf(" %s%s dns=%t", strings.TrimPrefix(e.Origin.Field, "spec."), e.Kinds, e.DNS)
			for _, p := range e.Peers {
				text += fmt.Sprintf(" peer%s", p.Strange)
			}
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// An empty list is not an absent one, null is; a field that nobody knows is passed over.
func TestCiliumLists(t *testing.T) {
	for body, want := range map[string]string{
		`"spec":{"endpointSelector":{},"ingress":[],"egress":null,"new":1}`:           "ingress 0 listed=true; egress 0 listed=false",
		`"spec":{"ingress":[{}],"ingressDeny":[{"fromEntities":["world"],"new":{}}]}`: "ingress 2 listed=true ingress[0][] dns=false ingressDeny[0][fromEntities] dns=false; egress 0 listed=false",
		`"spec":{"egress":[{"toEndpoints":[{"matchLabels":{"a":"b"},"podSelector":{},"labelSelector":{}}],"toPorts":[{"rules":{"dns":[{"matchPattern":"*"}]}}]}]}`:
		// the keys of the item that no label selector has
		"ingress 0 listed=false; egress 1 listed=true egress[0][toEndpoints] dns=true peer[labelSelector podSelector]",
	} {
		s := ciliumOf(t, body)
		if len(s.Problems) > 0 || len(s.CiliumRules) != 1 || shown(s.CiliumRules[0]) != want {
			t.Errorf("%s:\n%v %q, want\n%q", body, s.Problems, shown(s.CiliumRules[0]), want)
		}
	}
}

// The API server refuses a port that is a number, as the schema has it a string.
func TestCiliumPortIsText(t *testing.T) {
	s := ciliumOf(t, `"spec":{"endpointSelector":{},"ingress":[{"toPorts":[{"ports":[{"port":5432}]}]}]}`)
	if len(s.Problems) != 1 || s.Problems[0].Origin.Field != "spec.ingress[0].toPorts[0].ports[0].port" || len(s.CiliumRules) != 0 || len(s.Unmodelled) != 1 {
		t.Errorf("%+v", s.Problems)
	}
}

// Each of specs is a rule, with a selector and places of its own.
func TestCiliumSpecs(t *testing.T) {
	s := ciliumOf(t, `"specs":[{"endpointSelector":{"matchLabels":{"k8s:app":"a"}},"ingress":[]},{"nodeSelector":{}}]`)
	if len(s.CiliumRules) != 2 {
		t.Fatal(s.CiliumRules)
	}
	a, b := s.CiliumRules[0], s.CiliumRules[1]
	if a.Pods.String() != "app=a" || a.Sides[netpol.Ingress].Origin.Field != "specs[0].ingress" || b.Origin.Field != "specs[1]" || b.Endpoints || !b.Nodes {
		t.Errorf("%+v %+v", a, b)
	}
}

func TestCalicoPolicies(t *testing.T) {
	for body, want := range map[string]string{
		`"spec":{"ingress":[{"action":"Log"},{"action":"Deny","source":{},"destination":null}]}`:              "default [true false] Log true spec.ingress[0], Deny true spec.ingress[1]",
		`"spec":{"tier":"t","egress":[{"action":"Allow","protocol":"TCP","metadata":{"annotations":{}}}]}`:    "t [false true] Allow false spec.egress[0]",
		`"spec":{"types":["Ingress","Egress"],"ingress":[{"action":"Pass","metadata":{"a":1},"notInAPI":1}]}`: "default [true true] Pass false spec.ingress[0]",
	} {
		var s snapshot.Snapshot
		Convert([]object.Object{parsed(`{"apiVersion":"crd.projectcalico.org/v1","kind":"GlobalNetworkPolicy","metadata":{"name":"p"},` + body + `}`)}, &s)
		if len(s.Problems) > 0 || len(s.CalicoPolicies) != 1 {
			t.Fatal(s.Problems)
		}
		p := s.CalicoPolicies[0]
		var rules []string
		for _, d := range netpol.Directions {
			for _, r := range p.Rules[d] {
				rules = append(rules, fmt.Sprint(r.Action, " ", r.Any, " ", r.Origin.Field))
			}
		}
		if got := fmt.Sprint(p.Tier, " ", p.Directions, " ", strings.Join(rules, ", ")); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// A wrong type is told with its place, and the policy still touches what it may touch.
func TestCalicoWrongType(t *testing.T) {
	var s snapshot.Snapshot
	Convert([]object.Object{parsed(`{"apiVersion":"projectcalico.org/v3","kind":"NetworkPolicy","metadata":{"name":"p"},"spec":{"selector":{"app":"x"}}}`)}, &s)
	if len(s.Problems) != 1 || s.Problems[0].Origin.Field != "spec.selector" || len(s.CalicoPolicies) != 0 || len(s.Unmodelled) != 1 {
		t.Errorf("%+v", s)
	}
}
