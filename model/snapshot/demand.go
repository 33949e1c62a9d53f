package snapshot

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Demand is something that a pod asks of its node, or does not give up, and that a
// level of the Pod Security Standards refuses (Kubernetes documentation, Pod Security
// Standards).
type Demand struct {
	Kind DemandKind
	// Maybe says that it hangs on a fact that no source holds.
	Maybe bool
	// Origin is where it is asked; where nobody wrote it, the field that would have to say
	// otherwise, and without a Field an object that has none for it.
	Origin verdict.Origin
}

// A DemandKind says what is asked. The zero value is none of them.
type DemandKind uint8

// What the level baseline refuses, and restricted with it.
const (
	NoDemand      DemandKind = iota
	HostNamespace            // hostNetwork, hostPID, hostIPC, a Windows host process
	HostPath
	HostPort
	Privileged
	Capability // one added that baseline does not know
	Unconfined // seccomp, AppArmor, SELinux, the mount of /proc or a sysctl loosened
	// What restricted alone refuses.
	Escalation   // allowPrivilegeEscalation is not false
	Root         // runAsNonRoot is not true, or runAsUser is 0
	Capabilities // not all are dropped
	NoSeccomp    // no profile is set
	VolumeType
)

// Baseline reports whether the level baseline refuses it already.
func (k DemandKind) Baseline() bool { return k != NoDemand && k < Escalation }

// usualCapabilities are those that baseline lets a container add.
var usualCapabilities = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
	"SETPCAP", "SETUID", "SYS_CHROOT",
}

// CapabilityDemand says what the capabilities that a container adds and drops demand, if
// restricted refuses them.
func CapabilityDemand(add, drop []string) (kind DemandKind, refused bool) {
	for _, c := range add {
		if !slices.Contains(usualCapabilities, c) {
			return Capability, true
		}
	}
	beyond := slices.ContainsFunc(add, func(c string) bool { return c != "NET_BIND_SERVICE" })
	if beyond || !slices.Contains(drop, "ALL") {
		return Capabilities, true
	}
	return NoDemand, false
}
