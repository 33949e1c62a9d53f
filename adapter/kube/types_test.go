package kube

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// Every kind of every table is asked for, but those that a cluster has in another form; and
// Convert does something with each that is.
func TestTypesAreTheTables(t *testing.T) {
	asked := map[object.Type]Kind{}
	for _, k := range Types() {
		if _, twice := asked[k.Type]; twice {
			t.Errorf("%s is there twice", k)
		}
		asked[k.Type] = k
		if _, tells := cniKinds[k.Type]; !tells && !Wants(k.Type) {
			t.Errorf("%s: nobody looks at it", k)
		}
	}
	without := func(of object.Type) {
		if _, ok := asked[of]; !ok && of != (object.Type{Kind: "Endpoints"}) && of != (object.Type{Kind: "EgressNetworkPolicy"}) {
			t.Errorf("%s is not asked for", of)
		}
	}
	for kind, is := range kinds {
		without(object.Type{Group: object.GroupOf(is.apiVersion), Kind: kind})
	}
	for of := range dialects {
		without(of)
	}
	for of := range routeKinds {
		without(of)
	}
	for of := range routeParts {
		without(of)
	}
	for of := range cniKinds {
		without(of)
	}
	if _, ok := asked[object.Type{Kind: "Endpoints"}]; ok || asked[object.Type{Group: "discovery.k8s.io", Kind: "EndpointSlice"}].Version != "v1" {
		t.Error("Endpoints are asked for beside EndpointSlices")
	}
}
