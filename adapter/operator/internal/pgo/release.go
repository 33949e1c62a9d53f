package pgo

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
)

// A Release is an operator's: 6.0.3 is {6, 0, 3}. Nil is one that is not known.
type Release []int

var releaseText = regexp.MustCompile(`(?:^|[^\d.])v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?`)

// ParseRelease finds it in "6.0.3", "v3.0.0" and "ubi9-6.0.3-0"; nil where there is none.
func ParseRelease(text string) Release {
	m := releaseText.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	out := Release{0, 0, 0}
	for i := range out {
		out[i], _ = strconv.Atoi(m[i+1])
	}
	return out
}

// String writes it as its tag; empty for one that is not known.
func (r Release) String() string {
	var parts []string
	for _, n := range r {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ".")
}

// Before says that the release is known and older than another.
func (r Release) Before(first ...int) bool { return r != nil && slices.Compare(r, first) < 0 }

// From says that the release is known and not older than another.
func (r Release) From(first ...int) bool { return r != nil && slices.Compare(r, first) >= 0 }

// releaseOf is what the facts state, else what the operator's Deployment tells: the
// tag of its image, what the Operator Lifecycle Manager calls it, or a label.
func releaseOf(w *operator.World, f *Fork) Release {
	if r := ParseRelease(w.Snapshot.Facts.OperatorVersions[f.Name]); r != nil {
		return r
	}
	for _, o := range w.Objects["Deployment.apps"] {
		if !world.Mentions(o, path.Base(f.Image)) && !world.PodsHave(o, f.Operator.Labels) {
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
		if o.Decode(&in) != nil { // told by who reads Deployments
			continue
		}
		for _, c := range in.Spec.Template.Spec.Containers {
			repository, tag := imageParts(c.Image)
			if !strings.HasSuffix("/"+repository, "/"+f.Image) && !world.PodsHave(o, f.Operator.Labels) {
				continue
			}
			for _, said := range []string{tag, world.ManagedRelease(o), o.Labels["app.kubernetes.io/version"], o.Labels["helm.sh/chart"]} {
				if r := ParseRelease(said); r != nil {
					return r
				}
			}
		}
	}
	return nil
}

// imageParts cuts an image's name; the tag is empty where there is none.
func imageParts(image string) (repository, tag string) {
	image, _, _ = strings.Cut(image, "@")
	if at := strings.LastIndexByte(image, ':'); at > strings.LastIndexByte(image, '/') {
		return image[:at], image[at+1:]
	}
	return image, ""
}
