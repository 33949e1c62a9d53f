package operatorrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// OPR1008 finds Services of a database whose port is not the pods', with a network plugin
// that does not follow the translation.
var OPR1008 = &audit.Rule{
	ID:       "OPR1008",
	Title:    "a Service that maps ports, where the network plugin needs them alike",
	Severity: audit.High,
	Why: `The policies of the AWS VPC CNI are right through a Service only where its port is the
port of the pods. StackGres leads port 5432 of its Services to 6432 of the pods (the pooler),
or to 7432 (Envoy), so that a policy for either number lets through the wrong thing or
nothing.`,
	Setting: `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: aws-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: aws-node}}
  template:
    metadata: {labels: {k8s-app: aws-node}}
    spec:
      containers:
        - {name: aws-node, image: "registry.example/amazon-k8s-cni:v1.18.0"}
        - {name: aws-eks-nodeagent, image: "registry.example/agent:v1.1.0", args: ["--enable-network-policy=true"]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: events, namespace: analytics}
spec:
  podSelector: {matchLabels: {stackgres.io/cluster-name: events}}
  policyTypes: [Ingress]
  ingress: [{ports: [{port: 6432}]}]
---
`,
	Bad: `apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: events, namespace: analytics}
spec:
  instances: 1
  postgres: {version: "17"}
  pods: {disableEnvoy: true, persistentVolume: {size: 1Gi}}
`,
	Good: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: events, namespace: analytics}
spec: {instances: 1, storage: {size: 1Gi}}
`,
	Needs: []audit.Fact{audit.Servers, audit.Policies},
	Run: func(p *audit.Pass) {
		if p.World.Facts.CNI != "aws-vpc-cni" {
			return
		}
		for _, s := range p.World.Servers {
			for _, svc := range s.Services {
				if from, to, ok := mapped(svc, s); ok {
					p.Report(mapping(s, svc, from, to))
				}
			}
		}
	},
}

// mapped returns the first port of the Service that leads to another port of the pods at
// which PostgreSQL, or a pooler before it, listens.
func mapped(svc *snapshot.Service, s *snapshot.Server) (from, to uint16, ok bool) {
	speaks := func(port uint16) bool {
		return slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool { return p.Port == port })
	}
	for _, port := range svc.Ports {
		for _, pod := range s.Members() {
			if at := port.PodPort(pod); port.Protocol == flow.TCP && at != port.Port && speaks(at) {
				return port.Port, at, true
			}
		}
	}
	return 0, 0, false
}

func mapping(s *snapshot.Server, svc *snapshot.Service, from, to uint16) audit.Finding {
	out := audit.Finding{Subject: s.Ref(), Origin: svc.At("spec.ports"), Certain: true,
		Message: fmt.Sprintf("%s leads port %d to port %d of the pods of %s; the policies of aws-vpc-cni are not right through such a Service", svc.Ref(), from, to, s.Ref()),
		Fix:     "give the Service the port of the pods, or let clients go to the pods' port through a Service of your own"}
	if s.Operator == snapshot.StackGres {
		out.Fix = "spec.pods.disableConnectionPooling: true makes 5432 lead to 5432; or add a Service of your own with port and targetPort 6432"
	}
	return out
}
