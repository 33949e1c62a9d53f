package snapshot

import "cmp"

// PoolerOf is the server's pooler whose pods are those of a workload; nil for none.
func (s *Server) PoolerOf(w *Workload) *Pooler {
	for _, p := range s.Poolers {
		if p.Workload == w {
			return p
		}
	}
	return nil
}

// PoolerNamed is the server's pooler of a name that has pods of its own; nil for none, and
// for the empty name.
func (s *Server) PoolerNamed(name string) *Pooler {
	for _, p := range s.Poolers {
		if name != "" && p.Ref().Name == name {
			return p
		}
	}
	return nil
}

// Owns reports whether a workload is the server's, or that of one of its poolers.
func (s *Server) Owns(w *Workload) bool { return s.Workload == w || s.PoolerOf(w) != nil }

// DefaultAccount is the service account of pods that name none (Kubernetes documentation,
// Configure Service Accounts for Pods).
const DefaultAccount = "default"

// RunsAs is the service account of the pod.
func (p *Pod) RunsAs() string { return cmp.Or(p.ServiceAccount, DefaultAccount) }
