package draft

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
)

const apiVersion = "pgmoat.dev/v1alpha1"

// object begins a document of ours.
func object(kind, namespace, name string, spec artefact.Map) artefact.Map {
	return artefact.Map{{Key: "apiVersion", Value: apiVersion}, {Key: "kind", Value: kind},
		{Key: "metadata", Value: artefact.Map{{Key: "name", Value: name}, {Key: "namespace", Value: namespace}}}, {Key: "spec", Value: spec}}
}

func serverTree(r intent.ServerRef) artefact.Map {
	return artefact.Map{{Key: "kind", Value: r.Kind}, {Key: "name", Value: r.Name}}
}

// Tree is the perimeter as a document. What is the default is left out.
func (p *Perimeter) Tree() artefact.Map {
	spec := artefact.Map{{Key: "server", Value: serverTree(p.Server)}}
	if p.EgressIsolated {
		spec = append(spec, artefact.Entry{Key: "network", Value: artefact.Map{{Key: "egress", Value: "Isolated"}}})
	}
	var tls artefact.Map
	if p.PlainText {
		tls = append(tls, artefact.Entry{Key: "required", Value: false})
	}
	if p.MinProtocol != "TLSv1.2" {
		tls = append(tls, artefact.Entry{Key: "minProtocol", Value: p.MinProtocol})
	}
	if tls != nil {
		spec = append(spec, artefact.Entry{Key: "tls", Value: tls})
	}
	if p.RemoteSuperuser {
		spec = append(spec, artefact.Entry{Key: "superuser", Value: "Remote"})
	}
	if len(p.Monitoring) > 0 {
		spec = append(spec, artefact.Entry{Key: "monitoring", Value: peersTree(p.Monitoring, p.Namespace)})
	}
	for key, list := range [2][]intent.Destination{p.Backup, p.Egress} {
		if len(list) > 0 {
			spec = append(spec, artefact.Entry{Key: [2]string{"backup", "egress"}[key], Value: destinationsTree(list, p.Namespace)})
		}
	}
	return object("PostgresPerimeter", p.Namespace, p.Name, spec)
}

// Tree is the access as a document. What is the default is left out.
func (a *Access) Tree() artefact.Map {
	spec := artefact.Map{{Key: "server", Value: serverTree(a.Server)}, {Key: "from", Value: peersTree(a.Access.From, a.Namespace)}}
	var to artefact.List
	for _, e := range a.To {
		to = append(to, artefact.Item{Value: entryTree(e)})
	}
	spec = append(spec, artefact.Entry{Key: "to", Value: to})
	if a.Client.Isolation == intent.NeverIsolate {
		spec = append(spec, artefact.Entry{Key: "clientEgress", Value: artefact.Map{{Key: "isolation", Value: "Never"}}})
	}
	return object("PostgresAccess", a.Namespace, a.Name, spec)
}

func entryTree(e intent.Entry) artefact.Map {
	out := artefact.Map{{Key: "databases", Value: artefact.Strings(e.Databases...)}, {Key: "role", Value: e.Role}}
	if e.Pooler != "" {
		out = append(out, artefact.Entry{Key: "pooler", Value: e.Pooler})
	}
	if word := map[intent.Endpoint]string{intent.ReadOnly: "ReadOnly", intent.AnyEndpoint: "Any"}[e.Endpoint]; word != "" {
		out = append(out, artefact.Entry{Key: "endpoint", Value: word})
	}
	word := map[intent.Authentication]string{intent.Certificate: "Certificate", intent.SCRAMAndCertificate: "SCRAMAndCertificate"}[e.Authentication]
	if word != "" {
		out = append(out, artefact.Entry{Key: "authentication", Value: word})
	}
	if e.PlainText {
		out = append(out, artefact.Entry{Key: "tls", Value: "Optional"})
	}
	return out
}

func destinationsTree(list []intent.Destination, own string) artefact.List {
	var out artefact.List
	for _, d := range list {
		var ports artefact.List
		for _, p := range d.Ports {
			port := artefact.Map{{Key: "port", Value: int64(p.From)}}
			if p.Protocol != flow.TCP {
				port = append(artefact.Map{{Key: "protocol", Value: p.Protocol.String()}}, port...)
			}
			if p.To > p.From {
				port = append(port, artefact.Entry{Key: "endPort", Value: int64(p.To)})
			}
			ports = append(ports, artefact.Item{Value: port})
		}
		out = append(out, artefact.Item{Value: artefact.Map{{Key: "name", Value: d.Name}, {Key: "to", Value: peerTree(d.To, own)}, {Key: "ports", Value: ports}}})
	}
	return out
}

func peersTree(peers []intent.Peer, own string) artefact.List {
	var out artefact.List
	for _, p := range peers {
		out = append(out, artefact.Item{Value: peerTree(p, own)})
	}
	return out
}

func peerTree(p intent.Peer, own string) artefact.Map {
	var out artefact.Map
	if p.IsOutside() {
		var ranges, names []string
		for _, n := range p.Names {
			if _, err := netip.ParsePrefix(n); err == nil {
				ranges = append(ranges, n)
			} else {
				names = append(names, n)
			}
		}
		if ranges != nil {
			out = append(out, artefact.Entry{Key: "cidrs", Value: artefact.Strings(ranges...)})
		}
		if names != nil {
			out = append(out, artefact.Entry{Key: "outside", Value: artefact.Strings(names...)})
		}
		return out
	}
	switch {
	case p.NamespaceSelector != nil:
		out = append(out, artefact.Entry{Key: "namespaceSelector", Value: selectorTree(*p.NamespaceSelector)})
	case len(p.Namespaces) > 0 && !slices.Equal(p.Namespaces, []string{own}):
		out = append(out, artefact.Entry{Key: "namespaces", Value: artefact.Strings(p.Namespaces...)})
	}
	return append(out, artefact.Entry{Key: "podSelector", Value: selectorTree(*p.Pods)})
}

// selectorTree writes what has one value as matchLabels.
func selectorTree(s netpol.Selector) artefact.Map {
	var labels artefact.Map
	var expressions artefact.List
	for _, r := range s {
		if r.Op == netpol.In && len(r.Values) == 1 && labels.Get(r.Key) == nil {
			labels = append(labels, artefact.Entry{Key: r.Key, Value: r.Values[0]})
			continue
		}
		e := artefact.Map{{Key: "key", Value: r.Key}, {Key: "operator", Value: operators[r.Op]}}
		if len(r.Values) > 0 {
			e = append(e, artefact.Entry{Key: "values", Value: artefact.Strings(r.Values...)})
		}
		expressions = append(expressions, artefact.Item{Value: e})
	}
	out := artefact.Map{}
	if labels != nil {
		out = append(out, artefact.Entry{Key: "matchLabels", Value: labels})
	}
	if expressions != nil {
		out = append(out, artefact.Entry{Key: "matchExpressions", Value: expressions})
	}
	return out
}

var operators = map[netpol.Op]string{netpol.In: "In", netpol.NotIn: "NotIn", netpol.Exists: "Exists", netpol.DoesNotExist: "DoesNotExist"}

// sentence joins remarks.
func sentence(why []string) string { return strings.Join(why, "\n") }

// Remarks are the words above the document.
func (p *Perimeter) Remarks() string { return sentence(p.Why) }

// Remarks are the words above the document.
func (a *Access) Remarks() string { return sentence(a.Why) }
