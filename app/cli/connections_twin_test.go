package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestConnectionsTwin asks a dull twin about random estates, from their text to the
// printed JSON. The twin knows the documentation of the Kubernetes API and nothing of
// this house: it looks at one pod, one address and one port at a time.
//
// PGMOAT_SEEDS=5000 tries more estates, PGMOAT_SEEDS=17-17 one again.
func TestConnectionsTwin(t *testing.T) {
	first, last := seeds(t)
	failed := 0
	for seed := first; seed <= last && failed < 3; seed++ {
		text := (&estateWriter{Rand: rand.New(rand.NewPCG(seed, 1))}).write()
		if err := compareWithTwin(t.TempDir(), text); err != nil {
			failed++
			t.Errorf("seed %d: %v\n%s", seed, err, text)
		}
	}
}

func seeds(t *testing.T) (first, last uint64) {
	asked := cmp.Or(os.Getenv("PGMOAT_SEEDS"), "600")
	from, to, isRange := strings.Cut(asked, "-")
	if !isRange {
		from, to = "1", asked
	}
	first, err1 := strconv.ParseUint(from, 10, 64)
	last, err2 := strconv.ParseUint(to, 10, 64)
	if err1 != nil || err2 != nil || last < first {
		t.Fatalf("PGMOAT_SEEDS=%s: want a count or a range such as 17-20", asked)
	}
	return first, last
}

func compareWithTwin(dir string, text estateText) error {
	for _, f := range text {
		path := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(f.text()), 0o666); err != nil {
			return err
		}
	}
	var out, stderr bytes.Buffer
	args := []string{"pgmoat", "connections", "-f", dir, "-o", "json"}
	if status := Main(context.Background(), args, strings.NewReader(""), &out, &stderr); status != 0 || stderr.Len() > 0 {
		return fmt.Errorf("exit status %d\n%s%s", status, &stderr, &out)
	}
	var got printed
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		return err
	}
	w, err := readTwin(text)
	if err != nil {
		return fmt.Errorf("the twin cannot read the estate: %w", err)
	}
	return got.check(w)
}

// What the command prints.

type printed struct {
	Connections []connection   `json:"connections"`
	Unknown     []any          `json:"unknown"`
	Workloads   []workloadName `json:"workloads"`
	Assumptions []any          `json:"assumptions"`
	Warnings    []any          `json:"warnings"`
}

type connection struct {
	From  end         `json:"from"`
	To    end         `json:"to"`
	Ports []portRange `json:"ports"`
	All   bool        `json:"all"`
}

type workloadName struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// An end is a workload, or some of its members where the name is "db (db-1, db-2)",
// or outside ranges.
type end struct {
	workloadName
	CIDR []netip.Prefix `json:"cidr"`
}

type portRange struct {
	Protocol string `json:"protocol"`
	From     int    `json:"from"`
	To       int    `json:"to"`
}

var withMembers = regexp.MustCompile(`^(\S+) \((.*)\)$`)

func (e end) workload() workloadName {
	w := e.workloadName
	if m := withMembers.FindStringSubmatch(w.Name); m != nil {
		w.Name = m[1]
	}
	return w
}

func (e end) holds(p endpoint) bool {
	if p.pod == nil {
		return slices.ContainsFunc(e.CIDR, func(c netip.Prefix) bool { return c.Contains(p.addr) })
	}
	if e.CIDR != nil || e.workload() != p.pod.workload {
		return false
	}
	m := withMembers.FindStringSubmatch(e.Name)
	return m == nil || slices.Contains(strings.Split(m[2], ", "), p.pod.name)
}

func (c connection) allows(protocol corev1.Protocol, port int) bool {
	return c.All || slices.ContainsFunc(c.Ports, func(r portRange) bool {
		return r.Protocol == string(protocol) && r.From <= port && port <= r.To
	})
}

func (c connection) String() string {
	b, _ := json.Marshal(c)
	return string(b)
}

// check compares every pair of pods, and every pod with every outside address worth
// asking about, at every port worth asking about.
func (got printed) check(w *twin) error {
	if err := got.checkForm(w); err != nil {
		return err
	}
	seen := make([]bool, len(got.Connections))
	ends := w.endpoints()
	for _, from := range ends {
		for _, to := range ends {
			if from.pod == to.pod {
				continue // a pod with itself, an address with an address
			}
			var holder *connection
			for i, c := range got.Connections {
				if c.From.holds(from) && c.To.holds(to) {
					if holder != nil {
						return fmt.Errorf("%s to %s is listed twice:\n%s\n%s", from, to, holder, c)
					}
					holder, seen[i] = &got.Connections[i], true
				}
			}
			admits := w.between(from, to)
			for _, protocol := range protocols {
				for _, port := range w.ports {
					listed := holder != nil && holder.allows(protocol, port)
					if want := admits(protocol, port); want != listed {
						return fmt.Errorf("%s to %s, %s %d: listed %t, want %t", from, to, protocol, port, listed, want)
					}
				}
			}
		}
	}
	for i, c := range got.Connections {
		if !seen[i] {
			return fmt.Errorf("holds no two pods and no address that was asked about: %s", c)
		}
	}
	return nil
}

// checkForm checks what holds whatever the policies say: sorted, minimal, disjoint.
func (got printed) checkForm(w *twin) error {
	if got.Connections == nil || got.Unknown == nil || got.Workloads == nil || got.Assumptions == nil || got.Warnings == nil {
		return fmt.Errorf("a list is null: %+v", got)
	}
	if len(got.Unknown) > 0 {
		return fmt.Errorf("unknown: %v", got.Unknown)
	}
	if want := w.workloads(); !slices.Equal(got.Workloads, want) {
		return fmt.Errorf("workloads %v, want %v", got.Workloads, want)
	}
	listed := map[string]connection{}
	for i, c := range got.Connections {
		if i > 0 && compareEnds(got.Connections[i-1], c) >= 0 {
			return fmt.Errorf("not sorted:\n%s\n%s", got.Connections[i-1], c)
		}
		if err := c.checkForm(); err != nil {
			return fmt.Errorf("%w: %s", err, c)
		}
		for _, same := range c.mergeable() {
			if other, ok := listed[same]; ok {
				return fmt.Errorf("two entries that could be one:\n%s\n%s", other, c)
			}
			listed[same] = c
		}
	}
	return nil
}

// mergeable describes the entry without what another one may differ in for the two to
// be one: the ranges, or the members at one end where the other end is whole. Where
// members are apart for one answer they are so for all of the pair.
func (c connection) mergeable() []string {
	switch whole := func(e end) bool { return e.workload() == e.workloadName }; {
	case c.From.CIDR != nil || c.To.CIDR != nil:
		return []string{fmt.Sprint(c.From.workloadName, c.To.workloadName, c.Ports)}
	case whole(c.From):
		return []string{fmt.Sprint(c.From.workloadName, " to some of ", c.To.workload(), c.Ports)}
	case whole(c.To):
		return []string{fmt.Sprint("some of ", c.From.workload(), " to ", c.To.workloadName, c.Ports)}
	}
	return nil
}

// compareEnds orders by sender and receiver, outside after the workloads, then by
// members and by range.
func compareEnds(a, b connection) int {
	workloads := func(a, b end) int {
		return cmp.Or(cmp.Compare(min(len(a.CIDR), 1), min(len(b.CIDR), 1)), compareWorkloads(a.workload(), b.workload()))
	}
	ranges := func(a, b end) int { return slices.CompareFunc(a.CIDR, b.CIDR, netip.Prefix.Compare) }
	return cmp.Or(workloads(a.From, b.From), workloads(a.To, b.To),
		cmp.Compare(a.From.Name, b.From.Name), cmp.Compare(a.To.Name, b.To.Name), ranges(a.From, b.From), ranges(a.To, b.To))
}

func compareWorkloads(a, b workloadName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

var protocols = []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}

func (c connection) checkForm() error {
	if c.Ports == nil || c.All != (len(c.Ports) == 0) {
		return fmt.Errorf("all and ports disagree")
	}
	whole := 0
	for i, r := range c.Ports {
		if !slices.Contains(protocols, corev1.Protocol(r.Protocol)) || r.From > r.To || r.From < 0 || r.To > 65535 {
			return fmt.Errorf("port range %d", i)
		}
		if r.From <= 1 && r.To == 65535 {
			whole++
		}
		if i > 0 {
			before := c.Ports[i-1]
			order := slices.Index(protocols, corev1.Protocol(r.Protocol)) - slices.Index(protocols, corev1.Protocol(before.Protocol))
			if order < 0 || order == 0 && before.To+1 >= r.From {
				return fmt.Errorf("port ranges %d and %d", i-1, i)
			}
		}
	}
	if whole == len(protocols) {
		return fmt.Errorf("all spelt as ranges")
	}
	for _, e := range []end{c.From, c.To} {
		if (e.CIDR == nil) == (e.Kind == "" || e.Name == "" || e.Namespace == "") {
			return fmt.Errorf("neither a workload nor a range")
		}
		for i, p := range e.CIDR {
			if p != p.Masked() {
				return fmt.Errorf("%s has host bits", p)
			}
			for _, q := range e.CIDR[:i] {
				switch {
				case q.Compare(p) >= 0:
					return fmt.Errorf("%s after %s", p, q)
				case q.Overlaps(p):
					return fmt.Errorf("%s and %s overlap", q, p)
				case q.Bits() == p.Bits() && p.Bits() > 0 && netip.PrefixFrom(q.Addr(), q.Bits()-1).Contains(p.Addr()):
					return fmt.Errorf("%s and %s are two halves", q, p)
				}
			}
		}
	}
	return nil
}

// The twin.
