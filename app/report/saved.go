package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/saved"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Saved is what a saved snapshot is of. That it could be read says that its digest is right.
type Saved struct {
	// File is its name; Header and Batch are what it holds.
	File   string
	Header saved.Header
	Batch  object.Batch
}

// Write prints it in the format: table or json.
func (s *Saved) Write(out io.Writer, format string) error {
	if format == "json" {
		return writeJSON(out, s.json())
	}
	t := newText(out, false)
	s.head(t)
	s.kindsText(t)
	s.coverageText(t)
	s.restText(t)
	return t.err
}

// head is where it is from.
func (s *Saved) head(t *text) {
	h := s.Header
	t.line("%s: %s, format %d, digest verified", s.File, counted(h.Objects, "object"), h.Format)
	for _, row := range [][2]string{
		{"taken", h.Taken.UTC().Format(time.RFC3339)},
		{"by", "pgmoat " + h.Program},
		{"of", strings.Join(h.Sources, ", ")},
		{"sha256", h.Digest},
	} {
		t.line("  %-8s%s", row[0], row[1])
	}
}

// kindsText counts the objects by kind, and by namespace where they are in some.
func (s *Saved) kindsText(t *text) {
	if len(s.Batch.Objects) == 0 {
		return
	}
	t.line("")
	rows := [][]string{{"KIND", "OBJECTS", "NAMESPACES"}}
	for _, k := range s.kinds() {
		var in []string
		for _, n := range k.Namespaces {
			in = append(in, fmt.Sprintf("%s %d", n.Namespace, n.Objects))
		}
		if len(in) > mostNamespaces {
			in = append(in[:mostNamespaces:mostNamespaces], fmt.Sprintf("and %d more", len(k.Namespaces)-mostNamespaces))
		}
		rows = append(rows, []string{k.Kind, fmt.Sprint(k.Objects), strings.Join(in, ", ")})
	}
	t.table(rows)
}

// mostNamespaces is how many the table tells of one kind.
const mostNamespaces = 6

// coverageText is what of a cluster was looked at.
func (s *Saved) coverageText(t *text) {
	c := s.Header.Coverage
	if c == nil {
		return
	}
	t.line("")
	where := "all namespaces"
	if len(c.Namespaces) > 0 {
		where = "namespaces " + strings.Join(c.Namespaces, ", ")
	}
	t.line("cluster %s (%s), %s", c.Cluster, strings.TrimSpace(c.Server+" "+c.Version), where)
	listed := 0
	for _, k := range c.Kinds {
		if k.Listing == snapshot.KindListed || k.Listing == snapshot.KindAbsent {
			listed++
		}
	}
	t.line("  %s listed to the end or not served", counted(listed, "kind"))
	for _, k := range c.Unlisted() {
		t.line("  %s was not listed%s%s", k.Name, either(len(k.Namespaces) > 0, " in "+strings.Join(k.Namespaces, ", "), ""), either(k.Why != "", ": "+k.Why, ""))
	}
}

// restText is what could not be read, or was not.
func (s *Saved) restText(t *text) {
	if len(s.Batch.Problems)+len(s.Batch.Missing)+len(s.Batch.Warnings)+len(s.Batch.Skipped) > 0 {
		t.line("")
	}
	for _, p := range s.Batch.Problems {
		t.line("not read: %s: %s", p.Origin, p.Fault())
	}
	for _, m := range s.Batch.Missing {
		t.line("missing: %s, which %s deploys%s", m.What, m.By, either(m.Namespace != "", " to namespace "+m.Namespace, ""))
	}
	for _, w := range s.Batch.Warnings {
		t.line("warning: %s: %s", w.Origin, w.Text)
	}
	for _, name := range s.Batch.Skipped {
		t.line("skipped: %s", name)
	}
}

// kinds counts the objects, sorted by kind and namespace.
func (s *Saved) kinds() []savedKindJSON {
	counts := map[string]map[string]int{}
	for _, o := range s.Batch.Objects {
		kind := o.Type().String()
		if counts[kind] == nil {
			counts[kind] = map[string]int{}
		}
		counts[kind][o.Namespace]++
	}
	out := []savedKindJSON{}
	for kind, in := range counts {
		k := savedKindJSON{Kind: kind, Namespaces: []savedNamespaceJSON{}}
		for namespace, n := range in {
			k.Objects += n
			if namespace != "" {
				k.Namespaces = append(k.Namespaces, savedNamespaceJSON{namespace, n})
			}
		}
		slices.SortFunc(k.Namespaces, func(a, b savedNamespaceJSON) int { return strings.Compare(a.Namespace, b.Namespace) })
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b savedKindJSON) int { return strings.Compare(a.Kind, b.Kind) })
	return out
}
