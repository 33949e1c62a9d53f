package layer

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The defaults are those of the API server for its own kinds (kubernetes pkg/apis/*/v1,
// defaults.go). A server's own answer is asked in lab/controlplane.

// absent gives a field that is not there its default.
func absent[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// unset gives a field that is empty its default.
func unset[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func defaultDeployment(s *appsv1.DeploymentSpec) {
	absent(&s.Replicas, 1)
	absent(&s.RevisionHistoryLimit, 10)
	absent(&s.ProgressDeadlineSeconds, 600)
	unset(&s.Strategy.Type, appsv1.RollingUpdateDeploymentStrategyType)
	if s.Strategy.Type == appsv1.RollingUpdateDeploymentStrategyType {
		absent(&s.Strategy.RollingUpdate, appsv1.RollingUpdateDeployment{})
		absent(&s.Strategy.RollingUpdate.MaxUnavailable, intstr.FromString("25%"))
		absent(&s.Strategy.RollingUpdate.MaxSurge, intstr.FromString("25%"))
	}
	defaultTemplate(&s.Template)
}

func defaultStatefulSet(s *appsv1.StatefulSetSpec) {
	absent(&s.Replicas, 1)
	absent(&s.RevisionHistoryLimit, 10)
	unset(&s.PodManagementPolicy, appsv1.OrderedReadyPodManagement)
	unset(&s.UpdateStrategy.Type, appsv1.RollingUpdateStatefulSetStrategyType)
	if s.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType {
		absent(&s.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{})
		absent(&s.UpdateStrategy.RollingUpdate.Partition, 0)
		absent(&s.UpdateStrategy.RollingUpdate.MaxUnavailable, intstr.FromInt32(1)) // a feature that not all have
	}
	absent(&s.PersistentVolumeClaimRetentionPolicy, appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{})
	unset(&s.PersistentVolumeClaimRetentionPolicy.WhenDeleted, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	unset(&s.PersistentVolumeClaimRetentionPolicy.WhenScaled, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	for i := range s.VolumeClaimTemplates {
		claim := &s.VolumeClaimTemplates[i]
		claim.APIVersion, claim.Kind, claim.Status = "", "", corev1.PersistentVolumeClaimStatus{}
		absent(&claim.Spec.VolumeMode, corev1.PersistentVolumeFilesystem)
	}
	defaultTemplate(&s.Template)
}

func defaultDaemonSet(s *appsv1.DaemonSetSpec) {
	absent(&s.RevisionHistoryLimit, 10)
	unset(&s.UpdateStrategy.Type, appsv1.RollingUpdateDaemonSetStrategyType)
	if s.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		absent(&s.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateDaemonSet{})
		absent(&s.UpdateStrategy.RollingUpdate.MaxUnavailable, intstr.FromInt32(1))
		absent(&s.UpdateStrategy.RollingUpdate.MaxSurge, intstr.FromInt32(0))
	}
	defaultTemplate(&s.Template)
}

func defaultReplicationController(s *corev1.ReplicationControllerSpec) {
	absent(&s.Replicas, 1)
	absent(&s.Template, corev1.PodTemplateSpec{})
	if len(s.Selector) == 0 {
		s.Selector = s.Template.Labels
	}
	defaultTemplate(s.Template)
}

// ofJob are the labels that the API server gives the pods of a Job, and selects them by.
var ofJob = []string{batchv1.ControllerUidLabel, batchv1.JobNameLabel, "controller-uid", "job-name"}

func defaultJob(s *batchv1.JobSpec) {
	if s.Completions == nil && s.Parallelism == nil {
		absent(&s.Completions, 1)
	}
	absent(&s.Parallelism, 1)
	absent(&s.BackoffLimit, 6)
	absent(&s.CompletionMode, batchv1.NonIndexedCompletion)
	absent(&s.Suspend, false)
	absent(&s.ManualSelector, false)
	defaultFailures(s)
	if !*s.ManualSelector {
		s.Selector = nil
		for _, key := range ofJob {
			delete(s.Template.Labels, key)
		}
	}
	defaultTemplate(&s.Template)
}

func defaultFailures(s *batchv1.JobSpec) {
	if s.PodFailurePolicy == nil {
		absent(&s.PodReplacementPolicy, batchv1.TerminatingOrFailed)
		return
	}
	absent(&s.PodReplacementPolicy, batchv1.Failed)
	for _, r := range s.PodFailurePolicy.Rules {
		for i := range r.OnPodConditions {
			unset(&r.OnPodConditions[i].Status, corev1.ConditionTrue)
		}
	}
}

func defaultCronJob(s *batchv1.CronJobSpec) {
	unset(&s.ConcurrencyPolicy, batchv1.AllowConcurrent)
	absent(&s.Suspend, false)
	absent(&s.SuccessfulJobsHistoryLimit, 3)
	absent(&s.FailedJobsHistoryLimit, 1)
	defaultJob(&s.JobTemplate.Spec)
}

func defaultService(s *corev1.ServiceSpec) {
	unset(&s.Type, corev1.ServiceTypeClusterIP)
	unset(&s.SessionAffinity, corev1.ServiceAffinityNone)
	if s.SessionAffinity == corev1.ServiceAffinityClientIP {
		absent(&s.SessionAffinityConfig, corev1.SessionAffinityConfig{})
		absent(&s.SessionAffinityConfig.ClientIP, corev1.ClientIPConfig{})
		absent(&s.SessionAffinityConfig.ClientIP.TimeoutSeconds, corev1.DefaultClientIPServiceAffinitySeconds)
	}
	outside := s.Type == corev1.ServiceTypeNodePort || s.Type == corev1.ServiceTypeLoadBalancer
	if s.Type != corev1.ServiceTypeExternalName {
		absent(&s.InternalTrafficPolicy, corev1.ServiceInternalTrafficPolicyCluster)
	}
	if outside || s.Type == corev1.ServiceTypeClusterIP && len(s.ExternalIPs) > 0 {
		unset(&s.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster)
	}
	if s.Type == corev1.ServiceTypeLoadBalancer {
		absent(&s.AllocateLoadBalancerNodePorts, true)
	}
	for i := range s.Ports {
		p := &s.Ports[i]
		unset(&p.Protocol, corev1.ProtocolTCP)
		if p.TargetPort == intstr.FromInt32(0) || p.TargetPort == intstr.FromString("") {
			p.TargetPort = intstr.FromInt32(p.Port)
		}
	}
}
