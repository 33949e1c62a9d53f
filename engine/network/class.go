package network

import "github.com/pgmoat/pgmoat/model/snapshot"

// ClassOf returns what the policies in use can see of a pod, as a key: two pods of
// one class get the same verdict wherever either could stand, apart from meeting
// itself.
func (e *Engine) ClassOf(p *snapshot.Pod) string { return e.seen().key(p) }
