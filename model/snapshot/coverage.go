package snapshot

import (
	"slices"
	"strings"
)

// A Coverage says what a source looked at of a cluster that could have said more. What it
// lists and does not hold is not there; manifests have none, and can say that of nothing.
type Coverage struct {
	// Cluster is how people name what was read: the context, or "in-cluster".
	Cluster string `json:"cluster"`
	// Server is the address of the kube-apiserver, without credentials; Version is its release.
	Server  string `json:"server,omitempty"`
	Version string `json:"version,omitempty"`
	// Taken is when reading began.
	Taken Moment `json:"taken"`
	// Namespaces are those that were read, sorted; empty for all of them.
	Namespaces []string `json:"namespaces,omitempty"`
	// Kinds are all that were asked for, sorted by name.
	Kinds []Kind `json:"kinds"`
}

// A Kind is what came of asking a cluster for the objects of one kind.
type Kind struct {
	// Name is the kind with its group, "Cluster.postgresql.cnpg.io", "Service".
	Name string `json:"name"`
	// Listing is what came of it. The zero value says that nobody knows.
	Listing Listing `json:"listing"`
	// Why is the server's answer where the kind was refused.
	Why string `json:"why,omitempty"`
	// Namespaces are those in which it was refused; empty for all that were asked.
	Namespaces []string `json:"namespaces,omitempty"`
	// Decides says that what objects of the kind say decides answers by itself: without
	// them nothing is known.
	Decides bool `json:"decides,omitempty"`
}

// A Listing is what a server makes of a request to list a kind.
type Listing string

const (
	// KindListed kinds were read to the end.
	KindListed Listing = "listed"
	// KindRefused kinds may have objects, which nobody here was let see.
	KindRefused Listing = "refused"
	// KindAbsent kinds are not served, so that no object of them exists.
	KindAbsent Listing = "absent"
)

// Whole reports whether all namespaces were looked at. One that asked for no kind at all
// looked at nothing.
func (c *Coverage) Whole() bool { return c != nil && len(c.Namespaces) == 0 && len(c.Kinds) > 0 }

// Unlisted returns the kinds that may have objects which were not read.
func (c *Coverage) Unlisted() []Kind {
	if c == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.Kinds), func(k Kind) bool { return k.Listing == KindListed || k.Listing == KindAbsent })
}

// Limits say what was not read of a cluster, for people: the namespaces that were, where it
// was not all, and the kinds that were not listed; none for nil.
func (c *Coverage) Limits() []string {
	if c == nil {
		return nil
	}
	var out []string
	if len(c.Namespaces) > 0 {
		out = append(out, "only namespaces "+strings.Join(c.Namespaces, ", "))
	}
	for _, k := range c.Unlisted() {
		text := "no " + k.Name
		if len(k.Namespaces) > 0 {
			text += " of " + strings.Join(k.Namespaces, ", ")
		}
		out = append(out, text)
	}
	return out
}

// Listed reports whether all objects of a kind in a namespace were read, "" for a kind without
// namespaces: one that is not among them is not there.
func (c *Coverage) Listed(kind, namespace string) bool {
	if c == nil || namespace != "" && len(c.Namespaces) > 0 && !slices.Contains(c.Namespaces, namespace) {
		return false
	}
	i := slices.IndexFunc(c.Kinds, func(k Kind) bool { return k.Name == kind })
	if i < 0 {
		return false
	}
	switch k := c.Kinds[i]; k.Listing {
	case KindListed, KindAbsent:
		return true
	case KindRefused:
		return len(k.Namespaces) > 0 && namespace != "" && !slices.Contains(k.Namespaces, namespace)
	}
	return false
}

// Holds reports whether the snapshot has all objects of a kind in a namespace that there are,
// as far as anybody tells: somebody states that the estate is complete, or a cluster listed
// them. What is deployed from elsewhere may bring more.
func (s *Snapshot) Holds(kind, namespace string) bool {
	switch {
	case len(s.Missing) > 0:
		return false
	case s.Coverage != nil:
		return s.Coverage.Listed(kind, namespace)
	}
	return s.Facts.Complete
}

// Standing are the codes of what every answer about the snapshot rests on, sorted: that what
// was not read would change nothing.
func (s *Snapshot) Standing() []string {
	var out []string
	if len(s.Missing) > 0 {
		out = append(out, AssumeElsewhere)
	}
	narrowed := s.Coverage != nil && len(s.Coverage.Namespaces) > 0
	if !s.Facts.Complete && !narrowed {
		out = append(out, AssumeComplete)
	}
	if slices.ContainsFunc(s.Coverage.Unlisted(), func(k Kind) bool { return !k.Decides }) {
		out = append(out, AssumeUnlisted)
	}
	if !s.Facts.Complete && narrowed {
		out = append(out, AssumeNarrowed)
	}
	if len(s.Skipped) > 0 {
		out = append(out, AssumeSkipped)
	}
	return out
}

// A Missing is something that is known to be deployed and that the sources do not hold: a
// chart of a registry, the folder of another repository.
type Missing struct {
	// By is the object that says so: an Application, a HelmRelease.
	By Ref `json:"by"`
	// What is it, for people: "chart ingress-nginx of https://…".
	What string `json:"what"`
	// Namespace is where it goes, as far as that is told; empty when it is not.
	Namespace string `json:"namespace,omitempty"`
}
