package layer

import (
	"github.com/pgmoat/pgmoat/adapter/object"
)

// fills are what the API server and the operator's webhook fill into the spec of custom
// resources where a manifest is silent, as JSON; of a list, into each entry. Only values that
// are the same in every release are of use here: with another the resource counts as changed.
// They are as seen in a cluster of CloudNativePG 1.30; spec.imageName is not among them, as
// it is another one with each release of the operator.
var fills = map[object.Type]any{
	{Group: "postgresql.cnpg.io", Kind: "Cluster"}: parsed(`{
 "affinity": {"podAntiAffinityType": "preferred"},
 "bootstrap": {"initdb": {"database": "app", "owner": "app", "encoding": "UTF8", "localeCType": "C", "localeCollate": "C"}},
 "certificates": {}, "resources": {},
 "enablePDB": true, "enableSuperuserAccess": false, "failoverDelay": 0, "instances": 1, "logLevel": "info",
 "managed": {"roles": [{"connectionLimit": -1, "ensure": "present", "inherit": true}]},
 "maxSyncReplicas": 0, "minSyncReplicas": 0,
 "monitoring": {"customQueriesConfigMap": [{"key": "queries", "name": "cnpg-default-monitoring"}], "disableDefaultQueries": false, "enablePodMonitor": false},
 "postgresGID": 26, "postgresUID": 26,
 "postgresql": {
  "parameters": {"archive_mode": "on", "archive_timeout": "5min", "dynamic_shared_memory_type": "posix", "full_page_writes": "on",
   "log_destination": "csvlog", "log_directory": "/controller/log", "log_filename": "postgres", "log_rotation_age": "0", "log_rotation_size": "0",
   "log_truncate_on_rotation": "false", "logging_collector": "on", "max_parallel_workers": "32", "max_replication_slots": "32",
   "max_worker_processes": "32", "shared_memory_type": "mmap", "shared_preload_libraries": "", "ssl_max_protocol_version": "TLSv1.3",
   "ssl_min_protocol_version": "TLSv1.3", "wal_keep_size": "512MB", "wal_level": "logical", "wal_log_hints": "on",
   "wal_receiver_timeout": "5s", "wal_sender_timeout": "5s"},
  "syncReplicaElectionConstraint": {"enabled": false}},
 "primaryUpdateMethod": "restart", "primaryUpdateStrategy": "unsupervised",
 "probes": {"liveness": {"isolationCheck": {"connectionTimeout": 1000, "enabled": true, "requestTimeout": 1000}}},
 "replicationSlots": {"highAvailability": {"enabled": true, "slotPrefix": "_cnpg_"}, "synchronizeReplicas": {"enabled": true}, "updateInterval": 30},
 "smartShutdownTimeout": 180, "startDelay": 3600, "stopDelay": 1800, "switchoverDelay": 3600,
 "storage": {"resizeInUseVolumes": true}}`),
	{Group: "postgresql.cnpg.io", Kind: "Pooler"}: parsed(`{
 "instances": 1, "type": "rw", "pgbouncer": {"paused": false, "poolMode": "session"}}`),
}

func parsed(text string) any {
	out, err := tree([]byte(text))
	if err != nil {
		panic(err) // of a text above
	}
	return out
}

// filled reports whether a live value says what the manifest's does, and beyond it nothing but
// fills.
func filled(live, manifest, fill any) bool {
	switch m := manifest.(type) {
	case nil:
		return live == nil || onlyFilled(live, fill)
	case map[string]any:
		l, ok := live.(map[string]any)
		f, _ := fill.(map[string]any)
		return ok && filledMap(l, m, f)
	case []any:
		l, ok := live.([]any)
		if !ok || len(l) != len(m) {
			return false
		}
		var each any
		if f, ok := fill.([]any); ok && len(f) == 1 {
			each = f[0]
		}
		for i := range m {
			if !filled(l[i], m[i], each) {
				return false
			}
		}
		return true
	}
	return live == manifest
}

func filledMap(live, manifest, fill map[string]any) bool {
	for key, m := range manifest {
		if !filled(live[key], m, fill[key]) {
			return false
		}
	}
	for key, l := range live {
		if _, ok := manifest[key]; !ok && !filled(l, nil, fill[key]) {
			return false
		}
	}
	return true
}

// onlyFilled reports whether all of a value is what is filled in; a map may have less of it.
func onlyFilled(live, fill any) bool {
	l, ok := live.(map[string]any)
	f, isMap := fill.(map[string]any)
	if !ok || !isMap {
		return fill != nil && equalTrees(live, fill)
	}
	return filledMap(l, nil, f)
}

// filledResource is filled on two objects without metadata and status.
func filledResource(live, manifest []byte, t object.Type) bool {
	l, errL := bare(live)
	m, errM := bare(manifest)
	if errL != nil || errM != nil {
		return false
	}
	return filled(l, m, map[string]any{"spec": fills[t]})
}

// bare is an object without what says which one it is and how it fares.
func bare(data []byte) (map[string]any, error) {
	root, err := tree(data)
	delete(root, "status")
	delete(root, "metadata")
	return root, err
}
