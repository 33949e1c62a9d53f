package rolerules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
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
		spaces := map[string]*space{}
		for _, s := range p.World.Servers {
			within(spaces, s.Ref().Namespace).take(s)
		}
		for _, secret := range p.World.Secrets {
			within(spaces, secret.Namespace).leave(secret)
		}
		for _, s := range p.World.Servers {
			if s.Operator == snapshot.StackGres {
				spaces[s.Ref().Namespace].exposedTo(p, s)
			}
		}
	},
}

// A space is a namespace: its servers, the Secrets that are theirs, by "namespace/name",
// and the names of those that are not.
type space struct {
	servers []*snapshot.Server
	owned   map[string]bool
	foreign []string
}

func within(spaces map[string]*space, namespace string) *space {
	if spaces[namespace] == nil {
		spaces[namespace] = &space{owned: map[string]bool{}}
	}
	return spaces[namespace]
}

func (n *space) take(s *snapshot.Server) {
	n.servers = append(n.servers, s)
	for _, x := range s.Secrets {
		n.owned[x.Secret] = true
	}
}

func (n *space) leave(secret *snapshot.Secret) {
	if !n.owned[secret.Namespace+"/"+secret.Name] && !ofStackGres(secret) {
		n.foreign = append(n.foreign, secret.Name)
	}
}

// exposedTo reports the Secrets and servers of the namespace that are not the server's.
func (n *space) exposedTo(p *audit.Pass, s *snapshot.Server) {
	var neighbours []string
	for _, o := range n.servers {
		if o != s && (s.Parent == snapshot.Ref{} || o.Parent != s.Parent) {
			neighbours = append(neighbours, o.Ref().Kind+" "+o.Ref().Name)
		}
	}
	var what []string
	if len(n.foreign) > 0 {
		what = append(what, "Secrets "+words.List(n.foreign))
	}
	if len(neighbours) > 0 {
		what = append(what, "the credentials of "+words.List(neighbours))
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
