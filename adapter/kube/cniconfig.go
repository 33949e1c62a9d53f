package kube

import (
	"bytes"
	"net/netip"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/verdict"
	"sigs.k8s.io/yaml"
)

// A network is what configuration tells of the network plugin.
type network struct {
	// named is the plugin that the cluster's own configuration or an installer names.
	named sighting
	// configs are the ConfigMaps of plugins, by their names.
	configs map[string]configMap
	// hints are the plugins whose kinds are installed, with the first such object.
	hints map[string]verdict.Origin
	// pools are the ranges of Calico's IPPools, sorted.
	pools []netip.Prefix
}

type configMap struct {
	Data   map[string]string `json:"data"`
	origin verdict.Origin
}

// The ConfigMaps of plugins.
const (
	ciliumConfig = "cilium-config"
	antreaConfig = "antrea-config"
	awsConfig    = "amazon-vpc-cni"
)

var configNames = []string{ciliumConfig, antreaConfig, awsConfig}

// crdHints are the plugins by a kind that nothing else installs.
var crdHints = map[string]string{
	"ciliumnetworkpolicies.cilium.io":           "cilium",
	"ippools.crd.projectcalico.org":             "calico",
	"felixconfigurations.crd.projectcalico.org": "calico",
	"clusternetworkpolicies.crd.antrea.io":      "antrea",
	"egressfirewalls.k8s.ovn.org":               "ovn-kubernetes",
	"subnets.kubeovn.io":                        "kube-ovn",
	"eniconfigs.crd.k8s.amazonaws.com":          "aws-vpc-cni",
}

// cniKinds are read for nothing but the network plugin.
var cniKinds = map[object.Type]func(*converter, object.Object) error{
	{Kind: "ConfigMap"}: (*converter).pluginConfig,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: (*converter).pluginKind,
	{Group: "config.openshift.io", Kind: "Network"}:                   (*converter).openShift,
	{Group: "operator.openshift.io", Kind: "Network"}:                 (*converter).openShift,
	{Group: "operator.tigera.io", Kind: "Installation"}:               (*converter).installation,
	{Group: "crd.projectcalico.org", Kind: "IPPool"}:                  (*converter).pool,
	{Group: "projectcalico.org", Kind: "IPPool"}:                      (*converter).pool,
}

// TellsCNI reports whether an object of the type, with this text, may tell of the
// network plugin. Of ConfigMaps and definitions, of which there are many and large
// ones, only those do that have a plugin's name in them.
func TellsCNI(t object.Type, text []byte) bool {
	if _, ok := cniKinds[t]; !ok {
		return false
	}
	switch t.Kind {
	case "ConfigMap":
		for _, name := range configNames {
			if bytes.Contains(text, []byte(name)) {
				return true
			}
		}
		return false
	case "CustomResourceDefinition":
		for name := range crdHints {
			if bytes.Contains(text, []byte(name)) {
				return true
			}
		}
		return false
	}
	return true
}

// plugins notes what an object tells of the network plugin.
func (c *converter) plugins(o object.Object) {
	read, ok := cniKinds[o.Type()]
	if !ok {
		return
	}
	if err := read(c, o); err != nil {
		c.fail(o, err)
	}
}

// pluginConfig notes the ConfigMap of a plugin. Only in kube-system is it one.
func (c *converter) pluginConfig(o object.Object) error {
	if o.Namespace != "kube-system" || o.Name != ciliumConfig && o.Name != antreaConfig && o.Name != awsConfig {
		return nil
	}
	in := configMap{origin: o.Origin()}
	if err := o.Decode(&in); err != nil {
		return err
	}
	if c.network.configs == nil {
		c.network.configs = map[string]configMap{}
	}
	c.network.configs[o.Name] = in
	return nil
}

func (c *converter) pluginKind(o object.Object) error {
	name, ok := crdHints[o.Name]
	if !ok {
		return nil
	}
	if c.network.hints == nil {
		c.network.hints = map[string]verdict.Origin{}
	}
	if _, ok := c.network.hints[name]; !ok {
		c.network.hints[name] = o.Origin()
	}
	return nil
}

// openShiftTypes are the plugins as OpenShift calls them.
var openShiftTypes = map[string]string{"OVNKubernetes": "ovn-kubernetes", "Calico": "calico", "Cilium": "cilium"}

// openShift reads the cluster's Network: what is in force stands in the status.
func (c *converter) openShift(o object.Object) error {
	var in struct {
		Spec struct {
			NetworkType    string `json:"networkType"`
			DefaultNetwork struct {
				Type string `json:"type"`
			} `json:"defaultNetwork"`
		} `json:"spec"`
		Status struct {
			NetworkType string `json:"networkType"`
		} `json:"status"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	for _, t := range []string{in.Status.NetworkType, in.Spec.NetworkType, in.Spec.DefaultNetwork.Type} {
		if t == "" {
			continue
		}
		if name, ok := openShiftTypes[t]; ok && c.network.named.name == "" {
			profile, _ := cni.For(name, "", nil)
			c.network.named = sighting{name: name, enforces: profile.Enforces, origin: o.Origin()}
		}
		return nil
	}
	return nil
}

// installation reads Calico's own: whichever plugin connects the pods, Calico enforces.
// The versions of the enterprise variant are not Calico's.
func (c *converter) installation(o object.Object) error {
	var in struct {
		Status struct {
			CalicoVersion string `json:"calicoVersion"`
			Variant       string `json:"variant"`
		} `json:"status"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	s := sighting{name: "calico", enforces: verdict.Allow, origin: o.Origin()}
	if in.Status.Variant == "Calico" && cni.IsVersion(in.Status.CalicoVersion) {
		s.version = in.Status.CalicoVersion
	}
	c.network.named = s
	return nil
}

// hinted is the plugin whose kinds are installed, where they are of one alone. That it
// runs and enforces, they do not say.
func (n network) hinted() sighting {
	if s, ok := n.autoMode(); ok {
		return s
	}
	if len(n.hints) != 1 {
		return sighting{}
	}
	for name, origin := range n.hints {
		return n.configured(sighting{name: name, origin: origin})
	}
	return sighting{}
}

// autoMode: where EKS runs the nodes there is no DaemonSet, and one ConfigMap switches
// enforcement on.
func (n network) autoMode() (sighting, bool) {
	m, ok := n.configs[awsConfig]
	if !ok || m.Data[awsController] == "" {
		return sighting{}, false
	}
	on, err := strconv.ParseBool(m.Data[awsController])
	if err != nil {
		return sighting{}, false
	}
	return sighting{name: "aws-vpc-cni", enforces: allowed(on), origin: m.origin}, true
}

const awsController = "enable-network-policy-controller"

// configured adds the settings that the plugin's ConfigMap holds.
func (n network) configured(s sighting) sighting {
	switch s.name {
	case "cilium", "azure-cni-cilium", "gke-dataplane-v2":
		return n.cilium(s)
	case "antrea":
		if m, ok := n.configs[antreaConfig]; ok {
			s.settings = featureGates(m.Data["antrea-controller.conf"])
		}
	case "aws-vpc-cni":
		// The agent enforces what the controller resolves: both have to be on.
		if m, ok := n.configs[awsConfig]; ok && m.Data[awsController] == "false" {
			s.enforces, s.origin = verdict.Deny, m.origin
		}
	}
	return s
}

// cilium: two of its settings switch NetworkPolicy off.
func (n network) cilium(s sighting) sighting {
	m, ok := n.configs[ciliumConfig]
	if !ok {
		return s
	}
	s.settings = cni.Settings{}
	for k, v := range m.Data {
		s.settings[k] = v
	}
	if m.Data["enable-policy"] == "never" || m.Data["enable-k8s-networkpolicy"] == "false" {
		s.enforces, s.origin = verdict.Deny, m.origin
	}
	return s
}

// featureGates reads those of Antrea's controller; nil where the file cannot be read.
func featureGates(text string) cni.Settings {
	var in struct {
		FeatureGates map[string]bool `json:"featureGates"`
	}
	if text == "" || yaml.Unmarshal([]byte(text), &in) != nil {
		return nil
	}
	out := cni.Settings{}
	for k, v := range in.FeatureGates {
		out[k] = strconv.FormatBool(v)
	}
	return out
}
