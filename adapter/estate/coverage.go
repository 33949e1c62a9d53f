package estate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/kube/live"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The codes of warnings about what was not there to read: kinds that a cluster does not list,
// and what is deployed from sources that were not given.
const (
	Unlisted = "source/unlisted"
	Missing  = "source/missing"
)

// cover takes what the source says of itself. A cluster that was read in all its namespaces is
// the whole estate. A kind that decides answers and was not listed puts them in doubt, as a
// document does that cannot be read; of the others people are told, and answers rest on them.
func cover(s *snapshot.Snapshot, batch object.Batch, types []live.Type) {
	s.Coverage, s.Missing = completed(batch.Coverage, types), batch.Missing
	s.Warnings = append(s.Warnings, batch.Warnings...)
	if s.Coverage.Whole() {
		s.Facts.Complete = true
	}
	for _, k := range s.Coverage.Unlisted() {
		if k.Decides {
			s.Problems = append(s.Problems, undecided(k)...)
			continue
		}
		s.Warnings = append(s.Warnings, snapshot.Warning{Code: Unlisted, Origin: verdict.Origin{Object: k.Name},
			Text: unlisted(k, strings.Join(k.Namespaces, ", ")) + ": what its objects say is not known"})
	}
	for _, m := range s.Missing {
		s.Warnings = append(s.Warnings, snapshot.Warning{Code: Missing, Text: missing(m), Origin: originOf(batch.Objects, m.By)})
	}
}

// completed adds to a coverage the kinds that nobody asked for, as of a snapshot that an older
// release saved: nothing is known of them.
func completed(c *snapshot.Coverage, types []live.Type) *snapshot.Coverage {
	if c == nil {
		return nil
	}
	asked := map[string]bool{}
	for _, k := range c.Kinds {
		asked[k.Name] = true
	}
	out := *c
	out.Kinds = slices.Clip(c.Kinds)
	for _, t := range types {
		if !asked[t.String()] {
			out.Kinds = append(out.Kinds, snapshot.Kind{Name: t.String(), Decides: t.Decides})
		}
	}
	return &out
}

// undecided are the problems of a kind that decides and was not listed: one for each namespace
// that refused, or one for all.
func undecided(k snapshot.Kind) []snapshot.Problem {
	namespaces := k.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	var out []snapshot.Problem
	for _, ns := range namespaces {
		out = append(out, snapshot.Problem{Origin: verdict.Origin{Object: k.Name}, Namespace: ns,
			Err: unlisted(k, ns) + ": every answer they might change is unknown"})
	}
	return out
}

// unlisted says why nothing is known of a kind.
func unlisted(k snapshot.Kind, namespace string) string {
	if k.Listing != snapshot.KindRefused {
		return "was not asked for when the cluster was read"
	}
	text := "could not be listed"
	if namespace != "" {
		text += " in namespace " + namespace
	}
	return text + ": " + cmp.Or(k.Why, "the server gives no reason")
}

func missing(m snapshot.Missing) string {
	text := m.What + " is deployed"
	if m.Namespace != "" {
		text += " into namespace " + m.Namespace
	}
	return text + " and was not read: what it brings is in no answer"
}

// originOf is where an object was read; its name alone where it was not.
func originOf(objects []object.Object, ref snapshot.Ref) verdict.Origin {
	i := slices.IndexFunc(objects, func(o object.Object) bool { return o.Ref() == ref })
	if i < 0 {
		return verdict.Origin{Object: ref.String()}
	}
	return objects[i].Origin()
}
