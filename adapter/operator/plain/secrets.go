package plain

import (
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// secrets records where a variable of a container spells out a secret.
func (s *server) secrets(out *snapshot.Server) {
	for i, c := range s.spec.Template.Spec.Containers {
		for j, e := range c.Env {
			if world.IsSecret(e.Name, e.Value) {
				at := s.obj.Origin().At("spec.template.spec.containers[%d].env[%d].value", i, j)
				out.Settings = append(out.Settings, snapshot.Setting{Key: at.Field, Value: snapshot.Hidden, Origin: at})
			}
		}
	}
}
