package cnpg

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// securitySpec is what a Cluster may say in place of the operator's defaults, which fit
// the level restricted. What it leaves out stays as it is, but for capabilities, which it
// replaces as a whole [cnpg docs/src/samples/cluster-example-security-context.yaml@1.30.0].
type securitySpec struct {
	PostgresUID *int64      `json:"postgresUID"`
	Seccomp     seccompSpec `json:"seccompProfile"`
	Pod         struct {
		RunAsUser *int64      `json:"runAsUser"`
		Seccomp   seccompSpec `json:"seccompProfile"`
	} `json:"podSecurityContext"`
	Container struct {
		Privileged   bool   `json:"privileged"`
		Escalation   bool   `json:"allowPrivilegeEscalation"`
		RunAsNonRoot *bool  `json:"runAsNonRoot"`
		RunAsUser    *int64 `json:"runAsUser"`
		Capabilities *struct {
			Add  []string `json:"add"`
			Drop []string `json:"drop"`
		} `json:"capabilities"`
		Seccomp seccompSpec `json:"seccompProfile"`
	} `json:"securityContext"`
}

type seccompSpec struct {
	Type string `json:"type"`
}

// demands are what the Cluster asks for its pods beyond the level restricted. The faults of
// its fields are told where the object is read.
func (c *cluster) demands() (out []snapshot.Demand) {
	s := c.spec.securitySpec
	add := func(asked bool, kind snapshot.DemandKind, field string) {
		if asked {
			out = append(out, snapshot.Demand{Kind: kind, Origin: c.at("spec.%s", field)})
		}
	}
	root := func(user *int64) bool { return user != nil && *user == 0 }
	add(s.Container.Privileged, snapshot.Privileged, "securityContext.privileged")
	for field, profile := range map[string]seccompSpec{
		"seccompProfile.type": s.Seccomp, "podSecurityContext.seccompProfile.type": s.Pod.Seccomp, "securityContext.seccompProfile.type": s.Container.Seccomp,
	} {
		add(profile.Type == "Unconfined", snapshot.Unconfined, field)
	}
	add(s.Container.Escalation, snapshot.Escalation, "securityContext.allowPrivilegeEscalation")
	add(root(s.PostgresUID), snapshot.Root, "postgresUID")
	add(root(s.Pod.RunAsUser), snapshot.Root, "podSecurityContext.runAsUser")
	add(root(s.Container.RunAsUser), snapshot.Root, "securityContext.runAsUser")
	add(s.Container.RunAsNonRoot != nil && !*s.Container.RunAsNonRoot, snapshot.Root, "securityContext.runAsNonRoot")
	if caps := s.Container.Capabilities; caps != nil {
		kind, lax := snapshot.CapabilityDemand(caps.Add, caps.Drop)
		add(lax, kind, "securityContext.capabilities")
	}
	slices.SortStableFunc(out, func(a, b snapshot.Demand) int { return int(a.Kind) - int(b.Kind) })
	return out
}
