package layer

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	corev1 "k8s.io/api/core/v1"
)

// replaced is an object of next in the place of the one that was there, and whether what
// controllers make of it is the same.
//
// An object with a uid was read from a server, and is as it is. A manifest gets what the API
// server and its controllers keep for an object that is applied again: see kept. Fields that
// others than the manifest's author set (kubectl label, an autoscaler, a webhook) a server
// keeps, too, by what it noted of each field's owner, which nobody tells us: they go.
//
// Where nothing changes by it, the object stays as the server has it, and the manifest is
// what a person would edit.
func replaced(old, next object.Object) (now object.Object, same bool) {
	if identical(old.JSON, next.JSON) {
		old.Source, old.Partial = next.Source, next.Partial
		return old, true
	}
	now = next
	if next.UID == "" {
		now = kept(old, next)
	}
	same = sameMaking(old, now)
	if same && next.UID == "" && sameLabels(old, now) {
		old.Source = next.Source
		return old, true
	}
	return now, same
}

// identical reports whether two texts are the same value.
func identical(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := tree(a)
	y, errY := tree(b)
	return errX == nil && errY == nil && equalTrees(x, y)
}

// tree keeps numbers as they are written.
func tree(data []byte) (out map[string]any, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err = dec.Decode(&out)
	return out, err
}

// kept is a manifest with what the object that it replaces keeps: the status, which for a
// Service is the address of its load balancer, what a server allocated, and where the
// manifest does not say them, spec.replicas, which then are an autoscaler's. The uid stays on
// Kubernetes' own kinds; on a custom resource it would say that the API server filled in the
// defaults of its schema, which it did not in a manifest. Pods and Jobs whose spec changes
// cannot be changed, so that theirs are new ones without status.
//
// An object that cannot be read is left to whoever converts it.
func kept(old, next object.Object) object.Object {
	data, err := overlay.Keep(old.JSON, next.JSON, keptFields[next.Type()]...)
	if err == nil && next.Type() == serviceType {
		data, err = allocated(old.JSON, data)
	}
	if err == nil && builtin(next.Type()) {
		data, err = overlay.Keep(old.JSON, data, []string{"metadata", "uid"})
	}
	if err == nil && keepsStatus(old, next, data) {
		data, err = overlay.KeepStatus(old.JSON, data)
	}
	if err != nil {
		return next
	}
	out, err := object.New(data, next.Source, next.Namespace)
	if err != nil {
		return next
	}
	out.Namespace, out.Partial = next.Namespace, next.Partial
	return out
}

var serviceType, podType, jobType = object.Type{Kind: "Service"}, object.Type{Kind: "Pod"}, object.Type{Group: "batch", Kind: "Job"}

// keptFields are what others than a manifest's author say of an object.
var keptFields = map[object.Type][][]string{
	{Group: "apps", Kind: "Deployment"}:  {{"spec", "replicas"}},
	{Group: "apps", Kind: "StatefulSet"}: {{"spec", "replicas"}},
	{Group: "apps", Kind: "ReplicaSet"}:  {{"spec", "replicas"}},
	{Kind: "ReplicationController"}:      {{"spec", "replicas"}},
	podType:                              {{"spec", "nodeName"}},
}

// builtin reports whether the kind is Kubernetes' own.
func builtin(t object.Type) bool {
	switch t.Group {
	case "", "apps", "batch", "discovery.k8s.io", "networking.k8s.io", "rbac.authorization.k8s.io", "policy", "autoscaling":
		return true
	}
	return false
}

// keepsStatus reports whether what a status says still holds.
func keepsStatus(old, next object.Object, data []byte) bool {
	next.JSON = data
	switch next.Type() {
	case podType, jobType:
		return sameMaking(old, next)
	case serviceType:
		var in corev1.Service
		return next.Decode(&in) == nil && in.Spec.Type == corev1.ServiceTypeLoadBalancer
	}
	return true
}

// allocated gives a Service what the API server allocated for the one before, by the rules of
// its own (kubernetes pkg/registry/core/service/storage, patchAllocatedValues): a cluster
// address as long as both have one, "None" with it, node ports as long as both have them, by
// protocol and port, and the port of health checks. IP families stay where a manifest is
// silent; who changes their policy keeps the first address alone.
func allocated(old, data []byte) ([]byte, error) {
	var was, is serviceShape
	if err := json.Unmarshal(old, &was); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &is); err != nil {
		return nil, err
	}
	var err error
	for _, f := range is.keeps(was) {
		if data, err = overlay.Keep(old, data, []string{"spec", f}); err != nil {
			return nil, err
		}
	}
	if onNodes(was.Spec.Type) && onNodes(is.Spec.Type) {
		return nodePorts(was.Spec.Ports, data)
	}
	return data, nil
}

// A serviceShape is what decides about allocations.
type serviceShape struct {
	Spec struct {
		Type                  string           `json:"type"`
		ClusterIP             string           `json:"clusterIP"`
		IPFamilyPolicy        string           `json:"ipFamilyPolicy"`
		ExternalTrafficPolicy string           `json:"externalTrafficPolicy"`
		Ports                 []map[string]any `json:"ports"`
	} `json:"spec"`
}

// keeps names the fields of spec that stay, unless the new object says them.
func (s serviceShape) keeps(was serviceShape) []string {
	if s.Spec.Type == "ExternalName" || was.Spec.Type == "ExternalName" {
		return nil
	}
	out := []string{"clusterIP"}
	if p := s.Spec.IPFamilyPolicy; (p == "" || p == was.Spec.IPFamilyPolicy) && (s.Spec.ClusterIP == "" || s.Spec.ClusterIP == was.Spec.ClusterIP) {
		out = append(out, "clusterIPs", "ipFamilies", "ipFamilyPolicy")
	}
	if s.Spec.Type == "LoadBalancer" && s.Spec.ExternalTrafficPolicy == "Local" {
		out = append(out, "healthCheckNodePort")
	}
	return out
}

func onNodes(serviceType string) bool {
	return serviceType == "NodePort" || serviceType == "LoadBalancer"
}

// nodePorts writes node ports into the ports of a Service that have none.
func nodePorts(was []map[string]any, data []byte) ([]byte, error) {
	root, err := tree(data)
	if err != nil {
		return nil, err
	}
	have := map[string]any{}
	for _, p := range was {
		have[portKey(p)] = p["nodePort"]
	}
	spec, _ := root["spec"].(map[string]any)
	ports, _ := spec["ports"].([]any)
	for _, entry := range ports {
		p, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		if n := have[portKey(p)]; n != nil && p["nodePort"] == nil {
			p["nodePort"] = n
		}
	}
	return json.Marshal(root)
}

func portKey(p map[string]any) string {
	protocol := p["protocol"]
	if protocol == nil {
		protocol = "TCP"
	}
	return fmt.Sprint(protocol, " ", p["port"])
}
