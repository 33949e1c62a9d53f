package estate

import (
	"context"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/verdict"
)

const cilium = `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: cilium, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: cilium}}
  template:
    metadata: {labels: {k8s-app: cilium}}
    spec: {hostNetwork: true, containers: [{name: cilium-agent, image: "quay.io/cilium/cilium:v1.20.1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {policy-cidr-match-mode: nodes, enable-k8s-cluster-network-policy: "true"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: others, namespace: shop}
data: [not, a, map]
`

// The plugin's configuration is read with everything else, and no other ConfigMap.
func TestPlugin(t *testing.T) {
	s, err := Load(context.Background(), Options{Paths: []string{"-"}, Stdin: strings.NewReader(cilium)})
	if err != nil {
		t.Fatal(err)
	}
	p := s.Facts.Profile
	if s.Facts.CNI != "cilium" || s.Facts.Enforces != verdict.Allow || p.Version != "v1.20.1" || !p.Has(cni.ClusterPolicies) || p.Has(cni.BlockSkipsNodes) {
		t.Errorf("%s %s %+v", s.Facts.CNI, s.Facts.Enforces, p)
	}
	if len(s.Problems) > 0 || len(s.Warnings) > 0 {
		t.Errorf("%v %v", s.Problems, s.Warnings)
	}
}

func TestNamedPlugin(t *testing.T) {
	s, err := Load(context.Background(), Options{Paths: []string{"-"}, Stdin: strings.NewReader(cilium), CNI: "none"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Facts.CNI != "none" || s.Facts.Enforces != verdict.Deny || len(s.Facts.Profile.Differences) > 0 || s.Facts.CNIOrigin.Field != "--cni" {
		t.Errorf("%+v", s.Facts)
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0].Text, "cilium (enforces NetworkPolicy)") {
		t.Errorf("%v", s.Warnings)
	}
	if _, err := Load(context.Background(), Options{Paths: []string{"-"}, Stdin: strings.NewReader(cilium), CNI: "Cilium"}); err == nil {
		t.Error("a name that is not known is no error")
	}
}
