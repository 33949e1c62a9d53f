package cnpg

import (
	"net/netip"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// What a template says of clients from beyond the cluster is the Service's.
func TestServicesForOutside(t *testing.T) {
	s := adapted(t, worldtest.World(t, cluster1(`managed: {services: {additional: [
    {selectorType: rw, serviceTemplate: {metadata: {name: lb, annotations: {service.beta.kubernetes.io/azure-load-balancer-internal: "true"}},
      spec: {type: LoadBalancer, externalTrafficPolicy: Local, allocateLoadBalancerNodePorts: false, externalIPs: [192.0.2.1], loadBalancerSourceRanges: [203.0.113.0/24]}}}]}}`)))
	var lb *snapshot.Service
	for _, svc := range s.Services {
		if svc.Name == "lb" {
			lb = svc
		}
	}
	if lb == nil || !lb.KeepsClient || !lb.NoNodePorts || len(lb.ExternalIPs) != 1 || lb.Internal != verdict.Allow || !lb.Synthetic {
		t.Fatalf("%+v", lb)
	}
	want := "spec.managed.services.additional[0].serviceTemplate.metadata.annotations[service.beta.kubernetes.io/azure-load-balancer-internal]"
	if lb.InternalOrigin.Field != want || lb.SourceRanges[0] != netip.MustParsePrefix("203.0.113.0/24") {
		t.Errorf("%s %v", lb.InternalOrigin, lb.SourceRanges)
	}
}
