package world

// LeastProtocol is the default of ssl_min_protocol_version in a major version of
// PostgreSQL: TLSv1.2 since 13, TLSv1 before (release notes 13, "Change the default
// minimum TLS version"). Of a version that is not known it is a supported one's.
func LeastProtocol(version int) string {
	if version > 0 && version < 13 {
		return "TLSv1"
	}
	return "TLSv1.2"
}
