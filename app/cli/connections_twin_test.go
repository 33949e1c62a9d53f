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

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	netv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
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

type twin struct {
	namespaces map[string]labels.Set
	pods       []*twinPod
	policies   []*netv1.NetworkPolicy
	ports      []int
	addresses  []netip.Addr
	selectors  map[*metav1.LabelSelector]labels.Selector
}

type twinPod struct {
	workload        workloadName
	namespace, name string
	labels          labels.Set
	ports           []corev1.ContainerPort
	addresses       []netip.Addr // none when no document tells
}

// An endpoint is a pod or an address outside.
type endpoint struct {
	pod  *twinPod
	addr netip.Addr
}

func (e endpoint) String() string {
	if e.pod == nil {
		return e.addr.String()
	}
	return fmt.Sprintf("%s %s/%s %v", e.pod.workload.Kind, e.pod.namespace, e.pod.name, e.pod.labels)
}

// A twinOwner is an object that may own others and may make pods.
type twinOwner struct {
	meta     metav1.ObjectMeta
	replicas int
	template *corev1.PodTemplateSpec
	first    int // of the ordinals of a StatefulSet
}

func readTwin(text estateText) (*twin, error) {
	w := &twin{namespaces: map[string]labels.Set{}, selectors: map[*metav1.LabelSelector]labels.Selector{}}
	owners := map[workloadName]twinOwner{}
	var pods []corev1.Pod
	var read func(doc []byte) error
	read = func(doc []byte) error {
		var head struct {
			Kind     string            `json:"kind"`
			Metadata metav1.ObjectMeta `json:"metadata"`
			Items    []json.RawMessage `json:"items"`
		}
		if err := yaml.Unmarshal(doc, &head); err != nil {
			return err
		}
		own := func(into any, meta *metav1.ObjectMeta, replicas **int32, template *corev1.PodTemplateSpec, first *int32) error {
			if err := yaml.UnmarshalStrict(doc, into); err != nil {
				return err
			}
			meta.Namespace = cmp.Or(meta.Namespace, "default")
			o := twinOwner{meta: *meta, replicas: 1, template: template}
			if replicas == nil {
				o.replicas = 2 // a DaemonSet: more nodes than one
			} else if *replicas != nil {
				o.replicas = int(**replicas)
			}
			if first != nil {
				o.first = int(*first)
			}
			owners[workloadName{head.Kind, meta.Namespace, meta.Name}] = o
			return nil
		}
		switch head.Kind {
		case "":
			return nil // an empty document
		case "List":
			for _, item := range head.Items {
				if err := read(item); err != nil {
					return err
				}
			}
			return nil
		case "Namespace":
			w.namespaces[head.Metadata.Name] = head.Metadata.Labels
			return nil
		case "NetworkPolicy":
			var p netv1.NetworkPolicy
			if err := yaml.UnmarshalStrict(doc, &p); err != nil {
				return err
			}
			p.Namespace = cmp.Or(p.Namespace, "default")
			w.policies = append(w.policies, &p)
			return nil
		case "Pod":
			var p corev1.Pod
			if err := yaml.UnmarshalStrict(doc, &p); err != nil {
				return err
			}
			p.Namespace = cmp.Or(p.Namespace, "default")
			pods = append(pods, p)
			return nil
		case "Deployment":
			var o appsv1.Deployment
			return own(&o, &o.ObjectMeta, &o.Spec.Replicas, &o.Spec.Template, nil)
		case "ReplicaSet":
			var o appsv1.ReplicaSet
			return own(&o, &o.ObjectMeta, &o.Spec.Replicas, &o.Spec.Template, nil)
		case "StatefulSet":
			var o appsv1.StatefulSet
			o.Spec.Ordinals = &appsv1.StatefulSetOrdinals{}
			return own(&o, &o.ObjectMeta, &o.Spec.Replicas, &o.Spec.Template, &o.Spec.Ordinals.Start)
		case "DaemonSet":
			var o appsv1.DaemonSet
			return own(&o, &o.ObjectMeta, nil, &o.Spec.Template, nil)
		case "Job":
			var o batchv1.Job
			return own(&o, &o.ObjectMeta, &o.Spec.Parallelism, &o.Spec.Template, nil)
		case "CronJob":
			var o batchv1.CronJob
			return own(&o, &o.ObjectMeta, &o.Spec.JobTemplate.Spec.Parallelism, &o.Spec.JobTemplate.Spec.Template, nil)
		default:
			return fmt.Errorf("kind %s", head.Kind)
		}
	}
	for _, f := range text {
		for _, doc := range f.docs {
			if err := read([]byte(doc)); err != nil {
				return nil, err
			}
		}
	}

	// root climbs the controllers as far as they are named.
	var root func(self workloadName, meta metav1.ObjectMeta) workloadName
	root = func(self workloadName, meta metav1.ObjectMeta) workloadName {
		ref := metav1.GetControllerOf(&meta)
		if ref == nil {
			return self
		}
		parent := workloadName{ref.Kind, meta.Namespace, ref.Name}
		return root(parent, owners[parent].meta)
	}
	alive := map[workloadName]bool{} // the workload's pods are among the documents
	for _, p := range pods {
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		r := root(workloadName{"Pod", p.Namespace, p.Name}, p.ObjectMeta)
		alive[r] = true
		w.addPod(r, p.ObjectMeta, p.Spec, nil)
		if len(p.Status.PodIPs) > 0 {
			added := w.pods[len(w.pods)-1]
			added.addresses = append(added.addresses, netip.MustParseAddr(p.Status.PodIPs[0].IP))
		}
	}
	parents := map[workloadName]bool{}
	for _, o := range owners {
		if ref := metav1.GetControllerOf(&o.meta); ref != nil {
			parents[workloadName{ref.Kind, o.meta.Namespace, ref.Name}] = true
		}
	}
	for self, o := range owners {
		r := root(self, o.meta)
		if alive[r] || parents[self] {
			continue // a child makes the pods
		}
		for i := range o.replicas {
			meta := metav1.ObjectMeta{Namespace: self.Namespace, Name: self.Name, Labels: o.template.Labels}
			var more labels.Set
			if self.Kind == "StatefulSet" {
				ordinal := strconv.Itoa(o.first + i)
				meta.Name += "-" + ordinal
				more = labels.Set{appsv1.StatefulSetPodNameLabel: meta.Name, appsv1.PodIndexLabel: ordinal}
			}
			w.addPod(r, meta, o.template.Spec, more)
		}
	}
	return w, w.sample()
}

func (w *twin) addPod(root workloadName, meta metav1.ObjectMeta, spec corev1.PodSpec, more labels.Set) {
	p := &twinPod{workload: root, namespace: meta.Namespace, name: meta.Name, labels: labels.Merge(meta.Labels, more)}
	for _, c := range spec.Containers {
		p.ports = append(p.ports, c.Ports...)
	}
	w.pods = append(w.pods, p)
}

func (w *twin) workloads() []workloadName {
	list := []workloadName{}
	for _, p := range w.pods {
		list = append(list, p.workload)
	}
	slices.SortFunc(list, compareWorkloads)
	return slices.Compact(list)
}

func (w *twin) endpoints() []endpoint {
	var list []endpoint
	for _, p := range w.pods {
		list = append(list, endpoint{pod: p})
	}
	for _, a := range w.addresses {
		list = append(list, endpoint{addr: a})
	}
	return list
}

// sample gathers the ports and addresses at which an answer may change.
func (w *twin) sample() error {
	ports := map[int]bool{1: true, 4444: true, 65535: true}
	around := func(n int32) {
		for _, p := range []int{int(n) - 1, int(n), int(n) + 1} {
			if p >= 1 && p <= 65535 {
				ports[p] = true
			}
		}
	}
	addresses := map[netip.Addr]bool{}
	block := func(text string) error {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return err
		}
		first := p.Masked().Addr()
		last := lastAddress(p)
		for _, a := range []netip.Addr{first, first.Next(), first.Prev(), last, last.Prev(), last.Next()} {
			if a.IsValid() {
				addresses[a] = true
			}
		}
		return nil
	}
	for _, everything := range []string{"0.0.0.0/0", "::/0", "203.0.113.7/32", "2001:db8:ffff::7/128"} {
		if err := block(everything); err != nil {
			return err
		}
	}
	for _, p := range w.pods {
		for _, c := range p.ports {
			around(c.ContainerPort)
		}
	}
	for _, p := range w.policies {
		for _, r := range rulesOf(p) {
			for _, q := range r.ports {
				if q.Port != nil && q.Port.Type == intstr.Int {
					around(q.Port.IntVal)
				}
				if q.EndPort != nil {
					around(*q.EndPort)
				}
			}
			for _, peer := range r.peers {
				if peer.IPBlock == nil {
					continue
				}
				for _, text := range append([]string{peer.IPBlock.CIDR}, peer.IPBlock.Except...) {
					if err := block(text); err != nil {
						return err
					}
				}
			}
		}
	}
	for p := range ports {
		w.ports = append(w.ports, p)
	}
	for a := range addresses {
		w.addresses = append(w.addresses, a)
	}
	slices.Sort(w.ports)
	slices.SortFunc(w.addresses, netip.Addr.Compare)
	return nil
}

func lastAddress(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// A twinRule is a rule of either direction.
type twinRule struct {
	direction netv1.PolicyType
	peers     []netv1.NetworkPolicyPeer
	ports     []netv1.NetworkPolicyPort
}

func rulesOf(p *netv1.NetworkPolicy) []twinRule {
	var list []twinRule
	for _, r := range p.Spec.Ingress {
		list = append(list, twinRule{netv1.PolicyTypeIngress, r.From, r.Ports})
	}
	for _, r := range p.Spec.Egress {
		list = append(list, twinRule{netv1.PolicyTypeEgress, r.To, r.Ports})
	}
	return list
}

// affects: "If this field is not specified, it will default based on the existence of
// ingress or egress rules; policies that contain an egress section are assumed to
// affect egress, and all policies (whether or not they contain an ingress section) are
// assumed to affect ingress."
func affects(p *netv1.NetworkPolicy, d netv1.PolicyType) bool {
	if len(p.Spec.PolicyTypes) > 0 {
		return slices.Contains(p.Spec.PolicyTypes, d)
	}
	return d == netv1.PolicyTypeIngress || len(p.Spec.Egress) > 0
}

// between returns which ports may be opened from one end to the other: the sender's
// egress and the receiver's ingress must both admit it.
func (w *twin) between(from, to endpoint) func(corev1.Protocol, int) bool {
	out := w.admits(netv1.PolicyTypeEgress, from, to, to)
	in := w.admits(netv1.PolicyTypeIngress, to, from, to)
	return func(protocol corev1.Protocol, port int) bool { return out(protocol, port) && in(protocol, port) }
}

// admits looks at one direction of the policies that select a pod: with none, all
// passes, else what any rule of any of them names.
func (w *twin) admits(d netv1.PolicyType, self, other, destination endpoint) func(corev1.Protocol, int) bool {
	isolated := false
	var rules []twinRule
	for _, p := range w.policies {
		if self.pod == nil || p.Namespace != self.pod.namespace || !affects(p, d) || !w.selects(&p.Spec.PodSelector, self.pod.labels) {
			continue
		}
		isolated = true
		for _, r := range rulesOf(p) {
			// "If this field is empty or missing, this rule matches all sources."
			if r.direction == d && (len(r.peers) == 0 || slices.ContainsFunc(r.peers, func(q netv1.NetworkPolicyPeer) bool {
				return w.peerIs(p.Namespace, q, other)
			})) {
				rules = append(rules, r)
			}
		}
	}
	return func(protocol corev1.Protocol, port int) bool {
		return !isolated || slices.ContainsFunc(rules, func(r twinRule) bool {
			// "If this field is empty or missing, this rule matches all ports."
			return len(r.ports) == 0 || slices.ContainsFunc(r.ports, func(q netv1.NetworkPolicyPort) bool {
				return portIs(q, destination, protocol, port)
			})
		})
	}
}

func (w *twin) peerIs(namespace string, q netv1.NetworkPolicyPeer, other endpoint) bool {
	if q.IPBlock != nil {
		addresses := []netip.Addr{other.addr}
		if other.pod != nil {
			addresses = other.pod.addresses // assumed to be in no block when unknown
		}
		return slices.ContainsFunc(addresses, func(a netip.Addr) bool {
			return contains(q.IPBlock.CIDR, a) && !slices.ContainsFunc(q.IPBlock.Except, func(e string) bool { return contains(e, a) })
		})
	}
	if other.pod == nil {
		return false
	}
	if q.NamespaceSelector == nil && other.pod.namespace != namespace {
		return false
	}
	if q.NamespaceSelector != nil {
		// The API server gives every namespace this label.
		set := labels.Merge(w.namespaces[other.pod.namespace], labels.Set{corev1.LabelMetadataName: other.pod.namespace})
		if !w.selects(q.NamespaceSelector, set) {
			return false
		}
	}
	return q.PodSelector == nil || w.selects(q.PodSelector, other.pod.labels)
}

func contains(cidr string, a netip.Addr) bool {
	return netip.MustParsePrefix(cidr).Contains(a)
}

func (w *twin) selects(s *metav1.LabelSelector, set labels.Set) bool {
	selector, ok := w.selectors[s]
	if !ok {
		var err error
		if selector, err = metav1.LabelSelectorAsSelector(s); err != nil {
			panic(err) // the writer wrote an invalid selector
		}
		w.selectors[s] = selector
	}
	return selector.Matches(set)
}

func portIs(q netv1.NetworkPolicyPort, destination endpoint, protocol corev1.Protocol, port int) bool {
	want := corev1.ProtocolTCP // "If not specified, this field defaults to TCP."
	if q.Protocol != nil {
		want = *q.Protocol
	}
	switch {
	case want != protocol:
		return false
	case q.Port == nil:
		return true // "If this field is not provided, this matches all port names and numbers."
	case q.Port.Type == intstr.String:
		return destination.pod != nil && slices.ContainsFunc(destination.pod.ports, func(c corev1.ContainerPort) bool {
			return c.Name == q.Port.StrVal && cmp.Or(c.Protocol, corev1.ProtocolTCP) == protocol && int(c.ContainerPort) == port
		})
	case q.EndPort != nil:
		return q.Port.IntValue() <= port && port <= int(*q.EndPort)
	default:
		return q.Port.IntValue() == port
	}
}

// The estates.

type estateText []estateFile

type estateFile struct {
	name string
	docs []string
	crlf bool
}

func (f estateFile) text() string {
	s := strings.Join(f.docs, "---\n")
	if f.crlf {
		s = strings.ReplaceAll(s, "\n", "\r\n")
	}
	return s
}

func (t estateText) String() string {
	var b strings.Builder
	for _, f := range t {
		fmt.Fprintf(&b, "-- %s --\n%s\n", f.name, strings.TrimSuffix(f.text(), "\n"))
	}
	return b.String()
}

type (
	obj = map[string]any
	arr = []any
)

// An estateWriter writes random estates, and everything in as many spellings as the
// API has.
type estateWriter struct {
	*rand.Rand
	objects    []obj
	namespaces []string
	sets       []string // names of StatefulSets
}

func (g *estateWriter) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *estateWriter, from ...T) T { return from[g.IntN(len(from))] }

func (g *estateWriter) write() estateText {
	g.namespaces = []string{"", "one", "two", "three"}[g.IntN(2) : 1+g.IntN(3)+1]
	for _, ns := range g.namespaces {
		if g.chance(60) {
			meta := obj{"name": cmp.Or(ns, "default")}
			g.spell(meta, "labels", obj{}, func() any {
				set := g.labels("team")
				if g.chance(30) {
					set[corev1.LabelMetadataName] = meta["name"]
				}
				return set
			})
			g.objects = append(g.objects, obj{"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
		}
	}
	for i := range 1 + g.IntN(6) {
		g.workload(fmt.Sprintf("w%d", i))
	}
	for i := range g.IntN(6) {
		g.objects = append(g.objects, obj{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
			"metadata": g.meta(fmt.Sprintf("p%d", i), pick(g, g.namespaces...), nil), "spec": g.policy()})
	}
	g.Shuffle(len(g.objects), func(i, j int) { g.objects[i], g.objects[j] = g.objects[j], g.objects[i] })
	return g.files()
}

// spell leaves a field out, or writes null, or its empty value, or a real one.
func (g *estateWriter) spell(m obj, field string, empty any, real func() any) {
	switch g.IntN(8) {
	case 0:
	case 1:
		m[field] = nil
	case 2:
		m[field] = empty
	default:
		m[field] = real()
	}
}

func some(g *estateWriter, most int, one func() any) func() any {
	return func() any {
		l := arr{}
		for range 1 + g.IntN(most) {
			l = append(l, one())
		}
		return l
	}
}

var labelValues = []string{"a", "b", "true", "1", "", "x.y_z"}

func (g *estateWriter) labels(keys ...string) obj {
	m := obj{}
	for _, k := range keys {
		if g.chance(70) {
			m[k] = pick(g, labelValues...)
		}
	}
	return m
}

func (g *estateWriter) meta(name, namespace string, set obj) obj {
	m := obj{"name": name}
	switch {
	case namespace != "":
		m["namespace"] = namespace
	case g.chance(30):
		m["namespace"] = pick(g, "", "default")
	}
	if set != nil {
		m["labels"] = set
	}
	return m
}

func (g *estateWriter) ownedBy(m obj, apiVersion, kind, name string) obj {
	refs := arr{obj{"apiVersion": apiVersion, "kind": kind, "name": name, "uid": "u-" + name, "controller": true}}
	if g.chance(30) {
		refs = append(arr{obj{"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "u"}}, refs...)
	}
	m["ownerReferences"] = refs
	return m
}

func with(m obj, more obj) obj {
	both := obj{}
	for k, v := range m {
		both[k] = v
	}
	for k, v := range more {
		both[k] = v
	}
	return both
}

func (g *estateWriter) podSpec() obj {
	names := []string{"web", "db", "metrics"}
	var containers arr
	for i := range 1 + g.IntN(2) {
		c := obj{"name": fmt.Sprintf("c%d", i), "image": "image"}
		g.spell(c, "ports", arr{}, some(g, 2, func() any {
			p := obj{"containerPort": pick(g, 80, 81, 5432, 8080)}
			if len(names) > 0 && g.chance(80) {
				n := g.IntN(len(names))
				p["name"] = names[n]
				names = slices.Delete(names, n, n+1)
			}
			if g.chance(40) {
				p["protocol"] = pick(g, "TCP", "UDP", "SCTP")
			}
			return p
		}))
		containers = append(containers, c)
	}
	return obj{"containers": containers}
}

func (g *estateWriter) add(apiVersion, kind string, meta, spec obj) {
	g.objects = append(g.objects, obj{"apiVersion": apiVersion, "kind": kind, "metadata": meta, "spec": spec})
}

// status gives the pod just added what a cluster tells of it: its address, or that it
// has ended.
func (g *estateWriter) status() {
	status := obj{}
	switch g.IntN(6) {
	case 0:
		ip := fmt.Sprintf("10.0.%d.%d", g.IntN(4), 8*g.IntN(32))
		if g.chance(30) {
			ip = fmt.Sprintf("2001:db8:0:%x::9", g.IntN(4))
		}
		status = obj{"phase": "Running", "podIP": ip, "podIPs": arr{obj{"ip": ip}}}
	case 1:
		status["phase"] = pick(g, "Succeeded", "Failed", "Running", "Pending")
	default:
		return
	}
	g.objects[len(g.objects)-1]["status"] = status
}

// workload adds a workload, as a repository holds it or as a cluster gives it with the
// objects that its controllers made.
func (g *estateWriter) workload(name string) {
	ns := pick(g, g.namespaces...)
	set := g.labels("app", "tier")
	spec := g.podSpec()
	selector := obj{"matchLabels": set}
	template := func(set obj) obj {
		meta := obj{}
		if len(set) > 0 || g.chance(50) {
			meta["labels"] = set
		}
		return obj{"metadata": meta, "spec": spec}
	}
	replicas := 1 + g.IntN(3)
	scaled := func(set obj) obj {
		s := obj{"selector": selector, "template": template(set)}
		if replicas > 1 || g.chance(50) {
			s["replicas"] = replicas
		} else if g.chance(30) {
			s["replicas"] = nil
		}
		return s
	}
	pods := func(set obj, owner string, names func(int) (string, obj)) {
		for i := range replicas {
			podName, more := names(i)
			if g.chance(20) {
				more = with(more, obj{"tier": "odd"}) // a person ran kubectl label
			}
			podSpec := spec
			if g.chance(20) {
				podSpec = g.podSpec()
			}
			g.add("v1", "Pod", g.ownedBy(g.meta(podName, ns, with(set, more)), "apps/v1", owner, ownerName(owner, name)), podSpec)
			g.status()
		}
	}
	switch pick(g, "Pod", "Pod", "Deployment", "Deployment", "StatefulSet", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob") {
	case "Pod":
		g.add("v1", "Pod", g.meta(name, ns, set), spec)
		g.status()
	case "Deployment":
		declared := g.chance(85)
		if declared {
			g.add("apps/v1", "Deployment", g.meta(name, ns, nil), scaled(set))
		}
		if declared && g.chance(60) {
			return
		}
		hashed := with(set, obj{"pod-template-hash": "abc"})
		g.add("apps/v1", "ReplicaSet", g.ownedBy(g.meta(name+"-abc", ns, nil), "apps/v1", "Deployment", name), scaled(hashed))
		if g.chance(40) { // what the last rollout left
			g.add("apps/v1", "ReplicaSet", g.ownedBy(g.meta(name+"-old", ns, nil), "apps/v1", "Deployment", name),
				obj{"replicas": 0, "selector": selector, "template": template(with(set, obj{"tier": "old", "pod-template-hash": "old"}))})
		}
		if g.chance(60) {
			pods(hashed, "ReplicaSet", func(i int) (string, obj) { return fmt.Sprintf("%s-abc-%c", name, 'p'+i), nil })
		}
	case "ReplicaSet":
		if g.chance(70) {
			g.add("apps/v1", "ReplicaSet", g.meta(name+"-abc", ns, nil), scaled(set))
			if g.chance(60) {
				return
			}
		}
		pods(set, "ReplicaSet", func(i int) (string, obj) { return fmt.Sprintf("%s-abc-%c", name, 'p'+i), nil })
	case "StatefulSet":
		g.sets = append(g.sets, name)
		s := scaled(set)
		s["serviceName"] = name
		first := 0
		if g.chance(20) {
			first = 1
			s["ordinals"] = obj{"start": first}
		}
		g.add("apps/v1", "StatefulSet", g.meta(name, ns, nil), s)
		if g.chance(30) {
			pods(set, "StatefulSet", func(i int) (string, obj) {
				pod := fmt.Sprintf("%s-%d", name, first+i)
				return pod, obj{appsv1.StatefulSetPodNameLabel: pod, appsv1.PodIndexLabel: strconv.Itoa(first + i)}
			})
		}
	case "DaemonSet":
		g.add("apps/v1", "DaemonSet", g.meta(name, ns, nil), obj{"selector": selector, "template": template(set)})
	case "Job":
		spec["restartPolicy"] = "Never"
		s := obj{"template": template(set)}
		if g.chance(50) {
			s["parallelism"] = replicas
		}
		g.add("batch/v1", "Job", g.meta(name, ns, nil), s)
	case "CronJob":
		spec["restartPolicy"] = "Never"
		s := obj{"template": template(set)}
		if g.chance(50) {
			s["parallelism"] = replicas
		}
		g.add("batch/v1", "CronJob", g.meta(name, ns, nil), obj{"schedule": "* * * * *", "jobTemplate": obj{"spec": s}})
		if g.chance(30) {
			g.add("batch/v1", "Job", g.ownedBy(g.meta(name+"-1", ns, nil), "batch/v1", "CronJob", name), s)
		}
	}
}

func ownerName(kind, name string) string {
	if kind == "ReplicaSet" {
		return name + "-abc"
	}
	return name
}

func (g *estateWriter) policy() obj {
	spec := obj{}
	g.spell(spec, "podSelector", obj{}, func() any { return g.selector("app", "tier") })
	g.spell(spec, "policyTypes", arr{}, func() any {
		return pick(g, arr{"Ingress"}, arr{"Egress"}, arr{"Ingress", "Egress"}, arr{"Egress", "Ingress"})
	})
	for _, d := range [][2]string{{"ingress", "from"}, {"egress", "to"}} {
		g.spell(spec, d[0], arr{}, some(g, 2, func() any {
			rule := obj{}
			if g.chance(10) {
				return rule
			}
			g.spell(rule, d[1], arr{}, some(g, 3, func() any { return g.peer() }))
			g.spell(rule, "ports", arr{}, some(g, 3, func() any { return g.port() }))
			return rule
		}))
	}
	return spec
}

func (g *estateWriter) selector(keys ...string) obj {
	if slices.Contains(keys, "app") && len(g.sets) > 0 && g.chance(25) {
		set := pick(g, g.sets...)
		n := strconv.Itoa(g.IntN(3))
		return pick(g,
			obj{"matchLabels": obj{appsv1.StatefulSetPodNameLabel: set + "-" + n}},
			obj{"matchLabels": obj{appsv1.PodIndexLabel: n}},
			obj{"matchExpressions": arr{obj{"key": appsv1.StatefulSetPodNameLabel, "operator": "NotIn", "values": arr{set + "-" + n, "other"}}}},
			obj{"matchExpressions": arr{obj{"key": appsv1.PodIndexLabel, "operator": pick(g, "Exists", "DoesNotExist")}}})
	}
	s := obj{}
	g.spell(s, "matchLabels", obj{}, func() any { return g.labels(pick(g, keys...)) })
	if g.chance(50) {
		g.spell(s, "matchExpressions", arr{}, some(g, 2, func() any {
			e := obj{"key": pick(g, keys...), "operator": pick(g, "In", "NotIn", "Exists", "DoesNotExist")}
			if op := e["operator"]; op == "In" || op == "NotIn" {
				e["values"] = some(g, 3, func() any { return pick(g, labelValues...) })()
				return e
			}
			if g.chance(50) {
				e["values"] = pick[any](g, nil, arr{})
			}
			return e
		}))
	}
	return s
}

func (g *estateWriter) peer() obj {
	p := obj{}
	namespaces := func() {
		p["namespaceSelector"] = pick(g, obj{}, g.selector("team"), g.selector("team"),
			obj{"matchLabels": obj{corev1.LabelMetadataName: pick(g, "default", "one", "two", "three")}})
	}
	pods := func() { p["podSelector"] = pick(g, obj{}, g.selector("app", "tier"), g.selector("app", "tier")) }
	others := []string{"ipBlock"}
	switch g.IntN(5) {
	case 0:
		namespaces()
		others = append(others, "podSelector")
	case 1:
		pods()
		others = append(others, "namespaceSelector")
	case 2:
		namespaces()
		pods()
	default:
		p["ipBlock"] = g.ipBlock()
		others = []string{"podSelector", "namespaceSelector"}
	}
	for _, field := range others {
		if g.chance(20) {
			p[field] = nil
		}
	}
	return p
}

func (g *estateWriter) ipBlock() obj {
	outer := netip.MustParsePrefix(pick(g, "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/22", "10.0.2.0/23", "10.0.3.4/30", "255.255.255.0/24",
		"::/0", "2001:db8::/32", "2001:db8::/62", "fd00::/8", "2001:db8::1/128", "192.0.2.1/32"))
	b := obj{"cidr": outer.String()}
	switch {
	case g.chance(10) && outer.Bits() < 31:
		b["cidr"] = fmt.Sprintf("%s/%d", outer.Addr().Next(), outer.Bits()) // host bits mean nothing
	case g.chance(10) && outer.Addr().Is6():
		b["cidr"] = fmt.Sprintf("%s/%d", strings.ToUpper(outer.Addr().StringExpanded()), outer.Bits())
	}
	if outer.IsSingleIP() {
		return b
	}
	g.spell(b, "except", arr{}, func() any {
		var l arr
		add := func(p netip.Prefix) { l = append(l, p.String()) }
		inner := g.within(outer, outer.Bits()+1+g.IntN(min(4, outer.Addr().BitLen()-outer.Bits())))
		add(inner)
		for range g.IntN(3) {
			switch g.IntN(4) {
			case 0: // its neighbour, so that they touch
				if next := lastAddress(inner).Next(); next.IsValid() && outer.Contains(next) {
					inner = netip.PrefixFrom(next, inner.Bits())
					add(inner)
				}
			case 1: // nested in it
				add(g.within(inner, inner.Bits()+g.IntN(min(3, inner.Addr().BitLen()-inner.Bits()+1))))
			case 2: // again
				add(inner)
			default:
				add(g.within(outer, min(outer.Addr().BitLen(), outer.Bits()+1+g.IntN(20))))
			}
		}
		return l
	})
	return b
}

// within returns a block of that many bits in p.
func (g *estateWriter) within(p netip.Prefix, bits int) netip.Prefix {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < bits; i++ {
		if g.chance(50) {
			b[i/8] |= 1 << (7 - i%8)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, bits)
}

func (g *estateWriter) port() obj {
	p := obj{}
	switch g.IntN(4) {
	case 0:
	case 1:
		p["protocol"] = nil
	default:
		p["protocol"] = pick(g, "TCP", "UDP", "SCTP")
	}
	switch g.IntN(6) {
	case 0:
		if g.chance(50) {
			p["port"] = nil
		}
	case 1:
		p["port"] = pick(g, "web", "db", "metrics", "nobody")
	case 2:
		from := pick(g, 1, 79, 80, 81, 5432, 65534)
		p["port"] = from
		p["endPort"] = pick(g, from, from+1, min(from+1000, 65535), 65535)
	default:
		p["port"] = pick(g, 1, 80, 81, 82, 5432, 8080, 65535)
		if g.chance(20) {
			p["endPort"] = nil
		}
	}
	return p
}

// files spreads the objects over documents, lists and files.
func (g *estateWriter) files() estateText {
	var text estateText
	for len(g.objects) > 0 {
		n := 1 + g.IntN(min(5, len(g.objects)))
		objects := g.objects[:n]
		g.objects = g.objects[n:]
		name := fmt.Sprintf("%s%d", pick(g, "", "sub/", "sub/sub/"), len(text))
		asList := func() obj {
			items := arr{}
			for _, o := range objects {
				items = append(items, o)
			}
			return obj{"apiVersion": "v1", "kind": "List", "metadata": obj{}, "items": items}
		}
		switch g.IntN(6) {
		case 0:
			b, _ := json.MarshalIndent(asList(), "", pick(g, "", "  ", "\t"))
			text = append(text, estateFile{name: name + ".json", docs: []string{string(b) + "\n"}})
		case 1:
			text = append(text, estateFile{name: name + ".yml", docs: []string{g.yaml(asList(), "")}})
		default:
			f := estateFile{name: name + ".yaml", crlf: g.chance(5)}
			if g.chance(30) {
				f.docs = append(f.docs, pick(g, "", "# only a comment\n", "\n"))
			}
			for _, o := range objects {
				f.docs = append(f.docs, g.yaml(o, ""))
			}
			text = append(text, f)
		}
	}
	return text
}

var unquoted = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9/.-]*$`)

// yaml spells a value in block style with flow style and comments strewn in.
func (g *estateWriter) yaml(v any, indent string) string {
	var b strings.Builder
	switch v := v.(type) {
	case obj:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		g.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for _, k := range keys {
			if g.chance(3) {
				fmt.Fprintf(&b, "%s# %s: none\n", indent, k)
			}
			fmt.Fprintf(&b, "%s%s:%s", indent, k, g.yamlValue(v[k], indent+"  "))
		}
	case arr:
		for _, item := range v {
			if m, ok := item.(obj); ok && len(m) > 0 && g.chance(70) {
				fmt.Fprintf(&b, "%s- %s", indent, strings.TrimLeft(g.yaml(m, indent+"  "), " "))
				continue
			}
			fmt.Fprintf(&b, "%s-%s", indent, g.yamlValue(item, indent+"  "))
		}
	}
	return b.String()
}

// yamlValue is what follows a colon or a dash.
func (g *estateWriter) yamlValue(v any, indent string) string {
	switch v := v.(type) {
	case nil:
		return pick(g, "\n", " null\n", " ~\n")
	case string:
		switch {
		case unquoted.MatchString(v) && v != "true" && len(v) > 1 && g.chance(70):
			return " " + v + "\n"
		case g.chance(50):
			return " '" + v + "'\n"
		}
	case obj:
		if len(v) > 0 && g.chance(80) {
			return "\n" + g.yaml(v, indent)
		}
	case arr:
		if len(v) > 0 && g.chance(80) {
			return "\n" + g.yaml(v, indent)
		}
	}
	b, _ := json.Marshal(v) // is flow style too
	return " " + string(b) + "\n"
}
