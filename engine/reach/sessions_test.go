package reach

import "github.com/pgmoat/pgmoat/model/snapshot"

// everySession lists what clients may ask a server for, a session at a time: every
// database and role that is named and any other, in each way of presenting oneself.
func everySession(s *snapshot.Server) []Session {
	var out []Session
	for _, database := range append(Databases(s), AnyOther, PhysicalReplication) {
		for _, role := range append(Roles(s), AnyOther) {
			out = append(out, presented(database, role, true)...)
		}
	}
	return out
}
