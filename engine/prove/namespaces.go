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

// generic begins the values that domain.any makes up.
const generic = "another"

// namespaceFor is the name of a namespace that does not exist yet and has some labels.
func (p *prover) namespaceFor(labels map[string]string) string { return p.made.with(labels).Name }

// labelsOf are the labels of a namespace, which may be one that does not exist yet.
func (p *prover) labelsOf(namespace string) netpol.Labels {
	if made := p.made.byName[namespace]; made != nil {
		return made.Labels
	}
	return p.After.World.NamespaceOf(namespace).Labels
}

func (n *newNamespaces) with(labels map[string]string) *snapshot.Namespace {
	key := textOf(labels)
	if have := n.byText[key]; have != nil {
		return have
	}
	name := labels[snapshot.MetadataName]
	isNamed := name != "" && !strings.HasPrefix(name, generic)
	if !isNamed {
		name = "a-new-namespace"
	}
	unique := name
	for i := 2; slices.Contains(n.taken, unique); i++ {
		unique = fmt.Sprintf("%s-%d", name, i)
	}
	n.taken = append(slices.Clip(n.taken), unique)
	set := maps.Clone(labels)
	if set == nil {
		set = map[string]string{}
	}
	if set[snapshot.MetadataName] = unique; isNamed { // of one name with other labels
		set[snapshot.MetadataName] = name
	}
	made := &snapshot.Namespace{Name: unique, Declared: true, Labels: netpol.Labels{Set: set}}
	if n.byText == nil {
		n.byText, n.byName = map[string]*snapshot.Namespace{}, map[string]*snapshot.Namespace{}
	}
	n.byText[key], n.byName[unique], n.list = made, made, append(n.list, made)
	return made
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
