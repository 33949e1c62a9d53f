package kube

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/netpol"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// antreaOldGroup is that of Antrea before 1.0.
const antreaGroup, antreaOldGroup = "crd.antrea.io", "security.antrea.tanzu.vmware.com"

// anyPod is a kind that may select any pod of its scope.
func anyPod(directions [2]bool) dialect {
	return func(*converter, object.Object) []touch { return []touch{policyTouch(directions, nil)} }
}

// podSelector is a kind with a podSelector as NetworkPolicy has it. Where the object
// has one of the other fields, that selects too, and any pod may be meant.
func podSelector(directions [2]bool, others ...string) dialect {
	return func(c *converter, o object.Object) []touch {
		s := specOf(o)
		var in metav1.LabelSelector
		if s.has(others...) || !s.read("podSelector", &in) {
			return []touch{policyTouch(directions, nil)}
		}
		return []touch{policyTouch(directions, c.readable(&in))}
	}
}

// calico: types default to Egress where there are only egress rules, to both where
// there are both, else to Ingress (Calico NetworkPolicySpec.Types). Its selectors
// are a language of their own.
func calico(_ *converter, o object.Object) []touch {
	s := specOf(o)
	directions := both
	var types []string
	switch {
	case s == nil:
	case s.read("types", &types) && len(types) > 0:
		directions = [2]bool{}
		for _, t := range types {
			switch t {
			case "Ingress":
				directions[netpol.Ingress] = true
			case "Egress":
				directions[netpol.Egress] = true
			default:
				directions = both
			}
		}
	case !s.has("egress"):
		directions = [2]bool{netpol.Ingress: true}
	default:
		directions = [2]bool{netpol.Ingress: s.has("ingress"), netpol.Egress: true}
	}
	return []touch{policyTouch(directions, nil)}
}

// staged is a policy that its plugin only evaluates: "these rules are used to preview
// network behavior and do not enforce network traffic".
func staged(c *converter, o object.Object) []touch {
	c.warn("policy-staged", o.Origin(), "a staged policy is only previewed: nothing enforces it")
	return nil
}

// antrea: appliedTo may stand in each rule, and name Services and groups.
func antrea(_ *converter, o object.Object) []touch {
	return []touch{policyTouch(specOf(o).directions(), nil)}
}

// trafficControl takes the traffic of pods elsewhere; one that mirrors it decides
// nothing.
func trafficControl(_ *converter, o object.Object) []touch {
	var action string
	if specOf(o).read("action", &action) && action == "Mirror" {
		return nil
	}
	return []touch{policyTouch(both, nil)}
}

// redirect leads connections to a Service, or an address, to pods on the client's own
// node: "the namespace of backend pod(s) need to match with that of the policy", and
// so does that of the Service.
func redirect(*converter, object.Object) []touch {
	return []touch{policyTouch([2]bool{netpol.Ingress: true}, nil)}
}
