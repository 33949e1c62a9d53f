package exposurerules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// templates are the fields of custom resources that are written as the spec of a
// Service: how they begin, and what of the path comes behind.
var templates = []struct{ prefix, rest string }{
	{"spec.managed.services.additional[", ".serviceTemplate.spec"}, // CloudNativePG
	{"spec.serviceTemplate.spec", ""},
	{"spec.postgresServices.", ""}, // StackGres
	{"spec.adminui.service", ""},
	{"spec.service", ""}, // Crunchy
	{"spec.replicaService", ""},
	{"spec.proxy.pgBouncer.", ""},
	{"spec.userInterface.pgAdmin.service", ""},
	{"spec.expose", ""}, // Percona
}

// template is the path to what a person writes as the spec of a Service, in the object
// that declares it; "" where an operator has words of its own.
func template(svc *snapshot.Service) string {
	field := svc.DeclaredAt.Field
	if field == "" {
		return "spec"
	}
	for _, t := range templates {
		if strings.HasPrefix(field, t.prefix) {
			return field + t.rest
		}
	}
	return ""
}

// edit is the origin of a field of the Service's spec: in the custom resource that makes
// an operator create it, else in the Service.
func edit(svc *snapshot.Service, field string) verdict.Origin {
	path := template(svc)
	switch {
	case svc.DeclaredAt.Field == "":
		return svc.At("spec." + field)
	case path == "":
		return svc.DeclaredAt
	}
	return svc.DeclaredAt.At("%s.%s", path, field)
}

// write says which lines to write of the Service's spec, and where.
func write(svc *snapshot.Service, lines ...string) string {
	var b strings.Builder
	of := "the Service"
	if svc.DeclaredAt.Field != "" {
		of = svc.DeclaredAt.Object
	}
	fmt.Fprintf(&b, "in %s, under %s:", of, template(svc))
	for _, line := range lines {
		b.WriteString("\n  " + line)
	}
	return b.String()
}

// isZalando reports whether a flag of the cluster, or a key of the operator, opens the
// Service, and no template of it.
func isZalando(svc *snapshot.Service) bool { return template(svc) == "" }

// shut says how the Service becomes one for the cluster alone.
func shut(svc *snapshot.Service) string {
	switch field := svc.DeclaredAt.Field; {
	case !isZalando(svc):
		return write(svc, "type: ClusterIP")
	case strings.HasSuffix(field, "LoadBalancer") || strings.HasSuffix(field, "NodePort"):
		return fmt.Sprintf("in %s:\nspec:\n  %s: false", svc.DeclaredAt.Object, strings.TrimPrefix(field, "spec."))
	case strings.HasSuffix(field, "load_balancer") || strings.HasSuffix(field, "node_port"):
		return fmt.Sprintf("turn off %s in %s, or in the cluster the field of the same name (as spec.enableMasterLoadBalancer: false)",
			field, svc.DeclaredAt.Object)
	default: // somebody changed what the operator made
		return fmt.Sprintf("give Service %s/%s the type ClusterIP again", svc.Namespace, svc.Name)
	}
}

// sourceRanges says how to limit the clients of a load balancer. Crunchy's object has no
// field for it, but hands annotations on.
func sourceRanges(svc *snapshot.Service, server *snapshot.Server) string {
	switch {
	case isZalando(svc):
		return fmt.Sprintf("in %s:\nspec:\n  allowedSourceRanges:\n    - 192.0.2.0/24", server.Ref())
	case server.Operator == snapshot.Crunchy && svc.DeclaredAt.Field != "":
		return fmt.Sprintf("in %s, under %s:\n  metadata:\n    annotations:\n      service.beta.kubernetes.io/load-balancer-source-ranges: 192.0.2.0/24",
			svc.DeclaredAt.Object, template(svc))
	}
	return write(svc, "loadBalancerSourceRanges:", "  - 192.0.2.0/24")
}

// keepClient says how nodes pass the address of a client on. Percona's object has no
// field for it.
func keepClient(svc *snapshot.Service, server *snapshot.Server) string {
	switch {
	case isZalando(svc):
		return "in the operator's configuration: external_traffic_policy: Local (configuration.load_balancer.external_traffic_policy of an OperatorConfiguration)"
	case server.Operator == snapshot.Percona && svc.DeclaredAt.Field != "":
		return "the custom resource has no field for externalTrafficPolicy: make a Service of your own that selects the same pods, with externalTrafficPolicy: Local"
	}
	return write(svc, "externalTrafficPolicy: Local")
}
