package change

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// factFields are what the facts say of the whole estate that layers beside the network
// ask for; package network tells of the others, and of podCIDRs besides.
var factFields = []struct {
	field string
	text  func(*snapshot.Facts) string
	take  func(into, from *snapshot.Facts)
}{
	{"podCIDRs", func(f *snapshot.Facts) string { return flow.AddressesOf(f.PodCIDRs...).Text() },
		func(into, from *snapshot.Facts) { into.PodCIDRs = from.PodCIDRs }},
	{"apiServer", func(f *snapshot.Facts) string {
		if f.APIServer.IsEmpty() && len(f.APIServerPorts) == 0 {
			return ""
		}
		return f.APIServer.Text() + " " + fmt.Sprint(f.APIServerPorts)
	},
		func(into, from *snapshot.Facts) {
			into.APIServer, into.APIServerPorts = from.APIServer, from.APIServerPorts
		}},
	{"dns", func(f *snapshot.Facts) string {
		if f.DNS == nil {
			return ""
		}
		return strings.TrimSpace(fmt.Sprintf("%s %s %s %d", f.DNS.Namespace, labelsText(f.DNS.Labels), f.DNS.Addresses.Text(), f.DNS.Port))
	},
		func(into, from *snapshot.Facts) { into.DNS = from.DNS }},
	{"operators", func(f *snapshot.Facts) string {
		var out []string
		for _, name := range slices.Sorted(maps.Keys(f.Operators)) {
			out = append(out, strings.TrimSpace(name+" "+f.Operators[name]))
		}
		for _, name := range slices.Sorted(maps.Keys(f.OperatorVersions)) {
			out = append(out, name+" "+f.OperatorVersions[name])
		}
		return strings.Join(out, ", ")
	},
		func(into, from *snapshot.Facts) {
			into.Operators, into.OperatorVersions = from.Operators, from.OperatorVersions
		}},
	{"outside", func(f *snapshot.Facts) string {
		var out []string
		for _, o := range f.Outside {
			out = append(out, o.Name+" "+o.Addresses.Text())
		}
		return strings.Join(out, ", ")
	},
		func(into, from *snapshot.Facts) { into.Outside = from.Outside }},
}

// findFacts compares the facts.
func (e *edits) findFacts(worlds [2]*snapshot.Snapshot) {
	for _, f := range factFields {
		was, is := f.text(&worlds[before].Facts), f.text(&worlds[after].Facts)
		if was == is {
			continue
		}
		x := Cause{Kind: string(network.EditFacts), Change: changeOf(was != "", is != ""), Object: "facts", Field: f.field, Was: was, Is: is}
		if at := slices.IndexFunc(e.list, func(o Cause) bool { return o.Kind == x.Kind && o.Field == x.Field }); at >= 0 {
			x = e.list[at]
		} else {
			e.list = append(e.list, x)
		}
		e.world = append(e.world, revert{[]Cause{x}, func(m *mixture) { f.take(&m.world.Facts, &worlds[before].Facts) }})
	}
}

// findRoutes compares what leads from outside through a proxy.
func (e *edits) findRoutes(worlds [2]*snapshot.Snapshot) {
	all := map[snapshot.Ref][2]*snapshot.Route{}
	for v, w := range worlds {
		for _, r := range w.Routes {
			two := all[r.Ref]
			two[v] = r
			all[r.Ref] = two
		}
	}
	for _, ref := range slices.SortedFunc(maps.Keys(all), snapshot.Ref.Compare) {
		two := all[ref]
		if routeText(two[before]) == routeText(two[after]) {
			continue
		}
		x := Cause{Kind: "route", Change: changeOf(two[before] != nil, two[after] != nil), Object: ref.String()}
		for v, at := range []*verdict.Origin{&x.Old, &x.New} {
			if two[v] != nil {
				*at = two[v].Origin
			}
		}
		e.list = append(e.list, x)
		e.world = append(e.world, revert{[]Cause{x}, func(m *mixture) {
			m.world.Routes = slices.DeleteFunc(slices.Clone(m.world.Routes), func(r *snapshot.Route) bool { return r.Ref == ref })
			if two[before] != nil {
				m.world.Routes = append(m.world.Routes, two[before])
			}
		}})
	}
}

// routeText is all of a route that decides; empty for none.
func routeText(r *snapshot.Route) string {
	if r == nil {
		return ""
	}
	text := fmt.Sprint(r.Gateways, r.Class, r.Hosts, r.TCP, r.Port, r.TLS, r.Auth, r.Sources)
	for _, b := range r.Backends {
		text += fmt.Sprint("|", b.Namespace, "/", b.Service, ":", b.Port, b.PortName)
	}
	return text
}
