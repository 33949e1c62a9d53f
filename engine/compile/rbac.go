package compile

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// RBAC lets the service accounts of an access's clients read the one Secret that holds
// their credentials, by its name, and nothing else.
var RBAC = Backend{Name: rbacBackend, Compile: compileRBAC}

const rbacBackend = "rbac"

const rbacV1 = "rbac.authorization.k8s.io/v1"

func compileRBAC(job *Job, out *Output) {
	r := &secretReaders{job: job, out: out, podsIn: map[string][]*snapshot.Pod{}}
	for _, w := range job.World.Workloads {
		for _, p := range w.Pods {
			r.podsIn[p.Namespace] = append(r.podsIn[p.Namespace], p)
		}
	}
	for _, s := range job.Sites {
		for _, a := range s.Accesses {
			r.access(a)
		}
	}
}

type secretReaders struct {
	job    *Job
	out    *Output
	podsIn map[string][]*snapshot.Pod
}

// access writes a Role and a RoleBinding for each Secret of an access.
func (r *secretReaders) access(a *intent.Access) {
	var secrets []string
	for _, e := range a.To {
		if e.Secret != "" && !slices.Contains(secrets, e.Secret) {
			secrets = append(secrets, e.Secret)
		}
	}
	if len(secrets) == 0 {
		return
	}
	accounts := r.accounts(a)
	if len(accounts) == 0 {
		return
	}
	for _, secret := range secrets {
		r.grant(a, secret, accounts)
	}
}

// accounts are the service accounts of the clients in the namespace of the access. The
// account that pods have who name none is everybody's, and gets nothing.
func (r *secretReaders) accounts(a *intent.Access) []string {
	var out []string
	add := func(p intent.Peer, account string) {
		switch {
		case account == snapshot.DefaultAccount && !slices.Contains(p.ServiceAccounts, account):
			r.gap("default-account", p, "clients run as service account default of namespace "+a.Namespace+", which is that of every pod that names none",
				"no Role is written: all of them could read the Secret; give the clients an account of their own")
		case !slices.Contains(out, account):
			out = append(out, account)
		}
	}
	for _, p := range a.From {
		if p.IsOutside() {
			continue
		}
		in, elsewhere := false, false
		for _, pod := range peerPods(r.job.World, r.podsIn, p, a.Namespace) {
			if pod.Namespace == a.Namespace {
				in = true
				add(p, pod.RunsAs())
			} else {
				elsewhere = true
			}
		}
		own := peerNamespaces(p, a.Namespace).Match(r.job.World.NamespaceOf(a.Namespace).Labels)
		if own == netpol.Yes {
			for _, account := range p.ServiceAccounts {
				in = true
				add(p, account)
			}
		}
		if elsewhere || own != netpol.Yes {
			r.gap("other-namespace", p, "clients in other namespaces cannot use a Secret of namespace "+a.Namespace,
				"a pod takes Secrets of its own namespace only: whoever keeps that namespace puts the credentials there")
		}
		if !in && own == netpol.Yes {
			r.gap("no-account", p, "no pods of namespace "+a.Namespace+" are known that are these clients", "no account may read the Secret by this")
		}
	}
	slices.Sort(out)
	return out
}

func (r *secretReaders) gap(code string, p intent.Peer, what, consequence string) {
	g := artefact.Gap{Code: "rbac/" + code, Backend: rbacBackend, What: what, Consequence: consequence, Origin: p.Origin}
	if !slices.Contains(r.out.Gaps, g) {
		r.out.Gaps = append(r.out.Gaps, g)
	}
}

// grant writes the Role and its binding.
func (r *secretReaders) grant(a *intent.Access, secret string, accounts []string) {
	ref := snapshot.Ref{Kind: "Role", Namespace: a.Namespace, Name: name("access-"+a.Name, "secret", secret)}
	why := fmt.Sprintf("PostgresAccess %s/%s: its clients read this one Secret.", a.Namespace, a.Name)
	role := append(object(rbacV1, ref), artefact.Entry{Key: "rules", Comment: why, Value: artefact.List{{Value: artefact.Map{
		{Key: "apiGroups", Value: artefact.Strings("")}, {Key: "resources", Value: artefact.Strings("secrets")},
		{Key: "resourceNames", Value: artefact.Strings(secret)}, {Key: "verbs", Value: artefact.Strings("get")},
	}}}})
	to := ref
	to.Kind = "RoleBinding"
	var subjects artefact.List
	for _, account := range accounts {
		subjects = append(subjects, artefact.Item{Value: artefact.Map{
			{Key: "kind", Value: "ServiceAccount"}, {Key: "name", Value: account}, {Key: "namespace", Value: a.Namespace},
		}})
	}
	binding := append(object(rbacV1, to),
		artefact.Entry{Key: "roleRef", Value: artefact.Map{
			{Key: "apiGroup", Value: "rbac.authorization.k8s.io"}, {Key: "kind", Value: "Role"}, {Key: "name", Value: ref.Name},
		}},
		artefact.Entry{Key: "subjects", Value: subjects, Comment: why})
	for _, o := range []struct {
		ref  snapshot.Ref
		tree artefact.Map
	}{{ref, role}, {to, binding}} {
		r.out.Artefacts = append(r.out.Artefacts, artefact.Artefact{
			Backend: rbacBackend, APIVersion: rbacV1, Ref: o.ref, Object: o.tree, Because: []verdict.Origin{a.Origin},
		})
	}
}
