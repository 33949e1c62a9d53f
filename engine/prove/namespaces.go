package prove

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// newNamespaces are namespaces that do not exist yet, one for each set of labels that
// something asks for.
type newNamespaces struct {
	list   []*snapshot.Namespace
	byText map[string]*snapshot.Namespace
	byName map[string]*snapshot.Namespace
	taken  []string
}

// namespaceFor is the name of a namespace that does not exist yet and has some labels.
func (p *prover) namespaceFor(labels map[string]string) string { return p.made.with(labels) }

// isCalled reports whether a namespace, which may be one that does not exist yet, has a
// name.
func (p *prover) isCalled(namespace, name string) bool {
	return p.labelsOf(namespace).Set[snapshot.MetadataName] == name
}

// labelsOf are the labels of a namespace, which may be one that does not exist yet.
func (p *prover) labelsOf(namespace string) netpol.Labels {
	if made := p.made.byName[namespace]; made != nil {
		return made.Labels
	}
	return p.After.World.NamespaceOf(namespace).Labels
}

// with is the name of a namespace with some labels. One that has no label but a name of its
// own is what every estate takes a namespace for that nobody declared. Of one with other
// labels, too, the name is ours: the estate may know somebody in the one that is so called,
// of which it is not to be thought that it has them.
func (n *newNamespaces) with(labels map[string]string) string {
	wanted := labels[snapshot.MetadataName]
	isNamed := wanted != ""
	if isNamed && len(labels) == 1 {
		return wanted
	}
	key := textOf(labels)
	if have := n.byText[key]; have != nil {
		return have.Name
	}
	name := "a-new-namespace"
	for i := 2; slices.Contains(n.taken, name); i++ {
		name = fmt.Sprintf("a-new-namespace-%d", i)
	}
	n.taken = append(slices.Clip(n.taken), name)
	set := maps.Clone(labels)
	if set == nil {
		set = map[string]string{}
	}
	if !isNamed {
		set[snapshot.MetadataName] = name
	}
	made := &snapshot.Namespace{Name: name, Declared: true, Labels: netpol.Labels{Set: set}}
	if n.byText == nil {
		n.byText, n.byName = map[string]*snapshot.Namespace{}, map[string]*snapshot.Namespace{}
	}
	n.byText[key], n.byName[name], n.list = made, made, append(n.list, made)
	return name
}

// among are the namespaces of an estate and the new ones.
func (n *newNamespaces) among(have map[string]*snapshot.Namespace) map[string]*snapshot.Namespace {
	out := maps.Clone(have)
	for _, made := range n.list {
		out[made.Name] = made
	}
	return out
}

// textOf writes labels as a key.
func textOf(labels map[string]string) string {
	var out strings.Builder
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&out, "%q=%q,", k, labels[k])
	}
	return out.String()
}
