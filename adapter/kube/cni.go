package kube

import (
	"regexp"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/verdict"
	corev1 "k8s.io/api/core/v1"
)

// A daemon is a DaemonSet, which is what a network plugin runs as.
type daemon struct {
	object.Object
	template corev1.PodTemplateSpec
}

// A plugin is what a DaemonSet's name tells of the network.
type plugin struct {
	name     string
	enforces func(corev1.PodSpec) verdict.Verdict
}

func always(corev1.PodSpec) verdict.Verdict { return verdict.Allow }
func never(corev1.PodSpec) verdict.Verdict  { return verdict.Deny }

// plugins by the name of their DaemonSet.
var plugins = map[string]plugin{
	"anetd":                 {"gke-dataplane-v2", always},
	"antrea-agent":          {"antrea", always},
	"aws-node":              {"aws-vpc-cni", awsEnforces},
	"azure-npm":             {"azure-npm", always},
	"calico-node":           {"calico", always},
	"canal":                 {"canal", always},
	"cilium":                {"cilium", always},
	"kindnet":               {"kindnet", kindEnforces},
	"kube-flannel-ds":       {"flannel", never},
	"kube-network-policies": {"kube-network-policies", always},
	"kube-router":           {"kube-router", always},
	"ovnkube-node":          {"ovn-kubernetes", always},
	"weave-net":             {"weave", always},
}

// detectCNI tells the network plugin by its DaemonSet, unless the facts did. Of
// several, one that enforces is enough: Calico beside Flannel is Canal.
func (c *converter) detectCNI() {
	facts := &c.world.Facts
	if facts.CNI != "" || facts.Enforces != verdict.Unknown {
		return
	}
	for _, d := range c.daemons {
		p, ok := plugins[d.Name]
		if !ok && strings.HasPrefix(d.Name, "kube-flannel-ds-") { // one for each architecture
			p, ok = plugins["kube-flannel-ds"], true
		}
		if !ok {
			continue
		}
		enforces := p.enforces(d.template.Spec)
		if facts.CNI == "" || better(enforces, facts.Enforces) {
			facts.CNI, facts.Enforces, facts.CNIOrigin = p.name, enforces, d.Origin()
		}
	}
}

// better orders by how much a plugin may protect: Allow, Unknown, Deny.
func better(a, b verdict.Verdict) bool {
	rank := map[verdict.Verdict]int{verdict.Deny: 0, verdict.Unknown: 1, verdict.Allow: 2}
	return rank[a] > rank[b]
}

// awsEnforces: the VPC CNI enforces nothing until its agent is told to.
func awsEnforces(spec corev1.PodSpec) verdict.Verdict {
	for _, c := range spec.Containers {
		for _, arg := range append(append([]string(nil), c.Command...), c.Args...) {
			if arg == "--enable-network-policy=true" || arg == "--enable-network-policy" {
				return verdict.Allow
			}
		}
	}
	return verdict.Deny
}

var kindnetDate = regexp.MustCompile(`kindnetd:v(\d{8})-`)

// kindEnforces: kindnet enforces since kind 0.24, whose image is of 13 August 2024.
func kindEnforces(spec corev1.PodSpec) verdict.Verdict {
	for _, c := range spec.Containers {
		if m := kindnetDate.FindStringSubmatch(c.Image); m != nil {
			if m[1] >= "20240813" {
				return verdict.Allow
			}
			return verdict.Deny
		}
	}
	return verdict.Unknown
}
