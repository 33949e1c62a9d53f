package reach

import (
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// alias returns the Service that a client of an ExternalName Service really talks
// to, on that one's ports. A name beyond the cluster, and a circle of names, stay an
// ExternalName; any other Service is itself.
func (e *Engine) alias(svc *snapshot.Service) *snapshot.Service {
	for range 8 { // an alias of an alias
		next := e.serviceByDNS(svc.ExternalName)
		if svc.Type != "ExternalName" || next == nil {
			break
		}
		svc = next
	}
	return svc
}

// Backends returns the pods behind a Service: those its selector matches in its
// own namespace, those that a controller writes as endpoints, or those of the
// Service that an ExternalName is an alias of.
func (e *Engine) Backends(svc *snapshot.Service) []*snapshot.Pod {
	svc = e.alias(svc)
	switch {
	case svc.Type == "ExternalName":
		return nil
	case len(svc.Selector) == 0:
		return svc.Backends
	}
	var out []*snapshot.Pod
	for _, pod := range e.podsIn[svc.Namespace] {
		if svc.Selector.Match(pod.Labels) != netpol.No {
			out = append(out, pod)
		}
	}
	return out
}

// serviceByDNS finds the Service that a cluster name stands for: NAME.NAMESPACE,
// NAME.NAMESPACE.svc or NAME.NAMESPACE.svc.DOMAIN (Kubernetes DNS specification).
func (e *Engine) serviceByDNS(name string) *snapshot.Service {
	parts := strings.Split(strings.TrimSuffix(name, "."), ".")
	if len(parts) < 2 || len(parts) > 2 && parts[2] != "svc" {
		return nil
	}
	return e.services[[2]string{parts[1], parts[0]}]
}

// serviceStep says how a Service port leads to a pod.
func serviceStep(svc *snapshot.Service, sp snapshot.ServicePort, pod *snapshot.Pod) verdict.Step {
	step := verdict.Step{Layer: verdict.Service, Verdict: verdict.Allow, Reason: "service/leads-to", Origin: sp.Origin}
	if step.Origin.IsZero() {
		step.Origin = svc.Origin
	}
	target := sp.PodPort(pod)
	step.Facts = map[string]string{
		"service": svc.Namespace + "/" + svc.Name, "pod": pod.Ref().Name,
		"port": strconv.Itoa(int(sp.Port)), "podPort": strconv.Itoa(int(target)),
	}
	switch {
	case target == 0:
		step.Verdict, step.Reason = verdict.Deny, "service/no-such-port-name"
		step.Facts["name"] = sp.TargetName
	case len(svc.Selector) > 0 && svc.Selector.Match(pod.Labels) == netpol.Unsure:
		step.Verdict, step.Reason = verdict.Unknown, "service/selector-unsure"
		step.Facts["selector"] = svc.Selector.String()
	}
	return step
}

// leadsNowhere says why no packet sent to a Service arrives.
func (e *Engine) leadsNowhere(svc *snapshot.Service, backends []*snapshot.Pod, port uint16) verdict.Step {
	step := verdict.Step{Layer: verdict.Service, Verdict: verdict.Deny, Origin: svc.Origin,
		Facts: map[string]string{"service": svc.Namespace + "/" + svc.Name}}
	switch {
	case len(backends) > 0:
		step.Reason = "service/no-such-port"
		step.Facts["port"] = strconv.Itoa(int(port))
		step.Origin = svc.At("spec.ports")
	case svc.Type == "ExternalName":
		step.Verdict, step.Reason = verdict.Unknown, "service/external-name"
		if e.serviceByDNS(svc.ExternalName) != nil { // an alias that ends at no Service
			step.Verdict, step.Reason = verdict.Deny, "service/circle"
		}
		step.Facts["name"] = svc.ExternalName
		step.Origin = svc.At("spec.externalName")
	case len(svc.Selector) == 0:
		step.Verdict, step.Reason = verdict.Unknown, "service/no-selector"
		if len(svc.Beyond) > 0 {
			step.Reason, step.Facts["addresses"] = "service/beyond", strings.Join(svc.Beyond, ", ")
		}
	default:
		step.Reason = "service/no-endpoints"
		step.Facts["selector"] = svc.Selector.String()
		step.Origin = svc.At("spec.selector")
	}
	return step
}
