package hba

// MatchDatabases asks the list of databases alone. A record is about a session only
// if all of its parts are.
func (r *Record) MatchDatabases(s *Session) Match { return r.database(s) }

// MatchUsers asks the list of users alone.
func (r *Record) MatchUsers(s *Session) Match { return r.user(s) }

// MatchAddress asks the address alone; that of a local record is every client's.
func (r *Record) MatchAddress(c *Client) Match {
	if r.Type == Local {
		return Yes
	}
	return r.Address.match(c)
}
