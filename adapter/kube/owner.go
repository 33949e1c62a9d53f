package kube

import (
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	appsv1 "k8s.io/api/apps/v1"
)

// maxOwners bounds a chain of owners; a longer one runs in a circle.
const maxOwners = 16

// owners finds the top of owner chains.
type owners map[snapshot.Ref]*unit

// climb follows the owners of a unit up to the first that no workload kind is, or
// that is not in the snapshot. The units on the way are above; owners that run in
// a circle are none.
func (os owners) climb(u *unit) (top snapshot.Ref, above []*unit) {
	top = u.Ref()
	for at := u; len(above) < maxOwners; {
		owner, ok := controller(at.Owners)
		if !ok {
			return top, above
		}
		top = snapshot.Ref{Kind: owner.Kind, Namespace: u.Namespace, Name: owner.Name}
		if os[top] == nil {
			top = os.absent(top, u)
		}
		if at = os[top]; at == nil {
			return top, above
		}
		above = append(above, at)
	}
	return u.Ref(), nil
}

// controller returns the owner that manages the object, else the first. A node
// "owns" the static pods of its kubelet; they are nobody's workload.
func controller(list []object.Owner) (object.Owner, bool) {
	var first *object.Owner
	for i, o := range list {
		if o.Kind == "Node" || o.Kind == "" || o.Name == "" {
			continue
		}
		if o.Controller != nil && *o.Controller {
			return o, true
		}
		if first == nil {
			first = &list[i]
		}
	}
	if first == nil {
		return object.Owner{}, false
	}
	return *first, true
}

// absent returns what stands above an owner that was not read: the Deployment of a
// ReplicaSet, whose name is the Deployment's with the pod's hash behind it, and the
// CronJob of a Job, which is named by the minute.
func (os owners) absent(owner snapshot.Ref, of *unit) snapshot.Ref {
	switch owner.Kind {
	case "ReplicaSet":
		hash := of.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
		if name, ok := strings.CutSuffix(owner.Name, "-"+hash); ok && hash != "" && name != "" {
			return snapshot.Ref{Kind: "Deployment", Namespace: owner.Namespace, Name: name}
		}
	case "Job":
		if at := strings.LastIndexByte(owner.Name, '-'); at > 0 && strings.Trim(owner.Name[at+1:], "0123456789") == "" {
			cron := snapshot.Ref{Kind: "CronJob", Namespace: owner.Namespace, Name: owner.Name[:at]}
			if os[cron] != nil {
				return cron
			}
		}
	}
	return owner
}
