package kube

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A Kind is a type of which Convert reads the objects.
type Kind struct {
	object.Type
	// Version is the one that Convert takes; empty where it takes any.
	Version string
	// Decides says that objects of the kind open or close a way by themselves, or are what
	// stands at one of its ends. The others explain: without them there is an assumption.
	Decides bool
	// Stored is the kind as which a cluster keeps the same objects; zero for none.
	Stored object.Type
}

// Types returns the kinds of which a cluster is to be asked, sorted. Some that manifests are
// read for are not among them. Endpoints are copied to EndpointSlices, by the cluster itself,
// and nobody routes by them any more. A SealedSecret and an ExternalSecret stand for a Secret
// that manifests do not hold, and a cluster does. OpenShift 3 wrote the EgressNetworkPolicy
// without a group, and never served it among the kinds that have none.
//
// Calico keeps its kinds as definitions of an older group. The API server that shows them under
// the newer one lists policies to those alone who may also read their tiers
// (docs.tigera.io/calico, "Configure RBAC for tiered policies").
func Types() []Kind {
	var out []Kind
	for kind, is := range kinds {
		group, version, ok := strings.Cut(is.apiVersion, "/")
		if !ok {
			group, version = "", is.apiVersion
		}
		if is.group != groupEndpoints || group != "" {
			out = append(out, Kind{Type: object.Type{Group: group, Kind: kind}, Version: version, Decides: is.decides()})
		}
	}
	for t := range dialects {
		if t.Group != "" {
			out = append(out, Kind{Type: t, Decides: true})
		}
	}
	for t := range routeKinds {
		out = append(out, Kind{Type: t})
	}
	for t := range routeParts {
		out = append(out, Kind{Type: t})
	}
	for t := range cniKinds {
		out = append(out, Kind{Type: t})
	}
	for i, k := range out {
		old := object.Type{Group: calicoOldGroup, Kind: k.Kind}
		if k.Group == calicoGroup && slices.ContainsFunc(out, func(o Kind) bool { return o.Type == old }) {
			out[i].Stored = old
		}
	}
	slices.SortFunc(out, func(a, b Kind) int { return strings.Compare(a.String(), b.String()) })
	return out
}

func (g group) decides() bool {
	switch g {
	case groupWorkload, groupService, groupPolicy, groupClusterPolicy, groupForeign:
		return true
	}
	return false
}
