package cnpg

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A podReference is a line of spec.postgresql.pg_hba with a reference to pods.
type podReference struct {
	text, token, name string
	at                verdict.Origin
}

// line is what the operator writes for one address.
func (r podReference) line(ip, maybe string) hba.Source {
	return hba.Source{Text: strings.ReplaceAll(r.text, r.token, ip), Origin: r.at, Maybe: maybe}
}

// selected are the lines of a reference to pods: of those that the operator has found, or
// of all that it will find.
func (c *cluster) selected(r podReference) []hba.Source {
	j := slices.IndexFunc(c.spec.PodSelectorRefs, func(ref podSelectorRef) bool { return ref.Name == r.name })
	ips, listed := c.resolved(r.name)
	switch {
	case j < 0 && listed:
		return c.expanded(r, ips, nil)
	case j < 0:
		return c.commented(r.text, r.at, r.token+" is not in spec.podSelectorRefs")
	}
	field := c.at("spec.podSelectorRefs[%d].selector", j)
	selector, err := c.spec.PodSelectorRefs[j].Selector.Selector()
	if err != nil {
		world.Refuse(c.w, c.obj, field.Field, "%w", err)
	}
	if listed {
		return c.behind(r, ips, selector, field)
	}
	s := hba.Source{Text: r.text, Origin: r.at, Addresses: map[string]hba.Address{r.token: c.podsAddress(r.name, selector)}}
	if len(c.status.PodSelectorRefs) > 0 { // until it is listed there, the line is a comment
		s.Maybe = "status.podSelectorRefs of the Cluster, once the operator has listed " + r.name + " there,"
	}
	out := []hba.Source{s}
	for _, ip := range c.found(selector).finished {
		out = append(out, r.line(full(ip), s.Maybe))
	}
	return out
}

// resolved returns what the operator wrote into status.podSelectorRefs.
func (c *cluster) resolved(name string) (ips []string, ok bool) {
	for _, ref := range c.status.PodSelectorRefs {
		if ref.Name == name {
			return ref.IPs, true
		}
	}
	return nil, false
}

// expanded is a line for each address, in doubt for the stale ones; without addresses it
// vanishes.
func (c *cluster) expanded(r podReference, ips []string, stale []netip.Addr) []hba.Source {
	var out []hba.Source
	for _, ip := range ips {
		maybe := ""
		if addr, err := netip.ParseAddr(ip); err == nil {
			if slices.Contains(stale, addr.Unmap()) {
				maybe = nextLook
			}
			ip = full(addr)
		} else if _, err := netip.ParsePrefix(ip); err != nil {
			world.Refuse(c.w, c.obj, "status.podSelectorRefs", "%q is no address", ip)
			continue
		}
		out = append(out, r.line(ip, maybe))
	}
	return out
}

func full(addr netip.Addr) string { return netip.PrefixFrom(addr, addr.BitLen()).String() }

// nextLook settles lines for addresses of which the status and the pods that were read do
// not say the same.
const nextLook = "the operator's next look at the pods, which status.podSelectorRefs is behind of,"

// behind are the lines of a list in the status, and those that the operator is about to
// write: pods come and go, are relabelled, and nothing is done about it while the operator
// does not run [cnpg pkg/reconciler/podselector/@1.30.0].
func (c *cluster) behind(r podReference, ips []string, selector netpol.Selector, field verdict.Origin) []hba.Source {
	found := c.found(selector)
	var missing []netip.Addr
	listed := addressesOf(ips)
	for _, ip := range slices.Concat(found.running, found.finished) {
		if !slices.Contains(listed, ip) {
			missing = append(missing, ip)
		}
	}
	stale := c.foreign(listed, found)
	out := c.expanded(r, ips, stale)
	for _, ip := range missing {
		out = append(out, r.line(full(ip), nextLook))
	}
	c.differAbout(r.name, missing, "present", "absent", field)
	c.differAbout(r.name, stale, "absent", "present", field)
	return out
}

// differAbout tells once of a reference that is used in several lines.
func (c *cluster) differAbout(name string, ips []netip.Addr, declared, live string, field verdict.Origin) {
	if len(ips) == 0 {
		return
	}
	what := fmt.Sprintf("%s in the list of podSelectorRefs %s of %s", few(ips), name, c.obj.Ref())
	d := snapshot.Disagreement{What: what, Declared: declared, Live: live, Origin: field, At: c.at("status.podSelectorRefs")}
	if !slices.Contains(c.server.Disagreements, d) {
		c.server.Disagreements = append(c.server.Disagreements, d)
	}
}

// few names addresses, not more than a person reads.
func few(ips []netip.Addr) string {
	const most = 5
	var out []string
	for _, ip := range ips[:min(len(ips), most)] {
		out = append(out, ip.String())
	}
	text := strings.Join(out, ", ")
	if len(ips) > most {
		text += fmt.Sprintf(" and %d more", len(ips)-most)
	}
	return text
}

func addressesOf(texts []string) []netip.Addr {
	var out []netip.Addr
	for _, text := range texts {
		if ip, err := netip.ParseAddr(text); err == nil && !slices.Contains(out, ip.Unmap()) {
			out = append(out, ip.Unmap())
		}
	}
	return out
}

// foreign are the addresses that a pod has which is not among those found. Of an address
// that no pod has nobody knows whether its pod was read at all.
func (c *cluster) foreign(ips []netip.Addr, found foundPods) []netip.Addr {
	var out []netip.Addr
	for _, ip := range ips {
		if slices.Contains(found.running, ip) || slices.Contains(found.finished, ip) {
			continue
		}
		if slices.ContainsFunc(c.w.Snapshot.Workloads, func(wl *snapshot.Workload) bool {
			return slices.ContainsFunc(wl.Pods, func(p *snapshot.Pod) bool { return slices.Contains(p.Addresses, ip) })
		}) {
			out = append(out, ip)
		}
	}
	return out
}

// foundPods are the addresses of the pods that a selector finds.
type foundPods struct{ running, finished []netip.Addr }

// found looks at the pods that were read as the operator does: those of the Cluster's
// namespace that nobody is deleting, whatever their phase, with all their addresses [cnpg
// pkg/reconciler/podselector/@1.30.0].
func (c *cluster) found(selector netpol.Selector) (out foundPods) {
	for _, o := range c.w.Objects["Pod"] {
		if o.Namespace != c.obj.Namespace || selector.Match(netpol.Labels{Set: o.Labels}) != netpol.Yes {
			continue
		}
		into, ips := &out.running, podAddresses(o)
		if ips.finished {
			into = &out.finished
		}
		for _, ip := range ips.list {
			if !slices.Contains(*into, ip) {
				*into = append(*into, ip)
			}
		}
	}
	return out
}

// A podStatus is what the operator sees of a pod's addresses; none of one that is being
// deleted.
type podStatus struct {
	list     []netip.Addr
	finished bool
}

func podAddresses(o object.Object) podStatus {
	var in struct {
		Metadata struct {
			DeletionTimestamp string `json:"deletionTimestamp"`
		} `json:"metadata"`
		Status struct {
			Phase  string `json:"phase"`
			PodIPs []struct {
				IP string `json:"ip"`
			} `json:"podIPs"`
		} `json:"status"`
	}
	if o.Decode(&in) != nil || in.Metadata.DeletionTimestamp != "" { // what is wrong with it has been said
		return podStatus{}
	}
	var texts []string
	for _, ip := range in.Status.PodIPs {
		texts = append(texts, ip.IP)
	}
	return podStatus{list: addressesOf(texts), finished: in.Status.Phase == "Succeeded" || in.Status.Phase == "Failed"}
}

// podsAddress stands for the addresses that the operator will find: of pods in the
// Cluster's namespace, whatever their phase; those of the host network have their
// node's [cnpg pkg/reconciler/podselector/@1.30.0].
func (c *cluster) podsAddress(name string, selector netpol.Selector) hba.Address {
	a := hba.Address{Kind: hba.Pods, Name: "podselector:" + name, Namespace: c.obj.Namespace, Pods: selector}
	for _, wl := range c.w.Snapshot.Workloads {
		for _, p := range wl.Pods {
			a.Nodes = a.Nodes || p.Namespace == a.Namespace && p.HostNetwork && selector.Match(p.Labels) != netpol.No
		}
	}
	return a
}
