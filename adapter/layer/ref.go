package layer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A Ref names an object that is to go.
type Ref struct {
	// Text is what people wrote.
	Text string
	// Kind is as they wrote it, in lower case: a kind, its plural, or a short name of kubectl's.
	Kind string
	// Group is the API group; empty for whichever has the kind.
	Group string
	// Namespace is empty for what lives in none.
	Namespace, Name string
}

// String returns what people wrote.
func (r Ref) String() string { return r.Text }

// ParseRef reads KIND/NAMESPACE/NAME, or KIND/NAME for a kind without namespaces. The kind is
// written as for kubectl: NetworkPolicy, networkpolicies, netpol, and with its group where
// several have it, clusters.postgresql.cnpg.io.
func ParseRef(text string) (Ref, error) {
	parts := strings.Split(text, "/")
	for _, p := range parts {
		if strings.TrimSpace(p) != p || p == "" {
			return Ref{}, wrongRef(text)
		}
	}
	r := Ref{Text: text}
	switch len(parts) {
	case 2:
		r.Name = parts[1]
	case 3:
		r.Namespace, r.Name = parts[1], parts[2]
	default:
		return Ref{}, wrongRef(text)
	}
	r.Kind, r.Group, _ = strings.Cut(strings.ToLower(parts[0]), ".")
	if r.Kind == "" {
		return Ref{}, wrongRef(text)
	}
	t, ok := spoken[r.Kind]
	if !ok || r.Group != "" && r.Group != t.Group {
		return r, nil
	}
	return r, r.scoped(t)
}

func wrongRef(text string) error {
	return fmt.Errorf("%q: want KIND/NAMESPACE/NAME, or KIND/NAME for a kind without namespaces", text)
}

// scoped refuses a namespace where the kind has none, and the other way round.
func (r Ref) scoped(t object.Type) error {
	switch {
	case t.Namespaced() && r.Namespace == "":
		return fmt.Errorf("%q: a %s lives in a namespace: write %s/NAMESPACE/%s", r.Text, t.Kind, t.Kind, r.Name)
	case !t.Namespaced() && r.Namespace != "":
		return fmt.Errorf("%q: a %s lives in no namespace: write %s/%s", r.Text, t.Kind, t.Kind, r.Name)
	}
	return nil
}

// short are the names that kubectl api-resources lists, of the kinds that anybody here looks
// at.
var short = map[string]object.Type{
	"ns": {Kind: "Namespace"}, "po": {Kind: "Pod"}, "rc": {Kind: "ReplicationController"}, "svc": {Kind: "Service"},
	"ep": {Kind: "Endpoints"}, "cm": {Kind: "ConfigMap"}, "no": {Kind: "Node"}, "secret": {Kind: "Secret"},
	"sa": {Kind: "ServiceAccount"}, "pvc": {Kind: "PersistentVolumeClaim"},
	"deploy": {Group: "apps", Kind: "Deployment"}, "sts": {Group: "apps", Kind: "StatefulSet"},
	"ds": {Group: "apps", Kind: "DaemonSet"}, "rs": {Group: "apps", Kind: "ReplicaSet"},
	"job": {Group: "batch", Kind: "Job"}, "cj": {Group: "batch", Kind: "CronJob"},
	"netpol": {Group: "networking.k8s.io", Kind: "NetworkPolicy"}, "ing": {Group: "networking.k8s.io", Kind: "Ingress"},
	"endpointslice": {Group: "discovery.k8s.io", Kind: "EndpointSlice"},
	"crd":           {Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"},
	"crds":          {Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"},
	"role":          {Group: "rbac.authorization.k8s.io", Kind: "Role"},
	"rolebinding":   {Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"},
	"cert":          {Group: "cert-manager.io", Kind: "Certificate"}, "certs": {Group: "cert-manager.io", Kind: "Certificate"},
	"gtw": {Group: "gateway.networking.k8s.io", Kind: "Gateway"},
	"cnp": {Group: "cilium.io", Kind: "CiliumNetworkPolicy"}, "ciliumnp": {Group: "cilium.io", Kind: "CiliumNetworkPolicy"},
	"ccnp": {Group: "cilium.io", Kind: "CiliumClusterwideNetworkPolicy"},
	"pg":   {Group: "acid.zalan.do", Kind: "postgresql"},
	"sgc":  {Group: "stackgres.io", Kind: "SGCluster"}, "sgclu": {Group: "stackgres.io", Kind: "SGCluster"},
	"app": {Group: "argoproj.io", Kind: "Application"},
	"hr":  {Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}, "ks": {Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"},
}

// spoken are all words for those of them that Kubernetes itself has: other groups may have
// kinds of such names as well, which then are named with their group.
var spoken = func() map[string]object.Type {
	out := map[string]object.Type{}
	for word, t := range short {
		if !builtin(t) {
			continue
		}
		out[word] = t
		out[strings.ToLower(t.Kind)], out[plural(t.Kind)] = t, t
	}
	return out
}()

// plural is how the API server usually calls the kind in paths.
func plural(kind string) string {
	k := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(k, "y") && !strings.HasSuffix(k, "ay"):
		return strings.TrimSuffix(k, "y") + "ies"
	case strings.HasSuffix(k, "endpoints"):
		return k
	case strings.HasSuffix(k, "s"), strings.HasSuffix(k, "ch"):
		return k + "es"
	}
	return k + "s"
}

// names reports whether the words mean the type. What Kubernetes itself calls so comes before
// another group's kind, which kubectl would have to be given the group of.
func (r Ref) names(t object.Type) bool {
	if r.Group != "" && !strings.EqualFold(r.Group, t.Group) {
		return false
	}
	if own, ok := spoken[r.Kind]; ok && r.Group == "" {
		return own == t
	}
	return r.Kind == strings.ToLower(t.Kind) || r.Kind == plural(t.Kind) || short[r.Kind] == t
}

var errSeveral = errors.New("several groups have the kind")
