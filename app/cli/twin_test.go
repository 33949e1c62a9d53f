package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	netv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

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
