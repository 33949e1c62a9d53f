package kube

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
	corev1 "k8s.io/api/core/v1"
)

// balancer adds what a Service's class and annotations make of its load balancer. On
// Services of other types they do nothing.
func (c *converter) balancer(s *snapshot.Service, o object.Object, in corev1.ServiceSpec) error {
	if in.Type != corev1.ServiceTypeLoadBalancer {
		return nil
	}
	class := value(in.LoadBalancerClass)
	if internal, ok := classes[class]; ok {
		s.Internal, s.InternalOrigin = internal, o.Origin().At("spec.loadBalancerClass")
	} else if internal, key := exposed(o.Annotations, class); key != "" {
		s.Internal, s.InternalOrigin = internal, o.Origin().At("%s", annotation(key))
	}
	s.KeepsClient = keepsClient(o.Annotations, s.KeepsClient)
	return c.annotatedRanges(s, o)
}

// annotation is the path of an annotation.
func annotation(key string) string { return "metadata.annotations" + object.Key(false, key) }

// The annotations of AWS that say whose address the targets of a network load balancer
// see.
const (
	awsTargets    = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"
	awsAttributes = "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes"
	preserve      = "preserve_client_ip.enabled"
)

// keepsClient corrects what the nodes do by what a network load balancer of AWS does.
// With targets by address no node stands between, and the client's address is lost
// unless an attribute keeps it; with nodes as targets it is kept unless one does not
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html,
// "Client IP preservation").
func keepsClient(annotations map[string]string, nodes bool) bool {
	said, ok := attribute(annotations[awsAttributes], preserve)
	if annotations[awsTargets] == "ip" || annotations[awsType] == "nlb-ip" {
		return ok && said == "true"
	}
	return nodes && said != "false"
}

// attribute finds a key in a list as "a=1,b=2".
func attribute(list, key string) (value string, ok bool) {
	for part := range strings.SplitSeq(list, ",") {
		if k, v, found := strings.Cut(strings.TrimSpace(part), "="); found && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v), true
		}
	}
	return "", false
}

// The annotations that limit the clients of a load balancer.
const (
	// rangesKey stands in for the field where that is empty
	// [kubernetes staging/src/k8s.io/cloud-provider/service/helpers/helper.go GetLoadBalancerSourceRanges].
	rangesKey = corev1.AnnotationLoadBalancerSourceRangesKey
	// azureRanges adds to the others; azureTags adds ranges that only the cloud knows
	// [cloud-provider-azure pkg/provider/loadbalancer/configuration.go].
	azureRanges = "service.beta.kubernetes.io/azure-allowed-ip-ranges"
	azureTags   = "service.beta.kubernetes.io/azure-allowed-service-tags"
	// doRules stands in for the field where that is empty
	// [digitalocean-cloud-controller-manager docs/controllers/services/annotations.md].
	doRules = "service.beta.kubernetes.io/do-loadbalancer-allow-rules"
)

// annotatedRanges reads the ranges of clients that annotations state.
func (c *converter) annotatedRanges(s *snapshot.Service, o object.Object) error {
	if text := strings.TrimSpace(o.Annotations[rangesKey]); text != "" && len(s.SourceRanges) == 0 {
		ranges, err := rangeList(annotation(rangesKey), text, prefix)
		if err != nil {
			return err
		}
		s.SourceRanges, s.SourceRangesOrigin = ranges, o.Origin().At("%s", annotation(rangesKey))
	}
	if _, ok := o.Annotations[doRules]; ok && len(s.SourceRanges) == 0 {
		c.cloudRanges(s, o, doRules, strings.NewReplacer("cidr:", "", "ip:", "").Replace(o.Annotations[doRules]))
	}
	if text, ok := o.Annotations[azureRanges]; ok {
		c.cloudRanges(s, o, azureRanges, text)
	}
	if _, ok := o.Annotations[azureTags]; ok {
		s.SourceRanges, s.SourceRangesOrigin = nil, verdict.Origin{}
	}
	return nil
}

// SourceRanges are the ranges of the annotation that stands in for
// spec.loadBalancerSourceRanges, for operators that hand annotations on and have no such
// field; nil where there is none, or none that the API server takes.
func SourceRanges(annotations map[string]string) []netip.Prefix {
	text := strings.TrimSpace(annotations[rangesKey])
	if text == "" {
		return nil
	}
	out, err := rangeList(annotation(rangesKey), text, prefix)
	if err != nil {
		return nil
	}
	return out
}

// cloudRanges adds the ranges that a cloud's own annotation states. The API server does
// not look at them, so that one that cannot be read is no Problem: what it limits is
// then not known, and counts for nothing.
func (c *converter) cloudRanges(s *snapshot.Service, o object.Object, key, text string) {
	ranges, err := rangeList(annotation(key), text, addressOrPrefix)
	if err != nil {
		s.SourceRanges, s.SourceRangesOrigin = nil, verdict.Origin{}
		c.warn("service-ranges", o.Origin().At("%s", annotation(key)), fmt.Sprintf("the ranges of clients cannot be read, and limit nobody: %v", err))
		return
	}
	s.SourceRanges = append(slices.Clip(s.SourceRanges), ranges...)
	s.SourceRangesOrigin = o.Origin().At("%s", annotation(key))
}

// rangeList reads ranges with commas between.
func rangeList(field, text string, read func(field, text string) (netip.Prefix, error)) (out []netip.Prefix, err error) {
	for part := range strings.SplitSeq(text, ",") {
		p, err := read(field, strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// addressOrPrefix reads a range as the annotations of clouds and proxies have it: a bare
// address is a range of one.
func addressOrPrefix(field, text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	return prefix(field, text)
}
