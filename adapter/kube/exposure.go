package kube

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// An exposure is one annotation by which a controller of load balancers tells an
// internal one from a public one.
type exposure struct {
	key string
	// read says what the value makes: Allow for internal, Deny for public, Unknown where
	// the value does not tell.
	read func(value string) verdict.Verdict
	// behind is a key that counts in its place where both are there.
	behind string
	// source is where it is documented.
	source string
}

// The keys that more than one rule asks for.
const (
	awsScheme   = "service.beta.kubernetes.io/aws-load-balancer-scheme"
	awsInternal = "service.beta.kubernetes.io/aws-load-balancer-internal"
	awsType     = "service.beta.kubernetes.io/aws-load-balancer-type"
	gkeType     = "networking.gke.io/load-balancer-type"
)

// exposures are the annotations of all controllers but those of AWS, which disagree
// with each other. What a controller does without one is not here: without one, nothing
// tells which controller it is.
var exposures = []exposure{
	{key: gkeType, read: gke, source: "[cloud-provider-gcp providers/gce/gce_annotations.go]"},
	{key: "cloud.google.com/load-balancer-type", read: gke, behind: gkeType, source: "[cloud-provider-gcp providers/gce/gce_annotations.go]"},
	{key: "service.beta.kubernetes.io/azure-load-balancer-internal", read: only("true"),
		source: "[cloud-provider-azure pkg/provider/azure_loadbalancer.go requiresInternalLoadBalancer]"},
	{key: "service.beta.kubernetes.io/openstack-internal-load-balancer", read: word("true", "false"),
		source: "[cloud-provider-openstack docs/openstack-cloud-controller-manager/expose-applications-using-loadbalancer-type-service.md]"},
	{key: "service.beta.kubernetes.io/do-loadbalancer-network", read: word("INTERNAL", "EXTERNAL"),
		source: "[digitalocean-cloud-controller-manager docs/controllers/services/annotations.md]"},
	{key: "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", read: word("intranet", "internet"),
		source: "https://www.alibabacloud.com/help/doc-detail/86531.htm"},
	{key: "service.beta.kubernetes.io/alicloud-loadbalancer-address-type", read: word("intranet", "internet"),
		source: "https://www.alibabacloud.com/help/doc-detail/86531.htm"},
	{key: "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", read: anything,
		source: "https://www.tencentcloud.com/document/product/457/39142"},
	{key: "service.beta.kubernetes.io/oci-load-balancer-internal", read: word("true", "false"),
		source: "[oci-cloud-controller-manager pkg/cloudprovider/providers/oci/load_balancer_spec.go]"},
	{key: "oci-network-load-balancer.oraclecloud.com/internal", read: word("true", "false"),
		source: "[oci-cloud-controller-manager pkg/cloudprovider/providers/oci/load_balancer_spec.go]"},
	{key: "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", read: word("private", "public"),
		source: "https://cloud.ibm.com/docs/containers?topic=containers-loadbalancer"},
	{key: "load-balancer.hetzner.cloud/disable-public-network", read: word("true", "false"),
		source: "[hcloud-cloud-controller-manager internal/annotation/load_balancer.go]"},
	{key: "service.beta.kubernetes.io/scw-loadbalancer-private", read: word("true", "false"),
		source: "[scaleway-cloud-controller-manager docs/loadbalancer-annotations.md]"},
	{key: "yandex.cloud/load-balancer-type", read: word("internal", "external"),
		source: "https://yandex.cloud/en/docs/network-load-balancer/k8s-ref/service"},
	{key: "kubernetes.io/elb.autocreate", read: huawei, source: "https://support.huaweicloud.com/intl/en-us/usermanual-cce/cce_10_0385.html"},
	{key: "service.beta.kubernetes.io/ncloud-load-balancer-internal", read: word("true", "false"),
		source: "https://guide.ncloud-docs.com/docs/en/nks-nks-1-8"},
	{key: "lb.stackit.cloud/internal-lb", read: word("true", "false"), source: "[cloud-provider-stackit docs/load_balancer.md]"},
	{key: "yawol.stackit.cloud/internalLB", read: word("true", "false"), source: "[stackitcloud/yawol README.md]"},

	// Where the cluster itself hands out addresses, the address tells, and the name of a
	// pool does not.
	{key: "metallb.io/loadBalancerIPs", read: private, source: "https://metallb.io/usage/"},
	{key: "metallb.universe.tf/loadBalancerIPs", read: private, source: "https://metallb.io/usage/"},
	{key: "metallb.io/address-pool", read: untold, behind: "metallb.io/loadBalancerIPs", source: "https://metallb.io/usage/"},
	{key: "metallb.universe.tf/address-pool", read: untold, behind: "metallb.universe.tf/loadBalancerIPs", source: "https://metallb.io/usage/"},
	{key: "lbipam.cilium.io/ips", read: private, source: "https://docs.cilium.io/en/stable/network/lb-ipam/"},
	{key: "io.cilium/lb-ipam-ips", read: private, source: "https://docs.cilium.io/en/stable/network/lb-ipam/"},
	{key: "kube-vip.io/loadbalancerIPs", read: private, source: "https://kube-vip.io/docs/usage/cloud-provider/"},
}

// classes are the values of spec.loadBalancerClass that tell, whatever the annotations
// are [ingress-gce pkg/annotations, cloud-provider-gcp providers/gce/gce_annotations.go,
// https://tailscale.com/kb/1439/kubernetes-operator-cluster-ingress].
var classes = map[string]verdict.Verdict{
	"networking.gke.io/l4-regional-internal":        verdict.Allow,
	"networking.gke.io/l4-regional-internal-legacy": verdict.Allow,
	"networking.gke.io/l4-regional-external":        verdict.Deny,
	"networking.gke.io/l4-regional-external-legacy": verdict.Deny,
	"tailscale": verdict.Allow,
}

// awsClasses are those of the controllers that read the scheme.
var awsClasses = []string{"service.k8s.aws/nlb", "eks.amazonaws.com/nlb"}

// Exposure says what annotations make of a Service of type LoadBalancer: Allow, a load
// balancer that only the private network reaches; Deny, one that the Internet does. It
// is Unknown where no annotation tells, where annotations contradict each other, and
// where it depends on which controller reads them. The key is that of the annotation,
// also of one that only leaves it Unknown; empty where there is none.
func Exposure(annotations map[string]string) (internal verdict.Verdict, key string) {
	return exposed(annotations, "")
}

// exposed is Exposure of a Service of this loadBalancerClass.
func exposed(annotations map[string]string, class string) (internal verdict.Verdict, key string) {
	if len(annotations) == 0 {
		return verdict.Unknown, ""
	}
	internal, key = onAWS(annotations, class)
	for _, e := range exposures {
		value, ok := annotations[e.key]
		if _, hidden := annotations[e.behind]; !ok || hidden {
			continue
		}
		said := e.read(strings.TrimSpace(value))
		switch {
		case key == "":
			internal, key = said, e.key
		case said != internal:
			return verdict.Unknown, key
		}
	}
	return internal, key
}

// onAWS asks two controllers. Kubernetes' own knows no scheme and makes a public load
// balancer where nothing else tells; the other one puts the scheme first. Which of
// them takes the Service depends on its type and class, and on how the other one is
// installed [cloud-provider-aws pkg/providers/v1/aws.go, aws-load-balancer-controller
// pkg/service/model_build_load_balancer.go@v2.2].
func onAWS(annotations map[string]string, class string) (internal verdict.Verdict, key string) {
	scheme, schemed := annotations[awsScheme]
	flag, flagged := annotations[awsInternal]
	if !schemed && !flagged {
		return verdict.Unknown, ""
	}
	own, other := verdict.Deny, verdict.Unknown
	if flagged {
		key, own, other = awsInternal, aws(flag), aws(flag)
	}
	if schemed {
		key, other = awsScheme, word("internal", "internet-facing")(scheme)
	}
	if own != other && !readsScheme(annotations, class) {
		return verdict.Unknown, key
	}
	return other, key
}

// readsScheme reports whether the controller is surely the one that reads the scheme:
// the type hands the Service over to it, or the class does.
func readsScheme(annotations map[string]string, class string) bool {
	switch annotations[awsType] {
	case "external", "nlb-ip":
		return true
	}
	for _, c := range awsClasses {
		if class == c {
			return true
		}
	}
	return false
}

// word reads one for internal and one for public.
func word(internal, public string) func(string) verdict.Verdict {
	return func(value string) verdict.Verdict {
		switch value {
		case internal:
			return verdict.Allow
		case public:
			return verdict.Deny
		}
		return verdict.Unknown
	}
}

// only reads one word for internal; every other value makes a public one.
func only(internal string) func(string) verdict.Verdict {
	return func(value string) verdict.Verdict { return isInternal(value == internal) }
}

func isInternal(is bool) verdict.Verdict {
	if is {
		return verdict.Allow
	}
	return verdict.Deny
}

// aws reads the older flag: "0.0.0.0/0" is what the documentation asked for at first.
// Other values are internal to one controller and an error to the other.
func aws(value string) verdict.Verdict {
	if value == "0.0.0.0/0" {
		return verdict.Allow
	}
	return word("true", "false")(value)
}

func gke(value string) verdict.Verdict { return isInternal(value == "Internal" || value == "internal") }

func anything(value string) verdict.Verdict {
	if value == "" {
		return verdict.Unknown
	}
	return verdict.Allow
}

func untold(string) verdict.Verdict { return verdict.Unknown }

// huawei reads the field type of a JSON object.
func huawei(value string) verdict.Verdict {
	var in struct {
		Type string `json:"type"`
	}
	if json.Unmarshal([]byte(value), &in) != nil {
		return verdict.Unknown
	}
	return word("inner", "public")(in.Type)
}

// private reads a list of addresses. One that is not for private networks alone makes
// the load balancer public.
func private(value string) verdict.Verdict {
	said := verdict.Unknown
	for text := range strings.SplitSeq(value, ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(text))
		switch {
		case err != nil:
			return verdict.Unknown
		case !a.Unmap().IsPrivate():
			return verdict.Deny
		}
		said = verdict.Allow
	}
	return said
}
