package layer

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// defaultTemplate leaves of the metadata what pods get of it.
func defaultTemplate(t *corev1.PodTemplateSpec) {
	t.ObjectMeta = metav1.ObjectMeta{Labels: t.Labels, Annotations: t.Annotations, Finalizers: t.Finalizers}
	defaultPodSpec(&t.Spec)
}

// defaultPod is of a pod itself, which admission and the scheduler write to as well: the
// token of its service account, tolerations of its node, a priority.
func defaultPod(s *corev1.PodSpec) {
	absent(&s.EnableServiceLinks, true)
	unset(&s.ServiceAccountName, "default")
	s.Priority, s.PreemptionPolicy = nil, nil
	s.Volumes = slices.DeleteFunc(s.Volumes, func(v corev1.Volume) bool { return strings.HasPrefix(v.Name, tokenVolume) })
	s.Tolerations = slices.DeleteFunc(s.Tolerations, func(t corev1.Toleration) bool {
		return t.Effect == corev1.TaintEffectNoExecute && (t.Key == corev1.TaintNodeNotReady || t.Key == corev1.TaintNodeUnreachable)
	})
	for _, list := range [][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range list {
			c := &list[i]
			c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return strings.HasPrefix(m.Name, tokenVolume) })
			request(&c.Resources)
		}
	}
	defaultPodSpec(s)
}

// tokenVolume begins the name of the volume that admission adds.
const tokenVolume = "kube-api-access-"

// request asks for what is the limit, where a pod asks for nothing.
func request(r *corev1.ResourceRequirements) {
	asked := maps.Clone(r.Limits)
	maps.Copy(asked, r.Requests)
	if len(asked) > 0 {
		r.Requests = asked
	}
}

func defaultPodSpec(s *corev1.PodSpec) {
	unset(&s.DNSPolicy, corev1.DNSClusterFirst)
	unset(&s.RestartPolicy, corev1.RestartPolicyAlways)
	unset(&s.SchedulerName, corev1.DefaultSchedulerName)
	absent(&s.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)
	absent(&s.SecurityContext, corev1.PodSecurityContext{})
	unset(&s.ServiceAccountName, s.DeprecatedServiceAccount)
	s.DeprecatedServiceAccount = s.ServiceAccountName
	for _, list := range [][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range list {
			defaultContainer(&list[i], s.HostNetwork)
		}
	}
	for i := range s.Volumes {
		defaultVolume(&s.Volumes[i])
	}
}

func defaultContainer(c *corev1.Container, hostNetwork bool) {
	unset(&c.ImagePullPolicy, pullPolicy(c.Image))
	unset(&c.TerminationMessagePath, corev1.TerminationMessagePathDefault)
	unset(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
	for i := range c.Ports {
		unset(&c.Ports[i].Protocol, corev1.ProtocolTCP)
		if hostNetwork {
			unset(&c.Ports[i].HostPort, c.Ports[i].ContainerPort)
		}
	}
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil && from.FieldRef != nil {
			unset(&from.FieldRef.APIVersion, "v1")
		}
	}
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		defaultProbe(p)
	}
	if c.Lifecycle != nil {
		for _, h := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if h != nil {
				defaultGet(h.HTTPGet)
			}
		}
	}
}

// pullPolicy is Always for an image whose tag is "latest", said or not.
func pullPolicy(image string) corev1.PullPolicy {
	if strings.Contains(image, "@") {
		return corev1.PullIfNotPresent
	}
	_, tag, tagged := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	if !tagged || tag == "latest" {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

func defaultProbe(p *corev1.Probe) {
	if p == nil {
		return
	}
	unset(&p.TimeoutSeconds, 1)
	unset(&p.PeriodSeconds, 10)
	unset(&p.SuccessThreshold, 1)
	unset(&p.FailureThreshold, 3)
	defaultGet(p.HTTPGet)
	if p.GRPC != nil {
		absent(&p.GRPC.Service, "")
	}
}

func defaultGet(g *corev1.HTTPGetAction) {
	if g != nil {
		unset(&g.Path, "/")
		unset(&g.Scheme, corev1.URISchemeHTTP)
	}
}

// fileMode is that of what a volume holds.
const fileMode = int32(0o644)

func defaultVolume(v *corev1.Volume) {
	switch {
	case v.VolumeSource == corev1.VolumeSource{}:
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	case v.Secret != nil:
		absent(&v.Secret.DefaultMode, fileMode)
	case v.ConfigMap != nil:
		absent(&v.ConfigMap.DefaultMode, fileMode)
	case v.HostPath != nil:
		absent(&v.HostPath.Type, corev1.HostPathUnset)
	case v.DownwardAPI != nil:
		absent(&v.DownwardAPI.DefaultMode, fileMode)
		defaultFields(v.DownwardAPI.Items)
	case v.Projected != nil:
		defaultProjected(v.Projected)
	case v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil:
		absent(&v.Ephemeral.VolumeClaimTemplate.Spec.VolumeMode, corev1.PersistentVolumeFilesystem)
	}
}

func defaultProjected(p *corev1.ProjectedVolumeSource) {
	absent(&p.DefaultMode, fileMode)
	for _, s := range p.Sources {
		if s.ServiceAccountToken != nil {
			absent(&s.ServiceAccountToken.ExpirationSeconds, 3600)
		}
		if s.DownwardAPI != nil {
			defaultFields(s.DownwardAPI.Items)
		}
	}
}

func defaultFields(files []corev1.DownwardAPIVolumeFile) {
	for _, f := range files {
		if f.FieldRef != nil {
			unset(&f.FieldRef.APIVersion, "v1")
		}
	}
}
