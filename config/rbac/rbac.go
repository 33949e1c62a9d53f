// Package rbac holds the roles with which pgmoat reads a cluster: the least that does. A test
// writes reader.yaml from the kinds that are asked for.
package rbac

import _ "embed"

//go:embed reader.yaml
var reader []byte

//go:embed reader-certificates.yaml
var certificates []byte

// Reader returns the ClusterRole pgmoat-reader: it lists what is read of a cluster, and of
// Secrets no more than the server sends of their metadata.
func Reader() []byte { return reader }

// Certificates returns the ClusterRole that --certificates needs besides.
func Certificates() []byte { return certificates }
