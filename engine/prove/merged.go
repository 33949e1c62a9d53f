package prove

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// merged joins counterexamples that differ in their clients alone. Pods that do not exist
// yet come last: where some that do are told already they add nothing, and else the first
// stands for all.
func merged(all []Counterexample) []Counterexample {
	var out []Counterexample
	at := map[string]int{}
	for _, c := range all {
		key := c.sameness()
		i, known := at[key]
		if !known {
			at[key] = len(out)
			out = append(out, c)
			continue
		}
		if out[i].Future != nil && c.Future == nil {
			out[i] = c
			continue
		}
		out[i].From = append(slices.Clip(out[i].From), c.From...) // none of a pod that does not exist yet
	}
	for i := range out {
		out[i].From = sortedRefs(out[i].From)
	}
	return out
}

// sortedRefs are references in order, each once.
func sortedRefs(refs []snapshot.Ref) []snapshot.Ref {
	out := slices.Clone(refs)
	slices.SortFunc(out, snapshot.Ref.Compare)
	return slices.Compact(out)
}

// mergedDoubts joins doubts likewise.
func mergedDoubts(all []Doubt) []Doubt {
	var out []Doubt
	at := map[string]int{}
	for _, d := range all {
		key := strings.Join([]string{strings.Join(d.Databases, "\x01"), strings.Join(d.Roles, "\x01"), string(d.Reason), d.Origin.String(), string(d.Step.Layer), d.Step.Facts["code"]}, "\x00")
		i, known := at[key]
		if !known {
			at[key] = len(out)
			out = append(out, d)
			continue
		}
		if out[i].Future != nil && d.Future == nil {
			out[i] = d
			continue
		}
		out[i].From = append(slices.Clip(out[i].From), d.From...)
	}
	for i := range out {
		out[i].From = sortedRefs(out[i].From)
	}
	return out
}

// sameness is all that two counterexamples have to agree in to be told together.
func (c *Counterexample) sameness() string {
	parts := []string{
		c.Server.String(), strings.Join(c.Databases, "\x01"), strings.Join(c.Roles, "\x01"), c.Login.Method, c.Route.Pooler, c.Route.Through,
		c.Decides.Origin.String(), string(c.Decides.Reason), string(c.Decides.Layer),
	}
	for _, fix := range c.Close {
		parts = append(parts, string(fix.Kind), fix.Edit.String(), fix.Want, textOf(fix.Labels), strings.Join(fix.CIDR, ","))
	}
	for _, b := range []bool{c.Login.TLS, c.Login.Cert, c.Ours} {
		parts = append(parts, map[bool]string{true: "1", false: "0"}[b])
	}
	return strings.Join(parts, "\x00")
}
