package stackgres

import (
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// LogStore is the duty of the cluster that keeps the logs of others.
const LogStore = "log store"

// composeLogs returns the SGCluster that the operator makes of each SGDistributedLogs:
// of one instance and of the same name, with a container of Fluentd that takes records
// at 12225 [sg F/distributedlogs/DistributedLogsCluster.java@1.18.6].
func composeLogs(w *operator.World) []*cluster {
	var out []*cluster
	for _, o := range w.Objects["SGDistributedLogs."+group] {
		var in struct {
			Spec struct {
				PostgresServices struct {
					Primary  serviceSpec `json:"primary"`
					Replicas serviceSpec `json:"replicas"`
				} `json:"postgresServices"`
				Configurations struct {
					SGPostgresConfig string `json:"sgPostgresConfig"`
				} `json:"configurations"`
				Metadata metadataSpec `json:"metadata"`
			} `json:"spec"`
			Status clusterStatus `json:"status"`
		}
		world.Read(w, o, &in)
		spec := clusterSpec{Metadata: in.Spec.Metadata, PostgresServices: in.Spec.PostgresServices}
		spec.PostgresServices.Primary.Enabled = nil
		spec.PostgresServices.Primary.CustomPorts = append(spec.PostgresServices.Primary.CustomPorts,
			world.PortSpec{Name: "forward", Port: fluentdNumber, TargetPort: world.IntOrString(`"forward"`)})
		spec.Configurations.SGPostgresConfig = in.Spec.Configurations.SGPostgresConfig
		spec.Pods.DisableEnvoy = yes(true)
		spec.Pods.CustomContainers = []customContainer{{Name: "fluentd", Ports: []customPort{{Name: "forward", ContainerPort: fluentdNumber}}}}
		c := newCluster(w, o, snapshot.Ref{Kind: "SGCluster", Namespace: o.Namespace, Name: o.Name}, spec)
		c.logsFor = o.Name
		c.server.Parent, c.server.Duty = o.Ref(), LogStore
		out = append(out, c)
	}
	return out
}
