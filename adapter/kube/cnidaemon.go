package kube

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/verdict"
	corev1 "k8s.io/api/core/v1"
)

// A daemon is a DaemonSet, which is what a network plugin runs as.
type daemon struct {
	object.Object
	template corev1.PodTemplateSpec
}

// daemonNames are the plugins by the name of their DaemonSet.
var daemonNames = map[string]string{
	"anetd":                 "gke-dataplane-v2",
	"antrea-agent":          "antrea",
	"aws-node":              "aws-vpc-cni",
	"azure-npm":             "azure-npm",
	"calico-node":           "calico",
	"canal":                 "canal",
	"rke2-canal":            "canal",
	"cilium":                "cilium",
	"kindnet":               "kindnet",
	"kube-flannel":          "flannel",
	"kube-flannel-ds":       "flannel",
	"kube-network-policies": "kube-network-policies",
	"kube-ovn-cni":          "kube-ovn",
	"kube-router":           "kube-router",
	"ovnkube-node":          "ovn-kubernetes",
	"weave-net":             "weave",
}

// imageNames are the plugins by the end of their image's repository, for DaemonSets
// of other names and for the version.
var imageNames = map[string]string{
	"amazon-k8s-cni":           "aws-vpc-cni",
	"antrea-agent-ubi":         "antrea",
	"antrea-agent-ubuntu":      "antrea",
	"antrea-ubuntu":            "antrea",
	"azure-npm":                "azure-npm",
	"calico/node":              "calico",
	"cilium/cilium":            "cilium",
	"cilium/cilium-distroless": "azure-cni-cilium",
	"flannel":                  "flannel",
	"kindnetd":                 "kindnet",
	"kube-network-policies":    "kube-network-policies",
	"kube-ovn":                 "kube-ovn",
	"kube-router":              "kube-router",
	"ovn-kube-u":               "ovn-kubernetes",
	"weave-kube":               "weave",
	"weave-npc":                "weave",
}

// sightDaemon finds the plugin that runs. Of several, one that enforces is enough:
// Calico beside Flannel is Canal.
func (c *converter) sightDaemon() (best sighting) {
	for _, d := range c.daemons {
		for _, s := range d.sightings() {
			if d.isIdle() {
				break
			}
			if best.name == "" || better(s.enforces, best.enforces) || s.enforces == best.enforces && s.name < best.name {
				best = s
			}
		}
	}
	return best
}

// isIdle reports whether the cluster says that no node runs the DaemonSet: one that was left
// behind, or whose nodeSelector nothing has. A manifest says nothing of that.
func (d daemon) isIdle() bool {
	var in struct {
		Status struct {
			Observed int64 `json:"observedGeneration"`
			Desired  int32 `json:"desiredNumberScheduled"`
		} `json:"status"`
	}
	return d.Decode(&in) == nil && in.Status.Observed > 0 && in.Status.Desired == 0
}

// better orders by how much a plugin may protect: Allow, Unknown, Deny.
func better(a, b verdict.Verdict) bool {
	rank := map[verdict.Verdict]int{verdict.Deny: 0, verdict.Unknown: 1, verdict.Allow: 2}
	return rank[a] > rank[b]
}

// sightings are the plugins that the DaemonSet runs: the one of its name, and those
// of its images. Flannel's chart can put kube-network-policies beside it in one pod.
func (d daemon) sightings() []sighting {
	found := map[string]string{} // plugin to version
	if name := d.plugin(); name != "" {
		found[name] = ""
	}
	for _, c := range d.template.Spec.Containers {
		image := parseImage(c.Image)
		if name := image.plugin(); name != "" && (len(found) == 0 || d.plugin() == "" || d.plugin() == name || name == policiesPlugin) {
			found[name] = image.version()
		}
	}
	var out []sighting
	for _, name := range slices.Sorted(maps.Keys(found)) {
		s := sighting{name: name, version: found[name], origin: d.Origin()}
		s.enforces, s.settings = d.reading(name, s.version)
		out = append(out, azure(s, d.template.Spec))
	}
	return out
}

const policiesPlugin = "kube-network-policies"

// plugin is the plugin of the DaemonSet's name; Flannel has one for each architecture.
func (d daemon) plugin() string {
	if strings.HasPrefix(d.Name, "kube-flannel-ds-") {
		return "flannel"
	}
	return daemonNames[d.Name]
}

// reading says whether the plugin enforces as it is run here, and the settings that
// its command line holds.
func (d daemon) reading(name, version string) (verdict.Verdict, cni.Settings) {
	spec := d.template.Spec
	switch name {
	case "aws-vpc-cni":
		return awsEnforces(spec), nil
	case "kindnet":
		return kindEnforces(spec), nil
	case policiesPlugin:
		return verdict.Allow, policiesVariant(spec)
	}
	profile, _ := cni.For(name, version, nil)
	return profile.Enforces, nil
}

// azure tells Microsoft's Cilium from Cilium by where its image comes from.
func azure(s sighting, spec corev1.PodSpec) sighting {
	for _, c := range spec.Containers {
		if s.name == "cilium" && strings.HasPrefix(c.Image, "mcr.microsoft.com/") && parseImage(c.Image).plugin() == s.name {
			s.name = "azure-cni-cilium"
		}
	}
	return s
}

// An image is the name of a container image in parts.
type image struct{ repository, tag string }

// parseImage reads "registry:5000/cilium/cilium:v1.15.3@sha256:…".
func parseImage(name string) image {
	name, _, _ = strings.Cut(name, "@")
	i := strings.LastIndex(name, ":")
	if i < 0 || strings.Contains(name[i:], "/") {
		return image{repository: name}
	}
	return image{name[:i], name[i+1:]}
}

// plugin looks the repository's last two words up, then the last one. A registry's own
// copy has the words behind its own.
func (i image) plugin() string {
	words := strings.Split(i.repository, "/")
	if n := len(words); n > 1 {
		if p, ok := imageNames[words[n-2]+"/"+words[n-1]]; ok {
			return p
		}
	}
	return imageNames[words[len(words)-1]]
}

// version is the tag where that is a version: "v1.0.0-npa-v1alpha2" is v1.0.0.
func (i image) version() string {
	if !cni.IsVersion(i.tag) {
		return ""
	}
	core, _, _ := strings.Cut(i.tag, "-")
	return core
}

// awsEnforces: the VPC CNI enforces nothing until its agent is told to.
func awsEnforces(spec corev1.PodSpec) verdict.Verdict {
	if hasArgument(spec, "--enable-network-policy=true", "--enable-network-policy") {
		return verdict.Allow
	}
	return verdict.Deny
}

// hasArgument reports whether a container is started with one of the words.
func hasArgument(spec corev1.PodSpec, words ...string) bool {
	for _, c := range spec.Containers {
		for _, arg := range append(append([]string(nil), c.Command...), c.Args...) {
			for _, w := range words {
				if arg == w {
					return true
				}
			}
		}
	}
	return false
}

var kindnetDate = regexp.MustCompile(`^v(\d{8})-`)

// kindEnforces: kindnet enforces since kind 0.24, whose image is of 13 August 2024,
// and as it is released by itself since 1.3.
func kindEnforces(spec corev1.PodSpec) verdict.Verdict {
	for _, c := range spec.Containers {
		i := parseImage(c.Image)
		if i.plugin() != "kindnet" {
			continue
		}
		if m := kindnetDate.FindStringSubmatch(i.tag); m != nil {
			return allowed(m[1] >= "20240813")
		}
		if v := i.version(); v != "" {
			return allowed(!cni.Before(v, "1.3"))
		}
	}
	return verdict.Unknown
}

func allowed(yes bool) verdict.Verdict {
	if yes {
		return verdict.Allow
	}
	return verdict.Deny
}

// policiesVariant tells the programs of kube-network-policies apart: by the tag of the
// image, and before v1.0 by two flags. Where only one flag is set, what is enforced is
// neither of the variants; a tag that is no version tells nothing.
func policiesVariant(spec corev1.PodSpec) cni.Settings {
	for _, c := range spec.Containers {
		i := parseImage(c.Image)
		if i.plugin() != policiesPlugin || i.version() == "" {
			continue
		}
		_, variant, _ := strings.Cut(i.tag, "-")
		switch admin, baseline := hasFlag(spec, "admin-network-policy"), hasFlag(spec, "baseline-admin-network-policy"); {
		case variant == cni.VariantAdmin || variant == cni.VariantCluster:
			return cni.Settings{cni.Variant: variant}
		case admin && baseline:
			return cni.Settings{cni.Variant: cni.VariantAdmin}
		case variant == "" && !admin && !baseline:
			return cni.Settings{cni.Variant: cni.VariantStandard}
		}
	}
	return nil
}

// hasFlag reports whether a flag of Go's kind is set: with one dash or two, and with
// or without its value.
func hasFlag(spec corev1.PodSpec, name string) bool {
	return hasArgument(spec, "-"+name, "--"+name, "-"+name+"=true", "--"+name+"=true")
}
