package roundtrip

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/internal/estategen"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// What was asked is read here from the trees of the generator, and selectors are matched by
// hand: nothing of this is shared with what is tested.

type selector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []struct {
		Key, Operator string
		Values        []string
	} `json:"matchExpressions"`
}

type peer struct {
	Namespaces        []string
	NamespaceSelector *selector
	PodSelector       *selector
	ServiceAccounts   []string
	CIDRs             []string `json:"cidrs"`
	Outside           []string
}

type entry struct {
	Databases                                   []string
	Role, Endpoint, Pooler, Authentication, TLS string
}

type named struct {
	Name, Namespace string
}

type access struct {
	Metadata named
	Spec     struct {
		Server       struct{ Kind, Name string }
		From         []peer
		To           []entry
		Until        time.Time
		ClientEgress struct{ Isolation string }
	}
}

type perimeter struct {
	Metadata named
	Spec     struct {
		Server  struct{ Kind, Name string }
		Network struct {
			Egress           string
			ClientNamespaces *selector
			AdminTier        *struct{ Priority int }
		}
		Namespace  *struct{ DefaultDeny bool }
		TLS        struct{ Required *bool }
		Superuser  string
		Monitoring []peer
	}
}

// as reads a tree into what a test wants of it.
func as[T any](o estategen.Tree) (out T) {
	data, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		panic(err) // the trees are of this repository
	}
	return out
}

// read finds what was asked, of what has not ended, and the labels of the namespaces.
func (t *trip) read() {
	now := time.Unix(int64(t.job.Now), 0)
	for _, o := range t.estate.Intents {
		switch o["kind"] {
		case "PostgresAccess":
			a := as[access](o)
			if ended := !a.Spec.Until.IsZero() && t.job.Now != 0 && !a.Spec.Until.After(now); !ended {
				t.asked = append(t.asked, a)
			}
		case "PostgresPerimeter":
			t.walls = append(t.walls, as[perimeter](o))
		}
	}
	t.spaces = map[string]map[string]string{}
	for _, o := range t.estate.Objects {
		if o["kind"] == "Namespace" {
			meta := as[struct {
				Metadata struct {
					Name   string
					Labels map[string]string
				}
			}](o).Metadata
			t.spaces[meta.Name] = meta.Labels
		}
	}
}

// space are the labels of a namespace: the API server adds its name.
func (t *trip) space(name string) map[string]string {
	out := map[string]string{"kubernetes.io/metadata.name": name}
	for k, v := range t.spaces[name] {
		out[k] = v
	}
	return out
}

func (s *selector) matches(labels map[string]string) bool {
	if s == nil {
		return true
	}
	for k, v := range s.MatchLabels {
		if have, ok := labels[k]; !ok || have != v {
			return false
		}
	}
	for _, e := range s.MatchExpressions {
		have, ok := labels[e.Key]
		in := ok && slices.Contains(e.Values, have)
		if yes := map[string]bool{"In": in, "NotIn": !in, "Exists": ok, "DoesNotExist": !ok}[e.Operator]; !yes {
			return false
		}
	}
	return true
}

// addresses are those of a peer; empty for pods.
func (t *trip) addresses(p peer) flow.Addresses {
	cidrs := slices.Clone(p.CIDRs)
	facts := as[struct {
		Outside []struct {
			Name  string
			CIDRs []string `json:"cidrs"`
		}
	}](t.estate.Facts)
	for _, name := range p.Outside {
		for _, o := range facts.Outside {
			if o.Name == name {
				cidrs = append(cidrs, o.CIDRs...)
			}
		}
	}
	var out []netip.Prefix
	for _, c := range cidrs {
		out = append(out, netip.MustParsePrefix(c))
	}
	return flow.AddressesOf(out...)
}

// is reports whether a client is a peer of an object in namespace own.
func (t *trip) is(from network.Endpoint, p peer, own string) bool {
	outside := len(p.CIDRs)+len(p.Outside) > 0
	if from.Pod == nil {
		return outside && from.Outside.Minus(t.addresses(p)).IsEmpty()
	}
	if outside {
		return false
	}
	namespaces := p.Namespaces
	if len(namespaces) == 0 && p.NamespaceSelector == nil {
		namespaces = []string{own}
	}
	pod := from.Pod
	if len(namespaces) > 0 && !slices.Contains(namespaces, pod.Namespace) {
		return false
	}
	return p.NamespaceSelector.matches(t.space(pod.Namespace)) && p.PodSelector.matches(pod.Labels.Set) &&
		(len(p.ServiceAccounts) == 0 || slices.Contains(p.ServiceAccounts, cmp.Or(pod.ServiceAccount, "default")))
}

// client reports whether an access is about a client.
func (t *trip) client(a *access, from network.Endpoint) bool {
	return slices.ContainsFunc(a.Spec.From, func(p peer) bool { return t.is(from, p, a.Metadata.Namespace) })
}

// of reports whether an object asks about a server.
func about(namespace, kind, name string, s *snapshot.Server) bool {
	r := s.Ref()
	return r.Namespace == namespace && r.Name == name && (kind == "" || kind == r.Kind)
}

// wall is the perimeter of a server; nil for none.
func (t *trip) wall(s *snapshot.Server) *perimeter {
	for i, p := range t.walls {
		if about(p.Metadata.Namespace, p.Spec.Server.Kind, p.Spec.Server.Name, s) {
			return &t.walls[i]
		}
	}
	return nil
}

// accesses are those to a server.
func (t *trip) accesses(s *snapshot.Server) (out []*access) {
	for i, a := range t.asked {
		if about(a.Metadata.Namespace, a.Spec.Server.Kind, a.Spec.Server.Name, s) {
			out = append(out, &t.asked[i])
		}
	}
	return out
}
