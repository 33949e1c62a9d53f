package cnpg

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// differ records where a live object is not what the manifests make of it.
func (c *cluster) differ(what, declared, live string, origin, at verdict.Origin) {
	if declared == live {
		return
	}
	c.server.Disagreements = append(c.server.Disagreements,
		snapshot.Disagreement{What: what, Declared: declared, Live: live, Origin: origin, At: at})
}

// compare holds the live objects of the Cluster against what its manifest makes of it.
func (c *cluster) compare() {
	c.compareImage()
	c.compareServices()
	c.disabledServices()
	c.compareCertificate()
	if len(c.live) == 0 {
		return
	}
	c.differ("number of instances of "+c.obj.Ref().String(), strconv.Itoa(c.instances()), strconv.Itoa(len(c.live)),
		c.at("spec.instances"), c.live[0].Origin)
	for _, p := range c.live {
		c.comparePod(p)
	}
}

// compareImage: the operator writes down what it made of spec.imageName or of the
// catalogue, and rolls it out from then on.
func (c *cluster) compareImage() {
	if c.spec.ImageName != "" && c.status.Image != "" {
		c.differ("image of "+c.obj.Ref().String(), c.spec.ImageName, c.status.Image, c.at("spec.imageName"), c.at("status.image"))
	}
}

func (c *cluster) comparePod(p *snapshot.Pod) {
	name := "Pod " + p.Namespace + "/" + p.Name
	want := c.labels(map[string]string{instanceLabel: p.Name, podRoleLabel: "instance"})
	c.compareLabels(name, want, p, c.obj.Origin())
	c.differ("ServiceAccount of "+name, c.serviceAccount(), p.ServiceAccount, c.at("spec.serviceAccountName"), p.Origin.At("spec.serviceAccountName"))
	c.comparePorts(name, p)
	o, ok := c.object("Pod", p.Name)
	if !ok {
		return
	}
	image, field := c.status.Image, "status.image"
	if image == "" {
		image, field = c.spec.ImageName, "spec.imageName"
	}
	if got := containersOf(o).image("postgres"); image != "" && got != "" {
		c.differ("image of "+name, image, got, c.at("%s", field), o.Origin().At("spec.containers"))
	}
}

// compareLabels compares what the operator surely sets.
func (c *cluster) compareLabels(name string, want netpol.Labels, p *snapshot.Pod, origin verdict.Origin) {
	for _, k := range slices.Sorted(maps.Keys(want.Set)) {
		got, has := p.Labels.Set[k]
		if !has {
			got = "absent"
		}
		c.differ("label "+k+" of "+name, want.Set[k], got, origin, p.Origin.At("metadata.labels"))
	}
}

// comparePorts compares the ports that the operator gives an instance; sidecars add others.
func (c *cluster) comparePorts(name string, p *snapshot.Pod) {
	if len(p.Ports) == 0 { // nothing is opened by declaring one
		return
	}
	for _, want := range instancePorts() {
		got := p.NamedPort(want.Name, want.Protocol)
		c.differ("port "+want.Name+" of "+name, number(want.Port), number(got), c.obj.Origin(), p.Origin.At("spec.containers"))
	}
}

func number(port uint16) string {
	if port == 0 {
		return "absent"
	}
	return strconv.Itoa(int(port))
}

// object returns an object of the Cluster's namespace as it was read.
func (c *cluster) object(kind, name string) (object.Object, bool) {
	for _, o := range c.w.Objects[kind] {
		if o.Namespace == c.obj.Namespace && o.Name == name {
			return o, true
		}
	}
	return object.Object{}, false
}

// compareServices: where instances run, a Service that is missing is one that somebody
// deleted; the operator makes it again, so that it stays among the ways in.
func (c *cluster) compareServices() {
	for i, s := range c.own {
		declared := c.declared[i]
		if !s.Synthetic {
			c.compareService(declared, s)
		} else if len(c.live) > 0 {
			c.differ(s.Ref().String(), "present", "absent", declared.Origin, c.obj.Origin())
		}
	}
}

func (c *cluster) compareService(declared snapshot.Service, live *snapshot.Service) {
	name := live.Ref().String()
	c.differ("type of "+name, declared.Type, live.Type, declared.Origin, live.At("spec.type"))
	if want, got := declared.Selector.String(), live.Selector.String(); want != olderSelector(got) {
		c.differ("selector of "+name, want, got, declared.Origin, live.At("spec.selector"))
	}
	c.differ("ports of "+name, portsText(declared.Ports), portsText(live.Ports), declared.Origin, live.At("spec.ports"))
	c.differ("loadBalancerSourceRanges of "+name, fmt.Sprint(declared.SourceRanges), fmt.Sprint(live.SourceRanges), declared.Origin,
		live.At("spec.loadBalancerSourceRanges"))
	c.differ("externalTrafficPolicy Local of "+name, strconv.FormatBool(declared.KeepsClient), strconv.FormatBool(live.KeepsClient),
		declared.Origin, live.At("spec.externalTrafficPolicy"))
}

// olderSelector writes a selector with the label that releases before 1.24 used as those
// since write it; pods have both.
func olderSelector(text string) string {
	for _, role := range []string{snapshot.Primary, snapshot.Replica} {
		if before, ok := strings.CutSuffix(text, ","+oldRoleLabel+"="+role); ok {
			return before + "," + roleLabel + "=" + role
		}
	}
	return text
}

// portsText writes "postgres 5432→5432".
func portsText(ports []snapshot.ServicePort) string {
	var out []string
	for _, p := range ports {
		out = append(out, fmt.Sprintf("%s %s %d→%s", p.Name, p.Protocol, p.Port, cmp.Or(p.TargetName, strconv.Itoa(int(p.Target)))))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// disabledServices are there though the Cluster says that they are not to be.
func (c *cluster) disabledServices() {
	for i, kind := range c.spec.Managed.Services.Disabled {
		s := c.w.Service(c.obj.Namespace, c.obj.Name+"-"+kind)
		if s != nil && !c.offers(kind) {
			c.differ(s.Ref().String(), "disabled", "present", c.at("spec.managed.services.disabledDefaultServices[%d]", i), s.Origin)
		}
	}
}

// compareCertificate: clients check the names that the certificate has, whatever it was
// meant to have.
func (c *cluster) compareCertificate() {
	s := c.secret(c.serverSecret())
	if s == nil || c.spec.Certificates.ServerTLS != "" {
		return
	}
	held := certificateIn(s, tlsKey)
	if held == nil {
		return
	}
	want, got := slices.Sorted(slices.Values(c.names())), slices.Sorted(slices.Values(held.Names))
	c.differ("names of the certificate in Secret "+c.obj.Namespace+"/"+s.Name, strings.Join(slices.Compact(want), " "),
		strings.Join(slices.Compact(got), " "), c.obj.Origin(), s.Origin)
}

// compare holds the live objects of the Pooler against what its manifest makes of it.
func (p *pooler) compare(c *cluster, declared snapshot.Service) {
	if !p.own.Synthetic {
		c.compareService(declared, p.own)
	} else if p.live {
		c.differ(p.own.Ref().String(), "present", "absent", declared.Origin, p.obj.Origin())
	}
	o, ok := c.object("Deployment.apps", p.obj.Name)
	if !ok || !owned(o, p.obj) {
		return
	}
	name := o.Ref().String()
	spec := containersOf(o)
	if want := p.image(); want != "" {
		c.differ("image of "+name, want, spec.Template.Spec.image("pgbouncer"), p.obj.Origin().At("spec.pgbouncer.image"),
			o.Origin().At("spec.template.spec.containers"))
	} else if p.status.Image != "" {
		c.differ("image of "+name, p.status.Image, spec.Template.Spec.image("pgbouncer"), p.obj.Origin().At("status.image"),
			o.Origin().At("spec.template.spec.containers"))
	}
	if spec.Replicas != nil {
		c.differ("replicas of "+name, strconv.Itoa(world.Instances(p.spec.Instances, 0)), strconv.Itoa(*spec.Replicas),
			p.obj.Origin().At("spec.instances"), o.Origin().At("spec.replicas"))
	}
	for _, pod := range p.out.Workload.Pods {
		c.compareLabels(cmp.Or(pod.Name, name), p.labels(), pod, p.obj.Origin())
	}
}
