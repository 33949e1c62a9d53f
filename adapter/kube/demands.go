package kube

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
	corev1 "k8s.io/api/core/v1"
)

// demands lists what the Pod Security Standards refuse of the unit's pods, each once a
// container, in the order of the levels (Kubernetes documentation, Pod Security
// Standards; kubernetes staging/src/k8s.io/pod-security-admission/policy).
func (u *unit) demands() []snapshot.Demand {
	if u.asked {
		return u.asks
	}
	u.asked = true
	d := demands{origin: u.Origin(), field: u.specField(), spec: &u.template.Spec}
	d.pod()
	for _, list := range d.lists() {
		for i := range list.containers {
			d.container(fmt.Sprintf("%s.%s[%d]", d.field, list.name, i), &list.containers[i])
		}
	}
	if slices.ContainsFunc(unconfinedProfiles(u.template.Annotations), isUnconfined) {
		d.add(snapshot.Unconfined, strings.TrimPrefix(u.field+".metadata.annotations", "."))
	}
	u.asks = d.found
	return u.asks
}

// A demands list is being made of a pod's spec, which stands at field.
type demands struct {
	origin verdict.Origin // of the object
	field  string
	spec   *corev1.PodSpec
	found  []snapshot.Demand
}

func (d *demands) add(kind snapshot.DemandKind, field string) {
	at := d.origin
	at.Field = field
	d.found = append(d.found, snapshot.Demand{Kind: kind, Origin: at})
}

func (d *demands) addIf(asked bool, kind snapshot.DemandKind, field string) {
	if asked {
		d.add(kind, d.field+"."+field)
	}
}

// A containerList is one of the three in a pod.
type containerList struct {
	name       string
	containers []corev1.Container
}

func (d *demands) lists() []containerList {
	ephemeral := make([]corev1.Container, len(d.spec.EphemeralContainers))
	for i, c := range d.spec.EphemeralContainers {
		ephemeral[i] = corev1.Container(c.EphemeralContainerCommon)
	}
	return []containerList{{"containers", d.spec.Containers}, {"initContainers", d.spec.InitContainers}, {"ephemeralContainers", ephemeral}}
}

// pod looks at what is said of the pod as a whole.
func (d *demands) pod() {
	d.addIf(d.spec.HostNetwork, snapshot.HostNamespace, "hostNetwork")
	d.addIf(d.spec.HostPID, snapshot.HostNamespace, "hostPID")
	d.addIf(d.spec.HostIPC, snapshot.HostNamespace, "hostIPC")
	for i, v := range d.spec.Volumes {
		switch field := fmt.Sprintf("volumes[%d]", i); {
		case v.HostPath != nil:
			d.addIf(true, snapshot.HostPath, field+".hostPath")
		case !ordinary(v):
			d.addIf(true, snapshot.VolumeType, field)
		}
	}
	c := d.spec.SecurityContext
	if c == nil {
		return
	}
	d.addIf(unconfined(c.SeccompProfile, c.AppArmorProfile, c.SELinuxOptions), snapshot.Unconfined, "securityContext")
	d.addIf(c.WindowsOptions != nil && isSet(c.WindowsOptions.HostProcess), snapshot.HostNamespace, "securityContext.windowsOptions.hostProcess")
	for i, s := range c.Sysctls {
		d.addIf(!slices.Contains(safeSysctls, s.Name), snapshot.Unconfined, fmt.Sprintf("securityContext.sysctls[%d]", i))
	}
	d.addIf(c.RunAsUser != nil && *c.RunAsUser == 0, snapshot.Root, "securityContext.runAsUser")
}

// safeSysctls are those that stay in the pod.
var safeSysctls = []string{
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
	"net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}

// ordinary volumes are those that restricted admits.
func ordinary(v corev1.Volume) bool {
	return v.ConfigMap != nil || v.CSI != nil || v.DownwardAPI != nil || v.EmptyDir != nil || v.Ephemeral != nil ||
		v.PersistentVolumeClaim != nil || v.Projected != nil || v.Secret != nil || v.Image != nil ||
		v.VolumeSource == corev1.VolumeSource{} // which is an emptyDir
}

func isSet(b *bool) bool { return b != nil && *b }

// container looks at one container, which stands at the field.
func (d *demands) container(field string, c *corev1.Container) {
	for i, p := range c.Ports {
		if p.HostPort != 0 {
			d.add(snapshot.HostPort, fmt.Sprintf("%s.ports[%d].hostPort", field, i))
		}
	}
	s := c.SecurityContext
	if s == nil {
		s = &corev1.SecurityContext{}
	}
	field += ".securityContext"
	if s.WindowsOptions != nil && isSet(s.WindowsOptions.HostProcess) {
		d.add(snapshot.HostNamespace, field+".windowsOptions.hostProcess")
	}
	if isSet(s.Privileged) {
		d.add(snapshot.Privileged, field+".privileged")
	}
	if unconfined(s.SeccompProfile, s.AppArmorProfile, s.SELinuxOptions) || s.ProcMount != nil && *s.ProcMount != corev1.DefaultProcMount {
		d.add(snapshot.Unconfined, field)
	}
	if d.spec.OS == nil || d.spec.OS.Name != corev1.Windows {
		d.linux(field, s)
	}
	if d.mayBeRoot(s) {
		d.add(snapshot.Root, field)
	}
}

// linux looks at what only Linux knows; restricted asks it of no other.
func (d *demands) linux(field string, s *corev1.SecurityContext) {
	if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
		d.add(snapshot.Escalation, field+".allowPrivilegeEscalation")
	}
	var add, drop []string
	if s.Capabilities != nil {
		add, drop = names(s.Capabilities.Add), names(s.Capabilities.Drop)
	}
	if kind, refused := snapshot.CapabilityDemand(add, drop); refused {
		d.add(kind, field+".capabilities")
	}
	if s.SeccompProfile == nil && (d.spec.SecurityContext == nil || d.spec.SecurityContext.SeccompProfile == nil) {
		d.add(snapshot.NoSeccomp, field+".seccompProfile")
	}
}

func names(capabilities []corev1.Capability) (out []string) {
	for _, c := range capabilities {
		out = append(out, string(c))
	}
	return out
}

// mayBeRoot: what a container says of its user replaces what the pod says.
func (d *demands) mayBeRoot(s *corev1.SecurityContext) bool {
	if s.RunAsUser != nil && *s.RunAsUser == 0 {
		return true
	}
	if s.RunAsNonRoot != nil {
		return !*s.RunAsNonRoot
	}
	return d.spec.SecurityContext == nil || !isSet(d.spec.SecurityContext.RunAsNonRoot)
}

// unconfined reports whether one of the profiles that hold a container is loosened.
func unconfined(seccomp *corev1.SeccompProfile, armor *corev1.AppArmorProfile, linux *corev1.SELinuxOptions) bool {
	return seccomp != nil && seccomp.Type == corev1.SeccompProfileTypeUnconfined ||
		armor != nil && armor.Type == corev1.AppArmorProfileTypeUnconfined ||
		linux != nil && (linux.User != "" || linux.Role != "" || !slices.Contains(containerTypes, linux.Type))
}

// containerTypes are the types of SELinux that baseline admits.
var containerTypes = []string{"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}

// unconfinedProfiles are the values of the annotations that named AppArmor's profiles
// before there was a field.
func unconfinedProfiles(annotations map[string]string) (out []string) {
	for key, value := range annotations {
		if strings.HasPrefix(key, corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix) {
			out = append(out, value)
		}
	}
	return out
}

func isUnconfined(profile string) bool {
	return profile == corev1.DeprecatedAppArmorBetaProfileNameUnconfined
}
