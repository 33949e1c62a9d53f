package kube

import (
	"testing"

	"github.com/pgmoat/pgmoat/model/verdict"
)

const beta = "service.beta.kubernetes.io/"

// A value for an internal load balancer, one for a public one, and one that tells
// nothing; empty for none of the kind.
func TestExposureOfEachController(t *testing.T) {
	for key, values := range map[string][3]string{
		gkeType:                                                          {"Internal", "External", ""},
		"cloud.google.com/load-balancer-type":                            {"internal", "external", ""},
		beta + "azure-load-balancer-internal":                            {"true", "True", ""},
		beta + "openstack-internal-load-balancer":                        {"true", "false", "yes"},
		beta + "do-loadbalancer-network":                                 {"INTERNAL", "EXTERNAL", "internal"},
		beta + "alibaba-cloud-loadbalancer-address-type":                 {"intranet", "internet", "x"},
		beta + "alicloud-loadbalancer-address-type":                      {"intranet", "internet", "x"},
		"service.kubernetes.io/qcloud-loadbalancer-internal-subnetid":    {"subnet-1", "", " "},
		beta + "oci-load-balancer-internal":                              {"true", "false", "x"},
		"oci-network-load-balancer.oraclecloud.com/internal":             {"true", "false", "x"},
		"service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type": {"private", "public", "x"},
		"load-balancer.hetzner.cloud/disable-public-network":             {"true", "false", "x"},
		beta + "scw-loadbalancer-private":                                {"true", "false", "x"},
		"yandex.cloud/load-balancer-type":                                {"internal", "external", "x"},
		"kubernetes.io/elb.autocreate":                                   {`{"type":"inner"}`, `{"type":"public","eip_type":"5_bgp"}`, "inner"},
		beta + "ncloud-load-balancer-internal":                           {"true", "false", "x"},
		"lb.stackit.cloud/internal-lb":                                   {"true", "false", "x"},
		"yawol.stackit.cloud/internalLB":                                 {"true", "false", "x"},
		"metallb.io/loadBalancerIPs":                                     {"10.0.0.1,fd00::1", "10.0.0.1, 203.0.113.1", "ten"},
		"metallb.universe.tf/loadBalancerIPs":                            {"192.168.0.1", "203.0.113.1", "ten"},
		"metallb.io/address-pool":                                        {"", "", "internal"},
		"metallb.universe.tf/address-pool":                               {"", "", "internal"},
		"lbipam.cilium.io/ips":                                           {"10.0.0.1", "2001:db8::1", "10.0.0.1,x"},
		"io.cilium/lb-ipam-ips":                                          {"10.0.0.1", "203.0.113.1", "x"},
		"kube-vip.io/loadbalancerIPs":                                    {"172.16.0.1", "203.0.113.1", "x"},
	} {
		for i, want := range []verdict.Verdict{verdict.Allow, verdict.Deny, verdict.Unknown} {
			if values[i] == "" {
				continue
			}
			if got, by := Exposure(map[string]string{key: values[i], "other": "true"}); got != want || by != key {
				t.Errorf("%s: %s: %s by %q, want %s", key, values[i], got, by, want)
			}
		}
	}
}

// Every row of the table has a source, and none is there twice.
func TestExposuresAreSourced(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range exposures {
		if e.source == "" || seen[e.key] {
			t.Errorf("%s: %q", e.key, e.source)
		}
		seen[e.key] = true
	}
}

func TestExposureOnAWS(t *testing.T) {
	for _, c := range []struct {
		scheme, internal, kind string
		want                   verdict.Verdict
		key                    string
	}{
		{"", "true", "", verdict.Allow, awsInternal},
		{"", "0.0.0.0/0", "", verdict.Allow, awsInternal},
		{"", "false", "", verdict.Deny, awsInternal},
		{"", "0", "", verdict.Unknown, awsInternal},
		{"internal", "", "", verdict.Unknown, awsScheme}, // public if Kubernetes' own takes it
		{"internal", "", "nlb", verdict.Unknown, awsScheme},
		{"internal", "", "external", verdict.Allow, awsScheme},
		{"internal", "", "nlb-ip", verdict.Allow, awsScheme},
		{"internal", "true", "", verdict.Allow, awsScheme},
		{"internal", "false", "", verdict.Unknown, awsScheme},
		{"internal", "false", "external", verdict.Allow, awsScheme},
		{"internet-facing", "", "", verdict.Deny, awsScheme},
		{"internet-facing", "true", "", verdict.Unknown, awsScheme},
		{"internet-facing", "true", "external", verdict.Deny, awsScheme},
		{"Internal", "", "external", verdict.Unknown, awsScheme},
	} {
		a := map[string]string{}
		for key, value := range map[string]string{awsScheme: c.scheme, awsInternal: c.internal, awsType: c.kind} {
			if value != "" {
				a[key] = value
			}
		}
		if got, by := Exposure(a); got != c.want || by != c.key {
			t.Errorf("%v: %s by %q", c, got, by)
		}
	}
}

func TestExposureOfSeveral(t *testing.T) {
	for _, c := range []struct {
		annotations map[string]string
		want        verdict.Verdict
		key         string
	}{
		{nil, verdict.Unknown, ""},
		{map[string]string{"a": "b"}, verdict.Unknown, ""},
		{map[string]string{gkeType: "Internal", "cloud.google.com/load-balancer-type": "External"}, verdict.Allow, gkeType},
		{map[string]string{gkeType: "Internal", beta + "azure-load-balancer-internal": "true"}, verdict.Allow, gkeType},
		{map[string]string{gkeType: "Internal", beta + "azure-load-balancer-internal": "false"}, verdict.Unknown, gkeType},
		{map[string]string{awsInternal: "true", gkeType: "External"}, verdict.Unknown, awsInternal},
		{map[string]string{"metallb.io/address-pool": "a", "metallb.io/loadBalancerIPs": "10.0.0.1"}, verdict.Allow, "metallb.io/loadBalancerIPs"},
	} {
		if got, by := Exposure(c.annotations); got != c.want || by != c.key {
			t.Errorf("%v: %s by %q", c.annotations, got, by)
		}
	}
}
