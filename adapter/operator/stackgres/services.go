package stackgres

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The ports of the Services [sg C/PatroniUtil.java@1.18.6].
const (
	servicePort     = 5432
	serviceDirect   = 5433
	serviceTDS      = 1433
	servicePatroni  = 8008
	typeNone        = "None"
	typeClusterIP   = "ClusterIP"
	typeExternal    = "ExternalName"
	replicasSuffix  = "-replicas"
	restSuffix      = "-rest"
	deprecatedAlias = "-primary"
)

// services adds what the operator makes [sg
// F/cluster/patroni/PatroniServices.java@1.18.6]: C without a selector, whose
// endpoints Patroni writes; C-primary, an alias of it; C-replicas; and C-rest.
func (c *cluster) services() {
	primary, replicas := c.spec.PostgresServices.Primary, c.spec.PostgresServices.Replicas
	annotations := c.spec.Metadata.Annotations
	if primary.enabled() {
		s := c.service("", primary, "spec.postgresServices.primary", annotations.PrimaryService)
		c.lead(&s)
		s.Backends = c.primaries()
		c.add(s)
		c.add(snapshot.Service{
			Namespace: c.ref.Namespace, Name: c.ref.Name + deprecatedAlias, Type: typeExternal,
			ExternalName: c.ref.Name + "." + c.ref.Namespace + ".svc.cluster.local", Origin: s.Origin,
		})
	}
	if replicas.enabled() {
		s := c.service(replicasSuffix, replicas, "spec.postgresServices.replicas", annotations.ReplicasService)
		labels := c.selected()
		labels[roleLabel] = "replica"
		s.Selector = world.Equals(labels)
		c.add(s)
	}
	rest := snapshot.Service{
		Namespace: c.ref.Namespace, Name: c.ref.Name + restSuffix, Selector: world.Equals(c.selected()),
		Ports: c.each([]snapshot.ServicePort{world.TCPPort(patroniPort, servicePatroni, patroniPort, 0)}), Origin: c.owner.Origin(),
	}
	c.add(rest)
	c.missing()
}

// service maps 5432 to the applications' port and 5433 to the direct one.
func (c *cluster) service(suffix string, spec serviceSpec, field string, annotations map[string]string) snapshot.Service {
	at := c.at("%s", field)
	s := newService(c.w, c.owner, spec, at)
	s.Namespace, s.Name = c.ref.Namespace, c.ref.Name+suffix
	s.Ports = append(c.servicePorts(spec), c.customServicePorts(spec, at)...)
	all := map[string]string{}
	maps.Copy(all, c.spec.Metadata.Annotations.AllResources)
	maps.Copy(all, c.spec.Metadata.Annotations.Services)
	maps.Copy(all, annotations)
	if internal, key := kube.Exposure(all); key != "" && s.Type == "LoadBalancer" {
		s.Internal, s.InternalOrigin = internal, c.at("spec.metadata.annotations")
	}
	return s
}

// newService takes from an entry of postgresServices all but name, ports and pods. None
// is a Service without an address of its own.
func newService(w *operator.World, o object.Object, spec serviceSpec, at verdict.Origin) snapshot.Service {
	fault := func(err error) { world.Refuse(w, o, at.Field, "%w", err) }
	if spec.Type == typeNone {
		spec.Type = typeClusterIP
	}
	if err := spec.Valid(); err != nil {
		fault(err)
	}
	s := snapshot.Service{
		Type: cmp.Or(spec.Type, typeClusterIP), KeepsClient: spec.ExternalTrafficPolicy == "Local",
		NoNodePorts: !isTrue(spec.AllocateNodePorts, true), Origin: at,
	}
	s.SourceRanges, _ = spec.Ranges()
	for i, text := range spec.ExternalIPs {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			fault(fmt.Errorf("externalIPs[%d]: %q is no address", i, text))
			continue
		}
		s.ExternalIPs = append(s.ExternalIPs, addr)
	}
	return s
}

// servicePorts are the operator's own. Without Envoy and PgBouncer both PostgreSQL
// ports lead to the one there is.
func (c *cluster) servicePorts(spec serviceSpec) []snapshot.ServicePort {
	named := func(name string, number uint16, target string, node uint16) snapshot.ServicePort {
		p := world.TCPPort(name, number, target, 0)
		p.NodePort = node
		return p
	}
	direct := pgReplication
	if c.possible[0].apps() == c.possible[0].direct() && len(c.possible) == 1 {
		direct = pgPort
	}
	out := []snapshot.ServicePort{
		named(pgPort, servicePort, pgPort, spec.NodePorts.PgPort),
		named(pgReplication, serviceDirect, direct, spec.NodePorts.ReplicationPort),
	}
	if c.babelfish() {
		out = append(out, named(babelfishPort, serviceTDS, babelfishPort, spec.NodePorts.Babelfish))
	}
	return c.each(out)
}

// each repeats the ports for each mode that the pods may have, by number: one of them
// is there, and a name would lead to the first.
func (c *cluster) each(ports []snapshot.ServicePort) []snapshot.ServicePort {
	if len(c.possible) == 1 {
		return ports
	}
	var out []snapshot.ServicePort
	for _, p := range ports {
		for _, m := range c.possible {
			one := p
			one.Target, one.TargetName = m.number(p.TargetName), ""
			if !slices.Contains(out, one) {
				out = append(out, one)
			}
		}
	}
	return out
}

// lead sends the ports of a Service whose endpoints Patroni writes to the numbers that
// it writes there: nobody resolves a name without a selector.
func (c *cluster) lead(s *snapshot.Service) {
	if len(c.possible) > 1 {
		return
	}
	for i, p := range s.Ports {
		number := c.possible[0].number(p.TargetName)
		for _, custom := range c.custom {
			if custom.Name == p.TargetName && number == 0 {
				number = custom.Port
			}
		}
		if p.TargetName != "" && number != 0 {
			s.Ports[i].Target, s.Ports[i].TargetName = number, ""
		}
	}
}

// customServicePorts are those of the user; the operator puts a prefix before their
// names and before the names of the ports they lead to.
func (c *cluster) customServicePorts(spec serviceSpec, at verdict.Origin) []snapshot.ServicePort {
	return customServicePorts(spec.CustomPorts, at.At("%s.customPorts", at.Field))
}

func customServicePorts(in []world.PortSpec, at verdict.Origin) []snapshot.ServicePort {
	template := world.ServiceSpec{Ports: slices.Clone(in)}
	for i, p := range template.Ports {
		template.Ports[i].Name = customPrefix + p.Name
		var name string
		if json.Unmarshal(p.TargetPort, &name) == nil && name != "" {
			template.Ports[i].TargetPort = world.IntOrString(`"` + customPrefix + name + `"`)
		}
	}
	out := template.ServicePorts(at)
	for i := range out {
		out[i].Origin = at.At("%s[%d]", at.Field, i)
	}
	return out
}

// add puts the Service into the Snapshot, unless it was read: then that is the truth,
// and what differs is a disagreement.
func (c *cluster) add(s snapshot.Service) {
	known := world.AddService(c.w, s)
	c.own = append(c.own, known)
	if known.Synthetic {
		return
	}
	c.compare(s, known)
	if known.Selector == nil && known.Type != typeExternal {
		known.Backends = c.behind(s, known)
	}
}

// behind are the backends of a live Service without a selector. Endpoints that name
// members lead to whoever is primary, and so do those that were not read.
func (c *cluster) behind(s snapshot.Service, known *snapshot.Service) []*snapshot.Pod {
	for _, p := range known.Backends {
		if p.Workload.Ref != c.ref {
			c.disagree("backends of Service "+s.Namespace+"/"+s.Name, "the primary of "+c.ref.String(), p.Workload.Ref.String(), s.Origin, known.Origin)
			return known.Backends
		}
	}
	return s.Backends
}

// compare reports where a live Service is not what the manifests make of it.
func (c *cluster) compare(s snapshot.Service, known *snapshot.Service) {
	name := "Service " + s.Namespace + "/" + s.Name
	differs := func(what, declared, live string) {
		if declared != live {
			c.disagree(what+" of "+name, declared, live, s.Origin, known.Origin)
		}
	}
	differs("type", cmp.Or(s.Type, typeClusterIP), known.Type)
	differs("loadBalancerSourceRanges", fmt.Sprint(s.SourceRanges), fmt.Sprint(known.SourceRanges))
	differs("externalIPs", fmt.Sprint(s.ExternalIPs), fmt.Sprint(known.ExternalIPs))
	if len(c.possible) == 1 {
		for _, live := range known.Ports {
			c.comparePort(name, s, live, known.Origin)
		}
	}
	if len(s.Selector) > 0 && !c.selects(known) {
		c.disagree("selector of "+name, s.Selector.String(), cmp.Or(known.Selector.String(), "none"), s.Origin, known.Origin)
	}
}

// comparePort looks at one live port: the operator would lead its number elsewhere, or
// has none of it.
func (c *cluster) comparePort(name string, s snapshot.Service, live snapshot.ServicePort, at verdict.Origin) {
	if live.TargetName != "" {
		return // the pods say where it leads
	}
	for _, p := range s.Ports {
		if p.Port != live.Port || p.Protocol != live.Protocol {
			continue
		}
		want := p.Target
		if p.TargetName != "" {
			want = c.possible[0].number(p.TargetName)
		}
		// Without endpoints that were read a port without target leads to itself.
		if want != 0 && want != live.Target && live.Target != live.Port {
			c.disagree(fmt.Sprintf("port %d of %s", live.Port, name), fmt.Sprint(want), fmt.Sprint(live.Target), s.Origin, at)
		}
		return
	}
	c.disagree(fmt.Sprintf("port %d of %s", live.Port, name), "none", fmt.Sprint(live.Target), s.Origin, at)
}

// selects reports whether the Service may select any member.
func (c *cluster) selects(s *snapshot.Service) bool {
	return len(s.Selector) > 0 && slices.ContainsFunc(c.server.Workload.Pods, func(p *snapshot.Pod) bool {
		return s.Selector.Match(p.Labels) != netpol.No
	})
}

// missing takes out of a dump of a cluster the Services that it would show if they were
// there: one that shows others of this cluster.
func (c *cluster) missing() {
	read := slices.ContainsFunc(c.own, func(s *snapshot.Service) bool { return !s.Synthetic })
	if !c.stored || !read {
		return
	}
	c.own = slices.DeleteFunc(c.own, func(s *snapshot.Service) bool {
		if !s.Synthetic {
			return false
		}
		c.disagree("Service "+s.Namespace+"/"+s.Name, "there", "missing", s.Origin, c.live.Origin())
		c.w.Snapshot.Services = slices.DeleteFunc(c.w.Snapshot.Services, func(x *snapshot.Service) bool { return x == s })
		return true
	})
}

func (c *cluster) primaries() []*snapshot.Pod { return c.part(snapshot.Primary) }

func (c *cluster) part(part string) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range c.server.Workload.Pods {
		if p.Part == part {
			out = append(out, p)
		}
	}
	return out
}

// consoleService adds the Service of the operator's web console and REST API where an
// SGConfig opens it to the outside [sg F/config/webconsole/WebConsoleService.java@1.18.6].
func consoleService(w *operator.World) {
	for _, o := range w.Objects["SGConfig."+group] {
		in := readConfig(o).AdminUI.Service
		if in.Type == "" || in.Type == typeClusterIP {
			continue
		}
		at := o.Origin().At("spec.adminui.service")
		s := newService(w, o, serviceSpec{ServiceSpec: in.ServiceSpec}, at)
		s.Namespace, s.Name = o.Namespace, "stackgres-restapi"
		s.Selector = world.Equals(map[string]string{"app": "StackGresConfig", group + "/restapi": "true"})
		https := world.TCPPort("https", 443, "https", 0)
		https.NodePort = in.NodePort
		s.Ports = append(s.Ports, https)
		if isTrue(in.ExposeHTTP, false) {
			http := world.TCPPort("http", 80, "http", 0)
			http.NodePort = in.HTTPPort
			s.Ports = append(s.Ports, http)
		}
		world.AddService(w, s)
	}
}
