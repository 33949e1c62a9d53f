package netpolrules

import (
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/spelling"
)

// A near is a label that somebody has and that was probably meant.
type near struct {
	requirement netpol.Requirement
	key, value  string
	cost        int
}

// String writes the label as a selector would.
func (n near) String() string { return n.key + ": " + n.value }

// nearest finds a pod that misses the selector by exactly one requirement, and of
// those the label that is spelled most like what was asked.
func nearest(s netpol.Selector, pods []*snapshot.Pod) (best near, found bool) {
	for _, p := range pods {
		missed := missedBy(s, p.Labels)
		if len(missed) != 1 || missed[0].Op != netpol.In {
			continue
		}
		for _, n := range candidates(missed[0], p.Labels) {
			if !found || n.cost < best.cost {
				best, found = n, true
			}
		}
	}
	return best, found
}

func missedBy(s netpol.Selector, l netpol.Labels) []netpol.Requirement {
	var out []netpol.Requirement
	for _, r := range s {
		if r.Match(l) == netpol.No {
			out = append(out, r)
		}
	}
	return out
}

// candidates are the labels of one object that read like the requirement: the same
// value under a key spelled alike, or a value spelled alike under the same key.
func candidates(r netpol.Requirement, l netpol.Labels) []near {
	var out []near
	for _, key := range slices.Sorted(maps.Keys(l.Set)) {
		value := l.Set[key]
		for _, want := range r.Values {
			switch {
			case key == r.Key && slices.Contains(leaders, value) && slices.Contains(leaders, want):
				out = append(out, near{r, key, value, 0})
			case key == r.Key && alike(value, want):
				out = append(out, near{r, key, value, spelling.Distance(value, want)})
			case value == want && alike(key, r.Key):
				out = append(out, near{r, key, value, spelling.Distance(key, r.Key)})
			case value == want && slices.Contains(usualKeys, key) && slices.Contains(usualKeys, r.Key):
				out = append(out, near{r, key, value, 3})
			}
		}
	}
	return out
}

// usualKeys are labels that people take for each other.
var usualKeys = []string{"app", "name", "app.kubernetes.io/name", "k8s-app", "component", "app.kubernetes.io/component"}

// alike reports whether two words are probably meant to be one: they differ in
// case only, or in few letters for their length, or one is the other with a part
// more ("web", "web-app").
func alike(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if a == b {
		return true
	}
	short, long := a, b
	if len(short) > len(long) {
		short, long = long, short
	}
	if len(short) > 2 && (strings.HasPrefix(long, short+"-") || strings.HasSuffix(long, "-"+short)) {
		return true
	}
	return len(short) > 2 && spelling.Distance(a, b) <= min(2, len(short)/3)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// workloadsOf names the workloads of pods, each once.
func workloadsOf(pods []*snapshot.Pod) []string {
	var out []string
	for _, p := range pods {
		out = append(out, p.Workload.Ref.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// onDemand are labels of pods that an operator starts when there is work and that no
// manifest tells of: backups, restarts, recoveries. [cnpg pkg/specs/jobs.go@1.30.0,
// sg C/labels/ClusterLabelFactory.java@1.18.6]
var onDemand = map[string][]string{
	"app":                           {"StackGresBackup", "StackGresDbOps"},
	"stackgres.io/backup":           {"true"},
	"stackgres.io/db-ops":           {"true"},
	"stackgres.io/scheduled-backup": {"true"},
	"cnpg.io/jobRole":               nil, // any
}

// comesLater reports whether the selector means pods of that kind.
func comesLater(s netpol.Selector) bool {
	return slices.ContainsFunc(s, func(r netpol.Requirement) bool {
		values, ok := onDemand[r.Key]
		if !ok || r.Op != netpol.In {
			return ok && r.Op == netpol.Exists
		}
		return values == nil || slices.ContainsFunc(r.Values, func(v string) bool { return slices.Contains(values, v) })
	})
}
