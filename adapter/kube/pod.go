package kube

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// podOf returns a pod that is running, or a bare one that will.
func podOf(u *unit) ([]*snapshot.Pod, error) {
	p, err := u.member(nil, nil)
	if err != nil {
		return nil, err
	}
	p.Name = u.Name
	p.Addresses = addresses(*u.status, p.HostNetwork)
	p.Leaving = u.template.DeletionTimestamp != nil
	return []*snapshot.Pod{p}, nil
}

// maxNumbered is how many pods of a StatefulSet are told apart.
const maxNumbered = 64

// podsOf returns the pods that a template will make, with the labels that its
// controller adds.
func podsOf(u *unit) ([]*snapshot.Pod, error) {
	if u.Kind == "StatefulSet" && u.copies <= maxNumbered {
		return numbered(u)
	}
	set, unknown := added(u)
	p, err := u.member(set, unknown)
	if err != nil {
		return nil, err
	}
	p.Many = u.copies > 1
	return []*snapshot.Pod{p}, nil
}

// numbered returns the pods of a StatefulSet, which have names.
func numbered(u *unit) ([]*snapshot.Pod, error) {
	var out []*snapshot.Pod
	for i := u.first; i < u.first+max(u.copies, 1); i++ {
		name := u.Name + "-" + strconv.Itoa(i)
		p, err := u.member(map[string]string{
			appsv1.StatefulSetPodNameLabel: name,
			appsv1.PodIndexLabel:           strconv.Itoa(i),
		}, []string{appsv1.StatefulSetRevisionLabel})
		if err != nil {
			return nil, err
		}
		p.Name = name
		out = append(out, p)
	}
	return out, nil
}

// legacyJob are the labels of a Job's pods before they had a prefix; both are set.
const legacyJobName, legacyJobUID = "job-name", "controller-uid"

// added returns the labels that a controller adds to the pods it makes: those with
// a value that the manifest tells, and the keys of the others.
func added(u *unit) (set map[string]string, unknown []string) {
	switch u.Kind {
	case "Deployment":
		return nil, []string{appsv1.DefaultDeploymentUniqueLabelKey}
	case "DaemonSet":
		return nil, []string{appsv1.ControllerRevisionHashLabelKey, "pod-template-generation"}
	case "StatefulSet":
		return nil, []string{appsv1.StatefulSetPodNameLabel, appsv1.PodIndexLabel, appsv1.StatefulSetRevisionLabel}
	case "Job", "CronJob":
		return addedByJob(u)
	}
	return nil, nil
}

// addedByJob: a Job with manualSelector keeps its labels as they are written
// (kubernetes pkg/registry/batch/job generateSelectorIfNeeded).
func addedByJob(u *unit) (set map[string]string, unknown []string) {
	if m := u.job.CompletionMode; m != nil && *m == batchv1.IndexedCompletion {
		unknown = append(unknown, batchv1.JobCompletionIndexAnnotation)
	}
	if u.job.ManualSelector != nil && *u.job.ManualSelector {
		return nil, unknown
	}
	unknown = append(unknown, batchv1.ControllerUidLabel, legacyJobUID)
	generated := len(u.Name) > 0 && u.Name[len(u.Name)-1] == '-'
	if u.Kind == "CronJob" || generated {
		return nil, append(unknown, batchv1.JobNameLabel, legacyJobName)
	}
	return map[string]string{batchv1.JobNameLabel: u.Name, legacyJobName: u.Name}, unknown
}

// member returns one pod of the unit. What a controller adds replaces what the
// template says.
func (u *unit) member(set map[string]string, unknown []string) (*snapshot.Pod, error) {
	ports, err := containerPorts(u.Origin(), u.specField(), u.template.Spec)
	if err != nil {
		return nil, err
	}
	labels := make(map[string]string, len(u.template.Labels)+len(set))
	maps.Copy(labels, u.template.Labels)
	maps.Copy(labels, set)
	slices.Sort(unknown)
	for _, k := range unknown {
		delete(labels, k)
	}
	p := &snapshot.Pod{
		Namespace:      u.Namespace,
		Labels:         netpol.Labels{Set: labels, Unknown: unknown},
		HostNetwork:    u.template.Spec.HostNetwork,
		Node:           u.template.Spec.NodeName,
		Ports:          ports,
		Images:         images(u.template.Spec),
		ServiceAccount: serviceAccount(u.template.Spec),
		Demands:        u.demands(),
		Origin:         u.Origin().At("%s", u.field),
	}
	return p, nil
}

func (u *unit) specField() string {
	if u.field == "" {
		return "spec"
	}
	return u.field + ".spec"
}

func serviceAccount(spec corev1.PodSpec) string {
	switch {
	case spec.ServiceAccountName != "":
		return spec.ServiceAccountName
	case spec.DeprecatedServiceAccount != "":
		return spec.DeprecatedServiceAccount
	}
	return "default"
}

// images are those of the containers.
func images(spec corev1.PodSpec) []string {
	out := make([]string, len(spec.Containers))
	for i, c := range spec.Containers {
		out[i] = c.Image
	}
	return out
}

// containerPorts lists the ports of the containers and then of the sidecars, which
// are init containers that keep running; Services look in this order
// (kubernetes pkg/api/v1/pod FindPort).
func containerPorts(of verdict.Origin, field string, spec corev1.PodSpec) (out []snapshot.ContainerPort, err error) {
	add := func(list string, i int, c corev1.Container) error {
		for j, p := range c.Ports {
			port, err := containerPort(of.At("%s.%s[%d].ports[%d]", field, list, i, j), p)
			if err != nil {
				return err
			}
			out = append(out, port)
		}
		return nil
	}
	for i, c := range spec.Containers {
		if err := add("containers", i, c); err != nil {
			return nil, err
		}
	}
	for i, c := range spec.InitContainers {
		if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
			continue
		}
		if err := add("initContainers", i, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// containerPort converts the port that stands at the origin. A hostIP that is all
// addresses of the node limits nothing.
func containerPort(at verdict.Origin, in corev1.ContainerPort) (out snapshot.ContainerPort, err error) {
	out.Name = in.Name
	if out.Port, err = portNumber(at.Field+".containerPort", in.ContainerPort); err != nil {
		return out, err
	}
	if out.Protocol, err = protocol(at.Field+".protocol", string(in.Protocol)); err != nil || in.HostPort == 0 {
		return out, err
	}
	if out.HostPort, err = portNumber(at.Field+".hostPort", in.HostPort); err != nil {
		return out, err
	}
	out.Origin = at.At("%s.hostPort", at.Field)
	if in.HostIP == "" {
		return out, nil
	}
	ip, err := netip.ParseAddr(in.HostIP)
	if err != nil {
		return out, fault(at.Field+".hostIP", "%q is no address", in.HostIP)
	}
	if !ip.IsUnspecified() {
		out.HostIP = ip.Unmap()
	}
	return out, nil
}

// addresses returns the IPs of a running pod; on the host's network they are the
// node's.
func addresses(in corev1.PodStatus, host bool) []netip.Addr {
	texts := []string{in.PodIP}
	for _, ip := range in.PodIPs {
		texts = append(texts, ip.IP)
	}
	if host {
		texts = append(texts, in.HostIP)
		for _, ip := range in.HostIPs {
			texts = append(texts, ip.IP)
		}
	}
	var out []netip.Addr
	for _, t := range texts {
		if a, err := netip.ParseAddr(t); err == nil && !slices.Contains(out, a.Unmap()) {
			out = append(out, a.Unmap())
		}
	}
	return out
}
