package zalando

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An install is one operator of the estate: its Deployment and what it was told.
type install struct {
	obj object.Object
	// id is CONTROLLER_ID: which clusters it takes, by an annotation of theirs.
	id string
	// env are the variables of its container that have a value.
	env     map[string]string
	release release
	config  *configuration
}

// controllerAnnotation names the operator of a cluster by its CONTROLLER_ID
// [zal pkg/util/constants/annotations.go@1.15.1].
const controllerAnnotation = "acid.zalan.do/controller"

// installs finds the operators that the estate holds.
func installs(w *operator.World) []*install {
	var out []*install
	for _, o := range w.Objects["Deployment.apps"] {
		if in := asInstall(w, o); in != nil {
			out = append(out, in)
		}
	}
	return out
}

type deploymentSpec struct {
	Spec struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Image string   `json:"image"`
					Env   []envVar `json:"env"`
				} `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// asInstall takes a Deployment for the operator's by its image or by what only the
// operator reads from its environment [zal cmd/main.go, pkg/controller/controller.go
// @1.15.1].
func asInstall(w *operator.World, o object.Object) *install {
	if !world.Mentions(o, operatorImage) && !world.Mentions(o, objectVariable) {
		return nil
	}
	var in deploymentSpec
	if err := o.Decode(&in); err != nil { // the workload is a Problem already
		return nil
	}
	for _, c := range in.Spec.Template.Spec.Containers {
		env := map[string]string{}
		for _, v := range c.Env {
			if v.Value != nil {
				env[v.Name] = *v.Value
			}
		}
		if !isOperator(c.Image, env) {
			continue
		}
		out := &install{obj: o, id: env["CONTROLLER_ID"], env: env}
		out.release = parseRelease(cmp.Or(w.Snapshot.Facts.OperatorVersions[Name], imageTag(c.Image),
			world.ManagedRelease(o), o.Labels["app.kubernetes.io/version"], strings.TrimPrefix(o.Labels["helm.sh/chart"], "postgres-operator-")))
		out.config = readConfiguration(w, out)
		return out
	}
	return nil
}

// operatorImage is the base name of the operator's image, and objectVariable names its
// configuration; nobody is the operator who has neither.
const (
	operatorImage  = "postgres-operator"
	objectVariable = "POSTGRES_OPERATOR_CONFIGURATION_OBJECT"
)

func isOperator(image string, env map[string]string) bool {
	image, _, _ = strings.Cut(image, "@")
	name, _, _ := strings.Cut(path.Base(image), ":")
	if name == operatorImage && (strings.Contains(image, "zalando/") || strings.Contains(image, "acid/")) {
		return true
	}
	return env[objectVariable] != "" || name == operatorImage && env["CONFIG_MAP_NAME"] != ""
}

// imageTag is what stands behind the last colon, empty for a digest or none.
func imageTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	base := path.Base(image)
	_, tag, _ := strings.Cut(base, ":")
	if !releaseText.MatchString(tag) {
		return ""
	}
	return tag
}

// governs reports whether the operator takes the cluster: its id is the annotation's
// and it watches the namespace. The namespace watched is its own unless told
// otherwise, "*" is all [zal pkg/controller/util.go@1.15.1].
func (in *install) governs(o object.Object) bool {
	watched := cmp.Or(in.env["WATCHED_NAMESPACE"], in.config.text("watched_namespace", ""), in.obj.Namespace)
	return in.id == o.Annotations[controllerAnnotation] && (watched == "*" || watched == o.Namespace)
}

// of returns the configuration of a cluster: of the operator that takes it; without
// an operator in the estate, the only configuration there is.
func of(w *operator.World, all []*install, o object.Object) (*install, *configuration) {
	candidates := slices.DeleteFunc(slices.Clone(all), func(in *install) bool { return !in.governs(o) })
	if len(candidates) == 1 {
		return candidates[0], candidates[0].config
	}
	if len(all) == 0 {
		return nil, onlyConfiguration(w)
	}
	if len(candidates) == 0 {
		world.Warn(w, o, "zalando/not-watched", "metadata.namespace", "no operator of the estate takes %s", o.Ref())
	}
	return nil, unseen(w, release{})
}

// unwatched notes a cluster that no operator of the estate takes.
func (c *cluster) unwatched(all []*install) {
	if len(all) == 0 || slices.ContainsFunc(all, func(in *install) bool { return in.governs(c.obj) }) {
		return
	}
	c.server.Unheeded = append(c.server.Unheeded, snapshot.Unheeded{
		How: snapshot.Overruled, Field: "every field", Origin: c.at("metadata.namespace"),
		Why:  "no operator of the estate watches the namespace and has the id of the annotation " + controllerAnnotation,
		Fact: "whether another operator takes it",
		Fix:  "let an operator watch the namespace (watched_namespace), or name it in the annotation",
	})
}

// peer is the operator as a side of flows: the pods of its Deployment; without one,
// those that the facts and the labels of its manifests tell.
func (in *install) peer(w *operator.World) snapshot.VitalPeer {
	if in != nil {
		if wl := w.Find(in.obj.Ref()); wl != nil {
			p := world.Pods("the operator", wl.Pods...)
			p.Namespace, p.Labels = in.obj.Namespace, netpol.Labels{}
			if len(wl.Pods) > 0 {
				p.Labels = wl.Pods[0].Labels
			}
			return p
		}
	}
	for _, labels := range operatorLabels {
		op := world.Operator{Key: Name, Namespace: "default", Labels: labels, Name: "the operator"}
		if p := op.Peer(w); len(p.Pods) > 0 {
			return p
		}
	}
	return world.Operator{Key: Name, Namespace: "default", Labels: operatorLabels[0], Name: "the operator"}.Peer(w)
}

// operatorLabels are those of its manifests and of its chart [zal
// manifests/postgres-operator.yaml, charts/postgres-operator/templates/deployment.yaml
// @1.15.1].
var operatorLabels = []map[string]string{
	{"name": "postgres-operator"}, {"app.kubernetes.io/name": "postgres-operator"},
}
