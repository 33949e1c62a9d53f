package pgo

import (
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// demands: pods fit the level restricted since the operator sets a seccomp profile
// [CrunchyData/postgres-operator-examples#248; percona
// internal/controller/postgrescluster/postgres.go@3.0.0]. Percona's follows the release
// that the object names, and its instances may bring a profile of their own.
func (c *Cluster) demands() []snapshot.Demand {
	for _, s := range c.Input.Settings {
		if strings.HasSuffix(s.Key, ".securityContext.seccompProfile.type") {
			return ownProfile(s)
		}
	}
	release := c.Input.Release
	if release == nil {
		release = c.release
	}
	if release.From(c.fork.Seccomp...) {
		return nil
	}
	return []snapshot.Demand{{Kind: snapshot.NoSeccomp, Maybe: release == nil, Origin: c.obj.Origin()}}
}

func ownProfile(s snapshot.Setting) []snapshot.Demand {
	if s.Value == "Unconfined" {
		return []snapshot.Demand{{Kind: snapshot.Unconfined, Origin: s.Origin}}
	}
	return nil
}
