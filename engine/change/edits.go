package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// edits are all things that are not the same in both estates.
type edits struct {
	list     []Cause
	services map[snapshot.Ref][]Cause
	// servers are the edits of each server that are no line of a file.
	servers map[snapshot.Ref][]Cause
	files   map[snapshot.Ref][]Cause // lines, of a server or a pooler
	maps    map[snapshot.Ref][]Cause
}

func (c *comparer) findEdits() *edits {
	e := &edits{services: map[snapshot.Ref][]Cause{}, servers: map[snapshot.Ref][]Cause{}, files: map[snapshot.Ref][]Cause{}, maps: map[snapshot.Ref][]Cause{}}
	for _, x := range c.network.Edits() {
		e.list = append(e.list, ofNetwork(x))
	}
	worlds := [2]*snapshot.Snapshot{c.engines[before].World, c.engines[after].World}
	e.findServices(worlds)
	for _, pair := range serverPairs(worlds[before].Servers, worlds[after].Servers) {
		e.findServer(pair)
	}
	return e
}

func ofNetwork(x *network.Edit) Cause {
	return Cause{Kind: string(x.Kind), Change: x.Change, Object: x.Object, Field: x.Field, Was: x.Was, Is: x.Is, Old: x.Old, New: x.New}
}

func (e *edits) add(into map[snapshot.Ref][]Cause, ref snapshot.Ref, x Cause) {
	into[ref] = append(into[ref], x)
	e.list = append(e.list, x)
}

func changeOf(had, has bool) network.ChangeKind {
	switch {
	case !had:
		return network.ChangeAdded
	case !has:
		return network.ChangeRemoved
	}
	return network.ChangeMoved
}

// findServices compares Services by name and then field by field.
func (e *edits) findServices(worlds [2]*snapshot.Snapshot) {
	all := map[snapshot.Ref][2]*snapshot.Service{}
	var order []snapshot.Ref
	for v, w := range worlds {
		for _, s := range w.Services {
			two, known := all[s.Ref()]
			if !known {
				order = append(order, s.Ref())
			}
			two[v] = s
			all[s.Ref()] = two
		}
	}
	slices.SortFunc(order, snapshot.Ref.Compare)
	for _, ref := range order {
		e.findService(ref, all[ref])
	}
}

// serviceFields are the parts of a Service that decide where it leads, as text.
var serviceFields = []struct {
	field string
	text  func(*snapshot.Service) string
}{
	{"spec.type", func(s *snapshot.Service) string { return s.Type }},
	{"spec.externalName", func(s *snapshot.Service) string { return s.ExternalName }},
	{"spec.selector", func(s *snapshot.Service) string { return s.Selector.String() }},
	{"spec.ports", portsText},
	{"spec.loadBalancerSourceRanges", func(s *snapshot.Service) string { return fmt.Sprint(s.SourceRanges) }},
	{"spec.externalIPs", func(s *snapshot.Service) string { return fmt.Sprint(s.ExternalIPs) }},
	{"spec.externalTrafficPolicy", func(s *snapshot.Service) string {
		return map[bool]string{true: "Local", false: "Cluster"}[s.KeepsClient]
	}},
	{"metadata.annotations", func(s *snapshot.Service) string {
		return map[verdict.Verdict]string{verdict.Allow: "internal", verdict.Deny: "public"}[s.Internal]
	}},
	{"endpoints", func(s *snapshot.Service) string {
		var out []string
		for _, p := range s.Backends {
			out = append(out, p.Ref().String())
		}
		return strings.Join(out, ", ")
	}},
}

func portsText(s *snapshot.Service) string {
	var out []string
	for _, p := range s.Ports {
		target := p.TargetName
		if target == "" {
			target = fmt.Sprint(p.Target)
		}
		text := fmt.Sprintf("%d to %s", p.Port, target)
		if p.NodePort != 0 {
			text += fmt.Sprintf(" (node port %d)", p.NodePort)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func (e *edits) findService(ref snapshot.Ref, two [2]*snapshot.Service) {
	if two[before] == nil || two[after] == nil {
		x := Cause{Kind: "service", Change: changeOf(two[before] != nil, two[after] != nil), Object: ref.String()}
		for v, at := range []*verdict.Origin{&x.Old, &x.New} {
			if two[v] != nil {
				*at = two[v].Origin
			}
		}
		e.add(e.services, ref, x)
		return
	}
	for _, f := range serviceFields {
		if was, is := f.text(two[before]), f.text(two[after]); was != is {
			e.add(e.services, ref, Cause{Kind: "service", Change: network.ChangeMoved, Object: ref.String(), Field: f.field,
				Was: was, Is: is, Old: two[before].At(f.field), New: two[after].At(f.field)})
		}
	}
}

// findServer compares what the two versions of a server say of themselves.
func (e *edits) findServer(pair serverPair) {
	ref := pair.ref()
	if !pair.both() {
		x := Cause{Kind: "server", Change: changeOf(pair[before] != nil, pair[after] != nil), Object: ref.String()}
		for v, at := range []*verdict.Origin{&x.Old, &x.New} {
			if pair[v] != nil {
				*at = pair[v].Origin
			}
		}
		e.add(e.servers, ref, x)
		return
	}
	old, next := pair[before], pair[after]
	e.lines(ref, "pg_hba", [2]*hba.File{&old.HBA, &next.HBA})
	e.mapLines(ref, [2]ident.File{old.Maps, next.Maps})
	e.field(ref, "port", "ports", serverPorts(old), serverPorts(next), old.Origin, next.Origin)
	e.field(ref, "tls", "TLS", tlsText(old.TLS), tlsText(next.TLS), old.TLS.Origin, next.TLS.Origin)
	e.field(ref, "server", "version", fmt.Sprint(old.Version), fmt.Sprint(next.Version), old.Origin, next.Origin)
	for i := range min(len(old.Ports), len(next.Ports)) {
		if a, b := old.Ports[i].Pooler, next.Ports[i].Pooler; a != nil && b != nil {
			e.lines(ref, "pooler", [2]*hba.File{a, b})
		}
	}
	e.poolers(pair)
}

func (e *edits) field(ref snapshot.Ref, kind, field, was, is string, old, next verdict.Origin) {
	if was != is {
		e.add(e.servers, ref, Cause{Kind: kind, Change: network.ChangeMoved, Object: ref.String(), Field: field, Was: was, Is: is, Old: old, New: next})
	}
}

func serverPorts(s *snapshot.Server) string {
	var out []string
	for _, p := range s.Ports {
		out = append(out, fmt.Sprintf("%d %s", p.Port, p.Name))
	}
	return strings.Join(out, ", ")
}

func tlsText(t snapshot.TLS) string {
	word := map[verdict.Verdict]string{verdict.Allow: "yes", verdict.Deny: "no", verdict.Unknown: "unknown"}
	return "offered: " + word[t.Enabled] + ", client CA: " + word[t.ClientCA]
}

func (e *edits) poolers(pair serverPair) {
	all := map[snapshot.Ref][2]*snapshot.Pooler{}
	var order []snapshot.Ref
	for v, s := range pair {
		for _, p := range s.Poolers {
			two, known := all[p.Ref()]
			if !known {
				order = append(order, p.Ref())
			}
			two[v] = p
			all[p.Ref()] = two
		}
	}
	for _, ref := range order {
		two := all[ref]
		if two[before] == nil || two[after] == nil {
			x := Cause{Kind: "pooler", Change: changeOf(two[before] != nil, two[after] != nil), Object: ref.String()}
			for v, at := range []*verdict.Origin{&x.Old, &x.New} {
				if two[v] != nil {
					*at = two[v].Origin
				}
			}
			e.add(e.servers, pair.ref(), x)
			continue
		}
		e.lines(ref, "pooler", [2]*hba.File{&two[before].HBA, &two[after].HBA})
		if was, is := tlsText(two[before].TLS), tlsText(two[after].TLS); was != is {
			e.add(e.files, ref, Cause{Kind: "tls", Change: network.ChangeMoved, Object: ref.String(), Field: "TLS", Was: was, Is: is,
				Old: two[before].TLS.Origin, New: two[after].TLS.Origin})
		}
	}
}

// lines compares files line by line: those that only one has were added or removed.
func (e *edits) lines(ref snapshot.Ref, kind string, files [2]*hba.File) {
	var texts [2][]string
	var origins [2][]verdict.Origin
	for v, f := range files {
		for i := range f.Records {
			texts[v] = append(texts[v], f.Records[i].String())
			origins[v] = append(origins[v], f.Records[i].Origin)
		}
	}
	e.compareLines(e.files, ref, kind, texts, origins)
}

func (e *edits) mapLines(ref snapshot.Ref, files [2]ident.File) {
	var texts [2][]string
	var origins [2][]verdict.Origin
	for v, f := range files {
		for _, m := range f.Mappings {
			texts[v] = append(texts[v], fmt.Sprint(m.Map, " ", m.System, " ", m.Role))
			origins[v] = append(origins[v], m.Origin)
		}
	}
	e.compareLines(e.maps, ref, "pg_ident", texts, origins)
}

func (e *edits) compareLines(into map[snapshot.Ref][]Cause, ref snapshot.Ref, kind string, texts [2][]string, origins [2][]verdict.Origin) {
	kept := common(texts[before], texts[after])
	for i, text := range texts[before] {
		if !kept[before][i] {
			e.add(into, ref, Cause{Kind: kind, Change: network.ChangeRemoved, Object: ref.String(), Field: origins[before][i].Field, Was: text, Old: origins[before][i]})
		}
	}
	for i, text := range texts[after] {
		if !kept[after][i] {
			e.add(into, ref, Cause{Kind: kind, Change: network.ChangeAdded, Object: ref.String(), Field: origins[after][i].Field, Is: text, New: origins[after][i]})
		}
	}
}

// common marks a longest sequence of lines that both have, after what they begin and
// end with alike.
func common(a, b []string) (kept [2][]bool) {
	kept = [2][]bool{make([]bool, len(a)), make([]bool, len(b))}
	lo := 0
	for lo < len(a) && lo < len(b) && a[lo] == b[lo] {
		kept[before][lo], kept[after][lo] = true, true
		lo++
	}
	x, y := len(a), len(b)
	for x > lo && y > lo && a[x-1] == b[y-1] {
		x, y = x-1, y-1
		kept[before][x], kept[after][y] = true, true
	}
	longest(a[lo:x], b[lo:y], func(i, j int) { kept[before][lo+i], kept[after][lo+j] = true, true })
	return kept
}

// mostLines bounds the square that longest fills; of longer middles each line counts as
// another.
const mostLines = 4_000_000

func longest(a, b []string, keep func(i, j int)) {
	if len(a)*len(b) > mostLines {
		return
	}
	best := make([][]int32, len(a)+1)
	for i := range best {
		best[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if a[i] == b[j] {
				best[i][j] = best[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			keep(i, j)
			i, j = i+1, j+1
		case best[i+1][j] >= best[i][j+1]:
			i++
		default:
			j++
		}
	}
}
