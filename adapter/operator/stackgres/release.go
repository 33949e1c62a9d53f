package stackgres

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
)

// versionKey is the annotation with the release that an object was made for. The
// operator goes on building the object's pods as that release did, until the object
// is restarted with a security upgrade [sg C/StackGresContext.java@1.18.6].
const versionKey = "stackgres.io/operatorVersion"

// versionFact is what settles what depends on the release.
const versionFact = "the operator's release; state operators.stackgres.version in the facts file"

// A release is the operator's: 1.18.6 is {1, 18, 6}. Nil is one that is not known.
type release []int

var releaseText = regexp.MustCompile(`^v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?`)

// parseRelease reads "1.18.6", "v1.18" and "1.18.0-rc4"; nil where it is none.
func parseRelease(text string) release {
	m := releaseText.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	out := release{0, 0, 0}
	for i := range out {
		out[i], _ = strconv.Atoi(m[i+1])
	}
	return out
}

// String writes it as its tag; empty for one that is not known.
func (r release) String() string {
	var parts []string
	for _, n := range r {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ".")
}

// A since says whether a release is from another on. The zero value is not known.
type since uint8

const (
	sinceUnknown since = iota
	before
	from
)

// since compares a release with the first that does something.
func (r release) since(first ...int) since {
	switch {
	case r == nil:
		return sinceUnknown
	case slices.Compare(r, first) < 0:
		return before
	}
	return from
}

// releaseOf finds the release that the operator takes for an object: its annotation,
// else the operator's own.
func releaseOf(w *operator.World, o object.Object) release {
	if r := parseRelease(o.Annotations[versionKey]); r != nil {
		return r
	}
	return operatorRelease(w)
}

// operatorRelease is what the facts state, else what the operator wrote into its
// SGConfig, else its image, its chart or the annotation of its CustomResourceDefinitions.
func operatorRelease(w *operator.World) release {
	if r := parseRelease(w.Snapshot.Facts.OperatorVersions[Name]); r != nil {
		return r
	}
	for _, find := range []func(*operator.World) release{configRelease, deployedRelease, definedRelease} {
		if r := find(w); r != nil {
			return r
		}
	}
	return nil
}

// configRelease reads SGConfig: status.version, or the image's tag of the spec.
func configRelease(w *operator.World) release {
	for _, o := range w.Objects["SGConfig.stackgres.io"] {
		var in struct {
			Spec struct {
				Operator struct {
					Image struct {
						Tag string `json:"tag"`
					} `json:"image"`
				} `json:"operator"`
			} `json:"spec"`
			Status struct {
				Version string `json:"version"`
			} `json:"status"`
		}
		if o.Decode(&in) != nil {
			continue
		}
		if r := parseRelease(cmp.Or(in.Status.Version, in.Spec.Operator.Image.Tag)); r != nil {
			return r
		}
	}
	return nil
}

// isOperator tells the operator's Deployment by the label of its pods or its name
// [sg stackgres-k8s/install/helm/stackgres-operator/templates/@1.18.6].
func isOperator(o object.Object) bool {
	return o.Name == "stackgres-operator" || o.Labels["app"] == "stackgres-operator" || o.Labels["group"] == group && strings.Contains(o.Name, "operator")
}

// deployedRelease reads the operator's Deployment: the image's tag, "stackgres/operator:1.18.6-jvm",
// or a label.
func deployedRelease(w *operator.World) release {
	for _, o := range w.Objects["Deployment.apps"] {
		if !isOperator(o) {
			continue
		}
		var in struct {
			Spec struct {
				Template struct {
					Spec struct {
						Containers []struct {
							Image string `json:"image"`
						} `json:"containers"`
					} `json:"spec"`
				} `json:"template"`
			} `json:"spec"`
		}
		if o.Decode(&in) != nil {
			continue
		}
		for _, c := range in.Spec.Template.Spec.Containers {
			image, _, _ := strings.Cut(c.Image, "@")
			if r := parseRelease(image[strings.LastIndex(image, ":")+1:]); r != nil {
				return r
			}
		}
		if r := parseRelease(cmp.Or(world.ManagedRelease(o), o.Labels["app.kubernetes.io/version"], chartVersion(o.Labels["helm.sh/chart"]))); r != nil {
			return r
		}
	}
	return nil
}

// chartVersion cuts "stackgres-operator-1.18.6"; empty where it does not end so.
func chartVersion(chart string) string {
	return strings.TrimPrefix(strings.TrimPrefix(chart, "stackgres-operator"), "-")
}

// definedRelease reads the annotation that the operator keeps on its
// CustomResourceDefinitions [sg stackgres-k8s/install/helm/stackgres-operator/@1.18.6].
func definedRelease(w *operator.World) release {
	for _, o := range w.Objects["CustomResourceDefinition.apiextensions.k8s.io"] {
		if strings.HasSuffix(o.Name, "."+group) {
			if r := parseRelease(o.Annotations[versionKey]); r != nil {
				return r
			}
		}
	}
	return nil
}
