package kube

import (
	"fmt"
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

const (
	ciliumAgent = `{"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "cilium", "namespace": "kube-system"},
		"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "quay.io/cilium/cilium:v1.18.0"}]}}}}`
	flannelAgent = `{"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "kube-flannel-ds", "namespace": "kube-flannel"},
		"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "flannel/flannel:v0.27.0"}]}}}}`
)

func ciliumSettings(data string) string {
	return `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cilium-config", "namespace": "kube-system"}, "data": {` + data + `}}`
}

func manager(flags string) string {
	return `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kube-controller-manager-a", "namespace": "kube-system", "labels": {"component": "kube-controller-manager"}},
		"spec": {"hostNetwork": true, "containers": [{"name": "c", "command": ["kube-controller-manager", ` + flags + `]}]}, "status": {"podIP": "192.0.2.1", "hostIP": "192.0.2.1"}}`
}

func running(ip string) string {
	return `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p-` + fmt.Sprint(len(ip)) + `", "namespace": "a"}, "spec": {"containers": [{"name": "c"}]}, "status": {"podIP": "` + ip + `"}}`
}

func TestPodRanges(t *testing.T) {
	const allocates = `"--allocate-node-cidrs=true", "--cluster-cidr=10.244.0.0/16,fd00::/48"`
	for _, c := range []struct {
		name    string
		objects []string
		want    string
	}{
		{"nothing is known", []string{running("10.244.0.1")}, "[]"},
		{"cilium's pool", []string{ciliumAgent, ciliumSettings(`"ipam": "cluster-pool", "cluster-pool-ipv4-cidr": "10.0.0.0/8 10.1.0.0/16"`), running("10.3.2.1")}, "[10.0.0.0/8 10.1.0.0/16]"},
		{"cilium's pool, and pods elsewhere", []string{ciliumAgent, ciliumSettings(`"ipam": "cluster-pool", "cluster-pool-ipv4-cidr": "10.0.0.0/8"`), running("172.16.0.1")}, "[]"},
		{"cilium's pool, and no pod", []string{ciliumAgent, ciliumSettings(`"ipam": "cluster-pool", "cluster-pool-ipv4-cidr": "10.0.0.0/8"`)}, "[]"},
		{"cilium's pool, misspelt", []string{ciliumAgent, ciliumSettings(`"ipam": "cluster-pool", "cluster-pool-ipv4-cidr": "10.0.0.0/8 x"`), running("10.3.2.1")}, "[]"},
		{"cilium in a cloud", []string{ciliumAgent, ciliumSettings(`"ipam": "eni", "cluster-pool-ipv4-cidr": "10.0.0.0/8"`), manager(allocates), running("10.3.2.1")}, "[]"},
		{"cilium by the nodes' ranges", []string{ciliumAgent, ciliumSettings(`"ipam": "kubernetes"`), manager(allocates), running("10.244.0.1")}, "[10.244.0.0/16 fd00::/48]"},
		{"flannel", []string{flannelAgent, manager(allocates), running("10.244.0.1")}, "[10.244.0.0/16 fd00::/48]"},
		{"flannel, nodes get none", []string{flannelAgent, manager(`"--cluster-cidr=10.244.0.0/16"`), running("10.244.0.1")}, "[]"},
		{"flannel, nobody tells", []string{flannelAgent, running("10.244.0.1")}, "[]"},
		{"flannel, a pod of another family", []string{flannelAgent, manager(`"--allocate-node-cidrs=true", "--cluster-cidr=10.244.0.0/16"`), running("10.244.0.1"), running("fd00::1")}, "[]"},
	} {
		if got := fmt.Sprint(readAll(t, c.objects...).Facts.PodCIDRs); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A pool that is no range is a problem, and not one fewer.
func TestPoolProblem(t *testing.T) {
	s := readAll(t, `{"apiVersion": "crd.projectcalico.org/v1", "kind": "IPPool", "metadata": {"name": "p"}, "spec": {"cidr": "all"}}`)
	if len(s.Problems) != 1 || s.Problems[0].Err != `spec.cidr: "all" is no range` {
		t.Errorf("%v", s.Problems)
	}
}

// What no node runs resolves no names.
func TestIdleCache(t *testing.T) {
	const cache = `{"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "node-local-dns", "namespace": "kube-system"}, "spec": {"selector": {"matchLabels": {"a": "b"}},
		"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"hostNetwork": true, "containers": [{"name": "c", "args": ["-localip", "169.254.20.10"]}]}}}, "status": %s}`
	dns := func(status string) *snapshot.DNS { return readAll(t, fmt.Sprintf(cache, status)).Facts.DNS }
	if dns(`{"observedGeneration": 2, "desiredNumberScheduled": 0}`) != nil {
		t.Error("a cache that no node runs")
	}
	if dns(`{}`) == nil || dns(`{"observedGeneration": 2, "desiredNumberScheduled": 3}`) == nil {
		t.Error("a cache that nodes run")
	}
}
