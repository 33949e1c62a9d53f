package rolerules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// ROL1008 finds what else lies within reach of pods that read all Secrets of their
// namespace.
var ROL1008 = &audit.Rule{
	ID:       "ROL1008",
	Title:    "the database's pods read Secrets that are not theirs",
	Severity: audit.Medium,
	Why: `StackGres gives the ServiceAccount of a cluster's pods "get" on every Secret of the
namespace, and pods/exec [sg F/cluster/patroni/PatroniRole.java@1.18.6]. Whoever runs
code in the pod, as a superuser of the database does with COPY ... TO PROGRAM, reads the
credentials of every other application and server there, and enters their pods.`,
	Setting: stackgres(""),
	Bad: `apiVersion: v1
kind: Secret
metadata: {name: payment-provider, namespace: analytics}
stringData: {api-key: x}
`,
	Good: `apiVersion: v1
kind: Secret
metadata: {name: payment-provider, namespace: payments}
stringData: {api-key: x}
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		secrets, servers := map[string][]*snapshot.Secret{}, map[string][]*snapshot.Server{}
		for _, s := range p.World.Secrets {
			secrets[s.Namespace] = append(secrets[s.Namespace], s)
		}
		for _, s := range p.World.Servers {
			servers[s.Ref().Namespace] = append(servers[s.Ref().Namespace], s)
		}
		for _, s := range p.World.Servers {
			if s.Operator == stackGres {
				within(p, s, secrets[s.Ref().Namespace], servers[s.Ref().Namespace])
			}
		}
	},
}

// within reports the Secrets and servers of the namespace that are not the server's.
func within(p *audit.Pass, s *snapshot.Server, secrets []*snapshot.Secret, servers []*snapshot.Server) {
	owned := func(name string) bool {
		return slices.ContainsFunc(servers, func(o *snapshot.Server) bool {
			return slices.ContainsFunc(o.Secrets, func(x snapshot.ServerSecret) bool { return x.Secret == name })
		})
	}
	var foreign, neighbours []string
	for _, secret := range secrets {
		if !owned(secret.Namespace+"/"+secret.Name) && !ofStackGres(secret) {
			foreign = append(foreign, secret.Name)
		}
	}
	for _, o := range servers {
		if o != s && (s.Parent == snapshot.Ref{} || o.Parent != s.Parent) {
			neighbours = append(neighbours, o.Ref().Kind+" "+o.Ref().Name)
		}
	}
	var what []string
	if len(foreign) > 0 {
		what = append(what, "Secrets "+list(foreign))
	}
	if len(neighbours) > 0 {
		what = append(what, "the credentials of "+list(neighbours))
	}
	if len(what) == 0 {
		return
	}
	p.Report(audit.Finding{Subject: s.Ref(), Origin: s.Origin.At("metadata.namespace"), Certain: true,
		Message: fmt.Sprintf("the pods of %s read every Secret of namespace %s, %s among them", s.Ref(), s.Ref().Namespace, strings.Join(what, " and ")),
		Fix:     "give each cluster a namespace of its own, without Secrets of others: no field takes the right away, and the operator writes the Role again"})
}

// ofStackGres reports whether the operator made the Secret, or a credential for backups is
// named by one of its objects.
func ofStackGres(s *snapshot.Secret) bool {
	return strings.HasPrefix(s.Labels["app"], "StackGres")
}
