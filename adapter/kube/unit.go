package kube

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// A unit is an object that runs pods, or is one.
type unit struct {
	object.Object
	// template is what its pods are made of; field is where it stands.
	template corev1.PodTemplateSpec
	field    string
	// copies is how many pods run at once by the manifest, first the number of the
	// first of them where they are numbered.
	copies, first int
	// finished says that no pod of it will run again.
	finished bool
	// status is that of a running pod.
	status *corev1.PodStatus
	// seen says that pods of it are running in the snapshot.
	seen bool
	job  *batchv1.JobSpec
	// asks are the demands of its pods, once they were asked for.
	asks  []snapshot.Demand
	asked bool
}

// newUnit reads a workload or a pod.
func newUnit(o object.Object) (*unit, error) {
	u := &unit{Object: o, field: "spec.template", copies: 1}
	var err error
	switch o.Kind {
	case "Pod":
		err = u.pod()
	case "Job":
		err = u.batchJob()
	case "CronJob":
		var in batchv1.CronJob
		err = o.Decode(&in)
		u.ofJob(in.Spec.JobTemplate.Spec, "spec.jobTemplate.spec.template")
	case "DaemonSet":
		var in appsv1.DaemonSet
		err = o.Decode(&in)
		u.template, u.copies = in.Spec.Template, 2 // one a node
	default:
		err = u.replicated()
	}
	if err != nil {
		return nil, err
	}
	return u, validLabels(u.labelsField(), u.template.Labels)
}

func (u *unit) labelsField() string {
	if u.field == "" {
		return "metadata.labels"
	}
	return u.field + ".metadata.labels"
}

// replicated reads the kinds that have spec.replicas.
func (u *unit) replicated() error {
	replicas := (*int32)(nil)
	switch u.Kind {
	case "Deployment":
		var in appsv1.Deployment
		if err := u.Decode(&in); err != nil {
			return err
		}
		u.template, replicas = in.Spec.Template, in.Spec.Replicas
	case "StatefulSet":
		var in appsv1.StatefulSet
		if err := u.Decode(&in); err != nil {
			return err
		}
		u.template, replicas = in.Spec.Template, in.Spec.Replicas
		if in.Spec.Ordinals != nil {
			u.first = int(in.Spec.Ordinals.Start)
		}
	case "ReplicaSet":
		var in appsv1.ReplicaSet
		if err := u.Decode(&in); err != nil {
			return err
		}
		u.template, replicas = in.Spec.Template, in.Spec.Replicas
		// Those that a Deployment has moved on from stay, with no replicas.
		u.finished = replicas != nil && *replicas == 0 && len(u.Owners) > 0
	case "ReplicationController":
		var in corev1.ReplicationController
		if err := u.Decode(&in); err != nil {
			return err
		}
		replicas = in.Spec.Replicas
		if in.Spec.Template != nil {
			u.template = *in.Spec.Template
		}
	}
	if replicas != nil {
		u.copies = int(*replicas)
	}
	return nil
}

func (u *unit) pod() error {
	var in corev1.Pod
	if err := u.Decode(&in); err != nil {
		return err
	}
	u.field = ""
	u.template = corev1.PodTemplateSpec{ObjectMeta: in.ObjectMeta, Spec: in.Spec}
	u.status = &in.Status
	u.finished = in.Status.Phase == corev1.PodSucceeded || in.Status.Phase == corev1.PodFailed
	return nil
}

func (u *unit) batchJob() error {
	var in batchv1.Job
	if err := u.Decode(&in); err != nil {
		return err
	}
	u.ofJob(in.Spec, "spec.template")
	for _, c := range in.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			u.finished = true
		}
	}
	return nil
}

func (u *unit) ofJob(in batchv1.JobSpec, field string) {
	u.template, u.field, u.job = in.Template, field, &in
	if in.Parallelism != nil {
		u.copies = int(*in.Parallelism)
	}
}

// runsItself reports whether the unit is a pod rather than what makes pods.
func (u *unit) runsItself() bool { return u.Kind == "Pod" }
