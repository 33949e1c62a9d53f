package podrules

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// surplus are what a person takes out of a pod, by what is refused.
var surplus = []struct {
	kind snapshot.DemandKind
	what string
}{
	{snapshot.HostNamespace, "hostNetwork, hostPID and hostIPC"},
	{snapshot.HostPath, "volumes of hostPath (keep the data on a PersistentVolumeClaim)"},
	{snapshot.HostPort, "hostPort (lead clients there by a Service)"},
	{snapshot.Privileged, "privileged: true"},
	{snapshot.Capability, "the capabilities that are added"},
	{snapshot.Unconfined, "what leaves a container unconfined"},
	{snapshot.VolumeType, "volumes other than configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected and secret"},
}

// The fields of a securityContext that a person adds, by what is refused.
var (
	ofPod = []confining{
		{snapshot.Root, "runAsNonRoot: true, runAsUser: 999, fsGroup: 999"},
		{snapshot.NoSeccomp, "seccompProfile: {type: RuntimeDefault}"},
	}
	ofContainer = []confining{
		{snapshot.Escalation, "allowPrivilegeEscalation: false"},
		{snapshot.Capabilities, "capabilities: {drop: [ALL]}"},
	}
)

type confining struct {
	kind  snapshot.DemandKind
	field string
}

// asking says how a pod that a person wrote asks for no more than it may have.
func asking(no []snapshot.Demand) string {
	var away, out []string
	for _, s := range surplus {
		if hasKind(no, s.kind) {
			away = append(away, s.what)
		}
	}
	pod, container := confined(ofPod, no), confined(ofContainer, no)
	if len(away) > 0 {
		out = append(out, "take away from the pod "+strings.Join(away, "; "))
	}
	switch {
	case hasKind(no, snapshot.Root):
		out = append(out, "let the pod ask for less, with the user that the image has (999 in that of the Docker library, 70 in its alpine one):")
	case pod != "" || container != "":
		out = append(out, "let the pod ask for less:")
	}
	if pod != "" {
		out = append(out, pod)
	}
	if container != "" {
		out = append(out, "containers:\n  - "+container)
	}
	return strings.Join(out, "\n")
}

// confined writes the securityContext that answers what is refused; empty for none.
func confined(fields []confining, no []snapshot.Demand) string {
	var out []string
	for _, f := range fields {
		if hasKind(no, f.kind) {
			out = append(out, f.field)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "securityContext: {" + strings.Join(out, ", ") + "}"
}

func hasKind(demands []snapshot.Demand, kind snapshot.DemandKind) bool {
	return slices.ContainsFunc(demands, func(d snapshot.Demand) bool { return d.Kind == kind })
}
