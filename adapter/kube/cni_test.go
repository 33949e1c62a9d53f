package kube

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func daemonSet(name, container string) object.Object {
	data := `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"` + name + `"},"spec":{"template":{"spec":{"containers":[` + container + `]}}}}`
	o, err := object.New([]byte(data), object.Source{}, "kube-system")
	if err != nil {
		panic(err)
	}
	return o
}

func TestCNI(t *testing.T) {
	for _, c := range []struct {
		what     string
		daemons  []object.Object
		cni      string
		enforces verdict.Verdict
	}{
		{"no network plugin", []object.Object{daemonSet("node-exporter", `{}`)}, "", verdict.Unknown},
		{"flannel does not enforce", []object.Object{daemonSet("kube-flannel-ds", `{}`)}, "flannel", verdict.Deny},
		{"flannel for one architecture", []object.Object{daemonSet("kube-flannel-ds-amd64", `{}`)}, "flannel", verdict.Deny},
		{"calico beside flannel", []object.Object{daemonSet("calico-node", `{}`), daemonSet("kube-flannel-ds", `{}`)}, "calico", verdict.Allow},
		{"the same the other way round", []object.Object{daemonSet("kube-flannel-ds", `{}`), daemonSet("calico-node", `{}`)}, "calico", verdict.Allow},
		{"aws by default", []object.Object{daemonSet("aws-node", `{"args":["--enable-ipv6=false"]}`)}, "aws-vpc-cni", verdict.Deny},
		{"aws told not to", []object.Object{daemonSet("aws-node", `{"args":["--enable-network-policy=false"]}`)}, "aws-vpc-cni", verdict.Deny},
		{"aws told to", []object.Object{daemonSet("aws-node", `{},{"args":["--enable-network-policy=true"]}`)}, "aws-vpc-cni", verdict.Allow},
		{"an old kindnet", []object.Object{daemonSet("kindnet", `{"image":"docker.io/kindest/kindnetd:v20240513-cbe1b8f"}`)}, "kindnet", verdict.Deny},
		{"a new kindnet", []object.Object{daemonSet("kindnet", `{"image":"docker.io/kindest/kindnetd:v20240813-c6f155d6"}`)}, "kindnet", verdict.Allow},
		{"a kindnet of no date", []object.Object{daemonSet("kindnet", `{"image":"kindnetd"}`)}, "kindnet", verdict.Unknown},
	} {
		t.Run(c.what, func(t *testing.T) {
			var s snapshot.Snapshot
			Convert(c.daemons, &s)
			if s.Facts.CNI != c.cni || s.Facts.Enforces != c.enforces {
				t.Errorf("%s %s, want %s %s", s.Facts.CNI, s.Facts.Enforces, c.cni, c.enforces)
			}
		})
	}
}

func TestFactsBeforeDetection(t *testing.T) {
	s := snapshot.Snapshot{Facts: snapshot.Facts{Enforces: verdict.Deny}}
	Convert([]object.Object{daemonSet("cilium", `{}`)}, &s)
	if s.Facts.CNI != "" || s.Facts.Enforces != verdict.Deny {
		t.Errorf("what somebody stated was changed: %+v", s.Facts)
	}
}
