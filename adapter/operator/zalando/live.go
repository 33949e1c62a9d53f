package zalando

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func (c *cluster) disagree(what, declared, live string, origin, at verdict.Origin) {
	c.server.Disagreements = append(c.server.Disagreements,
		snapshot.Disagreement{What: what, Declared: declared, Live: live, Origin: origin, At: at})
}

// compareService says where a Service that was read is not what the cluster makes.
func (c *cluster) compareService(want snapshot.Service, live *snapshot.Service) {
	name := "Service " + want.Namespace + "/" + want.Name
	if declared := cmp.Or(want.Type, "ClusterIP"); declared != live.Type {
		c.disagree("type of "+name, declared, live.Type, want.Origin, live.Origin.At("spec.type"))
	}
	if len(want.Ports) > 0 && !slices.ContainsFunc(live.Ports, func(p snapshot.ServicePort) bool {
		return p.Port == want.Ports[0].Port && (live.Selector == nil || p.Target == want.Ports[0].Target)
	}) {
		c.disagree("port of "+name, portText(want.Ports), portText(live.Ports), want.Origin, live.Origin.At("spec.ports"))
	}
	if declared, read := selectorText(want), selectorText(*live); declared != read && (want.Selector != nil || c.knowsEndpoints()) {
		c.disagree("selector of "+name, declared, read, want.Origin, live.Origin.At("spec.selector"))
	}
	if want.Type == "LoadBalancer" && live.Type == "LoadBalancer" && !slices.Equal(want.SourceRanges, live.SourceRanges) {
		c.disagree("source ranges of "+name, rangeText(want.SourceRanges), rangeText(live.SourceRanges), want.Origin,
			live.Origin.At("spec.loadBalancerSourceRanges"))
	}
}

// knowsEndpoints reports whether it is known where Patroni keeps its state, so that
// the selector of C is.
func (c *cluster) knowsEndpoints() bool {
	_, stated := c.config.values["kubernetes_use_configmaps"]
	return stated || c.config.release.known()
}

func selectorText(s snapshot.Service) string {
	if s.Selector == nil {
		return "none"
	}
	return s.Selector.String()
}

func portText(ports []snapshot.ServicePort) string {
	var out []string
	for _, p := range ports {
		out = append(out, fmt.Sprintf("%d to %s%d", p.Port, p.TargetName, p.Target))
	}
	return strings.Join(out, ", ")
}

func rangeText(ranges []netip.Prefix) string {
	var out []string
	for _, r := range ranges {
		out = append(out, r.String())
	}
	return strings.Join(out, ", ")
}

// compareLive says what else of a running cluster is not as declared: Services that
// are not there, the image, the labels.
func (c *cluster) compareLive() {
	if !c.live || c.obj.UID == "" {
		return
	}
	for _, s := range c.own {
		if s.Synthetic {
			c.disagree(s.Ref().String(), s.Type, "missing", s.Origin, c.obj.Origin())
		}
	}
	c.compareImage()
	c.compareLabels()
}

// compareImage looks at the StatefulSet; the operator may be told to replace the
// image of pods only when they start again.
func (c *cluster) compareImage() {
	declared := c.image()
	o := find(c.w, "StatefulSet.apps", c.obj.Namespace, c.obj.Name)
	if o == nil || declared == "" {
		return
	}
	if live := postgresImage(*o); live != "" && live != declared {
		c.disagree("image of "+o.Ref().String(), declared, live, c.imageAt(), o.Origin().At("spec.template.spec.containers"))
	}
}

func postgresImage(o object.Object) string {
	var in struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Name  string `json:"name"`
						Image string `json:"image"`
					} `json:"containers"`
				} `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return ""
	}
	for _, container := range in.Spec.Template.Spec.Containers {
		if container.Name == "postgres" {
			return container.Image
		}
	}
	return ""
}

func (c *cluster) compareLabels() {
	want := c.labels()
	for _, p := range c.part(snapshot.Primary) {
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if live, ok := p.Labels.Set[key]; live != want[key] {
				if !ok {
					live = "missing"
				}
				c.disagree("label "+key+" of Pod "+p.Namespace+"/"+p.Name, want[key], live, c.obj.Origin(), p.Origin)
			}
		}
	}
}
