package zalando

import (
	"cmp"
	"regexp"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
)

// A release is of the operator. The zero value is one that is not known.
type release struct {
	text                string
	major, minor, patch int
}

// releaseFact is what settles it.
const releaseFact = "the operator's release; state operators.zalando.version in the facts file"

var releaseText = regexp.MustCompile(`^v?(\d+)\.(\d+)(?:\.(\d+))?`)

func parseRelease(text string) release {
	m := releaseText.FindStringSubmatch(text)
	if m == nil {
		return release{}
	}
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	return release{text: m[0], major: number(m[1]), minor: number(m[2]), patch: number(m[3])}
}

func (r release) known() bool { return r.text != "" }

// from reports whether the release surely is this one or a later one, before whether
// it surely is of an earlier major version. An unknown one is neither.
func (r release) from(major, minor, patch int) bool {
	return r.known() && cmp.Or(cmp.Compare(r.major, major), cmp.Compare(r.minor, minor), cmp.Compare(r.patch, patch)) >= 0
}

func (r release) before(major int) bool { return r.known() && r.major < major }

// String is "1.15.1".
func (r release) String() string {
	if !r.known() {
		return ""
	}
	return strconv.Itoa(r.major) + "." + strconv.Itoa(r.minor) + "." + strconv.Itoa(r.patch)
}

// schemaRelease tells releases before 2.0 from later ones by the definition of
// postgresql: 2.0 brought Services of type NodePort (release notes 2.0.1). Only the
// major version of what it returns means anything.
func schemaRelease(w *operator.World) release {
	for _, o := range w.Objects["CustomResourceDefinition.apiextensions.k8s.io"] {
		if o.Name != "postgresqls.acid.zalan.do" {
			continue
		}
		if fields, ok := specFields(o); ok {
			if _, nodePorts := fields["enableMasterNodePort"]; nodePorts {
				return release{text: "2", major: 2}
			}
			return release{text: "1", major: 1}
		}
	}
	return release{}
}

// specFields are the fields that the definition has in spec.
func specFields(o object.Object) (map[string]any, bool) {
	var in struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					Schema struct {
						Properties struct {
							Spec struct {
								Properties map[string]any `json:"properties"`
							} `json:"spec"`
						} `json:"properties"`
					} `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return nil, false
	}
	for _, v := range in.Spec.Versions {
		if p := v.Schema.Schema.Properties.Spec.Properties; len(p) > 0 {
			return p, true
		}
	}
	return nil, false
}

// exact is the release where it is known in full, and empty otherwise.
func (r release) exact() string {
	if !releaseText.MatchString(r.text) {
		return ""
	}
	return r.String()
}
