package cnpg

import (
	"github.com/pgmoat/pgmoat/adapter/object"
)

// versionAnnotation names the release that made an object or changed it last.
const versionAnnotation = "cnpg.io/operatorVersion"

// A workloadSpec is what is read of Deployments and of pods.
type workloadSpec struct {
	Replicas *int `json:"replicas"`
	Template struct {
		Spec podSpec `json:"spec"`
	} `json:"template"`
	podSpec
}

type podSpec struct {
	Containers []struct {
		Name  string `json:"name"`
		Image string `json:"image"`
	} `json:"containers"`
}

// containersOf reads the spec of a Deployment or a Pod; what is wrong with one has been
// said by whoever converted it.
func containersOf(o object.Object) workloadSpec {
	var in struct {
		Spec workloadSpec `json:"spec"`
	}
	_ = o.Decode(&in)
	return in.Spec
}

// image returns the image of a container, empty where there is no such container.
func (s podSpec) image(container string) string {
	for _, c := range s.Containers {
		if c.Name == container {
			return c.Image
		}
	}
	return ""
}

// owned reports whether the object of kind and name owns o.
func owned(o, by object.Object) bool {
	for _, owner := range o.Owners {
		if owner.Kind == by.Kind && owner.Name == by.Name && o.Namespace == by.Namespace && object.GroupOf(owner.APIVersion) == by.Group() {
			return true
		}
	}
	return false
}

// annotated narrows the release by what the operator wrote on its objects: none of them
// is of a later release than its own.
func (c *cluster) annotated(r release) release {
	if r.exact() != "" {
		return r
	}
	for _, kind := range []string{"Pod", "Service", "Secret"} {
		for _, o := range c.w.Objects[kind] {
			if o.Namespace != c.obj.Namespace || !owned(o, c.obj) {
				continue
			}
			if v, ok := parseVersion(o.Annotations[versionAnnotation]); ok {
				r = r.and(release{from: v})
			}
		}
	}
	return r
}
