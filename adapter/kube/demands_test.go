package kube

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// fitting is what a container says to fit the level restricted, and fittingPod a pod.
const (
	fitting    = `"allowPrivilegeEscalation":false,"runAsNonRoot":true,"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}`
	fittingPod = `"containers":[{"name":"c","securityContext":{` + fitting + `}}]`
)

var demandNames = map[snapshot.DemandKind]string{
	snapshot.HostNamespace: "host namespace", snapshot.HostPath: "host path", snapshot.HostPort: "host port",
	snapshot.Privileged: "privileged", snapshot.Capability: "capability", snapshot.Unconfined: "unconfined",
	snapshot.Escalation: "escalation", snapshot.Root: "root", snapshot.Capabilities: "capabilities",
	snapshot.NoSeccomp: "no seccomp", snapshot.VolumeType: "volume",
}

// The levels' rows, each with what is asked and where (Kubernetes documentation, Pod
// Security Standards).
func TestDemands(t *testing.T) {
	container := func(more string) string {
		return `"containers":[{"name":"c","securityContext":{` + fitting + more + `}}]`
	}
	pod := func(context string) string { return fittingPod + `,"securityContext":{` + context + `}` }
	for _, c := range []struct{ name, spec, want string }{
		{"what fits", fittingPod, ""},
		{"nothing said", `"containers":[{"name":"c"}]`,
			"escalation containers[0].securityContext.allowPrivilegeEscalation; capabilities containers[0].securityContext.capabilities; " +
				"no seccomp containers[0].securityContext.seccompProfile; root containers[0].securityContext"},
		{"said of the pod", `"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"Localhost","localhostProfile":"p"}},` +
			`"containers":[{"name":"c","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"],"add":["NET_BIND_SERVICE"]}}}]`, ""},
		{"a container says otherwise", pod(`"runAsNonRoot":true`) + `,"initContainers":[{"name":"i","securityContext":{` +
			strings.Replace(fitting, `"runAsNonRoot":true`, `"runAsNonRoot":false`, 1) + `}}]`, "root initContainers[0].securityContext"},
		{"an ephemeral container", fittingPod + `,"ephemeralContainers":[{"name":"e","securityContext":{"privileged":true,` + fitting + `}}]`,
			"privileged ephemeralContainers[0].securityContext.privileged"},
		{"the node's namespaces", fittingPod + `,"hostNetwork":true,"hostPID":true,"hostIPC":true`,
			"host namespace hostNetwork; host namespace hostPID; host namespace hostIPC"},
		{"a host process", pod(`"windowsOptions":{"hostProcess":true}`), "host namespace securityContext.windowsOptions.hostProcess"},
		{"capabilities of baseline", container(`,"capabilities":{"drop":["ALL"],"add":["CHOWN"]}`), "capabilities containers[0].securityContext.capabilities"},
		{"further capabilities", container(`,"capabilities":{"add":["SYS_ADMIN"]}`), "capability containers[0].securityContext.capabilities"},
		{"volumes", fittingPod + `,"volumes":[{"name":"a","hostPath":{"path":"/"}},{"name":"b","nfs":{"server":"s","path":"/"}},{"name":"c","emptyDir":{}},{"name":"d"}]`,
			"host path volumes[0].hostPath; volume volumes[1]"},
		{"a port of the node", `"containers":[{"name":"c","ports":[{"containerPort":1,"hostPort":2}],"securityContext":{` + fitting + `}}]`,
			"host port containers[0].ports[0].hostPort"},
		{"AppArmor", container(`,"appArmorProfile":{"type":"Unconfined"}`), "unconfined containers[0].securityContext"},
		{"SELinux's types", pod(`"seLinuxOptions":{"type":"container_t","level":"s0"}`), ""},
		{"another type", pod(`"seLinuxOptions":{"type":"spc_t"}`), "unconfined securityContext"},
		{"SELinux's user", container(`,"seLinuxOptions":{"user":"u"}`), "unconfined containers[0].securityContext"},
		{"/proc", container(`,"procMount":"Unmasked"`), "unconfined containers[0].securityContext"},
		{"seccomp", container(`,"seccompProfile":{"type":"Unconfined"}`), "unconfined containers[0].securityContext"},
		{"sysctls", pod(`"sysctls":[{"name":"net.ipv4.tcp_syncookies","value":"1"},{"name":"kernel.msgmax","value":"1"}]`), "unconfined securityContext.sysctls[1]"},
		{"user zero", pod(`"runAsUser":0`), "root securityContext.runAsUser"},
		{"user zero of a container", container(`,"runAsUser":0`), "root containers[0].securityContext"},
		{"Windows", `"os":{"name":"windows"},"containers":[{"name":"c","securityContext":{"runAsNonRoot":true}}]`, ""},
	} {
		s := &snapshot.Snapshot{}
		Convert(objects(t, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n"},"spec":{`+c.spec+`}}`), s)
		if len(s.Problems) > 0 {
			t.Fatalf("%s: %v", c.name, s.Problems)
		}
		var got []string
		for _, d := range s.Workloads[0].Pods[0].Demands {
			got = append(got, fmt.Sprintf("%s %s", demandNames[d.Kind], strings.TrimPrefix(d.Origin.Field, "spec.")))
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
}

// A template's demands stand in it; of a StatefulSet each pod has them.
func TestDemandsOfTemplates(t *testing.T) {
	s := &snapshot.Snapshot{}
	Convert(objects(t, `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db","namespace":"n"},"spec":{"replicas":2,"template":{
"metadata":{"annotations":{"container.apparmor.security.beta.kubernetes.io/c":"unconfined"}},"spec":{`+fittingPod+`,"hostPID":true}}}}`), s)
	for _, pod := range s.Workloads[0].Pods {
		if len(pod.Demands) != 2 || pod.Demands[0].Origin.Field != "spec.template.spec.hostPID" ||
			pod.Demands[1].Origin.Field != "spec.template.metadata.annotations" || pod.Demands[0].Origin.Object != "StatefulSet n/db" {
			t.Errorf("%s: %+v", pod.Name, pod.Demands)
		}
	}
	if len(s.Workloads[0].Pods) != 2 {
		t.Errorf("%d pods", len(s.Workloads[0].Pods))
	}
}
