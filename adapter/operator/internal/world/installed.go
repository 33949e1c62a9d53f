package world

import (
	"bytes"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// The labels that the Operator Lifecycle Manager puts on the Deployments of what it installs
// [operator-lifecycle-manager pkg/lib/ownerutil/util.go].
const (
	olmOwner     = "olm.owner"
	olmOwnerKind = "olm.owner.kind"
)

// ManagedRelease is the release that a Deployment has by the Operator Lifecycle Manager, as
// "1.30.0" of "cloudnative-pg.v1.30.0"; empty where that did not install it. Its images are
// named by digests, so that nothing else may tell.
func ManagedRelease(o object.Object) string {
	if o.Labels[olmOwnerKind] != "ClusterServiceVersion" {
		return ""
	}
	_, release, _ := strings.Cut(o.Labels[olmOwner], ".v")
	return release
}

// Mentions reports whether one of the object's strings may hold the word, which is of what
// names of Kubernetes are of: letters, digits, "-", "_" and ".". False is sure: such a word
// stands in JSON as it is, or has a character that is escaped by its number (RFC 8259, section
// 7). To look for a word takes a hundredth of the time of decoding, and most objects of an
// estate are not what an adapter looks for.
func Mentions(o object.Object, word string) bool {
	return bytes.Contains(o.JSON, []byte(word)) || bytes.Contains(o.JSON, []byte(`\u`))
}

// PodLabels are those of the pods that a Deployment makes; nil where it cannot be read.
func PodLabels(o object.Object) map[string]string {
	var in struct {
		Spec struct {
			Template struct {
				Metadata struct {
					Labels map[string]string `json:"labels"`
				} `json:"metadata"`
			} `json:"template"`
		} `json:"spec"`
	}
	if o.Decode(&in) != nil { // told by who reads Deployments
		return nil
	}
	return in.Spec.Template.Metadata.Labels
}

// PodsHave reports whether the pods that a Deployment makes have all of some labels, as Has
// does; it reads no Deployment that cannot name them.
func PodsHave(o object.Object, want map[string]string) bool {
	for _, value := range want {
		if !Mentions(o, value) {
			return false
		}
	}
	return Has(PodLabels(o), want)
}

// Has reports whether all of some labels are among others.
func Has(labels, want map[string]string) bool {
	for k, v := range want {
		if labels[k] != v {
			return false
		}
	}
	return len(want) > 0
}
